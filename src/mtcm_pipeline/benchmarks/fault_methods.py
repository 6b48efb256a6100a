"""Who scores the frames in the fault benchmark: judges, boosting, simple checks.

Dimension letters: N frames.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.benchmarks.fault_metrics import threshold_at_loss
from mtcm_pipeline.benchmarks.fault_rivals import RIVALS, boosting
from mtcm_pipeline.benchmarks.fault_rows import Judged, Method
from mtcm_pipeline.benchmarks.fault_store import SpoiltCapture
from mtcm_pipeline.judge.checkpoint import (
    Judge,
    judge_from_bytes,
    judge_to_bytes,
    shipped_judge,
)
from mtcm_pipeline.judge.fitting import fitted_judge
from mtcm_pipeline.judge.kinds import GROUP_OF
from mtcm_pipeline.judge.model import ModelOptions
from mtcm_pipeline.judge.observations import Observations, signature
from mtcm_pipeline.judge.training import JudgeTrainOptions
from mtcm_pipeline.judge.verdicts import judged_frames

Float = NDArray[np.float64]

SHIPPED, GENERATED_ONLY = "judge, shipped", "judge, generated only"
LEFT_OUT, BOOSTING = "judge", "boosting"
ASKED_PERCENT = 2.0

_PAIRS = (
    "part_", "majority", "trust", "spectral", "disagree_", "excess_", "turn", "aside",
    "behind", "same_turn", "few_", "unconnected_", "unmatched_",
)  # fmt: skip
_NOT_TOKENS = (
    *_PAIRS, "dull_", "light_", "brighter", "contrast", "clipped", "dark", "bright",
    "mask_", "novel_", "repeats", "twin_", "reprojection",
)  # fmt: skip
# By name, evidence that is withheld (beginnings of column names) and the network.
ABLATIONS: Mapping[str, tuple[tuple[str, ...], ModelOptions]] = {
    "whole, one network": ((), ModelOptions()),
    "without edges": ((), ModelOptions(edges=False)),
    "without messages": ((), ModelOptions(messages=False)),
    "without layers": ((), ModelOptions(layers=0)),
    "without GP evidence": (("gp_",), ModelOptions()),
    "without patches": (
        ("novel_", "mask_unlike", "mask_partners_", "mask_content_"),
        ModelOptions(),
    ),
    "without frames' pair sums": (_PAIRS, ModelOptions()),
    "tokens only": (_NOT_TOKENS, ModelOptions(edges=False)),
}


@dataclass(frozen=True)
class Trainer:
    """How judges are trained, and where they are kept.

    Attributes:
        options: of the training.
        members: networks that vote in a judge.
        folder: keeps trained judges between runs.
    """

    options: JudgeTrainOptions
    members: int
    folder: Path

    def judge(
        self,
        training: Sequence[SpoiltCapture],
        *,
        folds: int,
        withheld: tuple[str, ...] = (),
        network: ModelOptions | None = None,
        members: int | None = None,
    ) -> Judge:
        """A judge trained on spoilt captures, or the one that is kept.

        Args:
            training: of at least two captures.
            folds: see `fitted_judge`.
            withheld: evidence that is taken away.
            network: its size; the usual when None.
            members: instead of the trainer's own.
        """
        members = members or self.members
        facts = {
            "files": sorted(one.name for one in training),
            "inputs": signature(training[0].seen.columns),
            "options": asdict(self.options),
            "rest": [members, folds, withheld, asdict(network or ModelOptions())],
        }
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        file = self.folder / f"judge-{key}.safetensors"
        if not file.is_file():
            labelled = [one.labelled(withheld) for one in training]
            judge = fitted_judge(
                labelled, self.options, members, network, calibration_folds=folds
            )
            self.folder.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            part.write_bytes(judge_to_bytes(judge))
            part.rename(file)
        return judge_from_bytes(file.read_bytes())


def judge_method(name: str, judge: Judge) -> Method:
    """A calibrated judge: what a user would be told."""

    def judged(one: SpoiltCapture) -> Judged:
        assert judge.calibration is not None
        table = judged_frames(judge, one.seen, one.evidence(), ASKED_PERCENT)
        dropped = table["faulty"].to_numpy(bool)
        groups = [GROUP_OF.get(kind, "") for kind in table["kind"]]
        scores = table["fault_score"].to_numpy(np.float64)
        probability = table["fault_probability"].to_numpy(np.float64)
        return Judged(scores, dropped, groups, probability)

    return Method(name, judged)


def shipped_method() -> Method:
    """The judge that comes with the package."""
    return judge_method(SHIPPED, shipped_judge())


def simple_methods() -> list[Method]:
    """Single checks, without any training."""

    def method(name: str, score: Callable[[Observations], Float]) -> Method:
        return Method(name, lambda one: Judged(score(one.seen)))

    return [method(name, score) for name, score in RIVALS.items()]


def ablated_method(
    name: str, trainer: Trainer, training: Sequence[SpoiltCapture]
) -> Method:
    """A judge of one network without some evidence or parts, uncalibrated."""
    withheld, network = ABLATIONS[name]
    judge = trainer.judge(
        training, folds=0, withheld=withheld, network=network, members=1
    )

    def judged(one: SpoiltCapture) -> Judged:
        seen = one.seen.without(withheld) if withheld else one.seen
        return Judged(judge.logits(seen).faulty)

    return Method(name, judged)


def boosting_method(training: Sequence[SpoiltCapture]) -> Method:
    """Boosting, its threshold from captures that its trees have not seen."""
    names = sorted({one.capture for one in training})
    held_out: list[Float] = []
    for part in (names[::2], names[1::2]):
        learned = [one for one in training if one.capture not in part]
        score = boosting([o.seen for o in learned], [o.faulty for o in learned])
        held_out += [score(o.seen)[~o.faulty] for o in training if o.capture in part]
    limit = threshold_at_loss(np.concatenate(held_out), ASKED_PERCENT / 100)
    whole = boosting([o.seen for o in training], [o.faulty for o in training])

    def judged(one: SpoiltCapture) -> Judged:
        scores = whole(one.seen)
        return Judged(scores, scores > limit)

    return Method(BOOSTING, judged)
