"""Features of all frames: what the store knows is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image

from mtcm_pipeline.capture.content_store import (
    ContentStore,
    content_key,
    sealed,
    unsealed,
)
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.progress import OnProgress
from mtcm_pipeline.twoview.features import Features, find_features
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.workers import Workers

Size = tuple[int, int]

# Raised when features of the same content and options would come out differently.
_VERSION = "2"
_DECIDING_OPTIONS = (
    "feature_px",
    "max_features",
    "peak_threshold",
    "mask_margin_px",
)


@dataclass(frozen=True)
class FrameContent:
    """The files of one frame, as bytes.

    Attributes:
        name: the image's file name.
        image: a JPEG, PNG, WebP or HEIC file.
        mask: an image file; None without a mask.
        posed_size: (width, height) of the frame's camera, which says how the pixels are
            oriented (`formats.images.decode_image`).
        options: parameters.
    """

    name: str
    image: bytes
    mask: bytes | None
    posed_size: Size | None
    options: TwoViewOptions

    @cached_property
    def key(self) -> str:
        """Changes with everything that the features depend on."""
        options = {name: asdict(self.options)[name] for name in _DECIDING_OPTIONS}
        parts = (b"" if part is None else part for part in (self.image, self.mask))
        given = repr((options, self.posed_size, self.mask is None))
        return content_key("features", _VERSION, given, *parts)


@dataclass
class FoundFeatures:
    """Features by frame, and why a frame has none."""

    by_name: dict[str, Features] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def features_of_file(content: FrameContent) -> Features:
    """Decode a frame and find its features.

    Raises:
        FileContentError: the image or its mask cannot be read.
    """
    rgb = decode_image(content.image, content.name, content.posed_size).rgb
    grey = np.array(Image.fromarray(rgb).convert("L"))
    mask = None
    if content.mask is not None:
        size = (grey.shape[1], grey.shape[0])
        mask, _ = decode_mask(content.mask, f"of {content.name}", size=size)
        mask = mask if mask.any() else None
    return find_features(grey, mask, content.options)


def features_of_frames(
    names: Sequence[str],
    images: FileLoaders,
    masks: FileLoaders,
    sizes: Mapping[str, Size],
    options: TwoViewOptions,
    *,
    store: ContentStore | None = None,
    extract: Callable[[FrameContent], Features] = features_of_file,
    workers: Workers | None = None,
    on_progress: OnProgress | None = None,
) -> FoundFeatures:
    """Features of the frames `names`, from the store where it has them.

    Args:
        names: image file names.
        images: photographs by image name.
        masks: masks by the name of their image.
        sizes: (width, height) of the frames' cameras by image name.
        options: parameters.
        store: keeps features between runs; None keeps nothing.
        extract: computes the features of a frame; importable by name if there are
            workers.
        workers: processes to use; of the call's own when None.
        on_progress: called with the step, how many frames are done, and of how many.
    """
    found = FoundFeatures()
    contents = _contents(names, images, masks, sizes, options, problems=found.problems)
    pending = _unknown_to(store, contents, found.by_name)
    own = nullcontext(workers) if workers else Workers(options.workers)
    with own as processes:
        for name, key, result in processes.run(
            _extract_one, ((extract, content) for content in pending)
        ):
            if isinstance(result, str):
                found.problems[name] = result
            else:
                found.by_name[name] = result
                if store is not None:
                    store.write(key, sealed(result.to_bytes()))
            if on_progress is not None:
                done = len(found.by_name) + len(found.problems)
                on_progress("finding features", done, len(names))
    if on_progress is not None:
        on_progress("finding features", len(names), len(names))
    return found


def _contents(
    names: Sequence[str],
    images: FileLoaders,
    masks: FileLoaders,
    sizes: Mapping[str, Size],
    options: TwoViewOptions,
    *,
    problems: dict[str, str],
) -> Iterator[FrameContent]:
    """The frames' files; what cannot be read is entered into `problems`."""
    for name in names:
        try:
            image, mask = images[name](), masks[name]() if name in masks else None
        except (FileContentError, OSError) as error:
            problems[name] = f"image {name!r} or its mask cannot be read: {error}"
        else:
            yield FrameContent(name, image, mask, sizes.get(name), options)


def _unknown_to(
    store: ContentStore | None,
    contents: Iterator[FrameContent],
    known: dict[str, Features],
) -> Iterator[FrameContent]:
    """The frames that must be computed; the others go into `known` on the way."""
    for content in contents:
        stored = None if store is None else unsealed(store.read(content.key))
        if stored is None:
            yield content
        else:
            known[content.name] = Features.from_bytes(stored)


_Extraction = tuple[Callable[[FrameContent], Features], FrameContent]


def _extract_one(job: _Extraction) -> tuple[str, str, Features | str]:
    """Name, key and features, or what is wrong with the files."""
    extract, content = job
    try:
        return content.name, content.key, extract(content)
    except FileContentError as error:
        return content.name, content.key, str(error)
