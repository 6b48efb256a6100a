"""What can be varied about a generated capture."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

AzimuthGap = tuple[
    Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(gt=0, le=120)]
]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SampleOptions:
    """One generated capture. Shape, paint, room, path, lens and faults follow `seed`.

    Attributes:
        seed: two captures with equal options are equal to the byte.
        frames: pictures, the faulty ones among them.
        width: of a picture in px; upright format, as one holds a phone for a head.
        height: of a picture in px.
        gaps_deg: (centre, width) of azimuth sectors that the camera never enters,
            0 = front, positive towards the subject's left.
        high_ring_share: share of the frames on a second, higher, partial ring.
        faults: whether the faults of `sample.faults` are planted.
        jpeg_quality: of the pictures.
        voxel_mm: grid spacing of the subject's surface.
        supersample: rays per pixel and axis.
    """

    seed: Annotated[int, Field(ge=0)] = 1
    frames: Annotated[int, Field(ge=12, le=2000)] = (
        64  # as many as a patient person takes
    )
    width: Annotated[int, Field(ge=48, le=2000)] = 300
    height: Annotated[int, Field(ge=48, le=2000)] = 400  # SIFT needs about this much
    # Behind the right shoulder nobody went; a smaller gap hides the left cheek.
    gaps_deg: tuple[AzimuthGap, ...] = ((-135.0, 50.0), (66.0, 24.0))
    high_ring_share: Annotated[float, Field(ge=0, le=0.8)] = 0.3  # as people do it
    faults: bool = True
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 92  # a camera's usual setting
    voxel_mm: Annotated[float, Field(ge=1.5, le=12)] = 3.0  # two pixels at 0.9 m
    supersample: Annotated[int, Field(ge=1, le=4)] = 2  # enough against stair steps
