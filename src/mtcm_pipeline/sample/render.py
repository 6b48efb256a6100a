"""From a scene and a pose to a picture and its mask.

Dimension letters: H, W picture in px; S rays per axis of a pixel; R rays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sample.room import Box, Room
from mtcm_pipeline.sample.surface import Surface, march_cones, trace

Array = NDArray[np.floating[Any]]
Index = NDArray[np.integer[Any]]

_BUNDLE = 4  # px of a bundle along one axis
_JUMP_M = 0.02  # of depth between neighbours: one part hides another
_GAMMA = 1.0 / 2.2


@dataclass(frozen=True)
class Lens:
    """A pinhole camera.

    Attributes:
        width: px.
        height: px.
        focal_px: focal length in px, the same in x and y.
        centre_xy: principal point in px; the centre of the first pixel is (0.5, 0.5).
    """

    width: int
    height: int
    focal_px: float
    centre_xy: tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A subject in a room."""

    subject: Surface
    room: Room


@dataclass(frozen=True)
class View:
    """One noise-free rendering.

    Attributes:
        linear_rgb: (H, W, 3) linear radiance.
        subject_share: (H, W) share of each pixel's rays that meet the subject, 0..1.
    """

    linear_rgb: Array
    subject_share: Array


@dataclass(frozen=True)
class _Cast:
    """What rays meet: colour (3, R), thing (R,) with 0 = subject, length (R,) to it."""

    colour: Array
    thing: Index
    lengths: Array


def render(scene: Scene, lens: Lens, cam_from_subject: Array, supersample: int) -> View:
    """Cast a ray per pixel, and more where the picture has an edge; average in pixels.

    Args:
        scene: what there is to see.
        lens: the camera.
        cam_from_subject: (4, 4) rigid, OpenCV axes, metres.
        supersample: S, rays per axis of a pixel on an edge.
    """
    rotation = np.asarray(cam_from_subject)[:3, :3]
    origin = (-rotation.T @ np.asarray(cam_from_subject)[:3, 3]).reshape(3, 1)
    rays = ray_directions(lens, rotation, *_pixel_centres(lens))
    start = _safe_lengths(scene.subject, lens, origin, rays)  # (H, W)
    first = _cast(scene, origin, rays.reshape(3, -1), start.ravel())
    colour = first.colour.astype(np.float64)
    share = (first.thing == 0).astype(np.float64)
    if supersample > 1:
        edges = np.flatnonzero(_edges(first, (lens.height, lens.width)))
        x, y = _sub_pixels(edges, lens.width, supersample)
        fine_rays = ray_directions(lens, rotation, x, y)
        fine = _cast(
            scene, origin, fine_rays, start.ravel()[edges].repeat(supersample**2)
        )
        per_pixel = (-1, supersample**2)
        colour[:, edges] = fine.colour.reshape(3, *per_pixel).mean(axis=-1)
        share[edges] = (fine.thing == 0).reshape(per_pixel).mean(axis=-1)
    rgb = np.moveaxis(colour.reshape(3, lens.height, lens.width), 0, -1)
    return View(rgb, share.reshape(lens.height, lens.width))


def ray_directions(lens: Lens, rotation: Array, x_px: Array, y_px: Array) -> Array:
    """(3, ...) unit vectors in the subject frame through pixel positions, float32.

    Args:
        lens: the camera.
        rotation: (3, 3) cam_from_subject.
        x_px: (...) positions in px; the centre of the first pixel is 0.5.
        y_px: (...) the same for rows.
    """
    x = ((x_px - lens.centre_xy[0]) / lens.focal_px).astype(np.float32)
    y = ((y_px - lens.centre_xy[1]) / lens.focal_px).astype(np.float32)
    toward = rotation.astype(np.float32)  # rows: the camera's axes in the subject frame
    rays = np.stack(
        [toward[0, i] * x + toward[1, i] * y + toward[2, i] for i in range(3)]
    )
    rays /= np.sqrt((rays * rays).sum(axis=0))
    return np.where(np.abs(rays) < 1e-7, np.float32(1e-7), rays)


def _pixel_centres(lens: Lens) -> tuple[Array, Array]:
    """(H, W) x and y of all pixel centres."""
    y, x = np.mgrid[: lens.height, : lens.width]
    return x + 0.5, y + 0.5


