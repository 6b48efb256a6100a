"""Embedding files: `.npy` bytes to vectors; one bad file is one frame's problem.

Dimension letters: N frames, E = 384 embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import match_to_images, shown
from mtcm_pipeline.encoders.fixed_projection import EMBEDDING_WIDTH
from mtcm_pipeline.errors import FileContentError

_NPY_MAGIC = b"\x93NUMPY"
# Half-precision vectors of unit length have this length to 1e-3.
_UNIT_TOLERANCE = 0.01

Vectors = NDArray[np.float32]


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
        return rows_present(self.vectors)


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
    notes = matches.notes("embedding files") + _two_kinds_of_length(names, vectors)
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


def rows_present(vectors: Vectors) -> NDArray[np.bool_]:
    """(N, E) to (N,): which rows are finite throughout."""
    return np.asarray(np.isfinite(vectors).all(axis=1), dtype=bool)


def _two_kinds_of_length(names: Sequence[str], vectors: Vectors) -> tuple[str, ...]:
    """A hint where some vectors have unit length and others do not.

    One encoder's vectors are either normalised or not. It is a hint only: nothing in a
    file says where its vector comes from.
    """
    present = rows_present(vectors)
    lengths = np.linalg.norm(vectors[present].astype(np.float64), axis=1)
    unit = np.abs(lengths - 1.0) < _UNIT_TOLERANCE
    if unit.all() or not unit.any():
        return ()
    fewer = unit if 2 * unit.sum() <= len(unit) else ~unit
    named = shown(tuple(np.array(names)[present][fewer]))
    kind = "unit length" if fewer is unit else "another length than 1"
    return (
        f"{int(fewer.sum())} of {len(unit)} embedding files hold vectors of {kind}, "
        f"unlike the others: make sure that one encoder wrote them all ({named})",
    )
