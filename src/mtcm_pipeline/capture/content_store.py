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
