"""What speaks against a frame, each kind of evidence by itself.

Every number is an error: the larger, the worse; NaN where it cannot be said. A frame is
judged only by what others say of it: its own value is left out of every prediction.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.consistency.neighbours import (
    local_regression,
    nearest,
    pose_features,
    time_brackets,
)
from mtcm_pipeline.mtcm.results import HiddenPrediction
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION, Tokens

Float = NDArray[np.float64]


def gather_evidence(
    tokens: Tokens, prediction: HiddenPrediction, neighbours: int
) -> pd.DataFrame:
    """One row a frame, in capture order.

    Columns:
        appearance_from_pose: 1 - cosine of the embedding to what the pose neighbours'
            embeddings predict.
        appearance_from_time: 1 - cosine to the mean of the frames before and after.
        appearance_nearest: 1 - cosine to the most similar other frame.
        centre_from_time: distance to the line between the cameras before and after, in
            median camera distances.
        rotation_from_time_deg: angle to the nearer of these two cameras' rotations.
        pose_from_appearance: distance in pose (centre and viewing direction) to the most
            similar looking frames.
        mtcm_appearance, mtcm_pose, mtcm_scalars: the hidden prediction's error over what
            the MTCM itself expected it to be.
    """
    features = pose_features(tokens)
    embeddings = tokens.field("embedding")
    evidence = pd.DataFrame({"name": tokens.names})
    evidence["appearance_from_pose"] = _cosine_error(
        local_regression(features, embeddings, neighbours), embeddings
    )
    before, after = time_brackets(tokens.times, tokens.has("embedding"))
    evidence["appearance_from_time"] = _cosine_error(
        _mean_of(embeddings, before, after), embeddings
    )
    look_alike, apart = nearest(embeddings, min(3, max(len(tokens) - 1, 1)))
    evidence["appearance_nearest"] = np.where(
        np.isfinite(apart[:, 0]), apart[:, 0] ** 2 / 2, np.nan
    )
    evidence["centre_from_time"] = _centre_off_the_path(tokens)
    evidence["rotation_from_time_deg"] = _rotation_off_the_path(tokens)
    evidence["pose_from_appearance"] = _distance_to_look_alikes(features, look_alike)
    surprise = np.sqrt(prediction.squared_error / np.exp(prediction.log_variance))
    evidence["mtcm_appearance"] = surprise[:, FIELDS.index("embedding")]
    evidence["mtcm_pose"] = surprise[:, FIELDS.index("pose")]
    evidence["mtcm_scalars"] = _rowwise_max(surprise[:, FIELDS.index("timestamp") :])
    return evidence


def _cosine_error(predicted: Float, truth: Float) -> Float:
    """(N,) 1 - cosine; NaN where either is absent."""
    lengths = np.linalg.norm(predicted, axis=1) * np.linalg.norm(truth, axis=1)
    return 1.0 - (predicted * truth).sum(axis=1) / np.where(lengths > 0, lengths, np.nan)


def _mean_of(values: Float, before: NDArray, after: NDArray) -> Float:
    """(N, m) mean of two rows; the one that exists where the other does not."""
    first = np.where((before >= 0)[:, None], values[before], np.nan)
    second = np.where((after >= 0)[:, None], values[after], np.nan)
    both = np.stack([first, second])
    counts = np.isfinite(both).all(axis=2).sum(axis=0)
    sums = np.nansum(both, axis=0)
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.nan)


def _centre_off_the_path(tokens: Tokens) -> Float:
    """(N,) distance from a camera's centre to the segment between its neighbours in time.

    NaN at the ends of the sequence: a whole step to the one neighbour there cannot be
    compared with the distances from segments elsewhere.
    """
    before, after = time_brackets(tokens.times, tokens.has("pose"))
    centres = tokens.values[:, CENTRE]
    known = (before >= 0) & (after >= 0) & tokens.has("pose")
    a, b = centres[before], centres[after]
    along = b - a
    squared = np.maximum((along**2).sum(axis=1), 1e-18)
    share = np.clip(((centres - a) * along).sum(axis=1) / squared, 0.0, 1.0)
    distance = np.linalg.norm(centres - a - share[:, None] * along, axis=1)
    return np.where(known, distance, np.nan)


def _rotation_off_the_path(tokens: Tokens) -> Float:
    """(N,) degrees to the nearer of the rotations before and after."""
    before, after = time_brackets(tokens.times, tokens.has("pose"))
    rotations = np.tile(np.eye(3), (len(tokens), 1, 1))
    posed = tokens.has("pose")
    rotations[posed] = matrix_from_quat(tokens.values[posed, QUATERNION])
    angles = [
        np.where(
            (other >= 0) & posed, rotation_angle_deg(rotations, rotations[other]), np.inf
        )
        for other in (before, after)
    ]
    smaller = np.minimum(*angles)
    return np.where(np.isfinite(smaller), smaller, np.nan)


def _distance_to_look_alikes(features: Float, look_alike: NDArray) -> Float:
    """(N,) smallest pose distance to the frames that look most alike."""
    others = np.where((look_alike >= 0)[..., None], features[look_alike], np.nan)
    distance = np.linalg.norm(others - features[:, None], axis=2)
    smallest = np.where(np.isnan(distance), np.inf, distance).min(axis=1)
    return np.where(np.isfinite(smallest), smallest, np.nan)


def _rowwise_max(values: Float) -> Float:
    """(N,) largest finite entry of each row; NaN where there is none."""
    largest = np.where(np.isnan(values), -np.inf, values).max(axis=1)
    return np.where(np.isfinite(largest), largest, np.nan)
