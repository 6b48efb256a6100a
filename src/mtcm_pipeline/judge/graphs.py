"""Observations as tensors, spoilt on the way for training.

Dimension letters: N frames, F inputs, P pairs, G numbers a pair, E = 2 P + N edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.judge.kinds import FAULT_KINDS, FIELD_OF, FIELDS
from mtcm_pipeline.judge.model import Graph
from mtcm_pipeline.judge.observations import Observations

Float = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """One capture as the model takes it, with the truth where it is known.

    Attributes:
        values: (N, F) float32.
        present: (N, F) float32.
        first: (P,) row of one frame of a pair.
        second: (P,) of the other.
        pairs: (P, G) float32.
        kind: (N,) index into `FAULT_KINDS`, -1 where sound.
        capture: name of the clean capture.
    """

    values: NDArray[np.float32]
    present: NDArray[np.float32]
    first: Index
    second: Index
    pairs: NDArray[np.float32]
    kind: Index
    capture: str

    def __len__(self) -> int:
        return len(self.kind)


def case_of(
    observations: Observations, kinds: Sequence[str] | None = None, capture: str = ""
) -> Case:
    """Observations, and the kind of fault of each frame ("" where sound)."""
    values, present = observations.inputs()
    names = [""] * len(observations) if kinds is None else list(kinds)
    return Case(
        values.astype(np.float32),
        present.astype(np.float32),
        observations.first,
        observations.second,
        observations.pairs.astype(np.float32),
        np.array([FAULT_KINDS.index(k) if k else -1 for k in names], dtype=np.int64),
        capture,
    )


def graph_of(cases: Sequence[Case]) -> Graph:
    """Captures side by side; every pair both ways, and every frame to itself."""
    sources, targets, edges, captures = [], [], [], []
    start = 0
    for number, case in enumerate(cases):
        n, (p, g) = len(case), case.pairs.shape
        own = np.arange(n)
        sources += [case.second + start, case.first + start, own + start]
        targets += [case.first + start, case.second + start, own + start]
        to_itself = np.zeros((n, g + 1), np.float32)
        to_itself[:, -1] = 1.0
        both = np.hstack([case.pairs, np.zeros((p, 1), np.float32)])
        edges += [both, both, to_itself]
        captures.append(np.full(n, number))
        start += n
    return Graph(
        torch.from_numpy(np.concatenate([case.values for case in cases])),
        torch.from_numpy(np.concatenate([case.present for case in cases])),
        torch.from_numpy(np.concatenate(sources)),
        torch.from_numpy(np.concatenate(targets)),
        torch.from_numpy(np.concatenate(edges)),
        torch.from_numpy(np.concatenate(captures)),
    )


def field_targets(kind: Index) -> Index:
    """(N,) index into `FIELDS` of the field that is wrong."""
    names = ["none" if k < 0 else FIELD_OF[FAULT_KINDS[k]] for k in kind]
    return np.array([FIELDS.index(name) for name in names], dtype=np.int64)


@dataclass(frozen=True)
class Augmentation:
    """How a case is varied each time that it is seen.

    Attributes:
        keep: least share of the frames that is kept.
        noise: standard deviation added to the values.
        drop_groups: probability of each group of columns to be absent altogether.
        drop_entries: probability of single entries to be absent.
        drop_pairs: largest share of the pairs that is taken away.
    """

    keep: float = 0.6
    noise: float = 0.08
    drop_groups: float = 0.08
    drop_entries: float = 0.03
    drop_pairs: float = 0.2


def augmented(
    case: Case, groups: Index, how: Augmentation, rng: np.random.Generator
) -> Case:
    """A variation of a case.

    Args:
        case: stays as it is.
        groups: (F,) number of the group that each input belongs to.
        how: how much.
        rng: of the draw.
    """
    n, p = len(case), len(case.first)
    kept = np.sort(rng.permutation(n)[: max(8, int(n * rng.uniform(how.keep, 1.0)))])
    place = np.full(n, -1)
    place[kept] = np.arange(len(kept))
    links = rng.random(p) >= rng.uniform(0.0, how.drop_pairs)
    links &= (place[case.first] >= 0) & (place[case.second] >= 0)
    gone = rng.random(groups.max() + 1) < how.drop_groups
    present = case.present[kept] * ~gone[groups][None]
    present *= rng.random(present.shape) >= how.drop_entries
    values = case.values[kept] + rng.normal(0.0, how.noise, present.shape)
    return Case(
        (values * present).astype(np.float32),
        present.astype(np.float32),
        place[case.first[links]],
        place[case.second[links]],
        case.pairs[links],
        case.kind[kept],
        case.capture,
    )


def column_groups(names: Sequence[str]) -> Index:
    """(F,) inputs that come and go together, by the first word of their names."""
    first_words = [name.removeprefix("z_").removeprefix("size_").split("_")[0]
                   for name in names]  # fmt: skip
    return np.unique(first_words, return_inverse=True)[1]
