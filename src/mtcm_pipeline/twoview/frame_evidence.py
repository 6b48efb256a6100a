"""Per frame: is its pose right, wrong, or unknown, judged by its pairs?

A pair that disagrees accuses both of its frames. A frame is wrong if most frames that
truly see the same disagree with it; a sound frame beside a wrong one has that one
disagreeing partner. So partners count by the trust that they have themselves, which is
found by iterating.

Dimension letters: N frames, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.options import TwoViewOptions

Float = NDArray[np.float64]
Index = NDArray[np.int64]

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"

# Error below which px are noise; keeps ratios of tiny errors from mattering.
_ERROR_FLOOR_PX = 0.1
# Share of the connected pairs whose error counts as usual: low, so that it holds while
# no more than four in five pairs have a wrong frame.
_USUAL_QUANTILE = 0.2
# If the usual error is this many times that of the pairs' own geometry, about 1.5 px of
# a 400 px photograph, poses and photographs do not belong together.
_CONTRADICTED_FACTOR = 6.0
# Natural logarithm over which agreement goes from undecided to sure.
_SLOPE = 0.5
# Verified matches that make a pair as sure as it gets.
_SURE_INLIERS = 60
_FIRST_TRUST = 0.8
_PRIOR_LOGIT = 1.0
_LOGIT_PER_PARTNER = 3.0
_ROUNDS = 60
# Counts as a partner who says nothing: doubt and confidence need evidence.
_SILENT_PARTNER = 0.3
_RIGHT_BELOW, _WRONG_ABOVE = 0.4, 0.6


@dataclass(frozen=True)
class _Votes:
    """Connected pairs as both of their frames see them (two entries a pair).

    Attributes:
        frame: row of the frame.
        partner: row of the other.
        agreement: -1 (surely disagree) to 1.
        weight: how sure the pair is, 0 to 1.
    """

    frame: Index
    partner: Index
    agreement: Float
    weight: Float

    def summed(self, values: Float, n: int) -> Float:
        """(N,) sum over each frame's pairs."""
        return np.asarray(np.bincount(self.frame, values, n), dtype=np.float64)


def pair_agreement(pairs: pd.DataFrame, options: TwoViewOptions) -> Float:
    """(P,) from -1 (disagrees with the given poses) to 1 (agrees); NaN if unconnected.

    What counts is the error under the given poses over that of the pair's own geometry,
    relative to what is usual in this capture: poses of one source are all more or less
    exact, and a fault is what stands out. Where even the usual error is far beyond
    what the photographs allow, nothing stands out and every connected pair gets 0.

    Args:
        pairs: columns as in `table.PairRow`.
        options: parameters.
    """
    given = pairs["median_epipolar_error_px"].to_numpy(np.float64)
    fitted = pairs["fitted_epipolar_error_px"].to_numpy(np.float64)
    excess = np.log((given + _ERROR_FLOOR_PX) / (fitted + _ERROR_FLOOR_PX))
    known = np.isfinite(excess)
    if not known.any():
        return np.full(len(pairs), np.nan)
    usual = max(0.0, float(np.quantile(excess[known], _USUAL_QUANTILE)))
    if usual > np.log(_CONTRADICTED_FACTOR):
        return np.where(known, 0.0, np.nan)
    beyond = excess - usual - np.log(options.error_factor)
    agreement = np.clip(-beyond / _SLOPE, -1.0, 1.0)
    behind = pairs["behind_share"].to_numpy(np.float64) > 0.5
    return np.where(behind, -1.0, agreement)


def poses_are_contradicted(pairs: pd.DataFrame, options: TwoViewOptions) -> bool:
    """Whether hardly a pair agrees with the poses, so that no frame can be blamed."""
    agreement = pair_agreement(pairs, options)
    known = np.isfinite(agreement)
    return bool(known.any() and not agreement[known].any())


