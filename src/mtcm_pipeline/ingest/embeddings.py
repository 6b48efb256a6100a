"""Embeddings: read from files where there are any, computed where they are missing.

Vectors of different encoders cannot be compared, so one capture has those of one encoder:

- Where only some frames have a file, the others are computed only if the files are seen
  to come from the very same encoder (a few of them are computed again); then all are
  entered under its name. Otherwise the others stay absent.
- If some of the files that are computed again are this encoder's and others are nowhere
  near, the files are of two encoders (or of other pictures) and the run stops.
- Files among themselves are otherwise taken for one encoder's. Vectors do not say where
  they come from; only a mixture of lengths is remarked upon.

Dimension letters: N frames, E = 384 embedding width.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.matching import shown
from mtcm_pipeline.encoders.fixed_projection import EMBEDDING_WIDTH
from mtcm_pipeline.encoders.preprocessing import squeeze_to_square
from mtcm_pipeline.encoders.registry import Encoder
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.ingest.embedding_files import StoredEmbeddings, Vectors, rows_present

log = logging.getLogger(__name__)

FROM_FILE = "file"
# Vectors of two encoders have independent directions: in 384 dimensions their cosine is
# 0 with a deviation of 0.05. An edited copy of a picture, or another view of its subject,
# stays above this by one encoder (0.52 on average beyond 60 degrees, on real photos).
_OTHER_ENCODER_COSINE = 0.25

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class EmbeddingTable:
    """One embedding a frame, as far as there are any.

    Attributes:
        names: (N) image file names.
        vectors: (N, E) float32; NaN where absent. Computed ones have unit length;
            those from files are kept exactly as they are, whatever their length.
        encoder: (N) the name of the one encoder that all come from, or `file` for all
            where only the files' author knows it; empty where absent.
        problems: what is wrong with a frame's file, by image name.
        notes: remarks about the whole.
    """

    names: tuple[str, ...]
    vectors: Vectors
    encoder: tuple[str, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes, and that no two encoders are mixed.

        Raises:
            CaptureError: a shape is wrong, or there are two names of encoders. `file`
                counts as one: what is known to be of an encoder bears its name.
        """
        n = len(self.names)
        if self.vectors.shape != (n, EMBEDDING_WIDTH) or len(self.encoder) != n:
            raise CaptureError(
                f"embeddings are {self.vectors.shape} with {len(self.encoder)} encoders, "
                f"not ({n}, {EMBEDDING_WIDTH})"
            )
        of = {
            encoder: tuple(np.array(self.names)[np.array(self.encoder) == encoder])
            for encoder in sorted(set(self.encoder) - {""})
        }
        if len(of) > 1:
            raise _mixed({f"encoder {e!r}": names for e, names in of.items()})

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N,) which frames have an embedding."""
        return rows_present(self.vectors)


class EmbeddingCollector:
    """Encodes frames as they are decoded, so that no photograph is decoded twice.

    Give it every decoded frame with `take`, in any order, then call `finish`.
    The encoder is loaded when the first frame needs it.

    Attributes:
        warnings: those notes of the finished table that were logged as warnings.
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
        self.warnings: tuple[str, ...] = ()

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
        """Everything read and computed, in the order of the stored embeddings.

        Raises:
            CaptureError: the files are seen to come from two encoders.
        """
        self._encode_waiting()
        notes = list(self._stored.notes)
        computed = {n: v for n, v in self._computed.items() if n in self._missing}
        refusal = self._refusal() if computed else None
        if refusal is not None:
            notes.append(refusal)
            log.warning(refusal)
            self.warnings = (refusal,)
            computed = {}
        vectors = self._stored.vectors.copy()
        source = self._encoder_name if computed else FROM_FILE
        encoder = [source if p else "" for p in self._stored.present]
        for name, vector in computed.items():
            vectors[self._row[name]] = vector
            encoder[self._row[name]] = self._encoder_name
        if computed:
            count = _counted(len(computed), "embedding")
            notes.append(f"{count} computed by {self._encoder_name}")
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
        cosine_of = {
            name: _cosine(vector, self._stored.vectors[self._row[name]])
            for name, vector in self._computed.items()
            if name not in self._missing
        }
        self._refuse_files_of_two_encoders(cosine_of)
        lowest = min(cosine_of.values(), default=None)
        if lowest is not None and lowest >= self._same_encoder_cosine:
            return None
        return _why_not_computed(
            missing=len(self._missing),
            on_file=on_file,
            encoder=self._encoder_name,
            seen="no frame that has a file could be decoded to compare"
            if lowest is None
            else f"cosine {lowest:.2f} on {_counted(len(cosine_of), 'frame')}, needed "
            f"{self._same_encoder_cosine:g}",
        )

    def _refuse_files_of_two_encoders(self, cosine_of: Mapping[str, float]) -> None:
        """Stop if some of the compared files are this encoder's and others are not."""
        own = tuple(n for n, c in cosine_of.items() if c >= self._same_encoder_cosine)
        other = tuple(n for n, c in cosine_of.items() if c < _OTHER_ENCODER_COSINE)
        if own and other:
            raise _mixed(
                {
                    f"the files of encoder {self._encoder_name!r}": own,
                    "files of another one, or of other pictures": other,
                }
            )


def _cosine(a: Vectors, b: Vectors) -> float:
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    return float(a64 @ b64 / (np.linalg.norm(a64) * np.linalg.norm(b64)))


def _why_not_computed(*, missing: int, on_file: int, encoder: str, seen: str) -> str:
    stay = "frame stays" if missing == 1 else "frames stay"
    files = "has a file, which does" if on_file == 1 else "have files, which do"
    return (
        f"{missing} {stay} without embedding: {on_file} {files} not come from encoder "
        f"{encoder} ({seen}), and embeddings of two encoders do not compare. Give all "
        f"frames files, or delete the files to have all computed"
    )


def _mixed(names_of: Mapping[str, tuple[str, ...]]) -> CaptureError:
    """The error for embeddings of several encoders, naming frames of each."""
    each = "; ".join(f"{source}: {shown(names)}" for source, names in names_of.items())
    return CaptureError(
        f"embeddings of {len(names_of)} encoders in one capture, which do not compare "
        f"({each}): keep the embedding files of one encoder only, or delete all of them "
        f"to have all computed"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
