"""The columns of the frame table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

PROBLEM_SEPARATOR = "; "


@dataclass(frozen=True)
class FrameRow:
    """The columns of the frame table, in order; NaN, empty or False where absent.

    Attributes:
        name: the image's file name.
        width: of the upright image in px.
        height: likewise.
        turned: whether the EXIF orientation was applied.
        timestamp_s: seconds since 1970 by the camera's own clock.
        focal_mm: focal length of the lens in mm.
        focal_px: focal length in px of this image.
        focal_source: `pose`, `exif` or empty.
        mask_area: share of the image that is foreground.
        mask_touches_border: share of the image's border that is foreground.
        mask_left: first column of the mask's bounding box, in px of the upright image.
        mask_top: its first row.
        mask_right: the column after its last one, so that right - left is its width.
        mask_bottom: the row after its last one.
        sharpness: Laplacian energy over variance; compare neighbours only.
        sharpness_in_mask: the same inside the mask.
        luminance: mean linear luminance in 0..1.
        clipped_share: share of pixels that are nearly black or white.
        has_image: whether it could be decoded.
        has_mask: whether there is a usable mask.
        mask_empty: whether there is a mask, but nothing is foreground in it.
        has_pose: whether there is a usable pose.
        has_timestamp: whether there is a time.
        has_focal: whether there is a focal length in px.
        has_embedding: whether there is an embedding.
        pose_source: where the pose comes from.
        problems: what is wrong, separated by semicolons.
    """

    name: str
    width: float = np.nan
    height: float = np.nan
    turned: bool = False
    timestamp_s: float = np.nan
    focal_mm: float = np.nan
    focal_px: float = np.nan
    focal_source: str = ""
    mask_area: float = np.nan
    mask_touches_border: float = np.nan
    mask_left: float = np.nan
    mask_top: float = np.nan
    mask_right: float = np.nan
    mask_bottom: float = np.nan
    sharpness: float = np.nan
    sharpness_in_mask: float = np.nan
    luminance: float = np.nan
    clipped_share: float = np.nan
    has_image: bool = False
    has_mask: bool = False
    mask_empty: bool = False
    has_pose: bool = False
    has_timestamp: bool = False
    has_focal: bool = False
    has_embedding: bool = False
    pose_source: str = ""
    problems: str = ""


FRAME_COLUMNS = tuple(FrameRow.__dataclass_fields__)


def frame_table(
    rows: Sequence[FrameRow], problems: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """One row a frame, with the columns of `FrameRow` and each frame's problems."""
    full = [
        replace(row, problems=PROBLEM_SEPARATOR.join(problems[row.name])) for row in rows
    ]
    return pd.DataFrame({c: [getattr(row, c) for row in full] for c in FRAME_COLUMNS})