def frame_evidence(
    pairs: pd.DataFrame, names: Sequence[str], options: TwoViewOptions | None = None
) -> pd.DataFrame:
    """What the pairs say about each frame's pose.

    Args:
        pairs: columns as in `table.PairRow`.
        names: the N frames, which the rows of the result follow.
        options: parameters; defaults when None.

    Returns:
        Columns `name`; `pairs` compared, of which `unconnected` show nothing in common
        and `agreeing` and `disagreeing` do; `support`, how many sure and trusted
        partners that makes; `pose_doubt` in 0..1, 0.5 where nothing is known, higher
        where trusted partners disagree; `pose_verdict`: right, wrong, or unknown where
        the support is thin or the partners are at odds.

    Raises:
        CaptureError: a pair's frame is not among the names.
    """
    options = options or TwoViewOptions()
    frame, partner = _rows(pairs, names)
    agreement = pair_agreement(pairs, options)
    n = len(names)
    votes = _votes(pairs, frame, partner, agreement)
    doubt, support = _doubt(votes, n)
    connected = pairs["connected"].to_numpy(bool)

    def counted(which: NDArray[np.bool_]) -> Index:
        ends = np.concatenate([frame[which], partner[which]])
        return np.bincount(ends, minlength=n)

    return pd.DataFrame(
        {
            "name": list(names),
            "pairs": counted(np.ones(len(pairs), dtype=bool)),
            "agreeing": counted(connected & (agreement > 0)),
            "disagreeing": counted(connected & (agreement <= 0)),
            "unconnected": counted(~connected),
            "support": support,
            "pose_doubt": doubt,
            "pose_verdict": _verdicts(doubt, support, options.min_support),
        }
    )


def _rows(pairs: pd.DataFrame, names: Sequence[str]) -> tuple[Index, Index]:
    """(P,) and (P,) rows of the pairs' frames."""
    row_of = {name: row for row, name in enumerate(names)}
    unknown = [
        name
        for column in ("name_a", "name_b")
        for name in pairs[column]
        if name not in row_of
    ]
    if unknown:
        raise CaptureError(
            f"pair table: frame {unknown[0]!r} is not among the {len(names)}"
        )
    first = np.array([row_of[name] for name in pairs["name_a"]], dtype=np.int64)
    second = np.array([row_of[name] for name in pairs["name_b"]], dtype=np.int64)
    return first, second


def _votes(pairs: pd.DataFrame, first: Index, second: Index, agreement: Float) -> _Votes:
    known = np.isfinite(agreement)
    inliers = pairs["verified_inliers"].to_numpy(np.float64)[known]
    weight = np.sqrt(np.minimum(inliers / _SURE_INLIERS, 1.0))
    a, b = first[known], second[known]
    return _Votes(
        np.concatenate([a, b]),
        np.concatenate([b, a]),
        np.tile(agreement[known], 2),
        np.tile(weight, 2),
    )


def _doubt(votes: _Votes, n: int) -> tuple[Float, Float]:
    """(N,) doubt in 0..1 and (N,) trusted support.

    Mean field over 'this pose is right': a frame's log-odds are a prior plus its pairs'
    agreement, each weighted by the partner's probability of being right.
    """
    trust = np.full(n, _FIRST_TRUST)
    for _ in range(_ROUNDS):
        heard = votes.weight * votes.agreement * trust[votes.partner]
        logit = _PRIOR_LOGIT + _LOGIT_PER_PARTNER * votes.summed(heard, n)
        probability = 1.0 / (1.0 + np.exp(-np.clip(logit, -50.0, 50.0)))
        trust = 0.5 * trust + 0.5 * probability  # damped, so that it settles
    heard = votes.weight * trust[votes.partner]
    support = votes.summed(heard, n)
    balance = votes.summed(heard * votes.agreement, n) / (support + _SILENT_PARTNER)
    return (1.0 - balance) / 2.0, support


def _verdicts(doubt: Float, support: Float, min_support: float) -> list[str]:
    verdict = np.full(len(doubt), UNKNOWN, dtype=object)
    enough = support >= min_support
    verdict[enough & (doubt < _RIGHT_BELOW)] = RIGHT
    verdict[enough & (doubt > _WRONG_ABOVE)] = WRONG
    return list(verdict)
