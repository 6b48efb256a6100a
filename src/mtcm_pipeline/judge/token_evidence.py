"""What poses, embeddings and times say of each other, the frame itself left out.

Gaussian processes predict a frame's embedding from its pose, its pose from its embedding,
and its place in time from both (`regressors`), each from the other frames, of which those
that the rest contradicts count less.

Dimension letters: N frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import rotation_angle_deg
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.neighbourhoods import Neighbourhoods, median, of_neighbours
from mtcm_pipeline.regressors.folds import one_by_one
from mtcm_pipeline.regressors.gaussian import choose_kernel, process_estimate
from mtcm_pipeline.regressors.kernels import KernelSpace
from mtcm_pipeline.regressors.problem import (
    FieldProblem,
    embedding_distances,
    nearest_rotations,
    squared_distances,
)

Float = NDArray[np.float64]
Columns = dict[str, Float]

_FLOOR = 1e-3
# A Gaussian process costs the cube of its frames: longer captures are predicted in
# stretches of this many, which reach round any orbit that a person walks.
MOST_FRAMES = 600
_FEWEST = 6
# Interpolations between frames before and after, in frames; most of them leave out any
# single wrong neighbour.
_BRACKETS = ((-1, 1), (-2, 1), (-1, 2), (-2, 2), (-3, 3))


def token_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """Logarithms of what the other frames predict wrongly, and what the path does."""
    return (
        _process_columns(evidence) | _path_columns(evidence) | _time_columns(near)
    ) | _neighbour_columns(evidence, near)


def _process_columns(evidence: CaptureEvidence) -> Columns:
    names = ("gp_looks", "gp_centre", "gp_rotation", "gp_centre_time",
             "gp_rotation_time", "gp_time")  # fmt: skip
    columns = {name: np.full(len(evidence), np.nan) for name in names}
    known = np.isfinite(evidence.world_from_cam).all(axis=(1, 2))
    known &= np.isfinite(evidence.embeddings).all(axis=1)
    for rows in _stretches(np.flatnonzero(known)):
        if len(rows) >= _FEWEST:
            for name, errors in _errors_of(evidence, rows).items():
                columns[name][rows] = np.log(errors + _FLOOR)
    return columns


def _stretches(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Equal stretches in time, none longer than `MOST_FRAMES`."""
    count = max(1, -(-len(rows) // MOST_FRAMES))
    return [np.asarray(part) for part in np.array_split(rows, count)]


def _errors_of(evidence: CaptureEvidence, rows: NDArray[np.int64]) -> Columns:
    poses = evidence.world_from_cam[rows]
    looks = evidence.embeddings[rows]
    frames = np.arange(len(rows), dtype=np.float64)
    pose = np.hstack([poses[:, :3, 3], poses[:, :3, :3].reshape(-1, 9)])
    time = {"time": squared_distances(frames[:, None])}
    places = {
        "centre": squared_distances(pose[:, :3]),
        "rotation": squared_distances(pose[:, 3:]),
    }
    views = embedding_distances(looks, np.ones(len(rows), dtype=bool))
    errors: Columns = {}
    found = _left_out("embedding", looks, frames, time | places, with_time=False)
    errors["gp_looks"] = np.linalg.norm(found - looks, axis=1)
    for ending, with_time in (("", False), ("_time", True)):
        found = _left_out("pose", pose, frames, time | views, with_time=with_time)
        errors[f"gp_centre{ending}"] = np.linalg.norm(found[:, :3] - pose[:, :3], axis=1)
        errors[f"gp_rotation{ending}"] = rotation_angle_deg(
            nearest_rotations(found[:, 3:]), poses[:, :3, :3]
        )
    inputs = time | places | views
    found = _left_out("timestamp", frames[:, None], frames, inputs, with_time=False)
    errors["gp_time"] = np.abs(found[:, 0] - frames)
    return errors


def _left_out(
    field: str, target: Float, frames: Float, inputs: Columns, *, with_time: bool
) -> Float:
    """(N, m) each frame's target as the others predict it."""
    everyone = np.ones(len(target), dtype=bool)
    problem = FieldProblem(field, target, everyone, ~everyone, frames, inputs)
    chosen = choose_kernel(problem, _space(inputs, with_time), None)
    alone = one_by_one(len(target))
    return process_estimate(problem, chosen, alone, robust=True).left_out


def _space(inputs: Columns, with_time: bool) -> KernelSpace:
    """Few kernels: a wrong frame stands out under any that is about right."""
    axes: dict[str, tuple] = {"shape": ("smooth", "rough")}
    if "centre" in inputs:
        axes |= {"centre": (0.2, 0.4, 0.8, 1.6), "rotation": (0.5, 1.0, 2.0)}
    if any(name.startswith("embedding") for name in inputs):
        axes["embedding"] = tuple(
            (f"embedding/{view}", length)
            for view in ("8/0", "16/0.5", "32/0.5")
            for length in (0.3, 0.6, 1.2)
        )
    if with_time:
        axes["time"] = (1.5, 4.0, 12.0)
    return KernelSpace(axes, {name: len(axes[name]) // 2 for name in axes})


def _path_columns(evidence: CaptureEvidence) -> Columns:
    """Distance to where the frames before and after would put the camera."""
    n = len(evidence)
    centres = evidence.world_from_cam[:, :3, 3]
    rotations = evidence.world_from_cam[:, :3, :3]
    off, turned, looks = [], [], []
    for before, after in _BRACKETS:
        rows = np.arange(n)
        a, b = np.clip(rows + before, 0, n - 1), np.clip(rows + after, 0, n - 1)
        inside = (rows + before >= 0) & (rows + after < n)
        share = -before / (after - before)
        middle = (1 - share) * centres[a] + share * centres[b]
        off.append(np.where(inside, np.linalg.norm(middle - centres, axis=1), np.nan))
        blend = (1 - share) * rotations[a] + share * rotations[b]
        angles = _angles(blend, rotations)
        turned.append(np.where(inside, angles, np.nan))
        seen = (1 - share) * evidence.embeddings[a] + share * evidence.embeddings[b]
        gap = np.linalg.norm(seen - evidence.embeddings, axis=1)
        looks.append(np.where(inside, gap, np.nan))
    return {
        "path_centre": np.log(median(np.stack(off, axis=1)) + _FLOOR),
        "path_rotation": np.log(median(np.stack(turned, axis=1)) + 0.1),
        "path_looks": np.log(median(np.stack(looks, axis=1)) + _FLOOR),
    }


def _angles(blend: Float, rotations: Float) -> Float:
    known = np.isfinite(blend).all(axis=(1, 2)) & np.isfinite(rotations).all(axis=(1, 2))
    angles = np.full(len(blend), np.nan)
    nearest = nearest_rotations(blend[known].reshape(-1, 9))
    angles[known] = rotation_angle_deg(nearest, rotations[known])
    return angles


def _time_columns(near: Neighbourhoods) -> Columns:
    """How far apart in time the frames are that are near in pose or alike."""
    rows = np.arange(len(near.pose))
    columns: Columns = {}
    for name, others in (("pose", near.pose), ("embedding", near.embedding)):
        gaps = np.abs(of_neighbours(rows.astype(np.float64), others) - rows[:, None])
        columns[f"time_gap_{name}"] = np.log1p(np.sort(gaps, axis=1)[:, 1])
    return columns


def _neighbour_columns(evidence: CaptureEvidence, near: Neighbourhoods) -> Columns:
    """How unlike the nearest look-alikes, and how far these stand."""
    columns: Columns = {}
    unlike = np.linalg.norm(
        of_neighbours(evidence.embeddings, near.embedding) - evidence.embeddings[:, None],
        axis=2,
    )
    columns["unlike_nearest"] = np.log(unlike[:, 2] + _FLOOR)
    for name, others in (("pose", near.pose), ("time", near.time)):
        gap = of_neighbours(evidence.embeddings, others) - evidence.embeddings[:, None]
        columns[f"unlike_{name}"] = np.log(median(np.linalg.norm(gap, axis=2)) + _FLOOR)
    places = np.hstack(
        [evidence.world_from_cam[:, :3, 3], evidence.world_from_cam[:, :3, 2]]
    )
    for name, others in (("embedding", near.embedding), ("time", near.time)):
        gap = np.linalg.norm(of_neighbours(places, others) - places[:, None], axis=2)
        columns[f"far_from_{name}"] = np.log(median(gap) + _FLOOR)
    return columns
