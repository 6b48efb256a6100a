"""Everything the judge sees of a capture, as numbers of order 1 with presence flags.

A piece of evidence counts by how far it stands out in its own capture (robust standard
deviations) and, where its unit means the same everywhere, by its size. What is absent is
flagged and never stands as a value.

Dimension letters: N frames, F columns, P pairs, G pair columns.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.content_light import content_light
from mtcm_pipeline.judge.counterparts import counterparts, in_context
from mtcm_pipeline.judge.mask_evidence import (
    expectation_columns,
    foreground_by_content,
    foreground_by_partners,
    mask_columns,
)
from mtcm_pipeline.judge.neighbourhoods import (
    Neighbourhoods,
    beside,
    neighbourhoods,
    robust_z,
)
from mtcm_pipeline.judge.novelty_evidence import novelty_columns
from mtcm_pipeline.judge.order_evidence import order_columns
from mtcm_pipeline.judge.pair_evidence import (
    PAIR_COLUMNS,
    edge_values,
    graph_columns,
    pair_rows,
    partners_of,
    sparse_columns,
)
from mtcm_pipeline.judge.photo_evidence import photo_columns
from mtcm_pipeline.judge.repeats import duplicate_columns
from mtcm_pipeline.judge.token_evidence import token_columns

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

# Standard deviation that is natural in a column's unit, by the beginning of its name.
_LEAST_SPREAD = {
    "dull_": 0.08, "light_": 0.04, "brighter": 0.05, "contrast": 0.05, "clipped": 0.01,
    "dark": 0.01, "bright": 0.01, "mask_area": 0.03, "mask_place": 0.01,
    "mask_outline": 0.05, "mask_border": 0.02, "mask_unlike": 0.003,
    "mask_partners_more": 0.008, "mask_partners_off": 0.0015, "mask_partners_lump": 0.015,
    "mask_content_more": 0.008, "mask_content_off": 0.0015, "mask_content_lump": 0.015,
    "misplaced_": 0.15, "novel_extent": 0.05,
    "novel_": 0.06, "repeats": 0.3, "twin_": 0.2,
    "gp_": 0.15, "path_": 0.2, "time_gap": 0.2,
    "unlike_": 0.06, "far_from": 0.15, "part_": 0.05, "majority": 0.05, "trust": 0.05,
    "spectral": 0.05, "disagree_": 0.05, "excess_": 0.08, "turn": 0.15, "aside": 0.15,
    "behind": 0.05, "same_turn": 0.1, "few_": 0.15, "unconnected_": 0.08,
    "unmatched_place": 0.2, "unmatched_": 0.05, "reprojection": 0.1,
}  # fmt: skip
# Columns whose size means the same in every capture, with what they are divided by.
_BY_SIZE = {
    "dull_": 0.5, "light_": 0.5, "brighter": 0.5, "mask_area": 0.5, "mask_place": 0.1,
    "mask_unlike": 0.1, "mask_partners_more": 0.05, "mask_partners_off": 0.02,
    "mask_partners_lump": 0.1, "mask_content_more": 0.05, "mask_content_off": 0.02,
    "mask_content_lump": 0.1, "repeats": 3.0, "twin_": 3.0,
    "part_": 1.0, "majority": 1.0, "trust": 1.0,
    "spectral": 1.0, "disagree_": 1.0, "excess_": 1.0, "turn": 1.5, "aside": 1.5,
    "behind": 1.0, "same_turn": 1.0, "few_": 1.0, "unconnected_": 1.0,
    "unmatched_place": 1.0, "unmatched_": 0.5, "reprojection": 1.0, "gp_rotation": 2.0,
    "gp_centre": 2.0, "path_rotation": 2.0, "path_centre": 2.0,
}  # fmt: skip
_LEAST_Z, _MOST_Z, _Z_UNIT = -4.0, 10.0, 3.0
_MOST_SIZE = 4.0


@dataclass(frozen=True)
class Observations:
    """What the judge sees.

    Attributes:
        names: (N) frames in order of time.
        columns: (F) names of the evidence.
        raw: (N, F) evidence in its own units, larger is worse; NaN where absent.
        first: (P,) row of one frame of each compared pair.
        second: (P,) row of the other.
        pairs: (P, G) pair evidence, columns as `PAIR_COLUMNS`.
        agreement: (P,) whether the pair agrees with the given poses, -1..1; NaN unless
            connected.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    raw: Float = field(repr=False)
    first: Index = field(repr=False)
    second: Index = field(repr=False)
    pairs: Float = field(repr=False)
    agreement: Float = field(repr=False)

    def __post_init__(self) -> None:
        n, p = len(self.names), len(self.first)
        if self.raw.shape != (n, len(self.columns)):
            raise CaptureError(
                f"evidence is {self.raw.shape}, not ({n}, {len(self.columns)})"
            )
        if len(self.second) != p or self.pairs.shape != (p, len(PAIR_COLUMNS)):
            raise CaptureError(f"pair evidence is {self.pairs.shape} for {p} pairs")

    def __len__(self) -> int:
        return len(self.names)

    def column(self, name: str) -> Float:
        """(N,) one piece of evidence; NaN where absent."""
        return self.raw[:, self.columns.index(name)]

    def inputs(self) -> tuple[Float, Bool]:
        """(N, F') numbers of order 1, 0 where absent, and (N, F') which are present."""
        return scaled(self.raw, self.columns)

    def without(self, prefixes: tuple[str, ...]) -> Observations:
        """The same with some columns absent: for ablations."""
        gone = [name.startswith(prefixes) for name in self.columns]
        raw = np.where(np.array(gone)[None], np.nan, self.raw)
        return Observations(
            self.names, self.columns, raw, self.first, self.second, self.pairs,
            self.agreement,
        )  # fmt: skip


