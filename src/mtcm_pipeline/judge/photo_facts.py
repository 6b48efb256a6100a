"""What one photograph says by itself: numbers, small pictures, patches.

Computed once a distinct photograph; a store keeps it by content.

Dimension letters: H height, W width, C = 14 cells a side, P = 152 patch width.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import sobel

from mtcm_pipeline.capture.content_store import ContentStore, content_key
from mtcm_pipeline.ingest.measures import (
    border_share,
    clipped_share_of,
    grey_of,
    luminance_of,
    sharpness_of,
    shrink,
)
from mtcm_pipeline.ingest.quality import small_grey

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Float = NDArray[np.float64]

NUMBERS = (
    "sharpness",
    "sharpness_half",
    "sharpness_quarter",
    "detail_xx",
    "detail_xy",
    "detail_yy",
    "luminance",
    "contrast",
    "clipped",
    "dark",
    "bright",
    "mask_area",
    "mask_x",
    "mask_y",
    "mask_border",
    "mask_outline",
)
# Longest side at which everything is measured: what captures are matched at.
MEASURED_PX = 400
_MASK_CELLS = 14
_FEWEST_PX = 64
_CHUNK = 64
# Raised when the same photograph would come out differently.
FACTS_VERSION = "1"
_BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)


@dataclass(frozen=True)
class PhotoFacts:
    """What is known about one photograph; NaN where it cannot be.

    Attributes:
        numbers: (len(NUMBERS),) float64, see `photo_numbers`.
        small: (32, 32) float32 grey values in 0..1, squeezed.
        mask_cells: (C, C) float32 share of foreground; NaN without a mask.
        embedding: (384,) float32 of unit length.
        patches: (C, C, P) float16 of unit length.
    """

    numbers: Float
    small: NDArray[np.float32]
    mask_cells: NDArray[np.float32]
    embedding: NDArray[np.float32]
    patches: NDArray[np.float16]

    def to_bytes(self) -> bytes:
        """An `.npz` file."""
        buffer = io.BytesIO()
        np.savez(buffer, **{f.name: getattr(self, f.name) for f in fields(self)})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> PhotoFacts | None:
        """The inverse of `to_bytes`; None if the content is broken."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return cls(**{f.name: arrays[f.name] for f in fields(cls)})
        except _BROKEN:
            return None


def photo_key(pixels: Pixels, mask: Mask | None) -> str:
    """A plain file name that changes with every pixel of the photograph and its mask."""
    shapes = repr((FACTS_VERSION, pixels.shape, None if mask is None else mask.shape))
    packed = b"" if mask is None else np.packbits(mask).tobytes()
    return content_key("judge", shapes, np.ascontiguousarray(pixels).tobytes(), packed)


def facts_of_photos(
    images: Mapping[str, Pixels],
    masks: Mapping[str, Mask],
    store: ContentStore | None = None,
) -> dict[str, PhotoFacts]:
    """Facts by name; what the store knows is not computed again.

    Args:
        images: (H, W, 3) uint8 by name.
        masks: (H, W) foreground by name; absent where there is none.
        store: keeps facts between runs; None keeps nothing.
    """
    keys = {name: photo_key(images[name], masks.get(name)) for name in images}
    known: dict[str, PhotoFacts] = {}
    if store is not None:
        for name, key in keys.items():
            content = store.read(key)
            facts = None if content is None else PhotoFacts.from_bytes(content)
            if facts is not None:
                known[name] = facts
    missing = [name for name in images if name not in known]
    for name, facts in zip(missing, _computed(missing, images, masks), strict=True):
        known[name] = facts
        if store is not None:
            store.write(keys[name], facts.to_bytes())
    return {name: known[name] for name in images}


