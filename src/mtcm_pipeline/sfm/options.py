"""How poses are found from photographs alone."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

Matching = Literal["auto", "sequential", "exhaustive", "retrieval"]


@dataclass(frozen=True, config=_STRICT)
class SfmOptions:
    """Parameters under `sfm`; each default with its reason.

    Attributes:
        first_octave: 0 starts at the images' own size, which is fast; -1 doubles them
            first, which finds about three times the features in five times the time.
        small_image_px: images whose longest side is shorter start at -1 in any case:
            at 400 px they have too few features otherwise (64 of 69 frames, not 69).
        peak_threshold: weakest contrast of a feature; COLMAP's default.
        max_features: kept per image, the largest first. Matching grows with its square,
            and photographs of 1000 px rarely have more.
        max_image_px: larger images are reduced to this longest side for the search of
            features; poses and intrinsics still mean the whole image.
        use_masks: whether features outside the masks are ignored. On a turntable the
            background does not move with the object, and poses fail without it.
        matching: which pairs of images are compared. `auto`: neighbours in time where
            the times are as regular as a video's, all pairs up to
            `exhaustive_max_frames`, nearest neighbours by embedding beyond.
        exhaustive_max_frames: 150 images are 11,175 pairs, a few minutes on two cores.
        sequential_overlap: following frames that each frame is compared with.
        loop_period: every so many frames one is compared with all its like, so that a
            path that returns to its start closes.
        retrieval_neighbours: most similar images by embedding that each is compared
            with; 20 since similarity also finds the far side of a symmetric object.
        camera_model: one radial term is what few images can determine.
        min_registered_share: with fewer of the images registered, the next, more
            patient settings are tried: more and weaker features, no focal length taken
            for granted, distortion held at zero.
        patient: whether those are tried at all.
        seed: of every random choice.
        threads: 0 for all cores.
        mapping_threads: 1, since the sums of a parallel bundle adjustment come out
            differently each time; it costs a fifth of that step.
    """

    first_octave: Literal[0, -1] = 0
    small_image_px: int = Field(default=640, ge=0)
    peak_threshold: float = Field(default=0.0067, gt=0.0, lt=1.0)
    max_features: int = Field(default=4096, ge=100, le=65536)
    max_image_px: int = Field(default=1600, ge=200)
    use_masks: bool = True
    matching: Matching = "auto"
    exhaustive_max_frames: int = Field(default=150, ge=2)
    sequential_overlap: int = Field(default=10, ge=1)
    loop_period: int = Field(default=10, ge=1)
    retrieval_neighbours: int = Field(default=20, ge=1)
    camera_model: Literal[
        "SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "OPENCV_FISHEYE"
    ] = "SIMPLE_RADIAL"
    min_registered_share: float = Field(default=0.6, ge=0.0, le=1.0)
    patient: bool = True
    seed: int = Field(default=0, ge=0, lt=2**31)
    threads: int = Field(default=0, ge=0)
    mapping_threads: int = Field(default=1, ge=1)
