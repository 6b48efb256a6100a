"""The judge's table, the matches and the predicted poses as `frames.Doubt`.

Dimension letters: N frames, E width of the representations, F numbers a view.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.photo_facts import photo_key
from mtcm_pipeline.mtcm.results import HiddenPrediction
from mtcm_pipeline.regressors.registry import predictor
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION, Tokens
from mtcm_pipeline.tuning.beliefs import PoseBelief, isotropic_belief
from mtcm_pipeline.tuning.frames import Doubt
from mtcm_pipeline.tuning.matches import Matches, Shared
from mtcm_pipeline.twoview.extraction import features_of_frames
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.rays import frame_rays
from mtcm_pipeline.twoview.verification import VerifiedPair, verify_pairs
from mtcm_pipeline.twoview.workers import Workers

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

    A suspected pose may be cured; a fault of the picture may not. (A wrong exposure, put
    right by a factor, keeps its clipped lights and drowned shadows: with such frames let
    in, fields were 0.1 dB worse in three of four pools of fox and the sample.) Of a
    frame that is doubted but not called faulty the kind is not known: it is trusted as
    little as may be, and left to its matches. (Such frames are mostly sound, and each
    that is held back costs a view.) A frame that the judge did not see counts as it says
    of itself: `faulty` or not.

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
    named = rows["field"].eq("pose") | rows["kind"].eq("timestamp")
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
        ~faulty,
    )


def leading_components(rows: Float, count: int) -> Float:
    """(N, count) coordinates along the directions in which the rows differ most."""
    centred = np.nan_to_num(rows - np.nanmean(rows, axis=0))
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(u[:, :count] * s[:count])


def matches_of(
    photos: PosedPhotos, memory: MatchMemory, pairs: pd.DataFrame | None = None
) -> Matches:
    """What each photograph shares with others.

    Args:
        photos: N posed photographs.
        memory: after `judge.matched.match_photos` of them.
        pairs: columns `name_a`, `name_b`: only these pairs; None takes all that are
            known.
    """
    names: dict[str, list[str]] = {}
    for name in photos.names:
        key = photo_key(photos.images[name], photos.masks.get(name))
        names.setdefault(key, []).append(name)
    wanted = None if pairs is None else _either_way(pairs)
    shared: dict[str, list[Shared]] = {name: [] for name in photos.names}
    for (end_a, end_b), pair in memory.pairs.items():
        for a in names.get(end_a.split("@")[0], ()):
            for b in names.get(end_b.split("@")[0], ()):
                if a != b and (wanted is None or (a, b) in wanted):
                    _share(shared, a, b, pair)
    return shared


def _either_way(pairs: pd.DataFrame) -> set[tuple[str, str]]:
    ends = list(zip(pairs["name_a"], pairs["name_b"], strict=True))
    return {*ends, *((b, a) for a, b in ends)}


def _share(shared: dict[str, list[Shared]], a: str, b: str, pair: VerifiedPair) -> None:
    """Note the verified matches of a pair at both of its ends."""
    if not pair.connected:
        return
    xy_a, xy_b = pair.xy_a[pair.inliers], pair.xy_b[pair.inliers]
    shared[a].append(Shared(b, xy_a, xy_b, pair.reference_focal_px))
    shared[b].append(Shared(a, xy_b, xy_a, pair.reference_focal_px))


def matches_of_run(
    images: FileLoaders,
    masks: FileLoaders,
    cameras: PosedCameras,
    pairs: pd.DataFrame,
    *,
    options: TwoViewOptions,
    store: ContentStore | None = None,
) -> Matches:
    """The matches behind a run's pair table; what the store has is not computed again.

    Args:
        images: photographs by file name.
        masks: masks by file name, stems as the photographs'.
        cameras: N posed frames.
        pairs: columns `name_a`, `name_b`; pairs with other frames are passed over.
        options: of the matching, as in the run.
        store: features and pairs by content.
    """
    names = cameras.names
    row = {name: number for number, name in enumerate(names)}
    by_image = match_to_images(masks, tuple(images)).by_image
    its_mask = {image: masks[name] for image, name in by_image.items()}
    with Workers(options.workers) as workers:
        sizes = {n: (c.width, c.height) for n in names if (c := cameras.camera_of(n))}
        found = features_of_frames(
            names, {name: images[name] for name in names}, its_mask, sizes, options,
            store=store, workers=workers,
        ).by_name  # fmt: skip
        rays = {row[n]: frame_rays(f, cameras.camera_of(n)) for n, f in found.items()}
        ends = zip(pairs["name_a"], pairs["name_b"], strict=True)
        rows = [(row[a], row[b]) for a, b in ends if a in row and b in row]
        verified = verify_pairs(rows, rays, options, store=store, workers=workers)
    shared: dict[str, list[Shared]] = {name: [] for name in names}
    for (a, b), pair in verified.items():
        _share(shared, names[a], names[b], pair)
    return shared


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
