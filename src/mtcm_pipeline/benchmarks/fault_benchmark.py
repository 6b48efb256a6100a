"""How well faulty frames are found, on captures that nobody was tuned on.

    python -m mtcm_pipeline.benchmarks.fault_benchmark ../shared/captures/* \\
        --generated data/raw_images --scenarios /tmp/scenarios --out faults.csv

Every capture is spoilt with every kind of fault, gross and subtle, at several shares, and
with blocks of frames that share one pose error. The judge and boosting are trained on the
spoilt versions of the other captures and on generated ones; `generated only` has seen no
real capture, as the judge that comes with the package.

Dimension letters: N frames.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.fault_metrics import (
    caught_at_loss,
    threshold_at_loss,
    won_pairs,
)
from mtcm_pipeline.benchmarks.fault_rivals import RIVALS, boosting
from mtcm_pipeline.benchmarks.fault_scenarios import (
    SpoiltCapture,
    measured_scenarios,
    training_scenarios,
)
from mtcm_pipeline.benchmarks.fault_tables import (
    ALL_KINDS,
    blocks_and_many,
    carried_table,
    printed,
    recall_at_2,
    recall_at_5,
    roc_area,
    summary,
)
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.judge.checkpoint import Judge
from mtcm_pipeline.judge.fitting import fitted_judge
from mtcm_pipeline.judge.kinds import FAULT_KINDS, GROUP_OF
from mtcm_pipeline.judge.model import ModelOptions
from mtcm_pipeline.judge.observations import Observations
from mtcm_pipeline.judge.training import JudgeTrainOptions

log = logging.getLogger(__name__)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Score = Callable[[Observations], Float]

GENERATED_ONLY, LEFT_OUT, BOOSTING = "judge, generated only", "judge", "boosting"


@dataclass(frozen=True)
class BenchmarkRow:
    """One method on one kind of fault in one spoilt capture.

    Attributes:
        capture: identity.
        plan: of faults.
        seed: of the faults.
        kind: of fault, or `all` for the spoilt capture as a whole.
        strength: gross or subtle.
        method: who scored.
        frames: faulty frames of the kind.
        sound: sound frames.
        won: pairs of a faulty and a sound frame in which the faulty scored higher.
        caught_2: faulty frames found where 2 percent of the sound are lost.
        caught_5: the same at 5 percent.
        caught: faulty frames found at the threshold carried over from other captures.
        lost: sound frames lost at it.
        reasons: of the caught, how many have the right reason.
    """

    capture: str
    plan: str
    seed: int
    kind: str
    strength: str
    method: str
    frames: int
    sound: int
    won: float
    caught_2: int
    caught_5: int
    caught: float = np.nan
    lost: float = np.nan
    reasons: float = np.nan


@dataclass(frozen=True)
class Method:
    """A scorer with the threshold that it carries over, if it has any.

    Attributes:
        name: in tables.
        score: (N,) larger is worse.
        threshold: at 2 percent of good frames lost on other captures; NaN without.
        groups: which group of reasons each frame would get; None without reasons.
    """

    name: str
    score: Score
    threshold: float = np.nan
    groups: Callable[[Observations], list[str]] | None = None


def judge_method(name: str, judge: Judge) -> Method:
    """A trained judge as a method; without calibration it carries no threshold."""
    calibration = judge.calibration

    def score(seen: Observations) -> Float:
        logits = judge.logits(seen).faulty
        return logits if calibration is None else calibration.adapted(logits)

    def groups(seen: Observations) -> list[str]:
        kinds = judge.logits(seen).kinds.argmax(axis=1)
        return [GROUP_OF[FAULT_KINDS[kind]] for kind in kinds]

    threshold = np.nan if calibration is None else calibration.threshold(2.0)
    return Method(name, score, threshold, groups)


def boosting_method(training: Sequence[SpoiltCapture]) -> Method:
    """Boosting, its threshold from captures that its trees have not seen."""
    names = sorted({one.capture for one in training})
    held_out: list[Float] = []
    for part in (names[::2], names[1::2]):
        learned = [one for one in training if one.capture not in part]
        score = boosting([o.seen for o in learned], [o.faulty for o in learned])
        held_out += [score(o.seen)[~o.faulty] for o in training if o.capture in part]
    limit = threshold_at_loss(np.concatenate(held_out), 0.02)
    score = boosting([o.seen for o in training], [o.faulty for o in training])
    return Method(BOOSTING, score, limit)


def rows_of(one: SpoiltCapture, method: Method) -> Iterator[BenchmarkRow]:
    """Rows of one method on one spoilt capture: every kind in it, and all together."""
    scores = method.score(one.seen)
    groups = None if method.groups is None else method.groups(one.seen)
    truth, sound = one.scenario.truth, ~one.faulty
    bad = truth.loc[one.faulty, ["kind", "strength"]].drop_duplicates()
    kinds = [(str(kind), str(how)) for kind, how in bad.itertuples(index=False)]
    strength = "subtle" if "subtle" in one.scenario.plan else "gross"
    for kind, how in [*kinds, (ALL_KINDS, strength)]:
        chosen = one.faulty
        if kind != ALL_KINDS:
            chosen = ((truth["kind"] == kind) & (truth["strength"] == how)).to_numpy()
        above = None
        if np.isfinite(method.threshold):
            above = scores > method.threshold
        yield BenchmarkRow(
            one.capture,
            one.scenario.plan,
            one.scenario.seed,
            kind,
            how,
            method.name,
            int(chosen.sum()),
            int(sound.sum()),
            won_pairs(scores, chosen, sound)[0],
            caught_at_loss(scores, chosen, sound, 0.02),
            caught_at_loss(scores, chosen, sound, 0.05),
            *_at_threshold(above, chosen, groups, one),
        )


def _at_threshold(
    above: Bool | None, chosen: Bool, groups: list[str] | None, one: SpoiltCapture
) -> tuple[float, float, float]:
    """Caught and lost frames, and right reasons, at the carried threshold."""
    if above is None:
        return np.nan, np.nan, np.nan
    caught = np.flatnonzero(above & chosen)
    right = np.nan
    if groups is not None:
        right = float(sum(groups[i] == GROUP_OF[one.kinds[i]] for i in caught))
    return float(len(caught)), float((above & ~one.faulty).sum()), right


def benchmark(
    spoilt: Sequence[SpoiltCapture],
    options: JudgeTrainOptions,
    members: int,
    ablations: Mapping[str, tuple[tuple[str, ...], ModelOptions]] | None = None,
) -> Iterator[BenchmarkRow]:
    """Rows of all methods, one capture left out after another.

    Args:
        spoilt: of all captures, those to train on only included.
        options: of the judge's training.
        members: networks that vote in a judge.
        ablations: by name, evidence that is withheld (beginnings of column names) and
            the network; trained on generated captures.
    """
    generated = [one for one in spoilt if not one.measured]
    measured = [one for one in spoilt if one.measured]
    fixed = [Method(name, score) for name, score in RIVALS.items()]
    if generated:
        judge = fitted_judge(_labelled(generated), options, members)
        fixed.append(judge_method(GENERATED_ONLY, judge))
    for name, (withheld, network) in (ablations or {}).items():
        fixed.append(_ablated(name, generated, withheld, network, options))
    for one in measured:
        for method in fixed:
            yield from rows_of(one, method)
    for capture in dict.fromkeys(one.capture for one in measured):
        rest = [one for one in spoilt if one.capture != capture]
        judge = fitted_judge(_labelled(rest), options, members, calibration_folds=1)
        methods = [judge_method(LEFT_OUT, judge), boosting_method(rest)]
        for one in measured:
            if one.capture == capture:
                for method in methods:
                    yield from rows_of(one, method)


def _ablated(
    name: str,
    generated: Sequence[SpoiltCapture],
    withheld: tuple[str, ...],
    network: ModelOptions,
    options: JudgeTrainOptions,
) -> Method:
    """A judge without some evidence or parts, trained on generated captures."""
    labelled = [(one.seen.without(withheld), one.kinds, one.capture) for one in generated]
    judge = fitted_judge(labelled, options, 1, network, calibration_folds=0)
    method = judge_method(name, judge)
    return Method(name, lambda seen: method.score(seen.without(withheld)))


def _labelled(
    spoilt: Sequence[SpoiltCapture],
) -> list[tuple[Observations, list[str], str]]:
    return [(one.seen, one.kinds, one.capture) for one in spoilt]


_PAIRS = (
    "part_", "majority", "trust", "spectral", "disagree_", "excess_", "turn", "aside",
    "behind", "same_turn", "few_", "unconnected_", "unmatched_",
)  # fmt: skip
_NOT_TOKENS = (
    *_PAIRS, "dull_", "light_", "brighter", "contrast", "clipped", "dark", "bright",
    "mask_", "novel_", "repeats", "twin_", "reprojection",
)  # fmt: skip
ABLATIONS: Mapping[str, tuple[tuple[str, ...], ModelOptions]] = {
    "whole, one network": ((), ModelOptions()),
    "without edges": ((), ModelOptions(edges=False)),
    "without messages": ((), ModelOptions(messages=False)),
    "without layers": ((), ModelOptions(layers=0)),
    "without GP evidence": (("gp_",), ModelOptions()),
    "without patches": (("novel_", "mask_unlike"), ModelOptions()),
    "without frames' pair sums": (_PAIRS, ModelOptions()),
    "tokens only": (_NOT_TOKENS, ModelOptions(edges=False)),
}


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--generated", type=click.Path(path_type=Path), help="Folder of captures.")
@click.option("--scenarios", required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1))
@click.option("--steps", default=600, show_default=True, type=click.IntRange(1))
@click.option("--members", default=1, show_default=True, type=click.IntRange(1, 8))
@click.option("--ablations/--no-ablations", default=False)
def main(  # noqa: PLR0917
    folders: tuple[Path, ...],
    generated: Path | None,
    scenarios: Path,
    out: Path,
    seeds: int,
    steps: int,
    members: int,
    ablations: bool,
) -> None:
    """Spoil the captures in FOLDERS and see which frames are found; SCENARIOS keeps the
    spoilt captures between runs."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    spoilt = list(_spoilt(folders, generated, scenarios, seeds))
    log.info("%d spoilt captures", len(spoilt))
    options = JudgeTrainOptions(steps=steps)
    parts = ABLATIONS if ablations else None
    found = benchmark(spoilt, options, members, parts)
    rows = pd.DataFrame(write_as_known(found, BenchmarkRow, out))
    console = Console(width=220)
    single = rows[rows["kind"] != ALL_KINDS]
    console.print(printed("ROC area", summary(single, roc_area)))
    console.print(printed("recall, 2 % lost", summary(single, recall_at_2)))
    console.print(printed("recall, 5 % lost", summary(single, recall_at_5)))
    console.print(printed("blocks, and many faults", blocks_and_many(rows)))
    console.print(printed("threshold carried over, 2 % asked", carried_table(rows)))


def _spoilt(
    folders: Sequence[Path], generated: Path | None, scenarios: Path, seeds: int
) -> Iterator[SpoiltCapture]:
    captures = {folder.resolve().name: load_photos(folder) for folder in folders}
    yield from measured_scenarios(captures, range(seeds), scenarios)
    if generated is not None:
        inside = sorted(place for place in generated.iterdir() if place.is_dir())
        drawn = {place.name: load_photos(place, clean_poses=True) for place in inside}
        yield from training_scenarios(drawn, scenarios)


if __name__ == "__main__":
    main()
