"""How file contents reach the library: by name, loaded one at a time, as bytes.

Datasets (the only code that opens files) hand over a mapping from file name to a
function that reads that file; nothing is in memory until it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath

from mtcm_pipeline.errors import CaptureError

FileLoaders = Mapping[str, Callable[[], bytes]]


def stem_of(name: str) -> str:
    """`DSC_0001.JPG` -> `DSC_0001`: what ties an image to its mask and embedding."""
    return PurePath(name).stem


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


def flat_name(relative: PurePath) -> str:
    """One file name for a file in sub-folders: `left/1.jpg` becomes `left_1.jpg`."""
    return "_".join(relative.parts)
