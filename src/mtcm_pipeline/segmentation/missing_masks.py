"""Masks for the photographs that have none, or a reason why they stay without."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.capture.content_store import (
    ContentStore,
    content_key,
    sealed,
    unsealed,
)
from mtcm_pipeline.capture.files import FileLoaders, stem_of
from mtcm_pipeline.capture.matching import frame_names, match_to_images
from mtcm_pipeline.errors import FileContentError, ParameterError
from mtcm_pipeline.formats.images import Size, cutout_of, decode_image
from mtcm_pipeline.formats.masks import encode_mask
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.segmentation.belief import MaskFacts, doubts, mask_from_saliency
from mtcm_pipeline.segmentation.options import MaskOptions
from mtcm_pipeline.segmentation.registry import Segmenter, load_segmenter

log = logging.getLogger(__name__)

FROM_FILE = "file"
FROM_ALPHA = "transparency"
ABSENT = "absent"
_WITH_ALPHA = (".png", ".webp")
_SWITCHED_OFF = (
    "masks.segmenter is none; masks.segmenter=u2netp (after `make masks`) finds the "
    "subject where one thing stands free, and masks of your own go into "
    "data/masks/<identity>/ as <name of the image without ending>.png"
)

Pixels = NDArray[np.uint8]
PosedSize = Callable[[str], Size | None]


@dataclass(frozen=True)
class MadeMasks:
    """The masks that were made.

    Attributes:
        masks: PNG content by `<stem of the image>.png`, 255 = foreground.
        table: one row an image: `name`; `source` (`file`, `transparency` of the image,
            the segmenter's name, or `absent`); `area` (share of the image) and
            `undecided` (see `MaskFacts`), NaN where no model made it; `reason` for being
            absent.
        notes: remarks about the whole.
    """

    masks: Mapping[str, bytes]
    table: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sources:
    """Everything that a mask is made from."""

    images: FileLoaders
    posed_size: PosedSize
    segmenter: Segmenter
    store: ContentStore | None
    options: MaskOptions


@dataclass
class _Making:
    """What the pass over the photographs collects, by image name."""

    pngs: dict[str, bytes] = field(default_factory=dict)
    cut_out: set[str] = field(default_factory=set)
    facts: dict[str, MaskFacts] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def make_missing_masks(
    images: FileLoaders,
    masks: FileLoaders,
    options: MaskOptions | None = None,
    *,
    posed_size: PosedSize = lambda name: None,
    load: Callable[[], Segmenter] | None = None,
    store: ContentStore | None = None,
) -> MadeMasks:
    """Make a mask for every image that has none.

    Where the images are cut out, as rendered ones are, what is not transparent is the
    mask; the others ask the segmenter.

    Args:
        images: photographs by file name.
        masks: the masks that were given, by file name; they are never replaced.
        options: parameters; defaults when None.
        posed_size: (width, height) in px of an image's camera, by image name, or None;
            it decides whether the image is turned (see `formats.images.decode_image`).
        load: returns the segmenter; that of the options when None.
        store: keeps the model's output by content, so that a re-run computes nothing
            again, whatever the thresholds; None keeps nothing.

    Raises:
        CaptureError: there are no images, or two share a stem.
        ParameterError: weights were asked for by path and are not there. Without a path,
            masks stay absent where the extra is not installed.
        FileContentError: the weights are not the published ones.
    """
    options = options or MaskOptions()
    names = frame_names(images)
    given = match_to_images(masks, names).by_image
    making = _Making()
    without = [name for name in names if name not in given]
    for name in without:
        _take_cutout(name, images, posed_size, options, making)
    missing = [name for name in without if name not in making.cut_out]
    segmenter, why_not = _segmenter(options, load) if missing else (None, "")
    if segmenter is None:
        making.reasons = dict.fromkeys(missing, why_not.partition(";")[0])
    else:
        sources = _Sources(images, posed_size, segmenter, store, options)
        for name in tracked(missing, "making masks"):
            _make(name, sources, making)
        _doubt(making, options)
    source = "" if segmenter is None else segmenter.name
    notes = _notes(len(names), len(given), making, why_not)
    for note in notes:
        log.info(note)
    pngs = {f"{stem_of(name)}.png": png for name, png in making.pngs.items()}
    return MadeMasks(pngs, _table(names, set(given), making, source), notes)


def saliency_of(
    rgb: Pixels, segmenter: Segmenter, store: ContentStore | None
) -> NDArray[np.float32]:
    """(h, w) saliency in 0..1, in steps of 1/255, from the store where it is known."""
    if store is None:
        return _from_levels(_to_levels(segmenter.saliency(rgb)))
    shape = str(rgb.shape)
    key = content_key(
        "saliency", segmenter.name, shape, np.ascontiguousarray(rgb).tobytes()
    )
    levels = _read_png(unsealed(store.read(key)))
    if levels is None:
        levels = _to_levels(segmenter.saliency(rgb))
        store.write(key, sealed(_to_png(levels)))
    return _from_levels(levels)


def _segmenter(
    options: MaskOptions, load: Callable[[], Segmenter] | None
) -> tuple[Segmenter | None, str]:
    """The segmenter, or None and why there is none."""
    if load is not None:
        return load(), ""
    if options.segmenter == "none":
        return None, _SWITCHED_OFF
    try:
        return load_segmenter(options.segmenter, options.weights), ""
    except ParameterError as error:
        if options.weights is not None:
            raise
        log.warning("missing masks stay absent: %s", error)
        return None, f"segmenter {options.segmenter} is not installed"


def _take_cutout(
    name: str,
    images: FileLoaders,
    posed_size: PosedSize,
    options: MaskOptions,
    making: _Making,
) -> None:
    """The mask of an image that is cut out; one that cannot be read is left to others."""
    if PurePath(name).suffix.lower() not in _WITH_ALPHA:
        return
    try:
        solid = cutout_of(images[name](), name, posed_size(name))
    except (FileContentError, OSError):
        return
    if solid is None:
        return
    if options.smallest_area <= solid.mean() <= options.largest_area:
        making.cut_out.add(name)
        making.pngs[name] = encode_mask(solid)


def _make(name: str, sources: _Sources, making: _Making) -> None:
    """One mask; an image that cannot be read goes without."""
    try:
        data = sources.images[name]()
        rgb = decode_image(data, name, sources.posed_size(name)).rgb
    except (FileContentError, OSError) as error:
        making.reasons[name] = f"image not readable: {error}"
        return
    saliency = saliency_of(rgb, sources.segmenter, sources.store)
    size = (rgb.shape[1], rgb.shape[0])
    mask, making.facts[name] = mask_from_saliency(saliency, size, sources.options)
    making.pngs[name] = encode_mask(mask)


def _doubt(making: _Making, options: MaskOptions) -> None:
    """Take the masks that are not believed away again."""
    for name, reason in zip(
        making.facts, doubts(list(making.facts.values()), options), strict=True
    ):
        if reason:
            making.reasons[name] = f"made mask left out: {reason}"
            del making.pngs[name]


def _table(
    names: tuple[str, ...], given: set[str], making: _Making, source: str
) -> pd.DataFrame:
    nothing = MaskFacts(np.nan, np.nan)
    facts = [making.facts.get(name, nothing) for name in names]
    return pd.DataFrame(
        {
            "name": list(names),
            "source": [_source(name, given, making, source) for name in names],
            "area": [fact.area for fact in facts],
            "undecided": [fact.undecided for fact in facts],
            "reason": [making.reasons.get(name, "") for name in names],
        }
    )


def _source(name: str, given: set[str], making: _Making, source: str) -> str:
    if name in given:
        return FROM_FILE
    if name in making.cut_out:
        return FROM_ALPHA
    return source if name in making.pngs else ABSENT


def _notes(images: int, given: int, making: _Making, why_not: str) -> tuple[str, ...]:
    if given == images:
        return ()
    cut_out = len(making.cut_out)
    notes = []
    if cut_out:
        notes.append(f"{cut_out} of {images} masks are their images' transparency")
    if given + cut_out == images:
        return tuple(notes)
    if why_not:
        absent = images - given - cut_out
        return (*notes, f"{absent} of {images} masks are absent: {why_not}")
    notes.append(f"{given} masks given, {len(making.pngs) - cut_out} made")
    if making.reasons:
        name, reason = next(iter(making.reasons.items()))
        notes.append(
            f"{len(making.reasons)} stay absent; the first, {name!r}: {reason}; a mask "
            f"in data/masks/<identity>/ is taken as it is"
        )
    return tuple(notes)


def _to_levels(saliency: NDArray[np.float32]) -> Pixels:
    return np.round(np.clip(saliency, 0.0, 1.0) * 255.0).astype(np.uint8)


def _from_levels(levels: Pixels) -> NDArray[np.float32]:
    return levels.astype(np.float32) / np.float32(255.0)


def _to_png(levels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def _read_png(content: bytes | None) -> Pixels | None:
    """Kept levels; None without content."""
    if content is None:
        return None
    with Image.open(io.BytesIO(content)) as picture:
        return np.array(picture.convert("L"))
