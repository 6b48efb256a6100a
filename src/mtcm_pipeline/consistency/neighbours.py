"""Who is near whom: neighbours in pose and in time, and what they predict.

Dimension letters: N frames, k neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.tokens.layout import CENTRE, QUATERNION, Tokens

Float = NDArray[np.float64]
Index = NDArray[np.int64]


def pose_features(tokens: Tokens) -> Float:
    """(N, 6) camera centre (median distance 1) and viewing direction; NaN without pose.

    Euclidean distance in it weighs a radian of viewing direction like one camera
    distance, which for cameras that face the subject is the same movement.
    """
    features = np.full((len(tokens), 6), np.nan)
    posed = tokens.has("pose")
    features[posed, :3] = tokens.values[posed, CENTRE]
    rotations = matrix_from_quat(tokens.values[posed, QUATERNION])  # world_from_cam
    features[posed, 3:] = rotations[:, :, 2]
    return features


def nearest(features: Float, count: int) -> tuple[Index, Float]:
    """The `count` nearest other rows of each row.

    Args:
        features: (N, d); rows with NaN are nobody's neighbour and have none.
        count: k.

    Returns:
        (N, k) indices, -1 where there are fewer, and (N, k) distances, inf there.
    """
    n = len(features)
    indices = np.full((n, count), -1, dtype=np.int64)
    distances = np.full((n, count), np.inf)
    usable = np.flatnonzero(np.isfinite(features).all(axis=1))
    take = min(count, len(usable) - 1)
    if take < 1:
        return indices, distances
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=take).fit(features[usable])
    distance, index = search.kneighbors()  # without arguments a point is not its own
    indices[usable, :take], distances[usable, :take] = usable[index], distance
    return indices, distances


def time_brackets(times: Float, usable: NDArray[np.bool_]) -> tuple[Index, Index]:
    """For each frame the usable frames just before and just after it in time.

    Returns:
        (N,) and (N,) indices, -1 where there is none.
    """
    order = np.argsort(times, kind="stable")
    before, after = np.full(len(times), -1), np.full(len(times), -1)
    last = -1
    for frame in order:
        before[frame] = last
        last = frame if usable[frame] else last
    last = -1
    for frame in order[::-1]:
        after[frame] = last
        last = frame if usable[frame] else last
    return before, after


def local_regression(features: Float, targets: Float, count: int) -> Float:
    """Each frame's target as its neighbours predict it, the frame itself left out.

    Kernel ridge regression on the `count` nearest frames, solved a frame at a time, so
    that cost grows linearly with N. The kernel is Gaussian with the median neighbour
    distance as its width; the ridge keeps one odd neighbour from deciding.

    Args:
        features: (N, d); NaN rows are neither used nor predicted.
        targets: (N, m); rows with NaN are not used.
        count: neighbours to use.

    Returns:
        (N, m) predictions; NaN where there is nothing to predict from.
    """
    usable = np.all(np.isfinite(np.hstack([features, targets])), axis=1)
    indices, distances = nearest(np.where(usable[:, None], features, np.nan), count)
    predictions = np.full(targets.shape, np.nan)
    ridge = 0.1
    for frame in np.flatnonzero(usable & (indices[:, 0] >= 0)):
        near = indices[frame][indices[frame] >= 0]
        width = max(float(np.median(distances[frame][: len(near)])), 1e-9)
        apart = np.linalg.norm(features[near][:, None] - features[near][None], axis=-1)
        kernel = np.exp(-0.5 * (apart / width) ** 2) + ridge * np.eye(len(near))
        weights = np.exp(-0.5 * (distances[frame][: len(near)] / width) ** 2)
        mean = np.median(targets[near], axis=0)
        solved = np.linalg.solve(kernel, targets[near] - mean)
        predictions[frame] = mean + weights @ solved
    return predictions
