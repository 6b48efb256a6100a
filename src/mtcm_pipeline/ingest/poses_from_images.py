"""Poses for a capture that came without any: structure from motion on its images."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.encoders.registry import Encoder
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.exif import ExifReading
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.frames import exif_by_image
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.priors import image_priors
from mtcm_pipeline.sfm.run import reconstruct

log = logging.getLogger(__name__)


def poses_from_images(
    images: FileLoaders,
    masks: FileLoaders,
    exif: ExifReading | None,
    workspace: Path,
    options: SfmOptions,
    *,
    load_encoder: Callable[[], Encoder],
) -> PoseReading:
    """Run structure from motion and say in the log what came of it.

    Args:
        images: photographs by file name, in the order of the capture.
        masks: masks by file name.
        exif: what exif.json held; None without one.
        workspace: where the steps are kept, so that a killed run continues.
        options: of structure from motion.
        load_encoder: called only where pairs are to be found by looks: `retrieval`, or
            a capture too large to compare all pairs.

    Raises:
        CaptureError: too few images can be registered.
        SfmProcessError: the process failed; run again to continue.
    """
    told, _, _ = exif_by_image(exif, tuple(images))
    priors = image_priors(images, told)
    large = len(images) > options.exhaustive_max_frames
    by_looks = options.matching == "retrieval" or (options.matching == "auto" and large)
    log.info("no poses are given: structure from motion on %d images", len(images))
    result = reconstruct(
        images,
        masks,
        workspace,
        options,
        focal_px=priors.focal_px,
        embeddings=_embeddings(images, load_encoder()) if by_looks else None,
        times_s=priors.times_s,
    )
    log.info(
        "structure from motion registered %d of %d images in %.0f s",
        result.registered,
        len(images),
        sum(result.seconds.values()),
    )
    return result.reading


def _embeddings(
    images: FileLoaders, encoder: Encoder
) -> Mapping[str, NDArray[np.float32]]:
    """Vectors by image name, to find pairs; unreadable images go without."""
    vectors = {}
    for name in tracked(images, "encoding photographs"):
        try:
            pixels = decode_image(images[name](), name).rgb
        except (FileContentError, OSError):
            continue
        vectors[name] = encoder.encode([pixels])[0]
    return vectors
