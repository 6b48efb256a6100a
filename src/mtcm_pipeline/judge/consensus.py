"""Which frames hold together under the given poses: the signed graph of verified pairs.

A pair that agrees with the poses binds its frames, a pair that disagrees keeps them
apart. A block of frames with one common pose error agrees within itself and disagrees
with the rest; a single wrong frame disagrees with all. Parts that are only weakly linked
are no fault: disagreement is asked for.

Dimension letters: N frames, P pairs.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Index = NDArray[np.int64]

# Verified matches that make a pair as sure as it gets.
_SURE_INLIERS = 60.0
_ROUNDS = 12
_LOCAL_ROUNDS = 8
# Pairs that say neither yes nor no, put beside those that a frame or a part has: of one
# thin pair little is to be concluded.
_UNDECIDED = 1.0


@dataclass(frozen=True)
class SignedGraph:
    """Verified pairs with a sign.

    Attributes:
        first: (P,) row of the one frame.
        second: (P,) row of the other.
        signed: (P,) agreement in -1..1 times how sure the pair is, in 0..1.
        frames: N.
    """

    first: Index
    second: Index
    signed: Float
    frames: int

    def both_ways(self) -> tuple[Index, Index, Float]:
        """(2P,) frame, partner and sign."""
        return (
            np.concatenate([self.first, self.second]),
            np.concatenate([self.second, self.first]),
            np.concatenate([self.signed, self.signed]),
        )


def signed_graph(
    first: Index, second: Index, agreement: Float, inliers: Float, frames: int
) -> SignedGraph:
    """The graph of pairs whose agreement is known (not NaN)."""
    known = np.isfinite(agreement)
    sure = np.sqrt(np.minimum(inliers[known] / _SURE_INLIERS, 1.0))
    return SignedGraph(first[known], second[known], agreement[known] * sure, frames)


def multicut(graph: SignedGraph) -> Index:
    """(N,) label of the part that each frame belongs to.

    Greedy additive edge contraction (Keuper et al., "Efficient decomposition of image
    and mesh graphs by lifted multicuts", 2015), then single frames move where they
    gain. Frames without a pair are parts of their own.
    """
    links: list[dict[int, float]] = [{} for _ in range(graph.frames)]
    for i, j, value in zip(graph.first, graph.second, graph.signed, strict=True):
        links[i][int(j)] = links[i].get(int(j), 0.0) + float(value)
        links[j][int(i)] = links[j].get(int(i), 0.0) + float(value)
    owner = _contract([dict(link) for link in links])
    for _ in range(_LOCAL_ROUNDS):
        if not _move_single_frames(owner, links):
            break
    return np.unique(owner, return_inverse=True)[1]


def _contract(links: list[dict[int, float]]) -> Index:
    """(N,) representative of each frame's part; `links` is used up."""
    owner = np.arange(len(links))
    heap = [(-w, i, j) for i, link in enumerate(links) for j, w in link.items() if i < j]
    heapq.heapify(heap)
    members: list[list[int]] = [[i] for i in range(len(links))]
    while heap:
        weight, i, j = heapq.heappop(heap)
        if weight >= 0:
            break
        if links[i].get(j) != -weight:
            continue  # an older value of this pair, or one of a part that is no more
        if len(links[i]) < len(links[j]):
            i, j = j, i
        members[i] += members[j]
        members[j] = []
        for other, value in links[j].items():
            del links[other][j]
            if other == i:
                continue
            total = links[i].get(other, 0.0) + value
            links[i][other] = links[other][i] = total
            heapq.heappush(heap, (-total, min(i, other), max(i, other)))
        links[j] = {}
    for part, rows in enumerate(members):
        owner[rows] = part
    return owner


def _move_single_frames(owner: Index, links: list[dict[int, float]]) -> bool:
    """Whether any frame gained by moving to a partner's part, or out on its own."""
    moved = False
    free = int(owner.max()) + 1
    for row, link in enumerate(links):
        gains: dict[int, float] = {}
        for other, weight in link.items():
            gains[owner[other]] = gains.get(owner[other], 0.0) + weight
        here = gains.get(owner[row], 0.0)
        best = max(gains, key=lambda part: gains[part], default=owner[row])
        if gains.get(best, 0.0) > here + 1e-9:
            owner[row], moved = best, True
        elif here < -1e-9:
            owner[row], free, moved = free, free + 1, True
    return moved


def part_columns(graph: SignedGraph) -> dict[str, Float]:
    """What the parts of the graph say of each frame.

    Returns:
        `part_small`: 1 - the share of the connected frames that its part holds;
        `part_against`: how its part's pairs with the largest part disagree, -1..1,
        nearer to 0 the fewer they are, NaN without such pairs; `part_apart`: 1 where the
        frame is not in the largest part; `majority`: the frame's own disagreement with
        the largest part, likewise; `trust` and `spectral`: of `trust_of` and
        `leading_vector`.
    """
    frame, partner, signed = graph.both_ways()
    labels = multicut(graph)
    degree = np.bincount(frame, np.abs(signed), graph.frames)
    linked = degree > 0
    sizes = np.bincount(labels, linked, labels.max() + 1)
    largest = int(sizes.argmax())
    to_largest = labels[partner] == largest
    outside = labels[frame] != largest
    mine = _ratio(frame[to_largest], signed[to_largest], graph.frames)
    crossing = to_largest & outside
    of_part = _ratio(labels[frame][crossing], signed[crossing], len(sizes))[labels]
    apart = labels != largest
    columns = {
        "part_small": 1.0 - sizes[labels] / max(float(linked.sum()), 1.0),
        "part_against": np.where(apart, -of_part, -1.0),
        "part_apart": apart.astype(np.float64),
        "majority": -mine,
        "trust": -trust_of(graph),
        "spectral": -leading_vector(graph),
    }
    return {k: np.where(linked, v, np.nan) for k, v in columns.items()}


def trust_of(graph: SignedGraph) -> Float:
    """(N,) share of agreement among the partners, weighted by the partners' own share."""
    frame, partner, signed = graph.both_ways()
    weight, agreeing = np.abs(signed), np.maximum(signed, 0.0)
    trust = np.ones(graph.frames)
    for _ in range(_ROUNDS):
        heard = np.bincount(frame, weight * trust[partner], graph.frames)
        agreed = np.bincount(frame, agreeing * trust[partner], graph.frames)
        trust = 0.02 + 0.98 * agreed / (heard + 1e-9)
    return trust


def leading_vector(graph: SignedGraph) -> Float:
    """(N,) agreement with the leading eigenvector of the normalised signed graph; 0
    where no pair says yes or no."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import eigsh

    frame, partner, signed = graph.both_ways()
    n = graph.frames
    if n < 4 or not signed.any():
        return np.zeros(n)
    degree = np.bincount(frame, np.abs(signed), n) + 1e-9
    scaled = signed / np.sqrt(degree[frame] * degree[partner])
    matrix = coo_matrix((scaled, (frame, partner)), shape=(n, n)).tocsr()
    start = np.sqrt(degree)
    _, vectors = eigsh(matrix, k=1, which="LA", v0=start, maxiter=5000, tol=1e-6)
    vector = vectors[:, 0] / np.sqrt(degree)
    sign = np.sign(np.sign(vector) @ degree) or 1.0
    heard = np.bincount(frame, signed * np.sign(sign * vector)[partner], n)
    return np.asarray(heard / degree)


def _ratio(where: Index, signed: Float, count: int) -> Float:
    """(count,) sum of signs over sum of sizes and `_UNDECIDED`; NaN where nothing is."""
    total = np.bincount(where, np.abs(signed), count)
    value = np.bincount(where, signed, count)
    return np.divide(
        value, total + _UNDECIDED, out=np.full(count, np.nan), where=total > 0
    )
