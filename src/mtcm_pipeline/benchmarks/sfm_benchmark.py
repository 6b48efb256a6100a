"""Structure from motion against given poses.

    python -m mtcm_pipeline.benchmarks.sfm_benchmark CAPTURE_FOLDER... --out table.csv

Every capture is taken from its photographs (and masks) alone; the poses that lie beside
them only serve as the reference afterwards. Where there are none, registered frames are
counted. With `--frames` every frame's differences are written as well: they say which
given poses the photographs contradict.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import loaders, read_reference
from mtcm_pipeline.benchmarks.command import (
    BenchmarkCommand,
    folders_argument,
    out_option,
)
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.errors import CaptureError, MtcmError
from mtcm_pipeline.sfm.compare import align_and_compare
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.priors import image_priors
from mtcm_pipeline.sfm.run import SfmResult, reconstruct
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.tuning.local_gauge import disagreements_deg
from mtcm_pipeline.twoview.torn_views import torn_views

log = logging.getLogger(__name__)

# What "at its place" means in the table.
GOOD_ROTATION_DEG = 5.0
GOOD_CENTRE = 0.05


@dataclass(frozen=True)
class BenchmarkRow:
    """One capture; NaN or empty where nothing was registered.

    Attributes:
        capture: folder's name.
        images: photographs.
        masked: those with a mask.
        focal_prior: those whose EXIF focal length was believed.
        registered: those that structure from motion gave a pose.
        given: those with a reference pose.
        compared: those with both.
        rotation_deg: median angle to the reference after alignment of the centres.
        rotation_p90_deg: 90th percentile.
        centre_error: median distance, in median camera distances.
        centre_p90: 90th percentile.
        share_good: share of the compared within 5 degrees and 5 % of the distance.
        points: sparse points.
        reprojection_px: their mean error.
        models: separate models found.
        beside: pairs of cameras that the found poses put side by side.
        torn: those of them that hardly share a point (`twoview.torn_views`).
        attempt: which settings it took.
        seconds: wall time of all steps.
        cpu_seconds: CPU time of all steps.
        problem: why there are no poses.
    """

    capture: str
    images: int = 0
    masked: int = 0
    focal_prior: int = 0
    registered: int = 0
    given: int = 0
    compared: int = 0
    rotation_deg: float = np.nan
    rotation_p90_deg: float = np.nan
    centre_error: float = np.nan
    centre_p90: float = np.nan
    share_good: float = np.nan
    points: int = 0
    reprojection_px: float = np.nan
    models: int = 0
    beside: int = 0
    torn: int = 0
    attempt: str = ""
    seconds: float = np.nan
    cpu_seconds: float = np.nan
    problem: str = ""


@dataclass(frozen=True)
class FrameRow:
    """One frame that structure from motion has placed, and whose pose is given.

    Attributes:
        capture: folder's name.
        name: of the frame.
        rotation_deg: angle to the reference after alignment of the centres.
        centre_error: distance, in median camera distances.
        beside_neighbours_deg: median over the nearest frames of how far the frame was
            given from where they would have it by the solved poses: a bend of the whole
            path is small here, a single wrong pose is not.
    """

    capture: str
    name: str
    rotation_deg: float
    centre_error: float
    beside_neighbours_deg: float


def frame_rows(
    capture: str, solved: PosedCameras, reference: PosedCameras
) -> list[FrameRow]:
    """How solved poses differ from given ones, frame by frame.

    Args:
        capture: name for the rows.
        solved: by structure from motion, in any world.
        reference: the given poses.

    Raises:
        CaptureError: they share too few frames to be aligned.
    """
    found = align_and_compare(solved, reference)
    moved = found.alignment.world_from_cam(solved.subset(found.names).world_from_cam)
    given = reference.subset(found.names)
    gauge = canonical_gauge(given)
    beside = disagreements_deg(
        invert_rigid(gauge.world_from_cam(moved)),
        invert_rigid(gauge.world_from_cam(given.world_from_cam)),
        np.ones(len(found.names), dtype=bool),
    )
    columns = (found.rotation_deg, found.centre_error, np.median(beside, axis=1))
    return [
        FrameRow(capture, name, *(round(float(value), 4) for value in values))
        for name, *values in zip(found.names, *columns, strict=True)
    ]


def benchmark_capture(
    folder: Path,
    workspace: Path,
    options: SfmOptions | None = None,
    frames: list[FrameRow] | None = None,
) -> BenchmarkRow:
    """Run structure from motion on a capture's photographs and compare.

    Args:
        folder: a capture as `capture_import.find_capture` understands it, with
            poses.json, transforms.json, poses_bounds.npy or sparse/ as the reference.
        workspace: where the steps are kept; times are those of the run that did them.
        options: the settings; the defaults if left out.
        frames: a list that the frames' rows are put on, where there is a reference.

    Raises:
        MtcmError: the capture or its reference cannot be read.
    """
    found = find_capture(folder)
    images, masks = loaders(found.images), loaders(found.masks)
    reference = read_reference(found) if found.given_poses else None
    focals = image_priors(images).focal_px
    row = BenchmarkRow(
        folder.resolve().name,
        images=len(images),
        masked=len(masks),
        focal_prior=len(focals),
        given=0 if reference is None else len(reference),
    )
    try:
        result = reconstruct(
            images, masks, workspace, options or SfmOptions(), focal_px=focals
        )
    except MtcmError as error:
        return replace(row, problem=str(error))
    row = replace(row, **_measured(result, reference))
    if frames is not None and reference is not None and row.compared:
        frames += frame_rows(row.capture, result.reading.cameras, reference)
    return row


def _measured(result: SfmResult, reference: PosedCameras | None) -> dict[str, Any]:
    """The columns that depend on the outcome."""
    best, reading = result.models[0], result.reading
    torn = torn_views(reading.cameras, reading.points or SparsePoints.empty())
    row: dict[str, Any] = {
        "registered": result.registered,
        "points": best.points,
        "reprojection_px": best.error_px,
        "models": len(result.models),
        "beside": torn.beside,
        "torn": len(torn.torn),
        "attempt": result.attempts[result.kept].label,
        "seconds": round(sum(result.seconds.values()), 1),
        "cpu_seconds": round(result.cpu_seconds, 1),
    }
    if reference is None:
        return row
    try:
        found = align_and_compare(result.reading.cameras, reference)
    except CaptureError as error:
        return row | {"problem": str(error)}
    return row | {
        "compared": len(found.names),
        "rotation_deg": round(found.median_rotation_deg, 3),
        "rotation_p90_deg": round(float(np.quantile(found.rotation_deg, 0.9)), 3),
        "centre_error": round(found.median_centre_error, 5),
        "centre_p90": round(float(np.quantile(found.centre_error, 0.9)), 5),
        "share_good": round(found.share_within(GOOD_ROTATION_DEG, GOOD_CENTRE), 3),
    }


def benchmark_captures(
    folders: Sequence[Path],
    workspace: Path,
    options: SfmOptions,
    frames: list[FrameRow] | None = None,
) -> Iterator[BenchmarkRow]:
    """One capture after another; one that fails has its row with the problem."""
    for folder in folders:
        try:
            row = benchmark_capture(folder, workspace / folder.name, options, frames)
        except MtcmError as error:
            row = BenchmarkRow(folder.name, problem=str(error))
        log.info("%s: %d of %d registered", row.capture, row.registered, row.images)
        yield row


def table_of(rows: Sequence[BenchmarkRow]) -> Table:
    """The rows for a terminal."""
    table = Table("capture", "registered", "rotation", "centre", "good", "s", "CPU s")
    for row in rows:
        table.add_row(
            row.capture,
            f"{row.registered} of {row.images}"
            + (f": {row.problem}" if row.problem else ""),
            *_errors(row),
            f"{row.seconds:.0f}",
            f"{row.cpu_seconds:.0f}",
        )
    return table


def _errors(row: BenchmarkRow) -> tuple[str, str, str]:
    """Rotation, centre and share for a terminal; dashes where nothing was compared."""
    if not row.compared:
        return "–", "–", "–"
    return (
        f"{row.rotation_deg:.2f}°",
        f"{row.centre_error:.2%}",
        f"{row.share_good:.0%}",
    )


@click.command(cls=BenchmarkCommand)
@folders_argument
@out_option
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Keep the steps here and continue there; else a temporary folder.",
)
@click.option(
    "--frames",
    type=click.Path(path_type=Path),
    help="CSV file for a row a frame.",
)
def main(
    folders: tuple[Path, ...], out: Path, workspace: Path | None, frames: Path | None
) -> None:
    """Structure from motion on the photographs of FOLDERS, against their given poses."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    of_frames: list[FrameRow] = []
    with tempfile.TemporaryDirectory() as temporary:
        places = workspace or Path(temporary)
        rows = write_as_known(
            benchmark_captures(folders, places, SfmOptions(), of_frames),
            BenchmarkRow,
            out,
        )
    if frames is not None:
        write_as_known(of_frames, FrameRow, frames)
    Console().print(table_of(rows))


if __name__ == "__main__":
    main()
