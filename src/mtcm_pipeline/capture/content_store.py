"""Results kept by the content that they were computed from."""

from __future__ import annotations

import hashlib
from typing import Protocol


class ContentStore(Protocol):
    """Bytes by key that outlive a run; the library does not care where they are."""

    def read(self, key: str) -> bytes | None:
        """Bytes written last under `key`, or None."""

    def write(self, key: str, content: bytes) -> None:
        """Replace what is under `key`, whole or not at all."""


class LimitedStore(ContentStore, Protocol):
    """A store that can give up what was not used for long."""

    def shrink(self, limit_bytes: int) -> int:
        """Remove the least recently used down to the limit; the number of bytes gone."""


def content_key(kind: str, *parts: bytes | str) -> str:
    """A plain file name for what is computed from `parts`, all of which count.

    Args:
        kind: what is kept, letters of a file name; for people who look into the store.
        parts: contents and names that the result depends on.
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return f"{kind}-{digest.hexdigest()}"


def sealed(content: bytes) -> bytes:
    """The content behind its own digest, for `unsealed` to check."""
    return hashlib.sha256(content).digest() + content


def unsealed(stored: bytes | None) -> bytes | None:
    """The content that was sealed; None if there is none, or not a byte of it may count.

    Parsers of damaged files raise what they like, or return other numbers; so they
    never see one.
    """
    if stored is None:
        return None
    size = hashlib.sha256().digest_size
    digest, content = stored[:size], stored[size:]
    return content if hashlib.sha256(content).digest() == digest else None
