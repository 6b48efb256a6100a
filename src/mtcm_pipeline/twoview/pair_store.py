"""What was found on pairs of photographs, kept from run to run by content.

Nothing here depends on a pose. Places in a photograph become rays by its intrinsics, so
that these count too. One book a photograph holds its pairs with all later ones: fewer
files than pairs, and a book that is lost costs a photograph's pairs.

Dimension letters: M matches, P pairs of a book.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.content_store import (
    ContentStore,
    content_key,
    sealed,
    unsealed,
)
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.rays import FrameRays

Rows = tuple[int, int]

# Raised when pairs of the same content and options would come out differently.
_VERSION = "1"
_DECIDING_OPTIONS = (
    "ratio", "max_matches", "epipolar_px", "min_inlier_share", "max_trials", "seed",
)  # fmt: skip


@dataclass(frozen=True)
class PairGeometry:
    """What two photographs have in common.

    Attributes:
        rows: (M, 2) matching features, by their rows in the two `FrameRays`.
        inliers: (M,) which of them fit one essential matrix.
        b_from_a: (4, 4) relative pose from it; None where there is none.
    """

    rows: NDArray[np.int64]
    inliers: NDArray[np.bool_]
    b_from_a: NDArray[np.float64] | None

    def __post_init__(self) -> None:
        m = len(self.inliers)
        if self.rows.shape != (m, 2) or self.inliers.shape != (m,):
            raise CaptureError(f"pair: rows {self.rows.shape} for {m} matches")


Book = dict[bytes, PairGeometry]


class PairBooks:
    """The pairs of a capture in a store; reads and writes one book a first frame."""

    def __init__(
        self,
        store: ContentStore | None,
        rays: Mapping[int, FrameRays],
        options: TwoViewOptions,
    ) -> None:
        """Reads nothing yet.

        Args:
            store: keeps bytes by key; None keeps nothing.
            rays: features and their rays by row.
            options: parameters, of which those that decide a pair make the key.
        """
        self._store = store
        self._rays = rays
        self._settings = repr({k: asdict(options)[k] for k in _DECIDING_OPTIONS})
        self._digests: dict[int, bytes] = {}
        self._books: dict[str, Book] = {}  # twins among the photographs share one
        self._changed: dict[str, None] = {}

    def known(self, pair: Rows) -> PairGeometry | None:
        """What was found on the pair before, if anything whole is kept."""
        if self._store is None:
            return None
        first, second = pair
        found = self._book(first).get(self._digest(second))
        fits = found is not None and _within(found, self._rays[first], self._rays[second])
        return found if fits else None

    def add(self, results: Mapping[Rows, PairGeometry]) -> None:
        """Note new pairs, which come by first frame; what is left behind is written."""
        if self._store is None:
            return
        for (first, second), geometry in results.items():
            self._book(first)[self._digest(second)] = geometry
            self._changed[self._key(first)] = None
        at_work = self._key(max(first for first, _ in results))
        for key in [key for key in self._changed if key != at_work]:
            self._write(key)

    def close(self) -> None:
        """Write what is not written yet."""
        for key in list(self._changed):
            self._write(key)

    def _book(self, row: int) -> Book:
        key = self._key(row)
        if key not in self._books:
            assert self._store is not None
            # Books come one after another: of thousands, few need be in memory.
            self._books = {k: b for k, b in self._books.items() if k in self._changed}
            content = unsealed(self._store.read(key))
            self._books[key] = book_from_bytes(content)
        return self._books[key]

    def _write(self, key: str) -> None:
        assert self._store is not None
        self._store.write(key, sealed(book_to_bytes(self._books.pop(key))))
        del self._changed[key]

    def _key(self, row: int) -> str:
        import pycolmap

        return content_key(
            "pairs", _VERSION, pycolmap.__version__, self._settings, self._digest(row)
        )

    def _digest(self, row: int) -> bytes:
        """Changes with everything of a frame that enters."""
        if row not in self._digests:
            rays, digest = self._rays[row], hashlib.sha256()
            for array in (rays.features.xy, rays.features.descriptors, rays.xy):
                digest.update(repr(array.shape).encode())
                digest.update(np.ascontiguousarray(array).tobytes())
            digest.update(repr(float(rays.reference_focal_px)).encode())
            self._digests[row] = digest.digest()
        return self._digests[row]


def book_to_bytes(book: Book) -> bytes:
    """An `.npz` file."""
    pairs = list(book.values())
    none = np.full((4, 4), np.nan)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        others=np.frombuffer(b"".join(book), np.uint8).reshape(len(book), -1),
        counts=np.array([len(p.rows) for p in pairs], np.int64),
        rows=np.concatenate([p.rows for p in pairs]).astype(np.uint32),
        inliers=np.concatenate([p.inliers for p in pairs]),
        b_from_a=np.stack([none if p.b_from_a is None else p.b_from_a for p in pairs]),
    )
    return buffer.getvalue()


def book_from_bytes(content: bytes | None) -> Book:
    """The inverse of `book_to_bytes`; empty without content."""
    if content is None:
        return {}
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        rows = arrays["rows"].astype(np.int64)
        poses = [None if np.isnan(p).any() else p for p in arrays["b_from_a"]]
        others, inliers, counts = arrays["others"], arrays["inliers"], arrays["counts"]
    cuts = np.cumsum(counts)[:-1]
    parts = zip(others, np.split(rows, cuts), np.split(inliers, cuts), poses, strict=True)
    return {key.tobytes(): PairGeometry(r, i, pose) for key, r, i, pose in parts}


def _within(pair: PairGeometry, a: FrameRays, b: FrameRays) -> bool:
    """Whether the rows are rows of these frames."""
    return len(pair.rows) == 0 or bool((pair.rows < [len(a.xy), len(b.xy)]).all())
