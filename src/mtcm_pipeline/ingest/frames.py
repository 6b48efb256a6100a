"""One row a frame: what is known about it, what is absent, and what is wrong with it.

Every photograph is decoded once; whoever else needs its pixels gets them on the way. A
frame that cannot be read keeps its row and its problem; nothing stops for it.

Dimension letters: N frames, H height, W width.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import Matches, frame_names, match_to_images
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.exif import (
    ExifFacts,
    ExifReading,
    focal_px,
    merged_facts,
    read_exif,
)
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.frame_poses import FramePoses
from mtcm_pipeline.ingest.frame_row import FrameRow, frame_table
from mtcm_pipeline.ingest.intrinsics import mean_focal_px
from mtcm_pipeline.ingest.measures import FrameMeasures, measure_frame, shrink
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.ingest.quality import small_grey
from mtcm_pipeline.progress import tracked

log = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]
Visit = Callable[[str, Pixels], None]


@dataclass(frozen=True)
class IngestedFrames:
    """A capture's frames in natural order of their file names.

    Attributes:
        table: one row a frame, columns as in `FrameRow`.
        cameras: the frames that have a usable pose, in the same order, by image name;
            intrinsics are those of the images as they are.
        points: sparse points of the same world, or None.
        thumbnails: (h, w, 3) uint8 by image name.
        small: (32, 32) grey values by image name, for `quality.near_duplicates`.
        notes: remarks about the capture as a whole.
    """

    table: pd.DataFrame
    cameras: PosedCameras
    points: SparsePoints | None
    thumbnails: dict[str, Pixels]
    small: dict[str, NDArray[np.float32]]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """(N,) image file names."""
        return tuple(self.table["name"])


@dataclass(frozen=True)
class _Sources:
    """Everything that a frame's row is made of."""

    images: FileLoaders
    masks: FileLoaders
    masks_of: Matches
    exif: dict[str, ExifFacts]
    poses: FramePoses
    options: IngestOptions


@dataclass
class _Gathered:
    """What the pass over the photographs collects."""

    rows: list[FrameRow] = field(default_factory=list)
    thumbnails: dict[str, Pixels] = field(default_factory=dict)
    small: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)
    mask_notes: list[str] = field(default_factory=list)


def build_frame_table(
    images: FileLoaders,
    masks: FileLoaders,
    poses: PoseReading | None,
    exif: ExifReading | None,
    options: IngestOptions | None = None,
    *,
    visit: Visit | None = None,
) -> IngestedFrames:
    """Decode every photograph once and tabulate what is known about each frame.

    Args:
        images: photographs by file name.
        masks: foreground masks by file name, stems as the images'.
        poses: what the poses' file held; None without one.
        exif: what exif.json held; whatever it lacks is read from the photographs.
        options: parameters; defaults when None.
        visit: called with each name and its pixels (H, W, 3) uint8 RGB, upright.

    Raises:
        CaptureError: there are no images, or two share a stem.
    """
    options = options or IngestOptions()
    names = frame_names(images)
    masks_of = match_to_images(masks, names)
    exif_of, exif_problems, exif_notes = exif_by_image(exif, names)
    frame_poses = FramePoses.matched(poses, names)
    sources = _Sources(images, masks, masks_of, exif_of, frame_poses, options)
    gathered = _Gathered(problems={name: [] for name in names})
    for name, text in (*exif_problems.items(), *frame_poses.problems.items()):
        gathered.problems[name].append(text)
    for name in tracked(names, "reading photographs"):
        _take_frame(name, sources, gathered, visit)
    notes = (
        *frame_poses.notes(),
        *masks_of.notes("masks"),
        *_folded(gathered.mask_notes, "masks were scaled to their image's size"),
        *exif_notes,
    )
    for note in notes:
        log.info(note)
    cameras = frame_poses.cameras()
    return IngestedFrames(
        table=frame_table(gathered.rows, gathered.problems),
        cameras=cameras,
        points=frame_poses.points(),
        thumbnails=gathered.thumbnails,
        small=gathered.small,
        notes=notes,
    )


