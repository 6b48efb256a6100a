"""The judge's table, the matches and the predicted poses as `frames.Doubt`.

Dimension letters: N frames, E width of the representations, F numbers a view.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.judge.matched import MatchMemory, match_photos
from mtcm_pipeline.judge.photo_facts import photo_key
from mtcm_pipeline.mtcm.results import HiddenPrediction
from mtcm_pipeline.regressors.registry import predictor
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION, Tokens
from mtcm_pipeline.tuning.beliefs import PoseBelief, isotropic_belief
from mtcm_pipeline.tuning.frames import Doubt
from mtcm_pipeline.tuning.matches import Matches, Shared
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.verification import VerifiedPair

Float = NDArray[np.float64]

# A predicted pose is never surer than this.
_LEAST_SIGMA_DEG = 1.0
# Directions of the frames' representations that the head looks at: with a few dozen
# views more would tell single views apart.
_COMPONENTS = 4
_CERTAIN = 1e-3


def doubt_of_judgement(
    judged: pd.DataFrame,
    names: Sequence[str],
    *,
    representations: Float | None = None,
    matches: Matches | None = None,
    predicted: Mapping[str, PoseBelief] | None = None,
) -> Doubt:
    """What the judge says of the frames `names`.

    A suspected pose or exposure may be cured; another fault of the picture may not. Of
    a frame that is doubted but not called faulty the kind is not known: it is tried. A
    frame that the judge did not see counts as it says of itself: `faulty` or not.

    Args:
        judged: columns `name`, `fault_probability`, `faulty`, `field`, `kind`.
        names: N of them, in the order of the views.
        representations: (N, E) of the MTCM, rows as `names`; None without.
        matches: of `matches_of`.
        predicted: poses predicted while hidden.
    """
    rows = judged.set_index("name").reindex(list(names))
    faulty = rows["faulty"].eq(True).to_numpy()
    probability = rows["fault_probability"].astype(float).to_numpy()
    said = np.isfinite(probability)
    probability = np.where(said, probability, faulty.astype(np.float64))
    named = rows["field"].eq("pose") | rows["kind"].isin(["exposure", "timestamp"])
    clipped = np.clip(probability, _CERTAIN, 1 - _CERTAIN)
    features = [np.log(clipped / (1 - clipped))[:, None]]
    if representations is not None and len(names) > _COMPONENTS:
        features.append(leading_components(representations, _COMPONENTS))
    return Doubt(
        tuple(names),
        np.asarray(probability, np.float64),
        named.to_numpy() | ~faulty,
        np.hstack(features),
        matches or {},
        predicted or {},
    )


def leading_components(rows: Float, count: int) -> Float:
    """(N, count) coordinates along the directions in which the rows differ most."""
    centred = np.nan_to_num(rows - np.nanmean(rows, axis=0))
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(u[:, :count] * s[:count])


def matches_of(photos: PosedPhotos, memory: MatchMemory) -> Matches:
    """What each photograph shares with others, of all pairs that are known.

    Args:
        photos: N posed photographs.
        memory: after `judge.matched.match_photos` of them.
    """
    names: dict[str, list[str]] = {}
    for name in photos.names:
        key = photo_key(photos.images[name], photos.masks.get(name))
        names.setdefault(key, []).append(name)
    shared: dict[str, list[Shared]] = {name: [] for name in photos.names}
    for (end_a, end_b), pair in memory.pairs.items():
        if not pair.connected or pair.b_from_a is None:
            continue
        for a in names.get(end_a.split("@")[0], ()):
            for b in names.get(end_b.split("@")[0], ()):
                if a != b:
                    shared[a].append(_seen_from_a(b, pair))
                    shared[b].append(_seen_from_b(a, pair))
    return shared


def found_matches(
    photos: PosedPhotos, embeddings: Float, options: TwoViewOptions
) -> Matches:
    """Match photographs that may see the same, whatever poses say.

    Args:
        photos: N posed photographs in order of time.
        embeddings: (N, E), rows as the frames; NaN rows where absent.
        options: of the matching.
    """
    import pycolmap

    # Else COLMAP's code writes a line on the console for every photograph.
    pycolmap.logging.minloglevel = pycolmap.logging.Level.WARNING.value
    memory = MatchMemory()
    keys = {n: photo_key(photos.images[n], photos.masks.get(n)) for n in photos.names}
    match_photos(photos, np.asarray(embeddings, np.float64), keys, memory, options)
    return matches_of(photos, memory)


def _seen_from_a(b: str, pair: VerifiedPair) -> Shared:
    assert pair.b_from_a is not None
    keep = pair.inliers
    a_from_b = np.asarray(invert_rigid(pair.b_from_a))
    return Shared(b, pair.xy_a[keep], pair.xy_b[keep], pair.reference_focal_px, a_from_b)


def _seen_from_b(a: str, pair: VerifiedPair) -> Shared:
    assert pair.b_from_a is not None
    keep = pair.inliers
    return Shared(
        a, pair.xy_b[keep], pair.xy_a[keep], pair.reference_focal_px, pair.b_from_a
    )


def predicted_poses(tokens: Tokens, doubtful: Sequence[str]) -> dict[str, PoseBelief]:
    """Poses of doubtful frames from all others, theirs being hidden together.

    The MTCM's kernel prior predicts; its expected squared error, centre and rotation
    matrix together, is three times the squared angle for a camera that is off about the
    subject at distance 1 (a rotation by a small angle moves the matrix by its square
    root of two).

    Args:
        tokens: of the frames, poses in the canonical gauge.
        doubtful: names.
    """
    if not doubtful:
        return {}
    hidden = np.zeros_like(tokens.present)
    rows = np.array([tokens.names.index(name) for name in doubtful])
    hidden[rows, FIELDS.index("pose")] = tokens.present[rows, FIELDS.index("pose")]
    found = predictor("kernel prior").predict(tokens, hidden)
    variance = found.variance[:, FIELDS.index("pose")]
    return beliefs_of(tokens.names, found.values, np.sqrt(variance / 3.0), doubtful)


def expected_angles(
    tokens: Tokens, predicted: HiddenPrediction, sound: Collection[str]
) -> Float:
    """(N) how far the MTCM's predicted poses are expected to be off, in radians.

    The median error on sound frames sets the scale (rotation, or shift as an angle at
    the subject, whichever is larger), the model's own variance the frame's share of it.

    Args:
        tokens: N frames.
        predicted: of all of them while hidden.
        sound: names whose poses count as right.
    """
    turn = np.radians(predicted.rotation_error_deg)
    error = np.fmax(turn, predicted.centre_error)
    right = np.array([name in sound for name in tokens.names]) & np.isfinite(error)
    if not right.any():
        return np.full(len(tokens), np.nan)
    log_variance = predicted.log_variance[:, FIELDS.index("pose")]
    share = np.exp(0.5 * (log_variance - np.nanmedian(log_variance[right])))
    return np.asarray(float(np.median(error[right])) * share)


def beliefs_of(
    names: Sequence[str], values: Float, sigma_rad: Float, wanted: Sequence[str]
) -> dict[str, PoseBelief]:
    """Predicted token values as beliefs; frames without a prediction are left out.

    Args:
        names: N of them.
        values: (N, 394) predicted tokens in token units.
        sigma_rad: (N) expected error of each: an angle, and as far at the subject.
        wanted: names of the frames that are asked for.
    """
    beliefs = {}
    for name in wanted:
        row = list(names).index(name)
        pose = values[row, CENTRE], values[row, QUATERNION]
        if not (np.isfinite(np.concatenate(pose)).all() and np.isfinite(sigma_rad[row])):
            continue
        world_from_cam = np.eye(4)
        world_from_cam[:3, :3] = matrix_from_quat(pose[1][None])[0]
        world_from_cam[:3, 3] = pose[0]
        sigma = max(float(sigma_rad[row]), float(np.radians(_LEAST_SIGMA_DEG)))
        beliefs[name] = isotropic_belief(
            np.asarray(invert_rigid(world_from_cam)), float(np.degrees(sigma)), sigma
        )
    return beliefs
