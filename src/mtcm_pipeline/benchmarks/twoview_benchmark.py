"""Matched features against poses that are spoilt on purpose.

    python -m mtcm_pipeline.benchmarks.twoview_benchmark CAPTURE_FOLDER... --out table.csv

The poses given with a capture count as sound. Features and matches do not depend on
poses: they are found once a capture and serve every set of wrong poses.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.command import (
    BenchmarkCommand,
    folders_argument,
    out_option,
)
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.benchmarks.shared_matches import judge_all, photographs_of
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.encoders.registry import Encoder, load_encoder
from mtcm_pipeline.errors import MtcmError
from mtcm_pipeline.faults.inject import inject_poses
from mtcm_pipeline.faults.plans import POSE_PLANS
from mtcm_pipeline.twoview.frame_evidence import RIGHT, UNKNOWN, WRONG
from mtcm_pipeline.twoview.options import TwoViewOptions

log = logging.getLogger(__name__)

ENCODER = "efficientnet_lite0"  # the pipeline's default


@dataclass(frozen=True)
class BenchmarkRow:
    """One set of wrong poses; NaN or empty where the capture cannot be judged.

    Attributes:
        capture: folder's name.
        kind: what was done to the poses (`faults.plans.POSE_PLANS`).
        seed: to which frames, and how.
        frames: those with a given pose.
        bad: those whose pose was spoilt.
        roc_area: area under the ROC curve of `pose_doubt`, all frames counted.
        sound_wrong: share of the sound frames that were called wrong.
        bad_wrong: share of the bad ones that were.
        bad_right: share of the bad ones that were called right.
        unknown: share of all frames that were called neither.
        feature_cpu_s: CPU s an image for features, the start of the workers included.
        embedding_cpu_s: CPU s an image for embeddings, the load of the model not.
        pairs: pairs that were matched for all sets of wrong poses of the capture.
        pair_cpu_s: CPU s a pair, the start of the workers included.
        problem: why the capture cannot be judged.
    """

    capture: str
    kind: str = ""
    seed: int = 0
    frames: int = 0
    bad: int = 0
    roc_area: float = np.nan
    sound_wrong: float = np.nan
    bad_wrong: float = np.nan
    bad_right: float = np.nan
    unknown: float = np.nan
    feature_cpu_s: float = np.nan
    embedding_cpu_s: float = np.nan
    pairs: int = 0
    pair_cpu_s: float = np.nan
    problem: str = ""


def benchmark_capture(
    folder: Path, seeds: int, encoder: Encoder, options: TwoViewOptions
) -> Iterator[BenchmarkRow]:
    """Spoil a capture's poses in every way and have them judged.

    Args:
        folder: a capture as `capture_import.find_capture` understands it, with poses.
        seeds: repetitions of each kind.
        encoder: for the embeddings, which find the true neighbours of a wrong pose.
        options: the settings.

    Raises:
        MtcmError: the capture or its poses cannot be read or spoilt.
    """
    known = photographs_of(find_capture(folder), encoder, options)
    runs = list(product(POSE_PLANS, range(seeds)))
    spoilt = [inject_poses(known.cameras, POSE_PLANS[kind], seed) for kind, seed in runs]
    judged = judge_all(known, [cameras for cameras, _ in spoilt], options)
    for (kind, seed), (_, truth), frames in zip(runs, spoilt, judged.frames, strict=True):
        bad = (truth["kind"] != "").to_numpy()
        yield BenchmarkRow(
            folder.resolve().name,
            kind,
            seed,
            frames=len(frames),
            bad=int(bad.sum()),
            **rates(bad, frames),
            feature_cpu_s=round(known.feature_cpu_s, 3),
            embedding_cpu_s=round(known.embedding_cpu_s, 3),
            pairs=judged.pairs,
            pair_cpu_s=round(judged.pair_cpu_s, 4),
        )


def rates(bad: NDArray[np.bool_], frames: pd.DataFrame) -> dict[str, Any]:
    """The columns of a row that compare the verdicts with what was done.

    Args:
        bad: (N,) which poses were spoilt; some, not all.
        frames: what was said, as of `frame_evidence`, N rows in the same order.
    """
    from sklearn.metrics import roc_auc_score

    verdict = frames["pose_verdict"].to_numpy()
    return {
        "roc_area": round(float(roc_auc_score(bad, frames["pose_doubt"])), 4),
        "sound_wrong": round(float((verdict[~bad] == WRONG).mean()), 4),
        "bad_wrong": round(float((verdict[bad] == WRONG).mean()), 4),
        "bad_right": round(float((verdict[bad] == RIGHT).mean()), 4),
        "unknown": round(float((verdict == UNKNOWN).mean()), 4),
    }


def benchmark_captures(
    folders: Sequence[Path], seeds: int, options: TwoViewOptions
) -> Iterator[BenchmarkRow]:
    """One capture after another; one that fails has its row with the problem."""
    encoder = load_encoder(ENCODER)
    for folder in folders:
        try:
            yield from benchmark_capture(folder, seeds, encoder, options)
        except MtcmError as error:
            log.warning("%s: %s", folder.name, error)
            yield BenchmarkRow(folder.name, problem=str(error))


def table_by_capture(rows: pd.DataFrame, column: str, title: str) -> Table:
    """A column's mean by capture and kind, then over captures, and its lowest run.

    Args:
        rows: fields of `BenchmarkRow`.
        column: the one to show.
        title: what it is, for people.
    """
    table = Table(title, "frames", *POSE_PLANS)
    means = rows.pivot_table(index="capture", columns="kind", values=column)
    by_kind = means.to_dict()
    frames = rows.groupby("capture", sort=False)["frames"].first()
    for capture, count in frames.items():
        cells = [f"{by_kind[kind][capture]:.4f}" for kind in POSE_PLANS]
        table.add_row(str(capture), str(count), *cells)
    table.add_section()
    table.add_row("mean", "", *[f"{means[kind].mean():.4f}" for kind in POSE_PLANS])
    lowest = rows.groupby("kind")[column].min()
    table.add_row("lowest run", "", *[f"{lowest[kind]:.4f}" for kind in POSE_PLANS])
    return table


def verdict_table(rows: pd.DataFrame) -> Table:
    """Mean rates by kind, every run counted alike, and the worst single run."""
    table = Table(
        "kind",
        "sound called wrong",
        "(most in a run)",
        "bad called wrong",
        "(fewest in a run)",
        "bad called right",
        "unknown, of all",
    )
    for kind in POSE_PLANS:
        of_kind = rows[rows["kind"] == kind]
        table.add_row(
            kind,
            f"{of_kind['sound_wrong'].mean():.1%}",
            f"{of_kind['sound_wrong'].max():.1%}",
            f"{of_kind['bad_wrong'].mean():.1%}",
            f"{of_kind['bad_wrong'].min():.1%}",
            f"{of_kind['bad_right'].mean():.1%}",
            f"{of_kind['unknown'].mean():.1%}",
        )
    return table


def cost_table(rows: pd.DataFrame) -> Table:
    """CPU time by capture."""
    table = Table("CPU", "s an image, features", "embedding", "pairs", "ms a pair")
    columns = ["feature_cpu_s", "embedding_cpu_s", "pairs", "pair_cpu_s"]
    for capture, costs in rows.groupby("capture", sort=False)[columns]:
        features, embedding, pairs, pair = costs.iloc[0]
        table.add_row(
            str(capture),
            f"{features:.2f}",
            f"{embedding:.3f}",
            f"{pairs:.0f}",
            f"{1000 * pair:.0f}",
        )
    return table


@click.command(cls=BenchmarkCommand)
@folders_argument
@out_option
@click.option(
    "--seeds", default=3, show_default=True, type=click.IntRange(1), help="Runs a kind."
)
def main(folders: tuple[Path, ...], out: Path, seeds: int) -> None:
    """Spoil the poses of the captures in FOLDERS and see which are found."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    written = write_as_known(
        benchmark_captures(folders, seeds, TwoViewOptions()), BenchmarkRow, out
    )
    rows = pd.DataFrame([row for row in written if not row.problem])
    if rows.empty:
        raise click.ClickException(f"no capture could be judged: see {out}")
    console = Console()
    console.print(table_by_capture(rows, "roc_area", "ROC area"))
    console.print(table_by_capture(rows, "bad_wrong", "bad called wrong"))
    console.print(verdict_table(rows))
    console.print(cost_table(rows))


if __name__ == "__main__":
    main()
