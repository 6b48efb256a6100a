"""How a capture is taken in."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class IngestOptions:
    """Parameters under `ingest`; each default with its reason.

    Attributes:
        structure_from_motion: whether poses are computed from the images where none are
            given; see `sfm` for how.
        require_poses: whether a capture without any pose stops the run. It does by
            default: after minutes of work nothing could be exported.
        encoder: computes the embeddings that have no file. EfficientNet-Lite0 brings
            its weights; dinov2_vits14 tells views apart better but needs a file.
        encoder_weights: path of that file; None for weights inside a package, and for
            dinov2_vits14 to look in data/models and in this user's cache folder.
        encoder_download: whether the weights of dinov2_vits14 (84 MiB) are fetched
            from their public address where no file is found. Not by default: nothing
            leaves or enters the machine unasked.
        encoder_batch: images encoded at once; more does not pay on a CPU.
        thumbnail_px: longest side of the thumbnails for the report.
        measure_px: longest side at which sharpness is measured; about what trainers
            use, so that blur which they would not see does not count. Smaller
            photographs are measured as they are.
        probe_frames: frames with an embedding file that are encoded again, to see
            whether the files come from the same encoder.
        same_encoder_cosine: such pairs at least this similar come from one encoder;
            another encoder's vectors are near 0, another resize's above 0.98.
        neighbours: frames that sharpness and luminance are compared with; six are
            those around a frame on a band of cameras.
        duplicate_correlation: frames whose detail is at least this correlated may be
            copies of one another; distinct frames of real captures stay below .985,
            copies above .995 (see `quality.near_duplicates`).
        duplicate_cosine: embeddings less similar than this say that they are not;
            the embedding of a strongly compressed copy may fall to .87.
        duplicate_difference: so does a mean difference of the grey values beyond this,
            in 0..1; 5 % more exposure make .026.
        size_factor: frames whose sides are, in the geometric mean, larger or smaller
            than those of the most common size by more than this factor are size
            outliers. 1.25 is less than the step between two sizes of one camera
            (usually 1.4 or 2), and more than cropping for stabilisation.
        aspect_factor: so are frames whose longer over shorter side differs by more
            than this. 1.05 tells 4:3 from 3:2 (1.125) and lets rounded sides pass; a
            camera that was turned upright is none (`sizes.size_outliers`).
        cache_limit_mb: after ingest, what the identity's cache holds beyond this is
            removed, that which was not used for longest first. A frame takes about
            0.2 MB, so that 20,000 frames fit; a capture that does not fit is computed
            again in part. None: no limit.
    """

    structure_from_motion: bool = True
    require_poses: bool = True
    encoder: Literal["efficientnet_lite0", "dinov2_vits14", "clip"] = "efficientnet_lite0"
    encoder_weights: str | None = None
    encoder_download: bool = False
    encoder_batch: int = Field(default=16, ge=1, le=256)
    thumbnail_px: int = Field(default=160, ge=32, le=1024)
    measure_px: int = Field(default=800, ge=64)
    probe_frames: int = Field(default=3, ge=1)
    same_encoder_cosine: float = Field(default=0.98, gt=0.0, le=1.0)
    neighbours: int = Field(default=6, ge=1)
    duplicate_correlation: float = Field(default=0.99, gt=0.0, le=1.0)
    duplicate_cosine: float = Field(default=0.8, gt=0.0, le=1.0)
    duplicate_difference: float = Field(default=0.03, gt=0.0, le=1.0)
    size_factor: float = Field(default=1.25, gt=1.0)
    aspect_factor: float = Field(default=1.05, gt=1.0)
    cache_limit_mb: float | None = Field(default=4000.0, gt=0.0)