def _sub_pixels(pixels: Index, width: int, supersample: int) -> tuple[Array, Array]:
    """(P S S,) x and y of a regular grid of rays within each of the flat pixels (P,)."""
    inner = (np.arange(supersample) + 0.5) / supersample
    grid_y, grid_x = np.meshgrid(inner, inner, indexing="ij")
    x = (pixels % width)[:, None] + grid_x.ravel()
    y = (pixels // width)[:, None] + grid_y.ravel()
    return x.ravel(), y.ravel()


def _edges(cast: _Cast, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) pixels beside another thing, or beside a jump in the subject's depth."""
    thing = cast.thing.reshape(shape)
    depth = np.where(cast.thing == 0, cast.lengths, 0.0).reshape(shape)
    edges = np.zeros(shape, bool)
    for near, far in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        step = (thing[near] != thing[far]) | (np.abs(depth[near] - depth[far]) > _JUMP_M)
        edges[near] |= step
        edges[far] |= step
    return edges


def _safe_lengths(subject: Surface, lens: Lens, origin: Array, rays: Array) -> Array:
    """(H, W) length up to which each pixel's rays surely miss the subject."""
    tall, wide = lens.height, lens.width
    rows = np.minimum(np.arange(0, tall, _BUNDLE) + _BUNDLE // 2, tall - 1)
    columns = np.minimum(np.arange(0, wide, _BUNDLE) + _BUNDLE // 2, wide - 1)
    axes = rays[:, rows[:, None], columns[None, :]]
    # Half a bundle's diagonal, and half a pixel's as its axis is not quite its middle.
    widening = 0.75 * (_BUNDLE + 1) / lens.focal_px
    safe = march_cones(subject, origin, axes.reshape(3, -1), widening)
    start = safe.reshape(axes.shape[1:]).repeat(_BUNDLE, 0).repeat(_BUNDLE, 1)
    return start[:tall, :wide]


def _cast(scene: Scene, origin: Array, directions: Array, start: Array) -> _Cast:
    """The nearest thing along each of the rays (3, R); the subject is before all else."""
    lengths = np.full(start.shape, np.inf)
    near = np.flatnonzero(np.isfinite(start))
    lengths[near] = trace(scene.subject, origin, directions[:, near], start[near])
    hit = np.isfinite(lengths)
    colour = np.empty(directions.shape, np.float32)
    thing = np.zeros(start.shape, np.int64)
    colour[:, hit] = scene.subject.colour(origin + directions[:, hit] * lengths[hit])
    colour[:, ~hit], thing[~hit] = _room_colour(scene.room, origin, directions[:, ~hit])
    return _Cast(colour, thing, lengths)


def _room_colour(room: Room, origin: Array, directions: Array) -> tuple[Array, Index]:
    """Colour (3, R) of the nearest box along each ray, and a number (R,) of its face."""
    nearest = np.full(directions.shape[1], np.inf)
    which = np.zeros(directions.shape[1], np.int64)
    for index, box in enumerate(room.boxes):
        maybe = _may_hit(box, origin, directions)
        lengths = box.hits(origin, directions[:, maybe])
        closer = lengths < nearest[maybe]
        chosen = maybe[closer]
        nearest[chosen], which[chosen] = lengths[closer], index
    points = origin + directions * nearest
    colour, thing = np.empty(directions.shape, np.float32), np.empty_like(which)
    for index in np.unique(which):
        mine = which == index
        colour[:, mine], face = room.colour(room.boxes[index], points[:, mine])
        thing[mine] = 1 + 6 * index + face
    return colour, thing


def _may_hit(box: Box, origin: Array, directions: Array) -> Index:
    """Rays inside the cone about the box's bounding ball; the others surely miss."""
    offset = (box.lower + box.upper) / 2 - origin
    away = float(np.linalg.norm(offset))
    radius = float(np.linalg.norm(box.upper - box.lower)) / 2
    if away <= radius:
        return np.arange(directions.shape[1])
    cosine = np.sqrt(1.0 - (radius / away) ** 2)
    along = (offset / away).astype(np.float32).ravel() @ directions
    return np.flatnonzero(along > cosine - 1e-3)


def developed(linear_rgb: Array, exposure: float, noise: Array) -> NDArray[np.uint8]:
    """(H, W, 3) picture: exposure, display gamma 1/2.2, then the sensor's noise.

    Args:
        linear_rgb: (H, W, 3) radiance.
        exposure: factor.
        noise: (H, W, 3) in steps of 1/255, added after the gamma.
    """
    display = np.clip(linear_rgb * exposure, 0.0, 1.0) ** _GAMMA
    return np.clip(np.rint(display * 255.0 + noise), 0, 255).astype(np.uint8)
