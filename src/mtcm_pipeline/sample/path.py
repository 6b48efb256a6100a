"""A hand-held walk around the subject: where the cameras are and where they look.

Subject frame (x left, y up, z forward, metres). Azimuth 0 looks the subject in the face
and grows towards the subject's left; elevation grows upward.

Dimension letter: N frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mtcm_pipeline.sample.options import AzimuthGap, SampleOptions

Array = NDArray[np.floating[Any]]
Float = NDArray[np.float64]

# What people aim at: between the face and the shoulders. Angles are about this point.
SUBJECT_CENTRE = np.array([0.0, -0.12, -0.01])


@dataclass(frozen=True)
class Path:
    """Cameras in the order of taking.

    Attributes:
        cam_from_subject: (N, 4, 4) rigid, OpenCV axes, metres.
        seconds: (N,) since the first picture.
    """

    cam_from_subject: Float
    seconds: Float


def handheld_path(options: SampleOptions, frames: int, rng: np.random.Generator) -> Path:
    """A ring at head height and a partial, higher ring back, both avoiding the gaps.

    Args:
        options: gaps and the share of the high ring.
        frames: N.
        rng: source of every wobble.
    """
    high = round(options.high_ring_share * frames)
    arcs = free_arcs(options.gaps_deg)
    azimuth = np.concatenate(
        [
            _walk(arcs, frames - high, rng, 0.0, 1.0),
            _walk(arcs, high, rng, rng.uniform(0.7, 0.85), rng.uniform(0.02, 0.15)),
        ]
    )
    elevation = np.concatenate(
        [
            4.0 + 7.0 * _wander(frames - high, rng) + rng.normal(0, 1.5, frames - high),
            36.0 + 7.0 * _wander(high, rng) + rng.normal(0, 1.5, high),
        ]
    )
    distance = 0.94 * (1.0 + 0.13 * _wander(frames, rng) + rng.normal(0, 0.025, frames))
    centres = centre_at(azimuth, elevation, distance)
    poses = _aimed(centres, rng)
    return Path(poses, _shutter_seconds(frames, frames - high, rng))


def free_arcs(gaps_deg: tuple[AzimuthGap, ...]) -> list[tuple[float, float]]:
    """Azimuth intervals (start, end) outside of the gaps, starting after the widest.

    End may exceed 180: the walk goes on around. Without gaps it is the whole circle.
    """
    if not gaps_deg:
        return [(-180.0, 180.0)]
    widest = max(gaps_deg, key=lambda gap: gap[1])
    origin = widest[0] + widest[1] / 2
    starts = [
        ((centre - width / 2 - origin) % 360.0, width) for centre, width in gaps_deg
    ]
    # A gap may reach over the walk's beginning from the turn before.
    spans = sorted(starts + [(start - 360.0, width) for start, width in starts])
    arcs, place = [], 0.0
    for start, width in spans:
        if start > place:
            arcs.append((origin + place, origin + start))
        place = max(place, start + width)
    return arcs


def centre_at(azimuth_deg: Array, elevation_deg: Array, distance_m: Array) -> Array:
    """(N, 3) camera centres from angles about `SUBJECT_CENTRE`."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    direction = np.stack(
        [
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ],
        axis=-1,
    )
    return SUBJECT_CENTRE + direction * np.asarray(distance_m)[..., None]


def angles_of(centres: Array) -> tuple[Float, Float, Float]:
    """Azimuth, elevation in degrees and distance in metres of (N, 3) centres."""
    offset = centres - SUBJECT_CENTRE
    distance = np.linalg.norm(offset, axis=-1)
    azimuth = np.degrees(np.arctan2(offset[..., 0], offset[..., 2]))
    elevation = np.degrees(np.arcsin(offset[..., 1] / distance))
    return azimuth, elevation, distance


def look_at(centre: Array, target: Array, roll_deg: float = 0.0) -> Array:
    """(4, 4) cam_from_subject of an upright camera at `centre` that looks at `target`.

    Axes right, down, forward (OpenCV); `roll_deg` turns the camera about its axis.
    """
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    upright = np.stack([right, np.cross(forward, right), forward])
    rotation = Rotation.from_euler("z", roll_deg, degrees=True).as_matrix() @ upright
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ centre
    return pose


def _wander(count: int, rng: np.random.Generator) -> Array:
    """(count,) a slow wave in about [-1, 1]."""
    place = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    waves = [
        amplitude * np.sin(rate * place + rng.uniform(0, 2 * np.pi))
        for rate, amplitude in ((1, 0.4), (2, 0.35), (5, 0.25))
    ]
    return np.sum(waves, axis=0)


def _walk(
    arcs: list[tuple[float, float]],
    count: int,
    rng: np.random.Generator,
    start: float,
    end: float,
) -> Array:
    """(count,) azimuths from share `start` to share `end` of the free arcs, in order."""
    steps = rng.uniform(0.6, 1.4, count)
    share = start + (end - start) * (np.cumsum(steps) - steps / 2) / max(
        steps.sum(), 1e-9
    )
    ends = np.cumsum([0.0, *(stop - begin for begin, stop in arcs)])
    along = share * ends[-1]
    arc = np.clip(np.searchsorted(ends, along, side="right") - 1, 0, len(arcs) - 1)
    begins = np.array([begin for begin, _ in arcs])
    return begins[arc] + along - ends[arc]


def _aimed(centres: Array, rng: np.random.Generator) -> Float:
    """(N, 4, 4) poses that look at the subject as a hand does: a bit off and rolled."""
    targets = SUBJECT_CENTRE + rng.normal(0.0, (0.016, 0.028, 0.016), centres.shape)
    rolls = rng.normal(0.0, 2.2, len(centres))
    poses = [look_at(*one) for one in zip(centres, targets, rolls, strict=True)]
    return np.stack(poses)


def _shutter_seconds(frames: int, low: int, rng: np.random.Generator) -> Float:
    """(N,) times in seconds: a picture every second or two, a pause between the rings."""
    steps: Float = rng.uniform(0.9, 1.9, frames)
    steps[0] = 0.0
    if 0 < low < frames:
        steps[low] += 7.5
    seconds: Float = np.cumsum(steps)
    return seconds.round(3)
