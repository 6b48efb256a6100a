"""Foreground masks in the sizes of the thumbnails.

Dimension letters: h, w of a thumbnail.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.ingest.posed_photos import resized_mask

log = logging.getLogger(__name__)


def thumbnail_masks(
    cameras: PosedCameras,
    thumbnails: Mapping[str, NDArray[np.uint8]],
    masks: FileLoaders,
) -> dict[str, NDArray[np.bool_]]:
    """(h, w) True = foreground by frame name; frames without a readable mask are absent.

    Args:
        cameras: posed frames; masks have the sizes of their cameras.
        thumbnails: (h, w, 3) by frame name.
        masks: files by name, stems as the images'.
    """
    names = [name for name in cameras.names if name in thumbnails]
    small = {}
    for name, file in match_to_images(masks, names).by_image.items():
        camera = cameras.camera_of(name)
        size = camera.size
        try:
            mask, _ = decode_mask(masks[file](), file, size=size)
        except FileContentError as error:
            log.warning("left out of the scene's geometry: %s", error)
            continue
        tall, wide = thumbnails[name].shape[:2]
        small[name] = resized_mask(mask, (0, 0, *size), (wide, tall))
    return small
