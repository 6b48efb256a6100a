"""How frames are taken from a video."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class VideoOptions:
    """Options of `extract_frames`; each default with its reason.

    Attributes:
        rate_fps: frames kept a second of video. At a walking pace around a subject, two
            a second are some 10 degrees apart at most, which structure from motion
            matches safely.
        max_frames: beyond this the rate is lowered, so that the frames still span the
            whole video; structure from motion and memory limit what is of use.
        longest_side_px: larger frames are shrunk to it; None keeps the video's size.
        measure_px: longest side at which sharpness is compared; blur that cannot be seen
            there is not seen by trainers either.
        image_format: `jpg` of quality 95, or `png`, five times larger, without loss.
    """

    rate_fps: float = Field(default=2.0, gt=0.0, le=1000.0)
    max_frames: int = Field(default=600, ge=1)
    longest_side_px: int | None = Field(default=None, ge=64)
    measure_px: int = Field(default=640, ge=64)
    image_format: Literal["jpg", "png"] = "jpg"
