"""Train the judge that comes with the package, on generated captures only.

    python -m mtcm_pipeline.benchmarks.judge_training data/raw_images \\
        --scenarios /tmp/scenarios --out src/mtcm_pipeline/judge/weights
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.benchmarks.fault_scenarios import SpoiltCapture, training_scenarios
from mtcm_pipeline.judge.checkpoint import SHIPPED, judge_to_bytes
from mtcm_pipeline.judge.fitting import fitted_judge
from mtcm_pipeline.judge.training import JudgeTrainOptions

log = logging.getLogger(__name__)

CARD = "judge.json"
# In logits. Sound frames of real captures look odder than those of generated ones; set
# after looking at how many of them five real captures lose.
REAL_MARGIN = 3.0


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
        "plans": sorted({one.scenario.plan for one in spoilt}),
        "training": asdict(options),
    }


@click.command()
@click.argument("generated", type=click.Path(path_type=Path))
@click.option("--scenarios", required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--steps", default=600, show_default=True, type=click.IntRange(1))
@click.option("--members", default=2, show_default=True, type=click.IntRange(1, 8))
@click.option("--known-only", is_flag=True, help="Take the SCENARIOS that are there.")
def main(  # noqa: PLR0917
    generated: Path,
    scenarios: Path,
    out: Path,
    steps: int,
    members: int,
    known_only: bool,
) -> None:
    """Spoil the generated captures in GENERATED and train on them; SCENARIOS
    keeps the spoilt captures between runs."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start = cpu_seconds()
    inside = sorted(place for place in generated.iterdir() if place.is_dir())
    captures = {place.name: load_photos(place, clean_poses=True) for place in inside}
    spoilt = list(training_scenarios(captures, scenarios, known_only=known_only))
    options = JudgeTrainOptions(steps=steps)
    card = json.dumps(card_of(spoilt, options), indent=1)
    labelled = [(one.seen, one.kinds, one.capture) for one in spoilt]
    judge = fitted_judge(labelled, options, members, card=card)
    assert judge.calibration is not None
    reading = replace(judge.calibration, margin=REAL_MARGIN)
    content = judge_to_bytes(replace(judge, calibration=reading))
    out.mkdir(parents=True, exist_ok=True)
    (out / SHIPPED).write_bytes(content)
    (out / CARD).write_text(card + "\n", encoding="utf-8")
    log.info(
        "%d spoilt captures, %.0f kB of weights, %.0f CPU s",
        len(spoilt),
        len(content) / 1000,
        cpu_seconds() - start,
    )


if __name__ == "__main__":
    main()
