"""Local features of one photograph: SIFT points and root-SIFT descriptors.

Dimension letters: F features, H height, W width.
"""

from __future__ import annotations

import io
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
# Points outside the mask must not use up the places of those inside.
_SPARE_WITH_MASK = 4
# Descriptors of points on the mask's edge look this far beyond it.
_AROUND_PX = 24


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
    def from_bytes(cls, content: bytes) -> Features:
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            width, height = (int(side) for side in arrays["size"])
            return cls(arrays["xy"], arrays["descriptors"], (width, height))


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
    scale = np.array([width / working.shape[1], height / working.shape[0]])
    inside = None if mask is None else _widened_mask(mask, working, options)
    left, top, window = _window(working, inside)
    if min(window.shape) < _LEAST_SIDE_PX:
        return Features.empty((width, height))
    octave = _first_octave(working, options)
    spare = 1 if mask is None else _SPARE_WITH_MASK
    xy, sizes, descriptors = _sift(window, octave, options, options.max_features * spare)
    xy += np.array([left, top])
    keep = np.argsort(-sizes, kind="stable")
    if inside is not None:
        columns, rows = np.minimum(xy.astype(int), np.array(inside.shape[::-1]) - 1).T
        keep = keep[inside[rows, columns][keep]]
    keep = keep[: options.max_features]
    places = (xy[keep] * scale).astype(np.float32)
    return Features(places, descriptors[keep], (width, height))


def shrunk(grey: Grey, longest_px: int) -> Grey:
    """The image with its longest side at most `longest_px`; smaller ones as they are."""
    height, width = grey.shape
    factor = longest_px / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(grey)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _sift(
    grey: Grey, first_octave: int, options: TwoViewOptions, most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """(F, 2) places in px of `grey`, (F,) sizes and (F, 128) descriptors."""
    import pycolmap

    settings = pycolmap.FeatureExtractionOptions()
    settings.use_gpu = False
    settings.num_threads = 1
    settings.sift.max_num_features = most
    settings.sift.peak_threshold = options.peak_threshold
    settings.sift.first_octave = first_octave
    extractor = pycolmap.FeatureExtractor.create(settings, device=pycolmap.Device.cpu)
    keypoints, descriptors = extractor.extract_from_uint8_array(grey)
    if len(keypoints) == 0:
        return np.zeros((0, 2)), np.zeros(0), np.zeros((0, DESCRIPTOR_WIDTH), np.uint8)
    points = np.array([(p.x, p.y, p.a11, p.a21) for p in keypoints], dtype=np.float64)
    sizes = np.hypot(points[:, 2], points[:, 3])
    return points[:, :2].copy(), sizes, np.array(descriptors.data, dtype=np.uint8)


def _first_octave(grey: Grey, options: TwoViewOptions) -> int:
    if options.first_octave is not None:
        return options.first_octave
    return -1 if max(grey.shape) <= _SMALL_PX else 0


def _widened_mask(mask: Bool, working: Grey, options: TwoViewOptions) -> Bool:
    """The mask at the size of `working`, with its margin."""
    from scipy.ndimage import maximum_filter

    height, width = working.shape
    image = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
    side = 2 * options.mask_margin_px + 1
    return maximum_filter(np.array(image, bool), size=side, mode="constant", cval=False)


def _window(grey: Grey, inside: Bool | None) -> tuple[int, int, Grey]:
    """Left, top and pixels of the part that matters: the mask and what surrounds it."""
    if inside is None:
        return 0, 0, grey
    if not inside.any():
        return 0, 0, grey[:0, :0]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, left = max(rows[0] - _AROUND_PX, 0), max(columns[0] - _AROUND_PX, 0)
    bottom, right = rows[-1] + 1 + _AROUND_PX, columns[-1] + 1 + _AROUND_PX
    return int(left), int(top), np.ascontiguousarray(grey[top:bottom, left:right])
