"""The judge's evidence from what the pipeline has persisted already.

Matches come from the pair table; only the photographs are looked at again, once each: the
store keeps what was seen by content.

Dimension letters: N judged frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore, content_key
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.ingest.measures import shrink
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence, stacked_facts
from mtcm_pipeline.judge.photo_facts import (
    FACTS_VERSION,
    MEASURED_PX,
    PhotoFacts,
    facts_of_photos,
)
from mtcm_pipeline.judge.repeated_structure import without_repeated_structure
from mtcm_pipeline.progress import progress_shown
from mtcm_pipeline.tokens.gauge import canonical_gauge

Float = NDArray[np.float64]

# With fewer frames there is no telling what is usual in a capture.
LEAST_FRAMES = 12
# Photographs in memory at once.
_CHUNK = 64


@dataclass(frozen=True)
class CaptureTables:
    """What earlier stages know about a capture.

    Attributes:
        frames: one row a frame, `has_image` and `has_pose` among its columns.
        times: position in the sequence of each row of `frames`, 0 to 1.
        cameras: the posed frames.
        pairs: pair table (`twoview.table`).
        pose_evidence: rows as `frames` (`twoview.pose_evidence`).
    """

    frames: pd.DataFrame
    times: Float
    cameras: PosedCameras
    pairs: pd.DataFrame
    pose_evidence: pd.DataFrame

    def judged_names(self) -> tuple[str, ...]:
        """(N) frames with photograph and pose, in order of time."""
        known = self.frames["has_image"].to_numpy(bool)
        order = np.argsort(self.times, kind="stable")
        names = self.frames["name"].to_numpy()
        return tuple(
            str(names[row]) for row in order if known[row] and names[row] in self.cameras
        )


@dataclass(frozen=True)
class CaptureFiles:
    """The photographs themselves.

    Attributes:
        images: by file name.
        masks: by file name, stems as the images'.
        store: keeps what was seen between runs; None keeps nothing.
    """

    images: FileLoaders
    masks: FileLoaders
    store: ContentStore | None = None


def can_be_judged(tables: CaptureTables) -> bool:
    """Whether there are frames enough, and matched pairs of them."""
    has_cells = "feature_cells" in tables.pose_evidence and "cells_a" in tables.pairs
    return (
        has_cells
        and len(tables.judged_names()) >= LEAST_FRAMES
        and bool(tables.pairs["connected"].to_numpy(bool).any())
    )


def evidence_of_capture(tables: CaptureTables, files: CaptureFiles) -> CaptureEvidence:
    """Everything that is known about the frames with photograph and pose."""
    sizes = {}
    for name in tables.judged_names():
        camera = tables.cameras.camera_of(name)
        sizes[name] = (camera.width, camera.height)
    facts = facts_of_files(sizes, files)
    names = [name for name in tables.judged_names() if name in facts]
    cameras = tables.cameras.subset(names)
    pairs = tables.pairs
    inside = pairs["name_a"].isin(names) & pairs["name_b"].isin(names)
    n = len(names)
    return CaptureEvidence(
        names=tuple(names),
        world_from_cam=canonical_gauge(cameras).world_from_cam(cameras.world_from_cam),
        times=np.arange(n) / max(n - 1, 1),
        **stacked_facts([facts[name] for name in names]),
        pairs=without_repeated_structure(_in_time_order(pairs[inside], names), names),
        frames=_known_of(tables, names),
    )


def _known_of(tables: CaptureTables, names: Sequence[str]) -> pd.DataFrame:
    """The pose evidence of some frames, and which of their masks are empty."""
    known = tables.pose_evidence.set_index("name").loc[list(names)]
    frames = tables.frames.set_index("name")
    if "mask_empty" in frames:  # a table of an earlier version has no such column
        known = known.assign(mask_empty=frames["mask_empty"].astype(np.float64))
    return known.reset_index()


def facts_of_files(
    sizes: dict[str, tuple[int, int]], files: CaptureFiles
) -> dict[str, PhotoFacts]:
    """Facts by image name; frames that cannot be read are left out.

    Args:
        sizes: (width, height) of each frame's camera by image name.
        files: the photographs.
    """
    masks_of = match_to_images(files.masks, tuple(files.images)).by_image
    known: dict[str, PhotoFacts] = {}
    for chunk in _chunks(list(sizes)):
        seen = [_looked_at(name, sizes[name], files, masks_of) for name in chunk]
        known |= {look.name: look.facts for look in seen if look.facts is not None}
        pixels = {k.name: k.pixels for k in seen if k.pixels is not None}
        masks = {k.name: k.mask for k in seen if k.mask is not None}
        keys = {look.name: look.key for look in seen}
        for name, facts in facts_of_photos(pixels, masks).items():
            known[name] = facts
            if files.store is not None:
                files.store.write(keys[name], facts.to_bytes())
    return known


@dataclass(frozen=True)
class _Look:
    """A frame's facts where they are stored, else what they are made of, if readable."""

    name: str
    key: str
    facts: PhotoFacts | None = None
    pixels: NDArray[np.uint8] | None = None
    mask: NDArray[np.bool_] | None = None


def _looked_at(
    name: str, size: tuple[int, int], files: CaptureFiles, masks_of: dict[str, str]
) -> _Look:
    data = files.images[name]()
    mask = files.masks[masks_of[name]]() if name in masks_of else b""
    key = content_key("judged", FACTS_VERSION, repr(size), data, mask)
    stored = None if files.store is None else files.store.read(key)
    facts = None if stored is None else PhotoFacts.from_bytes(stored)
    if facts is not None:
        return _Look(name, key, facts)
    try:
        pixels = decode_image(data, name, size).rgb
    except FileContentError:
        return _Look(name, key)  # the rules say what they can
    inside = _mask(mask, name, pixels) if mask else None
    pixels = shrink(pixels, MEASURED_PX)
    if inside is not None:
        inside = _fitted(inside, pixels)
    return _Look(name, key, None, pixels, inside)


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    starts = range(0, len(names), _CHUNK)
    with progress_shown() as show:
        for start in starts:
            show("looking at photographs", start, len(names))
            yield names[start : start + _CHUNK]


def _mask(data: bytes, name: str, pixels: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """The mask; None where it is empty or cannot be read."""
    size = (pixels.shape[1], pixels.shape[0])
    try:
        mask = np.asarray(decode_mask(data, f"of {name}", size=size)[0], dtype=bool)
    except FileContentError:
        return None
    return mask if mask.any() else None


def _fitted(mask: NDArray[np.bool_], pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(picture.resize(size, Image.Resampling.BOX)) > 127


def _in_time_order(pairs: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Pairs by the rows of their frames, as `twoview` writes them."""
    row_of = {name: row for row, name in enumerate(names)}
    order = np.lexsort((pairs["name_b"].map(row_of), pairs["name_a"].map(row_of)))
    return pairs.iloc[order].reset_index(drop=True)
