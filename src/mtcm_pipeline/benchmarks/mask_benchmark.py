"""Made masks against given ones.

    python -m mtcm_pipeline.benchmarks.mask_benchmark CAPTURE_FOLDER... --out table.csv

Masks are made from the photographs alone; those that lie beside them only serve as the
reference afterwards. A capture without any still shows how many are believed.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import loaders
from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.benchmarks.command import (
    BenchmarkCommand,
    folders_argument,
    out_option,
)
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.files import FileLoaders, stem_of
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.capture_import import find_capture
from mtcm_pipeline.errors import MtcmError
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.segmentation.missing_masks import MadeMasks, make_missing_masks
from mtcm_pipeline.segmentation.options import MaskOptions
from mtcm_pipeline.segmentation.registry import Segmenter, load_segmenter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BenchmarkRow:
    """One capture; NaN or empty where there is nothing to compare.

    Attributes:
        capture: folder's name.
        images: photographs.
        given: those with a true mask.
        not_believed: those whose mask was made, not believed, and left out.
        unreadable: those without a made mask for another reason.
        compared: those with a made and a true mask.
        iou_mean: mean intersection over union of the compared.
        iou_lowest: the lowest.
        lowest_frame: of which photograph.
        cpu_s: CPU s an image, all threads, decoding included.
        problem: why nothing was measured.
    """

    capture: str
    images: int = 0
    given: int = 0
    not_believed: int = 0
    unreadable: int = 0
    compared: int = 0
    iou_mean: float = np.nan
    iou_lowest: float = np.nan
    lowest_frame: str = ""
    cpu_s: float = np.nan
    problem: str = ""


def benchmark_capture(
    folder: Path, segmenter: Segmenter, options: MaskOptions
) -> BenchmarkRow:
    """Make all masks of a capture and compare them with the true ones.

    Raises:
        MtcmError: the capture cannot be read, or a true mask has another shape than
            its photograph.
    """
    found = find_capture(folder)
    images, given = loaders(found.images), loaders(found.masks)
    begun = cpu_seconds()
    made = make_missing_masks(images, {}, options, load=lambda: segmenter)
    spent = cpu_seconds() - begun
    overlaps = compare(made, given, tuple(images))
    lowest = min(overlaps, key=lambda name: overlaps[name], default="")
    tried = int(np.isfinite(made.table["area"]).sum())
    return BenchmarkRow(
        folder.resolve().name,
        images=len(images),
        given=len(match_to_images(given, tuple(images)).by_image),
        not_believed=tried - len(made.masks),
        unreadable=len(images) - tried,
        compared=len(overlaps),
        iou_mean=round(float(np.mean(list(overlaps.values()))), 4) if lowest else np.nan,
        iou_lowest=round(overlaps[lowest], 4) if lowest else np.nan,
        lowest_frame=lowest,
        cpu_s=round(spent / len(images), 3),
    )


def compare(
    made: MadeMasks, given: FileLoaders, names: tuple[str, ...]
) -> dict[str, float]:
    """Intersection over union by image name, where there is a made and a true mask."""
    overlaps = {}
    for name, true_name in match_to_images(given, names).by_image.items():
        content = made.masks.get(f"{stem_of(name)}.png")
        if content is None:
            continue
        with Image.open(io.BytesIO(content)) as picture:
            mask = np.asarray(picture) > 0
        size = (mask.shape[1], mask.shape[0])
        truth, _ = decode_mask(given[true_name](), true_name, size=size)
        overlaps[name] = intersection_over_union(mask, truth)
    return overlaps


def intersection_over_union(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Of two (H, W) masks; 1 if both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def benchmark_captures(
    folders: Sequence[Path], segmenter: Segmenter, options: MaskOptions
) -> Iterator[BenchmarkRow]:
    """One capture after another; one that fails has its row with the problem."""
    for folder in folders:
        try:
            yield benchmark_capture(folder, segmenter, options)
        except MtcmError as error:
            log.warning("%s: %s", folder.name, error)
            yield BenchmarkRow(folder.name, problem=str(error))


def table_of(rows: Sequence[BenchmarkRow]) -> Table:
    """The rows for a terminal."""
    table = Table(
        "capture", "compared", "IoU mean", "lowest", "not believed", "CPU s an image"
    )
    for row in rows:
        table.add_row(
            row.capture,
            f"{row.compared} of {row.given}",
            f"{row.iou_mean:.3f}",
            f"{row.iou_lowest:.3f}",
            f"{row.not_believed} of {row.images}",
            f"{row.cpu_s:.2f}",
        )
    return table


@click.command(cls=BenchmarkCommand)
@folders_argument
@out_option
def main(folders: tuple[Path, ...], out: Path) -> None:
    """Make masks of the photographs of FOLDERS, against their true masks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = MaskOptions()
    segmenter = load_segmenter(options.segmenter, options.weights)
    rows = write_as_known(
        benchmark_captures(folders, segmenter, options), BenchmarkRow, out
    )
    Console().print(table_of(rows))


if __name__ == "__main__":
    main()
