"""Train the judge that comes with the package, on generated captures only.

    python -m mtcm_pipeline.benchmarks.judge_training \\
        --scenarios /tmp/scenarios --out src/mtcm_pipeline/judge/weights

With `--held-out 4` every fourth capture is left out and judged; that is what settings are
chosen by, never real captures. `--recalibrate` keeps the networks that the package has
and reads their thresholds off drawn captures that they were not trained on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np

from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.benchmarks.command import BenchmarkCommand
from mtcm_pipeline.benchmarks.fault_metrics import won_pairs
from mtcm_pipeline.benchmarks.fault_scenarios import (
    DRAWN,
    FIRST_DRAWN,
    training_scenarios,
)
from mtcm_pipeline.benchmarks.fault_store import SpoiltCapture
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.judge.calibration import calibrated
from mtcm_pipeline.judge.checkpoint import (
    SHIPPED,
    Judge,
    judge_to_bytes,
    shipped_judge,
)
from mtcm_pipeline.judge.fitting import fitted_judge
from mtcm_pipeline.judge.training import JudgeTrainOptions

log = logging.getLogger(__name__)

CARD = "judge.json"
_STEPS = JudgeTrainOptions().steps


def card_of(spoilt: Sequence[SpoiltCapture], options: JudgeTrainOptions) -> dict:
    """What a judge was trained on, for people."""
    kinds = [kind for one in spoilt for kind in one.kinds if kind]
    return {
        "what": "judge of faulty frames; see docs/fault_detection.md",
        "trained on": "generated captures only, spoilt by faults.inject",
        "captures": sorted({one.capture for one in spoilt}),
        "spoilt captures": len(spoilt),
        "frames": sum(len(one.kinds) for one in spoilt),
        "faulty frames": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "training": asdict(options),
    }


def held_out_word(judge: Judge, spoilt: Sequence[SpoiltCapture]) -> dict[str, float]:
    """How well captures are judged that a judge has not seen: ROC area, and shares of
    sound frames lost and of faulty frames found at the 2 percent threshold."""
    assert judge.calibration is not None
    limit = judge.calibration.threshold(2.0)
    area, lost, caught = [], [], []
    for one in spoilt:
        scores = judge.calibration.adapted(judge.logits(one.seen).faulty)
        lost.append(float((scores[~one.faulty] > limit).mean()))
        if one.faulty.any():
            won, pairs = won_pairs(scores, one.faulty, ~one.faulty)
            area.append(won / pairs)
            caught.append(float((scores[one.faulty] > limit).mean()))
    return {
        "area": float(np.mean(area)),
        "lost": float(np.mean(lost)),
        "found": float(np.mean(caught)),
    }


def train_and_write(
    spoilt: Sequence[SpoiltCapture], options: JudgeTrainOptions, members: int, out: Path
) -> None:
    """Train on everything, and write it."""
    card = json.dumps(card_of(spoilt, options), indent=1)
    labelled = [one.labelled() for one in spoilt]
    write(fitted_judge(labelled, options, members, card=card), out)


def write(judge: Judge, out: Path) -> None:
    """The weights, and the card beside them."""
    content = judge_to_bytes(judge)
    out.mkdir(parents=True, exist_ok=True)
    (out / SHIPPED).write_bytes(content)
    (out / CARD).write_text(judge.card + "\n", encoding="utf-8")
    log.info("%.0f kB of weights", len(content) / 1000)


def recalibrated(judge: Judge, spoilt: Sequence[SpoiltCapture]) -> Judge:
    """The same networks, read off captures that they have not seen.

    Raises:
        CaptureError: they have seen one of them.
    """
    card = json.loads(judge.card)
    names = sorted({one.capture for one in spoilt})
    if seen := sorted(set(names) & set(card["captures"])):
        raise CaptureError(
            f"the judge was trained on {', '.join(seen)}: calibrate it on other captures"
        )
    typical = [one for one in spoilt if one.typical]
    reading = calibrated(
        [judge.logits(one.seen).faulty for one in typical],
        [one.faulty for one in typical],
        captures=[one.capture for one in typical],
    )
    card["calibrated on"] = names
    return replace(judge, calibration=reading, card=json.dumps(card, indent=1))


@click.command(cls=BenchmarkCommand)
@click.option("--scenarios", required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--first", default=FIRST_DRAWN, show_default=True, type=click.IntRange(0))
@click.option("--drawn", default=DRAWN, show_default=True, type=click.IntRange(2))
@click.option("--steps", default=_STEPS, show_default=True, type=click.IntRange(1))
@click.option("--members", default=8, show_default=True, type=click.IntRange(1, 8))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--held-out", default=0, show_default=True, help="Every n-th; 0: none.")
@click.option("--recalibrate", is_flag=True, help="Keep the networks that are there.")
@click.option("--known-only", is_flag=True, help="Take the SCENARIOS that are there.")
def main(  # noqa: PLR0917
    scenarios: Path,
    out: Path,
    first: int,
    drawn: int,
    steps: int,
    members: int,
    seed: int,
    held_out: int,
    recalibrate: bool,
    known_only: bool,
) -> None:
    """Draw captures, spoil them and train on them; SCENARIOS keeps the spoilt captures
    between runs. The weights go into the folder OUT."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start = cpu_seconds()
    numbers = range(first, first + drawn)
    spoilt = list(training_scenarios(numbers, scenarios, known_only=known_only))
    log.info("%d spoilt captures", len(spoilt))
    options = JudgeTrainOptions(steps=steps, seed=seed)
    if recalibrate:
        write(recalibrated(shipped_judge(), spoilt), out)
    elif held_out:
        unseen = set(sorted({one.capture for one in spoilt})[::held_out])
        learned = [one for one in spoilt if one.capture not in unseen]
        judge = fitted_judge([one.labelled() for one in learned], options, members)
        rest = [one for one in spoilt if one.capture in unseen]
        log.info("left out: %s", held_out_word(judge, rest))
    else:
        train_and_write(spoilt, options, members, out)
    log.info("%.0f CPU s", cpu_seconds() - start)


if __name__ == "__main__":
    main()
