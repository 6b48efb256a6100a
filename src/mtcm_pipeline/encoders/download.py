"""A published file over the network: whole and checked, or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.progress import wrap_file

from mtcm_pipeline.errors import ParameterError

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0  # without a single byte, not for the whole file
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class PublishedFile:
    """A file that never changes at its address.

    Attributes:
        url: where it lies.
        size_bytes: its length.
        sha256: of its content, in hexadecimal digits.
    """

    url: str
    size_bytes: int
    sha256: str


def download_file(published: PublishedFile, target: Path, *, remedy: str) -> None:
    """Fetch a file to `target`; a progress bar shows how far it is.

    It is written under a temporary name beside `target` and renamed once its length and
    digest are right, so that `target` is never half a file, not even after a kill.

    Args:
        published: what to fetch.
        target: where to; its folder is made.
        remedy: what to do if it fails; ends the error's message.

    Raises:
        ParameterError: the address cannot be reached, the disk cannot be written, or what
            came is not the published file. Nothing is left behind.
    """
    log.info(
        "downloading %s (%d bytes) to %s", published.url, published.size_bytes, target
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_beside(target) as (part, file):
            wrong = _receive(published, file)
            file.close()  # some systems rename no open file
            if not wrong:
                part.replace(target)
    except (OSError, http.client.HTTPException, ValueError) as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        raise ParameterError(
            f"{published.url} could not be downloaded to {str(target)!r} "
            f"(ingest.encoder_download): {wrong}; {remedy}"
        )


def _receive(published: PublishedFile, file: BinaryIO) -> str:
    """Write what comes to `file`; what is wrong with it, or empty."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(published.url, timeout=TIMEOUT_S) as response:
        size = published.size_bytes
        with wrap_file(response, size, description="Downloading weights") as stream:
            received = 0
            while received <= size and (chunk := stream.read(_CHUNK_BYTES)):
                file.write(chunk)
                digest.update(chunk)
                received += len(chunk)
    if received != size:
        came = f"more than {size}" if received > size else f"{received}"
        return f"{came} bytes came, not {size}"
    if digest.hexdigest() != published.sha256:
        return (
            f"what came has the SHA-256 {digest.hexdigest()}, not {published.sha256} as "
            f"published"
        )
    return ""


@contextlib.contextmanager
def _temporary_beside(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file in the target's folder that is gone afterwards unless it was renamed."""
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", suffix=".part", delete=False
    ) as file:
        part = Path(file.name)
        try:
            yield part, file  # type: ignore[misc]
        finally:
            file.close()
            part.unlink(missing_ok=True)
