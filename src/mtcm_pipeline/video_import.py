"""Bring a video into the project's layout under data/, as the pictures taken from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mtcm_pipeline.datasets.atomic_files import temporary_path
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.identities import check_identity_name
from mtcm_pipeline.identity_folders import (
    Parts,
    install_identity,
    refuse_existing,
    remove_killed_imports,
)
from mtcm_pipeline.video.extract import ExtractedVideo, extract_frames
from mtcm_pipeline.video.options import VideoOptions


def import_video(
    source: Path,
    data: Path,
    identity: str | None = None,
    options: VideoOptions | None = None,
    *,
    replace: bool = False,
) -> ExtractedVideo:
    """Make a video an identity: its frames and their times; all of it or nothing.

    Args:
        source: the video file; it is only read.
        data: the project's data folder.
        identity: name of the identity; the file's stem when left out.
        options: how frames are taken; defaults when None.
        replace: whether an existing identity may be replaced.

    Raises:
        IdentityError: the name is no folder name.
        CaptureError: there is no such file, or the identity exists already.
        FileContentError: the file is no video that can be read.
    """
    name = source.stem if identity is None else identity
    check_identity_name(name)
    if not source.is_file():
        raise CaptureError(f"{source} is not a file: give the file of a video")
    if not replace:
        refuse_existing(data, name)
    remove_killed_imports(data, name)
    pictures = temporary_path(data / "raw_images" / name)
    pictures.mkdir(parents=True)
    try:
        extracted = _into_folder(source, pictures, options)
        times = json.dumps(extracted.exif_json(), indent=1, ensure_ascii=False)
        parts: Parts = {
            "raw_images": {f.name: pictures / f.name for f in extracted.frames},
            "metadata": {"exif.json": times.encode()},
        }
        install_identity(data, name, parts, replace=replace)
    finally:
        shutil.rmtree(pictures)
    return extracted


def summary_lines(extracted: ExtractedVideo) -> list[str]:
    """What became of the video, a line each, for people."""
    last = extracted.frames[-1]
    return [
        f"frames: {len(extracted.frames)} of {extracted.read_frames}, the sharpest of "
        f"each moment up to {last.time_s:.1f} s",
        *extracted.notes,
    ]


def _into_folder(
    source: Path, folder: Path, options: VideoOptions | None
) -> ExtractedVideo:
    def save(name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)

    with source.open("rb") as video:
        return extract_frames(video, source.name, options, save=save)
