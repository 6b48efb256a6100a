"""Put a whole identity under data/, all of its folders or none.

The folder of raw images is what makes an identity known, so it arrives last.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from mtcm_pipeline.datasets.atomic_files import new_folder, remove_abandoned
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.identities import check_identity_name
from mtcm_pipeline.progress import tracked

LOGGER = logging.getLogger(__name__)

# The input folders of an identity under data/; the first is what makes it known.
INPUT_FOLDERS = ("raw_images", "metadata", "masks", "embeddings")

Parts = Mapping[str, Mapping[str, bytes | Path]]


def refuse_existing(data: Path, identity: str) -> None:
    """Raise `CaptureError` where `identity` has any input folder under `data`."""
    folders = [data / part / identity for part in INPUT_FOLDERS]
    occupied = [str(folder) for folder in folders if folder.exists()]
    if occupied:
        raise CaptureError(
            f"identity {identity!r} exists already ({', '.join(occupied)}): choose "
            f"another name with --identity, or replace it with --force"
        )


def remove_killed_imports(data: Path, identity: str) -> None:
    """Remove what imports of `identity` left that were killed: hidden folders, as large
    as the capture."""
    for part in INPUT_FOLDERS:
        for path in remove_abandoned(data / part / identity):
            LOGGER.info("removed what a killed import left: %s", path)


def install_identity(
    data: Path, identity: str, parts: Parts, *, replace: bool = False
) -> None:
    """Write the input folders of an identity.

    Args:
        data: the project's data folder.
        identity: name of the folders.
        parts: by input folder: relative file name -> content, or a file to copy.
        replace: whether an identity of that name may be removed for it.

    Raises:
        IdentityError: the name is no folder name.
        CaptureError: the identity exists and may not be replaced; nothing was changed.
    """
    check_identity_name(identity)
    unknown = sorted(set(parts) - set(INPUT_FOLDERS))
    if unknown:
        raise CaptureError(
            f"{', '.join(unknown)}: no input folder of an identity; these are: "
            f"{', '.join(INPUT_FOLDERS)}"
        )
    if not replace:
        refuse_existing(data, identity)
    remove_killed_imports(data, identity)
    with ExitStack() as folders:  # unwinds backwards: raw_images are renamed last
        for part in INPUT_FOLDERS:
            if parts.get(part):
                target = folders.enter_context(new_folder(data / part / identity))
                _fill(target, parts[part], part)
        for part in INPUT_FOLDERS:
            if not parts.get(part) and (data / part / identity).exists():
                LOGGER.info("removing %s of the replaced identity", part)
                shutil.rmtree(data / part / identity)


def _fill(folder: Path, files: Mapping[str, bytes | Path], what: str) -> None:
    for name, content in tracked(files.items(), f"writing {what}"):
        if not PurePosixPath(name).parts or ".." in PurePosixPath(name).parts:
            raise CaptureError(f"file name {name!r} leads out of its folder")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
