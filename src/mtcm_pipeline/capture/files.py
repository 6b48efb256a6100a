"""How file contents reach the library: by name, loaded one at a time, as bytes.

Datasets (the only code that opens files) hand over a mapping from file name to a
function that reads that file, or raises `FileContentError` where it cannot be read;
nothing is in memory until it is asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath

from mtcm_pipeline.errors import CaptureError, FileContentError

FileLoaders = Mapping[str, Callable[[], bytes]]


def stem_of(name: str) -> str:
    """`DSC_0001.JPG` -> `DSC_0001`: what ties an image to its mask and embedding."""
    return PurePath(name).stem


def folded(name: str) -> str:
    """The name without regard to letter case and to how accents are written.

    macOS writes a letter and its accent in two pieces (NFD), most files in one (NFC).
    """
    composed = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", composed.casefold())


def by_stem(names: Iterable[str], what: str) -> dict[str, str]:
    """Map stem -> file name; two files with one stem are an error that names both."""
    found: dict[str, str] = {}
    for name in names:
        stem = stem_of(name)
        if stem in found:
            raise CaptureError(
                f"{what} {found[stem]!r} and {name!r} have the same stem {stem!r}, so "
                f"masks and embeddings cannot be told apart: rename one of them"
            )
        found[stem] = name
    return found


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that reads runs of digits as numbers, with the name to break ties.

    `r_2` comes before `r_10`.
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    key = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
    return key, name


def empty_where_unreadable(files: FileLoaders) -> dict[str, Callable[[], bytes]]:
    """The same files, but one that cannot be read (`FileContentError`) has no bytes."""

    def lenient(load: Callable[[], bytes]) -> Callable[[], bytes]:
        def content() -> bytes:
            try:
                return load()
            except FileContentError:
                return b""

        return content

    return {name: lenient(load) for name, load in files.items()}


def flat_name(relative: PurePath) -> str:
    """One file name for a file in sub-folders: `left/1.jpg` becomes `left_1.jpg`."""
    return "_".join(relative.parts)
