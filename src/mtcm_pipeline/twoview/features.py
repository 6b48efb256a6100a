"""Local features of one photograph: SIFT points and root-SIFT descriptors.

Dimension letters: F features, H height, W width.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.options import TwoViewOptions

Grey = NDArray[np.uint8]
Bool = NDArray[np.bool_]

DESCRIPTOR_WIDTH = 128
_SMALL_PX = 500
# COLMAP's extractor aborts on images of a few px.
_LEAST_SIDE_PX = 16


@dataclass(frozen=True)
class Features:
    """What was found on a photograph.

    Attributes:
        xy: (F, 2) float32 places in px of the photograph as it is, COLMAP's convention
            (the centre of the upper left pixel is 0.5, 0.5).
        descriptors: (F, 128) uint8 root-SIFT, lengths about 512.
        size: (width, height) of the photograph in px.
    """

    xy: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        n = len(self.xy)
        if self.xy.shape != (n, 2) or self.descriptors.shape != (n, DESCRIPTOR_WIDTH):
            raise CaptureError(
                f"features: places {self.xy.shape} and descriptors "
                f"{self.descriptors.shape}, not ({n}, 2) and ({n}, {DESCRIPTOR_WIDTH})"
            )

    def __len__(self) -> int:
        return len(self.xy)

    @classmethod
    def empty(cls, size: tuple[int, int]) -> Features:
        """A photograph on which nothing was found."""
        xy = np.zeros((0, 2), np.float32)
        return cls(xy, np.zeros((0, DESCRIPTOR_WIDTH), np.uint8), size)

    def to_bytes(self) -> bytes:
        """An `.npz` file."""
        buffer = io.BytesIO()
        np.savez(buffer, xy=self.xy, descriptors=self.descriptors, size=self.size)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Features | None:
        """The inverse of `to_bytes`; None if the content is broken."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                width, height = (int(side) for side in arrays["size"])
                return cls(arrays["xy"], arrays["descriptors"], (width, height))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, CaptureError):
            return None


def find_features(grey: Grey, mask: Bool | None, options: TwoViewOptions) -> Features:
    """SIFT points of a photograph (Lowe 2004) with root-SIFT descriptors
    (Arandjelovic and Zisserman 2012), by COLMAP's extractor on the CPU.

    Args:
        grey: (H, W) uint8.
        mask: (H, W), True where the subject is; points elsewhere are left out. None: the
            whole photograph counts.
        options: parameters.

    Raises:
        CaptureError: the mask has another size.
    """
    height, width = grey.shape
    if mask is not None and mask.shape != grey.shape:
        raise CaptureError(f"mask is {mask.shape}, the photograph {grey.shape}")
    working = shrunk(grey, options.feature_px)
    if min(working.shape) < _LEAST_SIDE_PX:
        return Features.empty((width, height))
    xy, descriptors = _sift(working, options)
    if mask is not None:
        keep = _inside(mask, xy, working.shape, options.mask_margin_px)
        xy, descriptors = xy[keep], descriptors[keep]
    scale = np.array([width / working.shape[1], height / working.shape[0]])
    return Features((xy * scale).astype(np.float32), descriptors, (width, height))


def shrunk(grey: Grey, longest_px: int) -> Grey:
    """The image with its longest side at most `longest_px`; smaller ones as they are."""
    height, width = grey.shape
    factor = longest_px / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(grey)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _sift(
    grey: Grey, options: TwoViewOptions
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """(F, 2) places in px of `grey` and (F, 128) descriptors."""
    import pycolmap

    settings = pycolmap.FeatureExtractionOptions()
    settings.use_gpu = False
    settings.num_threads = 1
    settings.sift.max_num_features = options.max_features
    settings.sift.peak_threshold = options.peak_threshold
    settings.sift.first_octave = _first_octave(grey, options)
    extractor = pycolmap.FeatureExtractor.create(settings, device=pycolmap.Device.cpu)
    keypoints, descriptors = extractor.extract_from_uint8_array(grey)
    if len(keypoints) == 0:
        return np.zeros((0, 2)), np.zeros((0, DESCRIPTOR_WIDTH), np.uint8)
    xy = np.array([(point.x, point.y) for point in keypoints], dtype=np.float64)
    return xy, np.array(descriptors.data, dtype=np.uint8)


def _first_octave(grey: Grey, options: TwoViewOptions) -> int:
    if options.first_octave is not None:
        return options.first_octave
    return -1 if max(grey.shape) <= _SMALL_PX else 0


def _inside(
    mask: Bool, xy: NDArray[np.float64], shape: tuple[int, ...], margin_px: int
) -> Bool:
    """(F,) which places in px of an image of `shape` lie in the widened mask."""
    scale = mask.shape[1] / shape[1], mask.shape[0] / shape[0]
    columns = np.clip((xy[:, 0] * scale[0]).astype(int), 0, mask.shape[1] - 1)
    rows = np.clip((xy[:, 1] * scale[1]).astype(int), 0, mask.shape[0] - 1)
    return widened(mask, math.ceil(margin_px * max(scale)))[rows, columns]


def widened(mask: Bool, margin_px: int) -> Bool:
    """The mask and all pixels within `margin_px` of it (city block by rows, columns)."""
    from scipy.ndimage import maximum_filter

    if margin_px == 0:
        return mask
    return maximum_filter(mask, size=2 * margin_px + 1, mode="constant", cval=False)
