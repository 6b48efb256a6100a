"""Pairs whose matches are of look-alike places, not of the same one.

A can with its label printed twice, a turntable with four equal marks, the legs of a
chair: two photographs match, verified, and ask for a turn of 60, 90 or 180 degrees. Such
a pair says nothing of a pose. It is told from a pair with a wrong pose by everybody else:
both of its frames hold together through other pairs, which a frame with a wrong pose does
not, and a block of frames with one common error only within itself.

Dimension letters: N frames, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mtcm_pipeline.twoview.frame_evidence import pair_agreement
from mtcm_pipeline.twoview.options import TwoViewOptions

Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

# Pairs of a right pose disagree by less, whatever the noise.
_TURN_DEG = 30.0
# Agreement from which a pair binds its frames, and how many such pairs each frame needs
# whose partners have as many: the 3-core of the graph (Seidman 1983).
_BINDING = 0.5
_FEWEST = 3
_OPTIONS = TwoViewOptions()


def without_repeated_structure(pairs: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The pair table without pairs of look-alike places.

    Args:
        pairs: columns as in `twoview.table.PairRow`.
        names: (N) frames; every pair is of two of them.
    """
    if pairs.empty:
        return pairs
    return pairs[~of_repeated_structure(pairs, names)].reset_index(drop=True)


def of_repeated_structure(pairs: pd.DataFrame, names: Sequence[str]) -> Bool:
    """(P,) pairs that disagree by more than 30 degrees although both frames are bound
    into the same part of the capture by other pairs; arguments as above."""
    row_of = {name: row for row, name in enumerate(names)}
    first = np.array([row_of[name] for name in pairs["name_a"]], dtype=np.int64)
    second = np.array([row_of[name] for name in pairs["name_b"]], dtype=np.int64)
    agreement = pair_agreement(pairs, _OPTIONS)
    part = _parts(first, second, agreement >= _BINDING, len(row_of))
    turn = pairs["rotation_disagreement_deg"].to_numpy(np.float64)
    bound = (part[first] >= 0) & (part[first] == part[second])
    return bound & (agreement < 0.0) & (turn > _TURN_DEG)


def _parts(first: Index, second: Index, binding: Bool, n: int) -> Index:
    """(N,) connected part of the 3-core that each frame is in; -1 outside the core."""
    inside = np.ones(n, dtype=bool)
    while True:
        binding = binding & inside[first] & inside[second]
        count = np.bincount(first[binding], minlength=n)
        count += np.bincount(second[binding], minlength=n)
        if (inside == (count >= _FEWEST)).all():
            break
        inside = count >= _FEWEST
    ones = np.ones(int(binding.sum()))
    graph = coo_matrix((ones, (first[binding], second[binding])), shape=(n, n))
    part = connected_components(graph, directed=False)[1]
    return np.where(inside, part, -1).astype(np.int64)
