"""Rigs of cameras whose gaps are known, and what is proposed for them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.missing.find import find_missing
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.tokens.layout import FIELD_SLICES, TOKEN_WIDTH, Tokens
from mtcm_pipeline.viewpoints.options import LabelOptions


def bearing(azimuth_deg, elevation_deg):
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def looking_at_origin(place):
    forward = -place / np.linalg.norm(place)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = place
    return pose


def ring(azimuths, elevation=10.0, distance=3.0):
    return cameras_of(
        [looking_at_origin(distance * bearing(a, elevation)) for a in azimuths]
    )


def cameras_of(poses):
    """Cameras of so many `world_from_cam`."""
    names = tuple(f"f{k:03d}.jpg" for k in range(len(poses)))
    camera = {1: Camera("PINHOLE", 40, 30, (40.0, 40.0, 20.0, 15.0))}
    return PosedCameras(names, invert_rigid(np.array(poses)), (1,) * len(poses), camera)


def tokens_of(cameras):
    gauge = canonical_gauge(cameras)
    world_from_cam = gauge.world_from_cam(cameras.world_from_cam)
    values = np.full((len(cameras), TOKEN_WIDTH), np.nan)
    quats = Rotation.from_matrix(world_from_cam[:, :3, :3]).as_quat(scalar_first=True)
    quats *= np.where(quats[:, :1] < 0, -1.0, 1.0)
    values[:, FIELD_SLICES["pose"]] = np.hstack([world_from_cam[:, :3, 3], quats])
    present = np.zeros((len(cameras), len(FIELD_SLICES)), dtype=bool)
    present[:, list(FIELD_SLICES).index("pose")] = True
    times = np.linspace(0.0, 1.0, len(cameras))
    return Tokens(cameras.names, values, present, times), gauge


def missing_of(cameras, usable=None, **options):
    tokens, gauge = tokens_of(cameras)
    usable = np.ones(len(cameras), dtype=bool) if usable is None else usable
    return find_missing(tokens, usable, gauge, MissingOptions(**options), LabelOptions())


def proposed_bearings(missing):
    """(P, 3) unit vectors from the world's origin to the proposed cameras."""
    centres = invert_rigid(missing.cam_from_world)[:, :3, 3]
    return centres / np.linalg.norm(centres, axis=1, keepdims=True)
