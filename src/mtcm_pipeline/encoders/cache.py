"""Embeddings kept by the content of the image, so that a re-run computes nothing again.

The key is made of the pixels that the network would see, its name and its weights. So a
photograph with other EXIF is known again, one that is turned otherwise is not, and
another weights file never gets the vectors of the last one. The network is not even
loaded where all vectors are known.

Dimension letters: N images, E = 384 embedding width, S side of the network's square.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.content_store import (
    ContentStore,
    content_key,
    sealed,
    unsealed,
)
from mtcm_pipeline.encoders.fixed_projection import EMBEDDING_WIDTH
from mtcm_pipeline.encoders.preprocessing import squeeze_to_square
from mtcm_pipeline.encoders.registry import Encoder, load_encoder, locate_weights

# To be raised with every change of an encoder's normalisation or of the projection;
# what happens before (decoding, squeezing) shows in the pixels.
ENCODING_VERSION = "1"
_STORED = np.dtype("<f4")

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class _Facts:
    """What must be known of an encoder that is not loaded."""

    name: str
    side_px: int


class CachedEncoder:
    """An encoder that asks the store first; `cached_encoder` makes one.

    Attributes:
        encoded_images: images that the network itself has encoded so far.
    """

    def __init__(
        self, load: Callable[[], Encoder], store: ContentStore, *, weights_mark: str
    ) -> None:
        """Wrap an encoder.

        Args:
            load: returns it; called when it is needed for the first time.
            store: where vectors are kept.
            weights_mark: tells these weights from all others.
        """
        self._load = load
        self._store = store
        self._weights_mark = weights_mark
        self._encoder: Encoder | None = None
        self._facts: _Facts | None = None
        self.encoded_images = 0

    @property
    def name(self) -> str:
        """Name of the encoder."""
        return self._known_facts().name

    @property
    def side_px(self) -> int:
        """Side of the square that the network sees."""
        return self._known_facts().side_px

    def encode(self, images: Sequence[Pixels]) -> Vectors:
        """N images (H, W, 3) uint8 RGB to (N, E) float32 of unit length."""
        if not images:
            return np.empty((0, EMBEDDING_WIDTH), dtype=np.float32)
        squares = [squeeze_to_square(image, self.side_px) for image in images]
        keys = [self._key(square) for square in squares]
        known = {
            key: vector for key in set(keys) if (vector := self._stored(key)) is not None
        }
        missing = {k: s for k, s in zip(keys, squares, strict=True) if k not in known}
        if missing:
            vectors = self._loaded().encode(list(missing.values()))
            self.encoded_images += len(missing)
            for key, vector in zip(missing, vectors, strict=True):
                self._store.write(key, sealed(vector.astype(_STORED).tobytes()))
                known[key] = vector
        return np.stack([known[key] for key in keys])

    def _key(self, square: Pixels) -> str:
        shape = str(square.shape)
        return content_key(
            "embedding", ENCODING_VERSION, self.name, self._weights_mark, shape,
            square.tobytes(),
        )  # fmt: skip

    def _stored(self, key: str) -> Vectors | None:
        """The vector under `key`; None where there is none that is whole."""
        content = unsealed(self._store.read(key))
        if content is None or len(content) != EMBEDDING_WIDTH * _STORED.itemsize:
            return None
        vector = np.frombuffer(content, _STORED).astype(np.float32)
        return vector if np.isfinite(vector).all() else None

    def _known_facts(self) -> _Facts:
        """From the encoder if it is loaded, else from the store, else by loading it."""
        if self._facts is None:
            key = content_key("encoder", ENCODING_VERSION, self._weights_mark)
            kept = self._store.read(key) if self._encoder is None else None
            content = unsealed(kept)
            if content is not None:
                self._facts = _Facts(**json.loads(content))
            else:
                encoder = self._loaded()
                self._facts = _Facts(encoder.name, encoder.side_px)
                self._store.write(key, sealed(json.dumps(vars(self._facts)).encode()))
        return self._facts

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self._load()
        return self._encoder


def cached_encoder(
    name: str,
    weights: str | Path | None,
    store: ContentStore,
    *,
    download: bool = False,
) -> CachedEncoder:
    """The encoder `name` in front of a store; loads nothing into memory yet.

    Args:
        name: one of `registry.ENCODER_NAMES`.
        weights: local weights; None for the packaged or the usual ones.
        store: where vectors are kept from run to run.
        download: as for `registry.load_encoder`; it happens here, since the weights'
            content is part of what the vectors are known by.
    """
    weights = locate_weights(name, weights, download=download)
    return CachedEncoder(
        lambda: load_encoder(name, weights),
        store,
        weights_mark=f"{name} {_mark_of(weights)}",
    )


def _mark_of(weights: str | Path | None) -> str:
    """Another mark for every other content of the weights."""
    if weights is None:
        return "packaged"
    path = Path(weights)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if path.is_dir():  # gigabytes in several formats: their sizes and times must do
        files = sorted(entry for entry in path.iterdir() if entry.is_file())
        stats = [(file.name, file.stat()) for file in files]
        return str([(name, s.st_size, s.st_mtime_ns) for name, s in stats])
    return str(weights)
