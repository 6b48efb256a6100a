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
# Smaller images are not worth a pyramid.
_LEAST_SIDE_PX = 16
# Descriptors of points on the mask's edge look this far beyond it.
_AROUND_PX = 24
# Lowe's three find the same place of a glossy subject again less often.
_LAYERS_PER_OCTAVE = 5
_EDGE_RATIO = 10.0
_FIRST_BLUR_PX = 1.6
_DESCRIPTOR_LENGTH = 512.0


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
    (Arandjelovic and Zisserman 2012), by OpenCV.

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
    rows, columns = _window(working, inside)
    window = np.ascontiguousarray(working[rows, columns])
    if min(window.shape) < _LEAST_SIDE_PX:
        return Features.empty((width, height))
    within = None if inside is None else inside[rows, columns]
    xy, sizes, descriptors = _sift(window, within, options.peak_threshold)
    keep = np.argsort(-sizes, kind="stable")[: options.max_features]
    places = (xy[keep] + [columns.start, rows.start]) * scale
    return Features(places.astype(np.float32), descriptors[keep], (width, height))


def shrunk(grey: Grey, longest_px: int) -> Grey:
    """The image with its longest side at most `longest_px`; smaller ones as they are."""
    height, width = grey.shape
    factor = longest_px / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(grey)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(grey).resize(size, Image.Resampling.HAMMING))


def _sift(
    grey: Grey, inside: Bool | None, peak_threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """(F, 2) places in px of `grey`, (F,) sizes and (F, 128) descriptors."""
    import cv2

    sift = cv2.SIFT.create(
        nOctaveLayers=_LAYERS_PER_OCTAVE,
        contrastThreshold=_LAYERS_PER_OCTAVE * peak_threshold,  # OpenCV divides by them
        edgeThreshold=_EDGE_RATIO,
        sigma=_FIRST_BLUR_PX,
        enable_precise_upscale=True,  # else places are a quarter of a px off
    )
    where = None if inside is None else inside.astype(np.uint8)
    points, values = sift.detectAndCompute(grey, where)
    if len(points) == 0:
        return np.zeros((0, 2)), np.zeros(0), np.zeros((0, DESCRIPTOR_WIDTH), np.uint8)
    # To OpenCV the centre of the upper left pixel is 0, 0.
    xy = np.array([point.pt for point in points]) + 0.5
    sizes = np.array([point.size for point in points])
    return xy, sizes, _root(np.asarray(values, dtype=np.float32))


def _root(descriptors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(F, 128) square roots of what sums to 1, in 512ths."""
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1.0)
    rooted = np.rint(_DESCRIPTOR_LENGTH * np.sqrt(descriptors / sums))
    return np.minimum(rooted, 255).astype(np.uint8)


def _widened_mask(mask: Bool, working: Grey, options: TwoViewOptions) -> Bool:
    """The mask at the size of `working`, with its margin."""
    from scipy.ndimage import maximum_filter

    height, width = working.shape
    image = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
    side = 2 * options.mask_margin_px + 1
    return maximum_filter(np.array(image, bool), size=side, mode="constant", cval=False)


def _window(grey: Grey, inside: Bool | None) -> tuple[slice, slice]:
    """Rows and columns of the part that matters: the mask and what surrounds it."""
    height, width = grey.shape
    if inside is None:
        return slice(0, height), slice(0, width)
    return (
        _around(np.flatnonzero(inside.any(axis=1)), height),
        _around(np.flatnonzero(inside.any(axis=0)), width),
    )


def _around(used: NDArray[np.int64], length: int) -> slice:
    """From the first to the last of sorted rows, with a margin; empty without any."""
    if len(used) == 0:
        return slice(0, 0)
    first, last = int(used[0]), int(used[-1])
    return slice(max(first - _AROUND_PX, 0), min(last + 1 + _AROUND_PX, length))
