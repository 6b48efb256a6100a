"""Frames by the names that a user types.

A name is compared letter by letter, an accent in one piece with an accent in two: macOS
writes file names in two (NFD), keyboards in one (NFC).
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

from mtcm_pipeline.errors import ParameterError


def named_frames(
    option: str, wanted: Iterable[str], known: Sequence[str]
) -> tuple[str, ...]:
    """The frames that an option names, each once, as the capture spells them.

    Args:
        option: what a user calls it (`select.keep`).
        wanted: names as typed.
        known: file names of the capture's frames.

    Raises:
        ParameterError: a name is not a frame's; the closest ones are given.
    """
    exact = set(known)
    composed = {_composed(name): name for name in reversed(known)}
    found = []
    for name in wanted:
        frame = name if name in exact else composed.get(_composed(name))
        if frame is None:
            raise ParameterError(
                f"{option} names {name!r}, which is not a frame of this capture; "
                f"{closest_names(name, known)}"
            )
        found.append(frame)
    return tuple(dict.fromkeys(found))


def closest_names(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: close ones, or the first few that exist."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {', '.join(map(repr, close))}?"
    return f"there are {len(known)}: {', '.join(map(repr, known[:10]))}"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