def _computed(
    names: Sequence[str], images: Mapping[str, Pixels], masks: Mapping[str, Mask]
) -> Iterator[PhotoFacts]:
    if not names:
        return
    from mtcm_pipeline.judge.patches import PatchEncoder

    encoder = PatchEncoder.load()
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        vectors, patches = encoder.encode_with_patches([images[name] for name in chunk])
        for row, name in enumerate(chunk):
            mask = masks.get(name)
            shrunk = shrink(images[name], MEASURED_PX)
            yield PhotoFacts(
                photo_numbers(shrunk, _resized(mask, shrunk.shape[:2])),
                small_grey(shrunk),
                _cells_of(mask),
                vectors[row],
                patches[row],
            )


def photo_numbers(pixels: Pixels, mask: Mask | None) -> Float:
    """The numbers of `NUMBERS`, in that order.

    Sharpness (`ingest.measures.sharpness_of`) at full, half and quarter size, inside the
    mask where there is one: defocus takes the fine scale first. `detail_*` is the
    second-moment matrix of the gradient of the fine detail over the image's variance:
    motion blur empties it in one direction. `dark` and `bright` are the 5th and 95th
    percentile of grey values; `mask_x` and `mask_y` the mask's middle as shares of the
    sides; `mask_outline` its outline over the square root of its area.
    """
    grey = grey_of(pixels)
    numbers = dict.fromkeys(NUMBERS, np.nan)
    names = ("sharpness", "sharpness_half", "sharpness_quarter")
    for halvings, name in enumerate(names):
        numbers[name] = _sharpness(_halved(grey, halvings), mask)
    numbers |= _detail_moments(grey, mask)
    low, high = np.percentile(grey, [5.0, 95.0])
    numbers |= {"dark": float(low), "bright": float(high)}
    numbers["luminance"] = luminance_of(pixels)
    numbers["contrast"] = float(grey.std())
    numbers["clipped"] = clipped_share_of(pixels)
    if mask is not None and mask.any():
        numbers |= _mask_numbers(mask)
    return np.array([numbers[name] for name in NUMBERS])


def _sharpness(grey: Float, mask: Mask | None) -> float:
    inside = _resized(mask, grey.shape)
    if inside is not None and inside.sum() >= 4 * _FEWEST_PX:
        return sharpness_of(grey, inside)
    return sharpness_of(grey)


def _halved(grey: Float, times: int) -> Float:
    for _ in range(times):
        height, width = (side // 2 * 2 for side in grey.shape)
        even = grey[:height, :width]
        grey = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return grey


def _detail_moments(grey: Float, mask: Mask | None) -> dict[str, float]:
    coarse = _halved(grey, 1).repeat(2, axis=0).repeat(2, axis=1)
    detail = grey[: coarse.shape[0], : coarse.shape[1]] - coarse
    across, down = sobel(detail, axis=1), sobel(detail, axis=0)
    inside = np.ones(detail.shape, dtype=bool)
    if mask is not None and mask.sum() >= 4 * _FEWEST_PX:
        inside = mask[: detail.shape[0], : detail.shape[1]]
    variance = max(float(grey.var()), 1e-8)
    return {
        "detail_xx": float((across[inside] ** 2).mean()) / variance,
        "detail_xy": float((across[inside] * down[inside]).mean()) / variance,
        "detail_yy": float((down[inside] ** 2).mean()) / variance,
    }


def _mask_numbers(mask: Mask) -> dict[str, float]:
    rows, columns = np.nonzero(mask)
    steps = (mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum()
    return {
        "mask_area": float(mask.mean()),
        "mask_x": float(columns.mean()) / mask.shape[1],
        "mask_y": float(rows.mean()) / mask.shape[0],
        "mask_border": border_share(mask),
        "mask_outline": float(steps) / float(np.sqrt(len(rows))),
    }


def _resized(mask: Mask | None, shape: tuple[int, ...]) -> Mask | None:
    if mask is None or mask.shape == tuple(shape):
        return mask
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BOX)) > 127


def _cells_of(mask: Mask | None) -> NDArray[np.float32]:
    """(C, C) share of foreground; an empty mask says nothing."""
    if mask is None or not mask.any():
        return np.full((_MASK_CELLS, _MASK_CELLS), np.nan, np.float32)
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    small = picture.resize((_MASK_CELLS, _MASK_CELLS), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255.0)
