"""What is gathered about a capture before anything is concluded from it.

All that costs time, and nothing that depends on a choice of features: photographs are
looked at and matched here, so that `observations` is arithmetic on tables.

Dimension letters: N frames in order of time, C = 14 cells a side, P = 152 patch width.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.judge.matched import MatchMemory, match_photos
from mtcm_pipeline.judge.photo_facts import (
    NUMBERS,
    PhotoFacts,
    facts_of_photos,
    photo_key,
)
from mtcm_pipeline.judge.repeated_structure import without_repeated_structure
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.twoview.options import TwoViewOptions

Float = NDArray[np.float64]

# One process: the judge's own measurements are CPU seconds of one thread.
BENCHMARK_TWO_VIEW = TwoViewOptions(workers=0)


@dataclass(frozen=True)
class CaptureEvidence:
    """Everything that was seen of a capture; NaN where something is absent.

    Attributes:
        names: (N) frames in order of time.
        world_from_cam: (N, 4, 4) in the canonical gauge (median camera distance 1).
        times: (N,) position in the sequence, 0 to 1.
        numbers: (N, len(NUMBERS)) of the photographs.
        small: (N, 32, 32) grey pictures.
        mask_cells: (N, C, C) share of foreground.
        embeddings: (N, 384) of unit length.
        patches: (N, C, C, P) float16 of unit length.
        pairs: table of compared pairs, columns as in `twoview.table.PairRow`, without
            those of look-alike places (`repeated_structure`).
        frames: table as `names`: `feature_cells`, `features`, `mask_empty` (1 where
            there is a mask without foreground), and where there is a sparse model
            `observations` and `reprojection_error_px`.
    """

    names: tuple[str, ...]
    world_from_cam: Float
    times: Float
    numbers: Float
    small: Float
    mask_cells: Float
    embeddings: Float
    patches: NDArray[np.float16]
    pairs: pd.DataFrame = field(repr=False)
    frames: pd.DataFrame = field(repr=False)

    def __post_init__(self) -> None:
        n = len(self.names)
        for what in ("world_from_cam", "times", "numbers", "small",
                     "mask_cells", "embeddings", "patches", "frames"):  # fmt: skip
            if len(getattr(self, what)) != n:
                raise CaptureError(
                    f"evidence of {n} frames has {len(getattr(self, what))} {what}"
                )

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> Float:
        """(N,) one of the photographs' numbers."""
        return self.numbers[:, NUMBERS.index(name)]

    def to_bytes(self) -> bytes:
        """An `.npz` file; tables as CSV text within."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("names", "pairs", "frames")
        }
        texts: dict[str, Any] = {
            "names": np.array(self.names),
            "pairs": np.array(self.pairs.to_csv(index=False)),
            "frames": np.array(self.frames.to_csv(index=False)),
        }
        np.savez(buffer, **arrays, **texts)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> CaptureEvidence:
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            parts = {name: arrays[name] for name in cls.__dataclass_fields__}
        for table in ("pairs", "frames"):
            text = io.StringIO(str(parts[table]))
            read = pd.read_csv(text, dtype=str, keep_default_na=False)
            parts[table] = _numbers_where_possible(read)
        parts["names"] = tuple(str(name) for name in parts["names"])
        return cls(**parts)


_TEXTS = (
    "name", "name_a", "name_b", "source", "cells_a", "cells_b", "feature_cells",
    "pose_verdict", "problem",
)  # fmt: skip


def _numbers_where_possible(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of text as numbers or flags, except those that are text."""
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        values = table[column]
        if column == "connected":
            columns[column] = values == "True"
        elif column in _TEXTS:
            columns[column] = values
        else:
            columns[column] = values.replace("", "nan").astype(float)
    return pd.DataFrame(columns)


def gather(
    photos: PosedPhotos,
    memory: MatchMemory | None = None,
    *,
    store: ContentStore | None = None,
    options: TwoViewOptions = BENCHMARK_TWO_VIEW,
) -> CaptureEvidence:
    """Look at every photograph and match those that may see the same.

    Args:
        photos: N posed photographs.
        memory: matches that are known already; it grows.
        store: keeps what is known about photographs between runs.
        options: of the matching.
    """
    memory = MatchMemory() if memory is None else memory
    photos = _in_time_order(photos)
    facts = facts_of_photos(photos.images, photos.masks, store)
    rows = [facts[name] for name in photos.names]
    keys = {
        name: photo_key(photos.images[name], photos.masks.get(name))
        for name in photos.names
    }
    embeddings = np.stack([f.embedding for f in rows]).astype(np.float64)
    found = match_photos(photos, embeddings, keys, memory, options)
    gauge = canonical_gauge(photos.cameras)
    n = len(photos)
    empty = [name in photos.masks and not photos.masks[name].any()
             for name in photos.names]  # fmt: skip
    return CaptureEvidence(
        names=photos.names,
        world_from_cam=gauge.world_from_cam(photos.cameras.world_from_cam),
        times=np.arange(n) / max(n - 1, 1),
        **stacked_facts(rows),
        pairs=without_repeated_structure(found.pairs, photos.names),
        frames=found.frames.assign(mask_empty=np.array(empty, dtype=np.float64)),
    )


def stacked_facts(rows: Sequence[PhotoFacts]) -> dict[str, NDArray]:
    """Arrays of `CaptureEvidence` from the facts of its N photographs."""
    return {
        "numbers": np.stack([f.numbers for f in rows]),
        "small": np.stack([f.small for f in rows]).astype(np.float64),
        "mask_cells": np.stack([f.mask_cells for f in rows]).astype(np.float64),
        "embeddings": np.stack([f.embedding for f in rows]).astype(np.float64),
        "patches": np.stack([f.patches for f in rows]),
    }


def _in_time_order(photos: PosedPhotos) -> PosedPhotos:
    """By capture time where every frame has one; else as they are."""
    if any(name not in photos.seconds for name in photos.names):
        return photos
    seconds = np.array([photos.seconds[name] for name in photos.names])
    order = np.argsort(seconds, kind="stable")
    return photos.subset([photos.names[row] for row in order])
