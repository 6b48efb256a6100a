"""The judge's word on every frame: faulty or not, why, and in which field.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.consistency.scores import REASON_WORDS
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.checkpoint import Judge, Logits
from mtcm_pipeline.judge.empty_masks import called_bad, subject_gone
from mtcm_pipeline.judge.kinds import FAULT_KINDS, FIELDS, GROUP_OF
from mtcm_pipeline.judge.neighbourhoods import pose_places, robust_z
from mtcm_pipeline.judge.observations import Observations
from mtcm_pipeline.judge.order_rules import may_be_misdated
from mtcm_pipeline.judge.repeats import repeats_of

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

WORDS = {
    "blurred": REASON_WORDS["blurred"],
    "exposure": REASON_WORDS["exposure"],
    "foreign": REASON_WORDS["foreign"],
    "duplicate": REASON_WORDS["duplicate"],
    "mask": REASON_WORDS["mask"],
    "covered": "something else stands in the picture",
    "time": "time disagrees with pose and appearance",
    "swapped": "pose agrees better with {other}",
    "block": "pose disagrees, together with its neighbours, with the rest",
    "pose_time": REASON_WORDS["pose_time"],
    "pose_appearance": REASON_WORDS["pose_appearance"],
    "geometry": REASON_WORDS["geometry"],
    "unknown": "unknown",
}
# A group of reasons must hold this share, or the reason is unknown.
_SURE_REASON = 0.4
# Robust standard deviations from which a frame lies off its path or its looks.
_ODD = 2.0
# Between these probabilities a frame without a connected pair is undecided.
_UNDECIDED = (0.2, 0.8)
_OTHERS_ASKED = 3
# A copy stands where its original stands: within 0.007 camera distances, a centimetre at
# arm's length. Neighbours of one orbit look alike too and are farther apart.
_SAME_PLACE = 0.007
# Networks are not surer of a kind than this.
_LEAST_LEFT = 1e-3
# Logits above the threshold where nothing needs to be weighed.
_CERTAIN = 8.0


def judged_frames(
    judge: Judge,
    observations: Observations,
    evidence: CaptureEvidence,
    max_good_lost_percent: float,
) -> pd.DataFrame:
    """One row a frame, in the order of the observations.

    Returns:
        Columns `name`; `fault_probability`, calibrated; `fault_score` in 0..1, 0.5 at
        the threshold; `faulty`; `verdict` (sound, faulty, or unknown where the evidence
        is too thin); `kind`, the most likely fault if there is one; `field` that is
        wrong (none, embedding, pose, mask, time); `reason` in words, empty where sound;
        `other`, the frame that it repeats or whose pose it has; then the evidence,
        columns `evidence_*`, NaN where absent.
    """
    if judge.calibration is None:
        raise ParameterError("this judge is not calibrated: calibrate it first")
    logits = judge.logits(observations)
    twins = repeats_of(evidence.small).twin
    possible = _possible(evidence, twins)
    adapted = judge.calibration.adapted(logits.faulty) + _left(logits.kinds, possible)
    threshold = judge.calibration.threshold(max_good_lost_percent)
    gone = subject_gone(evidence) & (adapted <= threshold)
    logits, possible = called_bad(logits, gone), possible | gone[:, None]
    certain = max(threshold, judge.calibration.knots[-1]) + _CERTAIN
    adapted = np.where(gone, certain, adapted)
    probability = judge.calibration.probability(adapted)
    most_likely = logits.kinds.argmax(axis=1)
    kinds = [FAULT_KINDS[k] for k in most_likely]
    faulty = (adapted > threshold) & possible[np.arange(len(kinds)), most_likely]
    faulty &= ~_original_gone(kinds, faulty, twins)
    others = _others(kinds, faulty, evidence, observations, twins)
    reasons = _reasons(logits, kinds, faulty, observations, others)
    fields = [FIELDS[k] for k in logits.fields.argmax(axis=1)]
    table = pd.DataFrame({"name": observations.names})
    table["fault_probability"] = probability
    table["fault_score"] = 1.0 / (1.0 + np.exp(-np.clip(adapted - threshold, -30, 30)))
    table["faulty"] = faulty
    table["verdict"] = _verdicts(faulty, probability, observations)
    table["kind"] = np.where(faulty, kinds, "")
    table["field"] = np.where(faulty, fields, "none")
    table["reason"] = reasons
    table["other"] = others
    seen = pd.DataFrame(observations.raw, columns=list(observations.columns))
    return pd.concat([table, seen.add_prefix("evidence_")], axis=1)


def _possible(evidence: CaptureEvidence, twins: NDArray[np.int64]) -> Bool:
    """(N, len(FAULT_KINDS)) whether a fault is possible at all.

    A frame without a mask has no bad mask, a copy stands where its original stands, and
    which times can be wrong `order_rules` says.
    """
    places = pose_places(evidence.world_from_cam)
    apart = np.linalg.norm(places - places[twins], axis=1)
    itself = twins == np.arange(len(twins))
    possible = np.ones((len(twins), len(FAULT_KINDS)), dtype=bool)
    possible[:, FAULT_KINDS.index("mask")] = np.isfinite(evidence.mask_cells).any(
        axis=(1, 2)
    )
    possible[:, FAULT_KINDS.index("duplicate")] = ~((apart > _SAME_PLACE) | itself)
    possible[:, FAULT_KINDS.index("timestamp")] = may_be_misdated(evidence)
    return possible


def _left(kinds: Float, possible: Bool) -> Float:
    """(N,) logarithm of the share of the fault's probability that is left to kinds which
    are possible: what is taken off a logit, by Bayes' rule."""
    return np.log(np.maximum((kinds * possible).sum(axis=1), _LEAST_LEFT))


