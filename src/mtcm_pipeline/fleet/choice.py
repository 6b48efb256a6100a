"""Which identities a command is about: names, patterns, or all of them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from mtcm_pipeline.errors import IdentityError

_WILD = "*?["
_LISTED = 20


def choose_identities(wanted: Sequence[str], known: Iterable[str]) -> list[str]:
    """The identities that `wanted` names, sorted, each once.

    Args:
        wanted: names and patterns (`*`, `?`, `[abc]`). What is exactly an identity's
            name is that identity, whatever characters it holds; letters compare
            composed, so that an accent typed in one piece finds a folder whose name
            holds it in two.
        known: all identities.

    Raises:
        IdentityError: names or patterns that match nothing, all of them in one message
            with the closest names; or there is no identity at all.
    """
    names = sorted(known)
    if not names:
        raise IdentityError(
            "no identity exists yet: put images under data/raw_images/<identity>/"
        )
    chosen: set[str] = set()
    faults: list[str] = []
    for each in wanted:
        found = _matching(each, names)
        chosen.update(found)
        if not found:
            faults.append(_fault(each, names))
    if faults:
        raise IdentityError("\n".join(faults))
    return sorted(chosen)


def _matching(wanted: str, names: Sequence[str]) -> list[str]:
    if wanted in names:
        return [wanted]
    composed = _composed(wanted)
    same = [name for name in names if _composed(name) == composed]
    if same or not _is_pattern(wanted):
        return same
    return [name for name in names if fnmatchcase(_composed(name), composed)]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_pattern(wanted: str) -> bool:
    return any(character in wanted for character in _WILD)


def _fault(wanted: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    listed = ", ".join(map(repr, names[:_LISTED]))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    there_are = f"existing identities: {listed}{more}"
    if _is_pattern(wanted):
        return f"no identity matches {wanted!r}; {there_are}"
    hint = f"did you mean {', '.join(map(repr, close))}?" if close else there_are
    return f"unknown identity {wanted!r}; {hint}"
