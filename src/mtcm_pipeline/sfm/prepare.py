"""Images and masks as COLMAP reads them: plain names, upright pixels, in one folder."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from mtcm_pipeline.capture.files import FileLoaders, by_stem
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.formats.containers import image_kind
from mtcm_pipeline.formats.images import (
    decode_image,
    stored_size,
    strip_private_metadata,
)
from mtcm_pipeline.formats.masks import decode_mask, encode_mask
from mtcm_pipeline.sfm.job import CameraGroup, short_hash
from mtcm_pipeline.sfm.marks import whole_folder, write_whole

# Focal lengths this close are one lens setting; EXIF rounds them to 1 mm or 0.1 mm.
_SAME_FOCAL = 0.005


@dataclass(frozen=True)
class PreparedImage:
    """One image in the workspace.

    Attributes:
        name: the capture's name of it.
        file: its name in the workspace: a number, since COLMAP's lists of pairs are
            separated by spaces.
        width: in px, upright.
        height: in px, upright.
        masked: whether a mask lies beside it.
    """

    name: str
    file: str
    width: int
    height: int
    masked: bool


@dataclass(frozen=True)
class PreparedImages:
    """All images of a capture in the workspace.

    Attributes:
        folder: holds `images/` and `masks/`.
        key: of the contents.
        images: those that could be read, in the order in which they were given.
        problems: what was left out, by image or mask name.
    """

    folder: Path
    key: str
    images: tuple[PreparedImage, ...]
    problems: Mapping[str, str]

    @property
    def name_of(self) -> dict[str, str]:
        """Capture's name by workspace file."""
        return {image.file: image.name for image in self.images}


def prepare_images(
    images: FileLoaders, masks: FileLoaders, workspace: Path
) -> PreparedImages:
    """Write what is not there yet.

    EXIF orientation is applied, private metadata are left behind; JPEG files that need
    no turning are copied bit by bit, all others become PNG. Masks are tied by stem.

    Args:
        images: by name, in the order of the capture.
        masks: by name; white is kept.
        workspace: a folder of this capture's own.

    Raises:
        CaptureError: no image at all, or two with the same stem.
    """
    if not images:
        raise CaptureError("there are no images to find poses for")
    by_stem(images, "images")
    mask_of = match_to_images(masks, tuple(images)).by_image
    key = _contents_key(images, masks, mask_of)
    folder = workspace / f"images-{key}"
    if not folder.is_dir():
        with whole_folder(folder) as temporary:
            _write_all(images, masks, mask_of, temporary)
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    prepared = tuple(PreparedImage(**entry) for entry in index["images"])
    return PreparedImages(folder, key, prepared, index["problems"])


def camera_groups(
    prepared: PreparedImages, focal_px: Mapping[str, float] | None
) -> tuple[CameraGroup, ...]:
    """Images that share a camera: one size, one believed focal length.

    Images without a believed focal length join the others of their size where these
    have only one.
    """
    sizes: dict[tuple[int, int], dict[float | None, list[str]]] = {}
    for image in prepared.images:
        by_focal = sizes.setdefault((image.width, image.height), {})
        focal = None if focal_px is None else focal_px.get(image.name)
        same = (f for f in by_focal if _same_focal(f, focal))
        by_focal.setdefault(next(same, focal), []).append(image.file)
    groups = []
    for (width, height), by_focal in sizes.items():
        if len(by_focal) == 2 and None in by_focal:
            unknown = by_focal.pop(None)
            next(iter(by_focal.values())).extend(unknown)
        for focal, files in by_focal.items():
            groups.append(CameraGroup(tuple(sorted(files)), width, height, focal))
    return tuple(groups)


def _same_focal(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= _SAME_FOCAL * min(a, b)


def _contents_key(images: FileLoaders, masks: FileLoaders, mask_of: Mapping) -> str:
    parts = []
    for name, load in images.items():
        mask = mask_of.get(name)
        parts.append([name, _digest(load), mask and _digest(masks[mask])])
    return short_hash(parts)


def _digest(load: Callable[[], bytes]) -> str:
    """Of a file's content; a word for one that cannot be read, now."""
    try:
        return hashlib.blake2b(load(), digest_size=16).hexdigest()
    except FileContentError:
        return "unreadable"


def _write_all(
    images: FileLoaders, masks: FileLoaders, mask_of: Mapping[str, str], folder: Path
) -> None:
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    written: list[PreparedImage] = []
    problems: dict[str, str] = {}
    for number, (name, load) in enumerate(images.items(), start=1):
        try:
            suffix, content = _upright(load(), name)
        except FileContentError as error:
            problems[name] = str(error)
            continue
        file = f"{number:06d}{suffix}"
        (folder / "images" / file).write_bytes(content)
        width, height = stored_size(content, name)
        mask_name = mask_of.get(name)
        masked = False
        if mask_name is not None:
            target = folder / "masks" / f"{file}.png"
            problem = _write_mask(masks[mask_name], mask_name, (width, height), target)
            masked = not problem
            problems |= {mask_name: problem} if problem else {}
        written.append(PreparedImage(name, file, width, height, masked))
    index = {"images": [asdict(image) for image in written], "problems": problems}
    write_whole(folder / "index.json", json.dumps(index).encode())


def _upright(data: bytes, name: str) -> tuple[str, bytes]:
    """Suffix and content of the image, turned as its EXIF says."""
    if image_kind(data) == "jpeg":
        return ".jpg", strip_private_metadata(data, name)
    buffer = io.BytesIO()
    Image.fromarray(decode_image(data, name).rgb).save(buffer, "PNG", compress_level=1)
    return ".png", buffer.getvalue()


def _write_mask(
    load: Callable[[], bytes], name: str, size: tuple[int, int], target: Path
) -> str:
    """Write the mask; what is wrong with it if it cannot be used, else empty."""
    try:
        mask, _ = decode_mask(load(), name, size=size)
    except FileContentError as error:
        return str(error)
    if not mask.any():
        return f"mask {name!r} is empty and was not used to find poses"
    target.write_bytes(encode_mask(mask))
    return ""