def _original_gone(
    kinds: list[str], faulty: Bool, twins: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(N,) copies whose original is dropped: then the copy is worth keeping."""
    copies = np.array([kind == "duplicate" for kind in kinds]) & faulty
    return copies & faulty[twins] & (twins != np.arange(len(twins)))


def _verdicts(faulty: Bool, probability: Float, observations: Observations) -> list[str]:
    linked = np.isfinite(observations.column("disagree_all"))
    low, high = _UNDECIDED
    undecided = ~linked & (probability > low) & (probability < high)
    return np.where(undecided, "unknown", np.where(faulty, "faulty", "sound")).tolist()


def _others(
    kinds: list[str],
    faulty: Bool,
    evidence: CaptureEvidence,
    observations: Observations,
    twins: NDArray[np.int64],
) -> list[str]:
    """The frame that is involved, or empty text."""
    swapped = _pose_owners(kinds, faulty, evidence, observations)
    found = []
    for row, kind in enumerate(kinds):
        other = -1
        if faulty[row] and kind == "duplicate":
            other = int(twins[row])
        elif faulty[row] and GROUP_OF[kind] == "pose":
            other = swapped[row]
        found.append(evidence.names[other] if other >= 0 else "")
    return found


def _pose_owners(
    kinds: list[str], faulty: Bool, evidence: CaptureEvidence, observations: Observations
) -> list[int]:
    """(N,) row of the frame that a frame's picture seems to have its pose from, or -1.

    Where a picture belongs is told by the sound frames that it shares most verified
    matches with. Two wrong frames of which each belongs where the other is said to stand
    have been swapped.
    """
    places = pose_places(evidence.world_from_cam)
    wrong = [i for i, k in enumerate(kinds) if faulty[i] and GROUP_OF[k] == "pose"]
    belongs = {
        row: _belongs(row, places, faulty, evidence, observations) for row in wrong
    }
    owners = [-1] * len(kinds)
    for row in wrong:
        best = None
        for other in wrong:
            if other == row or belongs[row] is None or belongs[other] is None:
                continue
            crossed = np.linalg.norm(belongs[row] - places[other]) + np.linalg.norm(
                belongs[other] - places[row]
            )
            straight = np.linalg.norm(belongs[row] - places[row]) + np.linalg.norm(
                belongs[other] - places[other]
            )
            if crossed < 0.5 * straight and (best is None or crossed < best[0]):
                best = (crossed, other)
        owners[row] = -1 if best is None else best[1]
    return owners


def _belongs(
    row: int,
    places: Float,
    faulty: Bool,
    evidence: CaptureEvidence,
    observations: Observations,
) -> Float | None:
    """(6,) where a picture belongs; None where no sound frame matches it."""
    ends = np.concatenate([observations.first, observations.second])
    others = np.concatenate([observations.second, observations.first])
    inliers = np.tile(evidence.pairs["verified_inliers"].to_numpy(np.float64), 2)
    connected = np.tile(evidence.pairs["connected"].to_numpy(bool), 2)
    mine = np.flatnonzero((ends == row) & connected & ~faulty[others])
    if len(mine) == 0:
        return None
    best = mine[np.argsort(-inliers[mine], kind="stable")[:_OTHERS_ASKED]]
    return np.median(places[others[best]], axis=0)


def _reasons(
    logits: Logits,
    kinds: list[str],
    faulty: Bool,
    observations: Observations,
    others: list[str],
) -> list[str]:
    groups = np.array([GROUP_OF[kind] for kind in FAULT_KINDS])
    off_path = _odd(observations, "path_centre", "path_rotation")
    off_looks = _odd(observations, "gp_looks", "far_from_embedding", "gp_centre")
    reasons = []
    for row, kind in enumerate(kinds):
        if not faulty[row]:
            reasons.append("")
            continue
        group = GROUP_OF[kind]
        share = logits.kinds[row][groups == group].sum()
        key = group if share >= _SURE_REASON else "unknown"
        if key == "pose":
            key = _pose_reason(kind, others[row], bool(off_path[row]), off_looks[row])
        reasons.append(WORDS[key].format(other=others[row]))
    return reasons


def _pose_reason(kind: str, other: str, off_path: bool, off_looks: bool) -> str:
    if other:
        return "swapped"
    if kind == "block":
        return "block"
    if off_path:
        return "pose_time"
    return "pose_appearance" if off_looks else "geometry"


def _odd(observations: Observations, *columns: str) -> Bool:
    """(N,) whether any of the columns stands out in its capture."""
    z = [robust_z(observations.column(name), 0.2) for name in columns]
    return np.nan_to_num(np.stack(z)).max(axis=0) >= _ODD
