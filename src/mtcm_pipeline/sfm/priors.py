"""What is known of photographs before structure from motion: focal lengths and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.exif import ExifFacts, focal_px, merged_facts, read_exif
from mtcm_pipeline.formats.images import stored_size


@dataclass(frozen=True)
class ImagePriors:
    """By image name; what is not known or not believed is left out.

    Attributes:
        focal_px: focal length in px of the upright image.
        times_s: time of exposure in seconds.
    """

    focal_px: Mapping[str, float]
    times_s: Mapping[str, float]


def image_priors(
    images: FileLoaders, exif: Mapping[str, ExifFacts] | None = None
) -> ImagePriors:
    """Read the EXIF of every photograph.

    A photograph that cannot be read is left out here and named where it is decoded.

    Args:
        images: photographs by file name.
        exif: what exif.json says, by image name; it wins over the photographs.
    """
    exif = exif or {}
    focals: dict[str, float] = {}
    times: dict[str, float] = {}
    for name, load in images.items():
        try:
            data = load()
            facts = merged_facts(exif.get(name, ExifFacts()), read_exif(data, name))
            width, height = stored_size(data, name)
        except (FileContentError, OSError):
            continue
        if facts.orientation >= 5:
            width, height = height, width
        focal = focal_px(facts, width, height)
        if focal is not None:
            focals[name] = focal
        if facts.timestamp_s is not None:
            times[name] = facts.timestamp_s
    return ImagePriors(focals, times)
