"""Scenes of known geometry, rendered exactly by casting a ray through each pixel."""

from __future__ import annotations

import numpy as np

from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.scene.views import PinholeView, PinholeViews

RADIUS = 0.4
FOCAL = 55.0
STAY = Similarity(1.0, np.eye(3), np.zeros(3))


def orbit_views(
    n: int, *, wall: bool = False, masks: bool = False, turns: float = 1.0, px: int = 72
) -> PinholeViews:
    """A textured sphere of radius 0.4 at the origin, seen from an orbit at distance 1.

    Args:
        n: views.
        wall: whether a textured sphere of radius 5 surrounds everything.
        masks: whether views have the sphere's exact silhouettes.
        turns: share of the orbit that the views cover.
        px: edge of the pictures.
    """
    angles = 2 * np.pi * turns * np.arange(n) / n
    heights = 0.3 * np.sin(3 * angles)
    views = []
    for i, (angle, height) in enumerate(zip(angles, heights, strict=True)):
        centre = np.array([np.cos(angle), np.sin(angle), height])
        centre /= np.linalg.norm(centre)
        views.append(render(f"view_{i:02d}.png", centre, wall=wall, masks=masks, px=px))
    return PinholeViews(tuple(views), STAY)


def render(name: str, centre, *, wall: bool, masks: bool, px: int = 72) -> PinholeView:
    """One view from `centre` towards the origin."""
    pose = look_at(centre, np.zeros(3))
    rays = pixel_rays(px) @ pose[:3, :3]
    points, hit = sphere_hits(centre, rays, RADIUS)
    rgb = np.where(hit[..., None], texture(points, 9.0), 0.5)
    if wall:
        far, _ = sphere_hits(centre, rays, 5.0)
        rgb = np.where(hit[..., None], rgb, texture(far, 2.0))
    mask = hit.astype(np.float32) if masks else None
    half = px / 2
    return PinholeView(
        name, rgb.astype(np.float32), mask, pose, (FOCAL, FOCAL), (half, half)
    )


def pixel_rays(px: int) -> np.ndarray:
    """(px, px, 3) directions through the pixels' centres, unit depth, camera's axes."""
    at = (np.arange(px) + 0.5 - px / 2) / FOCAL
    x, y = np.meshgrid(at, at)
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def sphere_hits(centre, rays, radius: float):
    """Where rays from `centre` meet a sphere about the origin: first if outside it."""
    b = rays @ centre
    a = (rays**2).sum(axis=-1)
    disc = b**2 - a * (centre @ centre - radius**2)
    root = np.sqrt(np.maximum(disc, 0))
    outside = centre @ centre > radius**2
    t = (-b - root if outside else -b + root) / a
    return centre + t[..., None] * rays, (disc > 0) & (t > 0)


def texture(points, frequency: float):
    """(..., 3) a smooth colour of each point, different in every direction."""
    x, y, z = np.moveaxis(points, -1, 0) * frequency
    waves = [
        np.sin(x + 1.3 * np.sin(y)) * np.cos(1.7 * z),
        np.sin(1.4 * y - z + 0.5) * np.cos(0.9 * x),
        np.sin(1.1 * z + 0.8 * x) * np.cos(1.6 * y + 1.0),
    ]
    return 0.5 + 0.4 * np.stack(waves, axis=-1)


def look_at(centre, target) -> np.ndarray:
    """(4, 4) cam_from_world, OpenCV axes, image upright in world z."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ centre
    return pose
