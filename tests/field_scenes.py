"""Small scenes that the tests of the field share."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.field.camera import FieldCamera
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.render import picture
from mtcm_pipeline.scene.views import PinholeView, PinholeViews

STAY = Similarity(1.0, np.eye(3), np.zeros(3))

WIDTH, HEIGHT = 37, 21  # no multiples of the tile's side


def looking_at(centre_xyz, target_xyz=(0.0, 0.0, 0.0), roll_deg: float = 0.0):
    """(4, 4) cam_from_world, OpenCV axes, +z of the world up in the picture."""
    centre = np.asarray(centre_xyz, float)
    forward = np.asarray(target_xyz, float) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ rotation
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ centre
    return pose


def camera_at(centre_xyz, width=WIDTH, height=HEIGHT, **kwargs) -> FieldCamera:
    """A camera that looks at the origin from `centre_xyz`, slightly off centre."""
    pose = looking_at(centre_xyz, **kwargs)
    principal = (0.52 * width, 0.47 * height)
    return FieldCamera(pose, (1.1 * width, 1.2 * width), principal, width, height)


def cloud(count: int, seed: int, spread: float = 0.25, dtype=np.float64) -> Gaussians:
    """Translucent Gaussians around the origin."""
    random = np.random.default_rng(seed)
    parts = (
        random.normal(0, spread, (count, 3)),
        random.normal(0, 1, (count, 4)),
        random.normal(np.log(0.06), 0.5, (count, 3)),
        random.normal(0, 1.5, count),
        random.normal(0, 0.4, (count, 4, 3)),
    )
    return Gaussians(*(np.asarray(part, dtype) for part in parts))


def views_of(
    gaussians: Gaussians,
    count: int = 10,
    *,
    masked: bool = False,
    width: int = 40,
    height: int = 32,
) -> PinholeViews:
    """Pictures of `gaussians` from an orbit, in a gauge that changes nothing.

    Masked views show noise behind the subject that does not move along, as the room
    behind a turntable.
    """
    views = []
    noise = np.random.default_rng(9).random((height, width, 3))
    for k in range(count):
        angle = 2 * np.pi * k / count
        centre = (np.cos(angle), np.sin(angle), 0.35 * np.sin(2.3 * k))
        camera = camera_at(centre, width, height)
        shown = picture(gaussians, camera)
        behind = noise if masked else 0.5
        rgb = shown.image + (1 - shown.alpha)[..., None] * behind
        mask = np.asarray(shown.alpha > 0.5, np.float32) if masked else None
        rgb = np.asarray(np.clip(rgb, 0, 1), np.float32)
        views.append(
            PinholeView(
                f"{k:02d}.png",
                rgb,
                mask,
                camera.cam_from_world,
                camera.focal_px,
                camera.principal_px,
            )
        )
    return PinholeViews(tuple(views), STAY)


def ball(count: int = 800, seed: int = 0) -> Gaussians:
    """An opaque ball around the origin with large patches of colour."""
    random = np.random.default_rng(seed)
    direction = random.normal(0, 1, (count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    harmonics = np.zeros((count, 4, 3))
    harmonics[:, 0] = 1.2 * np.sin(3 * direction + [0, 1, 2])
    parts = (
        0.25 * direction,
        random.normal(0, 1, (count, 4)),
        np.full((count, 3), np.log(0.02)),
        np.full(count, 3.0),
        harmonics,
    )
    return Gaussians(*(np.asarray(part, np.float32) for part in parts))