def _take_frame(
    name: str, sources: _Sources, gathered: _Gathered, visit: Visit | None
) -> None:
    """Everything about one frame; its faults become its problems."""
    problems = gathered.problems[name]
    row = FrameRow(name)
    facts = sources.exif.get(name, ExifFacts())
    try:
        data = sources.images[name]()
        facts = merged_facts(facts, read_exif(data, name))
        decoded = decode_image(data, name, sources.poses.size_of(name))
    except (FileContentError, OSError) as error:
        problems.append(str(error))
    else:
        pixels = decoded.rgb
        given = _mask(name, pixels, sources, gathered)
        mask = given if given is not None and given.any() else None
        shrunk = shrink(pixels, sources.options.measure_px)
        measures = measure_frame(pixels, shrunk, mask)
        row = _with_pixels(row, pixels, decoded.turned, mask is not None, measures)
        row = replace(row, mask_empty=given is not None and mask is None)
        gathered.thumbnails[name] = shrink(shrunk, sources.options.thumbnail_px)
        gathered.small[name] = small_grey(shrunk)
        height, width = pixels.shape[:2]
        problems.extend(sources.poses.fit(name, width, height))
        if visit is not None:
            visit(name, pixels)
    row = _with_pose_and_exif(row, facts, sources.poses)
    gathered.rows.append(row)


def _with_pixels(
    row: FrameRow, pixels: Pixels, turned: bool, has_mask: bool, measures: FrameMeasures
) -> FrameRow:
    left, top, right, bottom = measures.mask_box
    return replace(
        row,
        width=float(pixels.shape[1]),
        height=float(pixels.shape[0]),
        turned=turned,
        has_image=True,
        has_mask=has_mask,
        mask_area=measures.mask_area,
        mask_touches_border=measures.mask_touches_border,
        mask_left=left,
        mask_top=top,
        mask_right=right,
        mask_bottom=bottom,
        sharpness=measures.sharpness,
        sharpness_in_mask=measures.sharpness_in_mask,
        luminance=measures.luminance,
        clipped_share=measures.clipped_share,
    )


def _with_pose_and_exif(row: FrameRow, facts: ExifFacts, poses: FramePoses) -> FrameRow:
    camera = poses.camera_of(row.name)
    focal, source = np.nan, ""
    if camera is not None:
        focal, source = mean_focal_px(camera), "pose"
    if not np.isfinite(focal) and row.has_image:
        focal = _or_nan(focal_px(facts, int(row.width), int(row.height)))
        source = "exif"
    timestamp = _or_nan(facts.timestamp_s)
    return replace(
        row,
        timestamp_s=timestamp,
        focal_mm=_or_nan(facts.focal_mm),
        focal_px=focal,
        focal_source=source if np.isfinite(focal) else "",
        has_pose=camera is not None,
        has_timestamp=bool(np.isfinite(timestamp)),
        has_focal=bool(np.isfinite(focal)),
        pose_source=poses.source if camera is not None else "",
    )


def _mask(
    name: str, pixels: Pixels, sources: _Sources, gathered: _Gathered
) -> NDArray[np.bool_] | None:
    """The frame's mask, which may be empty; None where it is absent or broken."""
    file_name = sources.masks_of.by_image.get(name)
    if file_name is None:
        return None
    size = (pixels.shape[1], pixels.shape[0])
    try:
        mask, note = decode_mask(sources.masks[file_name](), file_name, size=size)
    except (FileContentError, OSError) as error:
        gathered.problems[name].append(str(error))
        return None
    if note:
        gathered.mask_notes.append(note)
    if not mask.any():
        gathered.problems[name].append(f"mask {file_name!r} is empty: left out")
    return mask


def exif_by_image(
    exif: ExifReading | None, names: tuple[str, ...]
) -> tuple[dict[str, ExifFacts], dict[str, str], tuple[str, ...]]:
    """Facts and problems of exif.json by image name, and notes."""
    if exif is None:
        return {}, {}, ()
    matches = match_to_images(exif.facts, names)
    facts = {image: exif.facts[entry] for image, entry in matches.by_image.items()}
    problems = {
        image: exif.problems[entry]
        for image, entry in matches.by_image.items()
        if entry in exif.problems
    }
    return facts, problems, matches.notes("EXIF entries")


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _folded(notes: list[str], what: str) -> tuple[str, ...]:
    """One remark instead of one a frame."""
    if len(notes) < 2:
        return tuple(notes)
    return (f"{len(notes)} {what}; the first: {notes[0]}",)
