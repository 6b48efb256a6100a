"""Names of identities: one capture of one subject, one folder name.

Spaces, dots, commas and any language's letters are normal in a name. What is
refused is whatever would make the name more or less than one path component.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from mtcm_pipeline.errors import IdentityError

_FORBIDDEN_NAMES = {"", ".", ".."}
_FORBIDDEN_CHARACTERS = ("/", "\\", "\0")


def check_identity_name(name: object) -> str:
    """Return `name` if it is a usable identity, else raise `IdentityError`.

    Args:
        name: what the user gave. Command lines parse values as YAML, so `007`
            arrives as the number 7 and `No` as False; both are refused with the
            remedy instead of being turned into a different name.
    """
    if not isinstance(name, str):
        raise IdentityError(
            f"identity is {name!r} ({type(name).__name__}), not text: the command line "
            f"parses values as YAML; quote the name twice, as in "
            f"--params \"identity='007'\""
        )
    if name in _FORBIDDEN_NAMES or any(c in name for c in _FORBIDDEN_CHARACTERS):
        raise IdentityError(
            f"identity {name!r} is not a folder name: it must be one path component, "
            f"neither empty nor '.' nor '..', without '/' or '\\'"
        )
    if any(unicodedata.category(c) == "Cc" for c in name) or name != name.strip():
        raise IdentityError(
            f"identity {name!r} has control characters or white space at an end: "
            f"rename the folders and use the plain name"
        )
    return name


def check_identity_exists(name: str, known: Iterable[str]) -> str:
    """Return `name` if it is among `known`, else raise with the closest names."""
    known = sorted(known)
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        hint = f"did you mean {', '.join(map(repr, close))}?"
    elif known:
        hint = f"existing identities: {', '.join(map(repr, known[:20]))}"
    else:
        hint = "no identity exists yet: put images under data/raw_images/<identity>/"
    raise IdentityError(f"unknown identity {name!r}; {hint}")
