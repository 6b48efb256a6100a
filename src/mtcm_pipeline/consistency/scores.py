"""From evidence to one score and one reason a frame.

Among looks, path and model a fault is only called on agreement: a wrong pose needs two
witnesses, a foreign subject must look unlike its nearest look-alike as well as unlike its
neighbours. Matched features outweigh them all, for a pose and against it. The degree of
a fault is how far it lies over its limit; 1 is the limit itself.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.consistency.options import ScoreOptions

Float = NDArray[np.float64]

# Errors vary by nature; a capture whose errors hardly vary must not have its smallest
# differences called outliers. In natural logarithms: 0.2 is 22 %.
_SMALLEST_SPREAD = 0.2
_FLOOR = 1e-4
# Robust standard deviations of a ratio over the capture that are still its own habit.
_OWN_SPREADS = 4.0
# Degree of a duplicate: above what two witnesses or matched features give a pose, since
# a copy's pose is off by a hair for having been solved twice, and "duplicate" says more.
_DUPLICATE = 2.5
# A mask this many times larger or smaller than the neighbours' is damaged.
_MASK_LIMIT = 2.0
# Degree of an empty mask: nothing else needs to be measured.
_EMPTY_MASK = 2.5

REASON_WORDS = {
    "blurred": "blurred",
    "exposure": "exposure",
    "duplicate": "duplicate of {other}",
    "foreign": "foreign subject",
    "pose_time": "pose disagrees with its neighbours in time",
    "pose_appearance": "pose disagrees with appearance",
    "geometry": "geometry not verified",
    "mask": "mask bad",
}


def robust_z(errors: Float) -> Float:
    """(N,) how many robust standard deviations an error lies above the capture's middle.

    Median and median absolute deviation of the logarithm, so that neither the units nor
    the faulty frames matter. NaN stays NaN.
    """
    logs = np.log(np.asarray(errors, dtype=np.float64) + _FLOOR)
    if not np.isfinite(logs).any():
        return np.full(len(logs), np.nan)
    middle = np.nanmedian(logs)
    spread = 1.4826 * np.nanmedian(np.abs(logs - middle))
    return (logs - middle) / max(float(spread), _SMALLEST_SPREAD)


def fault_degrees(
    evidence: pd.DataFrame, quality: pd.DataFrame, options: ScoreOptions
) -> pd.DataFrame:
    """(N) rows, one column a kind of fault: its degree, 1 at the limit, 0 if unknown.

    Args:
        evidence: of `gather_evidence`.
        quality: columns `sharpness_ratio`, `luminance_ratio` and `mask_area_ratio` (to
            the neighbours' median; NaN where unknown; an area of 0 is an empty mask's),
            `duplicate_of` (name or ""), and
            what matched features say of the pose: `pose_verdict` (right, wrong or
            unknown) and `pose_doubt` in 0..1.
        options: limits.
    """
    errors = evidence.drop(columns="name")
    z = {str(name): robust_z(column.to_numpy()) for name, column in errors.items()}
    limit = options.outlier_limit
    appearance = np.fmax(z["appearance_from_time"], z["appearance_from_pose"])
    off_path = np.fmax(z["centre_from_time"], z["rotation_from_time_deg"])
    off_looks = np.fmax(z["pose_from_appearance"], z["appearance_from_pose"])
    degrees = {
        "foreign": np.fmin(z["appearance_nearest"], appearance) / limit,
        "pose_time": _second_largest(off_path, off_looks, z["mtcm_pose"]) / limit,
        "pose_appearance": _second_largest(
            z["pose_from_appearance"], z["appearance_from_pose"], z["mtcm_pose"]
        )
        / limit,
        "blurred": _log_share(1.0 / quality["sharpness_ratio"], 1 / options.blur_limit),
        "exposure": np.abs(
            _log_share(quality["luminance_ratio"], options.exposure_limit)
        ),
        "mask": np.where(
            quality["mask_area_ratio"] == 0.0,
            _EMPTY_MASK,
            np.abs(_log_share(quality["mask_area_ratio"], _MASK_LIMIT)),
        ),
    }
    table = pd.DataFrame(degrees).clip(lower=0.0)
    # What is off the path in time is named so; what agrees with it, by its appearance.
    on_path = ~(off_path >= limit / 2)
    table["pose_time"] = table["pose_time"].where(~on_path, 0.0)
    table = _with_verified_geometry(table, quality, off_path >= limit / 2)
    # A foreign frame's looks contradict its pose as well: the looks are to blame.
    contradicts = (table["foreign"] >= 1.0) & on_path
    table["pose_appearance"] = table["pose_appearance"].where(~contradicts, 0.0)
    return table.fillna(0.0)


def _with_verified_geometry(
    table: pd.DataFrame, quality: pd.DataFrame, off_path: NDArray[np.bool_]
) -> pd.DataFrame:
    """Matched features outweigh the other witnesses of a pose, for it and against it.

    Where they contradict the pose, the fault is named by what else is odd about it.
    """
    right = (quality["pose_verdict"] == "right").to_numpy()
    wrong = (quality["pose_verdict"] == "wrong").to_numpy()
    certain = np.where(wrong, 1.0 + quality["pose_doubt"].to_numpy(np.float64), 0.0)
    pose_time = table["pose_time"].where(~right, 0.0)
    pose_appearance = table["pose_appearance"].where(~right, 0.0)
    odd_looks = pose_appearance >= 0.5
    return table.assign(
        pose_time=np.maximum(pose_time, np.where(off_path, certain, 0.0)),
        pose_appearance=np.maximum(
            pose_appearance, np.where(~off_path & odd_looks, certain, 0.0)
        ),
        geometry=np.where(~off_path & ~odd_looks, certain, 0.0),
    )


def score_frames(
    evidence: pd.DataFrame,
    quality: pd.DataFrame,
    presence: pd.DataFrame,
    options: ScoreOptions,
) -> pd.DataFrame:
    """The verdict on every frame, in capture order.

    Args:
        evidence: of `gather_evidence`.
        quality: see `fault_degrees`.
        presence: columns `has_image`, `has_pose`.
        options: limits.

    Returns:
        Columns `name`; `fault_score` in 0..1, 0.5 at the limit; `faulty`; `usable`
        (neither faulty nor without image or pose); `reason` in words, empty if there
        is none; `other` (the frame that it duplicates); then every degree and every
        piece of evidence.
    """
    degrees = fault_degrees(evidence, quality, options)
    fine = ~(degrees >= 1.0).any(axis=1) & presence["has_image"] & presence["has_pose"]
    kept = copies_of(evidence["name"], quality["duplicate_of"], fine)
    copied = (kept != "") & options.drop_duplicates
    degrees["duplicate"] = np.where(copied, _DUPLICATE, 0.0)
    worst, degree = degrees.idxmax(axis=1), degrees.max(axis=1)
    faulty = degree >= 1.0
    other = kept.where(faulty & (worst == "duplicate"), "")
    words = [
        REASON_WORDS[str(kind)].format(other=twin) if bad else ""
        for kind, twin, bad in zip(worst, other, faulty, strict=True)
    ]
    scores = pd.DataFrame({"name": evidence["name"]})
    scores["fault_score"] = degree**2 / (1.0 + degree**2)
    scores["faulty"] = faulty
    scores["usable"] = ~faulty & presence["has_image"] & presence["has_pose"]
    scores["reason"] = np.select(
        [~presence["has_image"], faulty, ~presence["has_pose"]],
        ["image unreadable", np.array(words, dtype=object), "no pose"],
        default="",
    )
    scores["other"] = other
    return pd.concat(
        [scores, degrees.add_prefix("degree_"), evidence.drop(columns="name")], axis=1
    )


def copies_of(names: pd.Series, duplicate_of: pd.Series, fine: pd.Series) -> pd.Series:
    """For each frame the frame that is kept in its place, or empty text.

    Of frames that show the same, the first that is fine otherwise is kept, and those
    after it are its copies: a copy is worth more than an original without a pose.

    Args:
        names: (N) frames in capture order.
        duplicate_of: (N) the first frame that shows the same, or empty text.
        fine: (N) bool, nothing else speaks against the frame.
    """
    group = duplicate_of.where(duplicate_of != "", names)
    row = pd.Series(np.arange(len(names)), index=names.index)
    first = row[fine].groupby(group[fine]).first()  # row of each group's keeper
    keeper = group.map(first)
    later = (keeper < row).to_numpy()
    kept = names.to_numpy()[keeper.fillna(0).astype(int)]
    return pd.Series(np.where(later, kept, ""), index=names.index)


def _second_largest(*columns: Float) -> Float:
    """(N,) second largest of the witnesses that have something to say."""
    stacked = np.stack([np.where(np.isnan(c), -np.inf, c) for c in columns])
    return np.sort(stacked, axis=0)[-2]


def _log_share(ratio: Float | pd.Series, limit: float) -> Float:
    """(N,) log(ratio) over its limit: 1 at the limit, 0 where nothing differs.

    The limit is `log(limit)`, or what this capture's own frames vary by where that is
    more: with a flash, or a subject that fills one frame and not the next, luminance
    differs by factors between good frames.
    """
    ratio = np.asarray(ratio, dtype=np.float64)
    logs = np.log(np.where(ratio > 0, ratio, np.nan))
    if not np.isfinite(logs).any():
        return logs
    spread = 1.4826 * float(np.nanmedian(np.abs(logs - np.nanmedian(logs))))
    return logs / max(np.log(limit), _OWN_SPREADS * spread)