def observe(
    evidence: CaptureEvidence, tokens: dict[str, Float] | None = None
) -> Observations:
    """All evidence of a capture, frame by frame and pair by pair.

    Args:
        evidence: of the capture.
        tokens: result of `token_columns` if it is known already.
    """
    near = neighbourhoods(evidence)
    rows = pair_rows(evidence)
    partners = partners_of(rows, len(evidence))
    columns = (
        (token_columns(evidence, near) if tokens is None else tokens)
        | order_columns(evidence)
        | photo_columns(evidence, near)
        | mask_columns(evidence, near)
        | _counterpart_columns(evidence, partners, near)
        | duplicate_columns(evidence)
        | graph_columns(evidence, rows, near)
        | sparse_columns(evidence, near)
    )
    raw = np.stack(list(columns.values()), axis=1)
    raw = np.where(np.isfinite(raw), raw, np.nan)
    return Observations(
        evidence.names,
        tuple(columns),
        raw,
        rows.first,
        rows.second,
        edge_values(evidence, rows),
        rows.agreement,
    )


def input_names(columns: tuple[str, ...]) -> tuple[str, ...]:
    """(F') names of the model's inputs: `z_` columns, then `size_` columns."""
    by_size = [name for name in columns if _setting(_BY_SIZE, name) is not None]
    return tuple([f"z_{name}" for name in columns] + [f"size_{name}" for name in by_size])


def signature(columns: tuple[str, ...]) -> str:
    """Changes with the inputs; a checkpoint fits one signature only."""
    text = "|".join([*input_names(columns), *PAIR_COLUMNS])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def scaled(raw: Float, columns: tuple[str, ...]) -> tuple[Float, Bool]:
    """See `Observations.inputs`."""
    parts = []
    for index, name in enumerate(columns):
        spread = _setting(_LEAST_SPREAD, name) or 0.1
        z = robust_z(raw[:, index], spread)
        parts.append(np.clip(z, _LEAST_Z, _MOST_Z) / _Z_UNIT)
    for index, name in enumerate(columns):
        unit = _setting(_BY_SIZE, name)
        if unit is not None:
            parts.append(np.clip(raw[:, index] / unit, -_MOST_SIZE, _MOST_SIZE))
    table = np.stack(parts, axis=1)
    present = np.isfinite(table)
    return np.where(present, table, 0.0), present


def _counterpart_columns(
    evidence: CaptureEvidence, partners: Index, near: Neighbourhoods
) -> dict[str, Float]:
    """What is new in a frame, how bright it is beside what it shares with others, and
    how its mask compares with theirs."""
    flat = (len(evidence), -1, evidence.patches.shape[-1])
    found = counterparts(evidence.patches.reshape(flat), partners)
    around = in_context(evidence.patches).reshape(flat)
    columns = novelty_columns(found, counterparts(around, partners))
    beside_others = {
        f"{name}_beside": beside(values, near.both)
        for name, values in columns.items()
        if name != "novel_extent"
    }
    shares = evidence.mask_cells
    partners_say = foreground_by_partners(found, shares)
    content_says = foreground_by_content(evidence.patches, shares)
    masks = expectation_columns(shares, partners_say, content_says)
    light = {"light_content": content_light(evidence.small, found)}
    return columns | beside_others | light | masks


def _setting(table: dict[str, float], name: str) -> float | None:
    """The entry whose key is the longest beginning of the name."""
    found = [key for key in table if name.startswith(key)]
    return table[max(found, key=len)] if found else None
