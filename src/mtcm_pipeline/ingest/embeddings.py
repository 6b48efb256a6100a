"""Embeddings: read from files where there are any, computed where they are missing.

Vectors of different encoders cannot be compared. So where only some frames have a file,
the others are computed only if the files are seen to come from the very same encoder.

Dimension letters: N frames, E = 384 embedding width.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.encoders.fixed_projection import EMBEDDING_WIDTH
from mtcm_pipeline.encoders.preprocessing import squeeze_to_square
from mtcm_pipeline.encoders.registry import Encoder
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.ingest.matching import match_to_images

log = logging.getLogger(__name__)

FROM_FILE = "file"
_NPY_MAGIC = b"\x93NUMPY"

Vectors = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class StoredEmbeddings:
    """What the embedding files held.

    Attributes:
        names: (N) image file names.
        vectors: (N, E) float32 exactly as in the files; NaN where absent.
        problems: what is wrong with a frame's file, by image name. Such a file counts
            as missing.
        notes: remarks about the whole.
    """

    names: tuple[str, ...]
    vectors: Vectors
    problems: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N,) which frames have a usable file."""
        return _rows_present(self.vectors)


@dataclass(frozen=True)
class EmbeddingTable:
    """One embedding a frame, as far as there are any.

    Attributes:
        names: (N) image file names.
        vectors: (N, E) float32; NaN where absent. Computed ones have unit length;
            those from files are kept exactly as they are, whatever their length.
        encoder: (N) `file`, the encoder's name, or empty where absent.
        problems: what is wrong with a frame's file, by image name.
        notes: remarks about the whole.
    """

    names: tuple[str, ...]
    vectors: Vectors
    encoder: tuple[str, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.vectors.shape != (n, EMBEDDING_WIDTH) or len(self.encoder) != n:
            raise CaptureError(
                f"embeddings are {self.vectors.shape} with {len(self.encoder)} encoders, "
                f"not ({n}, {EMBEDDING_WIDTH})"
            )

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N,) which frames have an embedding."""
        return _rows_present(self.vectors)

    @property
    def unit_vectors(self) -> Vectors:
        """(N, E) all of unit length; NaN where absent."""
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return (self.vectors / lengths).astype(np.float32)


def read_embeddings(files: FileLoaders, names: Sequence[str]) -> StoredEmbeddings:
    """Read the `.npy` files that share a stem with the images `names`.

    One bad file is that frame's problem: it counts as missing and is reported.

    Args:
        files: contents by file name, `.npy` of shape (384,) or (1, 384), any real type.
        names: image file names.
    """
    vectors = np.full((len(names), EMBEDDING_WIDTH), np.nan, dtype=np.float32)
    problems: dict[str, str] = {}
    matches = match_to_images(files, names)
    for row, name in enumerate(names):
        file_name = matches.by_image.get(name)
        if file_name is None:
            continue
        try:
            vectors[row] = parse_embedding(files[file_name](), file_name)
        except (FileContentError, OSError) as error:
            problems[name] = f"embedding left out: {error}"
    notes = matches.notes("embedding files")
    return StoredEmbeddings(tuple(names), vectors, problems, notes)


def parse_embedding(data: bytes, file_name: str) -> Vectors:
    """(384,) float32 from the bytes of a `.npy` file; nothing is ever unpickled.

    Raises:
        FileContentError: it is no array of 384 finite numbers, or all are zero.
    """
    remedy = "write it with numpy.save, or delete it to have it computed"
    if not data.startswith(_NPY_MAGIC):
        raise FileContentError(f"{file_name!r} is no .npy file: {remedy}")
    try:
        array = np.load(BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, MemoryError) as error:
        raise FileContentError(
            f"{file_name!r} cannot be read as a plain array ({error}); pickled objects "
            f"are never opened: {remedy}"
        ) from error
    if array.shape not in {(EMBEDDING_WIDTH,), (1, EMBEDDING_WIDTH)}:
        raise FileContentError(
            f"{file_name!r} has shape {array.shape}, not ({EMBEDDING_WIDTH},): {remedy}"
        )
    if array.dtype.kind not in "fiu":
        raise FileContentError(
            f"{file_name!r} holds {array.dtype}, not numbers: {remedy}"
        )
    with np.errstate(over="ignore"):
        vector = array.reshape(EMBEDDING_WIDTH).astype(np.float32)
    bad = int((~np.isfinite(vector)).sum())
    if bad:
        raise FileContentError(
            f"{file_name!r} has {bad} values that are NaN or infinite: {remedy}"
        )
    if not vector.any():
        raise FileContentError(f"{file_name!r} is all zero, which is no image: {remedy}")
    return vector


class EmbeddingCollector:
    """Encodes frames as they are decoded, so that no photograph is decoded twice.

    Give it every decoded frame with `take`, in any order, then call `finish`.
    The encoder is loaded when the first frame needs it.
    """

    def __init__(
        self,
        stored: StoredEmbeddings,
        load: Callable[[], Encoder],
        *,
        batch: int = 16,
        probe_frames: int = 3,
        same_encoder_cosine: float = 0.98,
    ) -> None:
        self._stored = stored
        self._load = load
        self._batch = batch
        self._same_encoder_cosine = same_encoder_cosine
        on_file = stored.present
        self._missing = {n for n, p in zip(stored.names, on_file, strict=True) if not p}
        self._probes_left = probe_frames if self._missing and on_file.any() else 0
        self._row = {name: row for row, name in enumerate(stored.names)}
        self._waiting: list[tuple[str, Pixels]] = []
        self._computed: dict[str, Vectors] = {}
        self._encoder: Encoder | None = None

    def take(self, name: str, pixels: Pixels) -> None:
        """A decoded frame, (H, W, 3) uint8 RGB; encoded only if it is needed."""
        if name not in self._missing:
            if self._probes_left == 0:
                return
            self._probes_left -= 1
        if self._encoder is None:
            self._encoder = self._load()
        square = squeeze_to_square(pixels, self._encoder.side_px)
        self._waiting.append((name, square))
        if len(self._waiting) >= self._batch:
            self._encode_waiting()

    def finish(self) -> EmbeddingTable:
        """Everything read and computed, in the order of the stored embeddings."""
        self._encode_waiting()
        notes = list(self._stored.notes)
        computed = {n: v for n, v in self._computed.items() if n in self._missing}
        refusal = self._refusal() if computed else None
        if refusal is not None:
            notes.append(refusal)
            log.warning(refusal)
            computed = {}
        vectors = self._stored.vectors.copy()
        encoder = [FROM_FILE if p else "" for p in self._stored.present]
        for name, vector in computed.items():
            vectors[self._row[name]] = vector
            encoder[self._row[name]] = self._encoder_name
        if computed:
            notes.append(f"{len(computed)} embeddings computed by {self._encoder_name}")
        return EmbeddingTable(
            self._stored.names,
            vectors,
            tuple(encoder),
            dict(self._stored.problems),
            tuple(notes),
        )

    @property
    def _encoder_name(self) -> str:
        return self._encoder.name if self._encoder is not None else ""

    def _encode_waiting(self) -> None:
        if not self._waiting or self._encoder is None:
            return
        names = [name for name, _ in self._waiting]
        vectors = self._encoder.encode([pixels for _, pixels in self._waiting])
        self._computed.update(zip(names, vectors, strict=True))
        self._waiting = []

    def _refusal(self) -> str | None:
        """Why computed vectors must not stand beside those from files; None if fine."""
        on_file = int(self._stored.present.sum())
        if not on_file:
            return None
        probes = [name for name in self._computed if name not in self._missing]
        cosines = [
            _cosine(self._computed[n], self._stored.vectors[self._row[n]]) for n in probes
        ]
        if cosines and min(cosines) >= self._same_encoder_cosine:
            return None
        seen = (
            f"cosine {min(cosines):.2f} on {len(cosines)} frames, needed "
            f"{self._same_encoder_cosine:g}"
            if cosines
            else "no frame that has a file could be decoded to compare"
        )
        return (
            f"{len(self._missing)} frames stay without embedding: {on_file} have files, "
            f"which do not come from encoder {self._encoder_name} ({seen}), and "
            f"embeddings of two encoders do not compare. Give all frames files, or "
            f"delete the files to have all computed"
        )


def complete_embeddings(
    stored: StoredEmbeddings,
    frames: Iterable[tuple[str, Pixels]],
    load: Callable[[], Encoder],
    *,
    batch: int = 16,
    probe_frames: int = 3,
    same_encoder_cosine: float = 0.98,
) -> EmbeddingTable:
    """Compute what the files lack.

    Args:
        stored: what the files hold.
        frames: image name and its pixels (H, W, 3) uint8 RGB, once a frame; frames
            that cannot be decoded are left out. Wrap it in a progress bar to see one.
        load: returns the encoder; called only if something is to be encoded.
        batch: frames encoded at once.
        probe_frames: frames with a file that are encoded to compare encoders.
        same_encoder_cosine: how similar they must be for computed ones to be added.
    """
    collector = EmbeddingCollector(
        stored,
        load,
        batch=batch,
        probe_frames=probe_frames,
        same_encoder_cosine=same_encoder_cosine,
    )
    for name, pixels in frames:
        collector.take(name, pixels)
    return collector.finish()


def _rows_present(vectors: Vectors) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(vectors).all(axis=1), dtype=bool)


def _cosine(a: Vectors, b: Vectors) -> float:
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    return float(a64 @ b64 / (np.linalg.norm(a64) * np.linalg.norm(b64)))
