"""Cameras at known angles about a subject, in a frame of reference that is known too."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import CAMERA, frame_table, look_at, smooth_embeddings

UP = np.array([0.0, 0.0, 1.0])


def rig(azimuth_deg, elevation_deg, distance=3.0, roll_deg=0.0, pitch_deg=0.0):
    """Cameras about the origin, +x the subject's front, +y its left, +z up.

    Roll turns a camera clockwise for the photographer, about its own axis; pitch is how
    far above the subject it aims.
    """
    angles = np.broadcast_arrays(
        *(
            np.asarray(a, float)
            for a in (azimuth_deg, elevation_deg, distance, roll_deg, pitch_deg)
        )
    )
    poses = [_pose(*(float(a) for a in one)) for one in zip(*angles, strict=True)]
    names = tuple(f"f{i:03d}.jpg" for i in range(len(poses)))
    return PosedCameras(
        names, invert_rigid(np.stack(poses)), (1,) * len(names), {1: CAMERA}
    )


def _pose(azimuth, elevation, distance, roll, pitch):
    a, e = np.radians([azimuth, elevation])
    centre = distance * np.array(
        [np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)]
    )
    pose = look_at(centre, np.zeros(3), UP)
    # Clockwise for the photographer: about the viewing axis, right towards down.
    turned = Rotation.from_rotvec(np.radians(roll) * pose[:3, 2]).as_matrix()
    raised = Rotation.from_rotvec(np.radians(pitch) * pose[:3, 0]).as_matrix()
    pose[:3, :3] = turned @ raised @ pose[:3, :3]
    return pose


def tokens_of(cameras, frames: pd.DataFrame | None = None):
    table = frame_table(cameras) if frames is None else frames
    return build_tokens(table, smooth_embeddings(cameras), cameras)[0]


def apart_deg(a, b):
    """Angle between directions of a circle, 0..180."""
    return np.abs((np.asarray(a) - np.asarray(b) + 180.0) % 360.0 - 180.0)
