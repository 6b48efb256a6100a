"""Captures that the judge is trained on, drawn from a seed: subject, walk, lens, light.

What a capture may be like is drawn widely, since what a user's capture is like is not
known: an orbit, a fan before a wall, a dome without order, a turntable whose background
stands still; a room, a plain backdrop, darkness; masks that are a bit off, or none.

Dimension letters: N frames, H and W px of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.benchmarks.fault_subjects import GlossySurface, random_subject
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.sample.contents import focal_px_of
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.path import centre_at, handheld_path, look_at
from mtcm_pipeline.sample.render import Lens, Scene, View, developed, render
from mtcm_pipeline.sample.room import Room, random_room

Float = NDArray[np.float64]
Array = NDArray[np.floating[Any]]
Bool = NDArray[np.bool_]

LONGER_SIDE_PX = 400
_VOXEL_M = 0.004
_SUPERSAMPLE = 2
_FRAMES = (36, 80)
_AIM = np.array([0.0, -0.12, 0.0])
# Share of the captures: (walk, weight). Only a fan and an orbit come without masks.
_WALKS = (("orbit", 0.3), ("fan", 0.25), ("dome", 0.2), ("turntable", 0.25))


@dataclass(frozen=True)
class DrawnCapture:
    """A sound capture.

    Attributes:
        photos: N frames.
        ordered: whether the frames follow each other in time.
    """

    photos: PosedPhotos
    ordered: bool


@dataclass(frozen=True)
class Walk:
    """Where the cameras stand, in order of time.

    Attributes:
        kind: of `_WALKS`.
        cam_from_subject: (N, 4, 4) rigid, OpenCV axes, metres.
        ordered: whether the order is known.
    """

    kind: str
    cam_from_subject: Float
    ordered: bool


@dataclass(frozen=True)
class Backdrop:
    """What is behind the subject.

    Attributes:
        room: seen behind the subject.
        still: (H, W, 3) linear picture that stands still instead; None shows the room.
    """

    room: Room
    still: Float | None


def drawn_capture(
    seed: int,
    *,
    frames: int | None = None,
    longer_side_px: int = LONGER_SIDE_PX,
    voxel_m: float = _VOXEL_M,
) -> DrawnCapture:
    """A sound capture with exact poses.

    Args:
        seed: equal seeds give equal captures.
        frames: N; drawn when None.
        longer_side_px: of the pictures.
        voxel_m: spacing of the subject's surface.
    """
    rng = np.random.default_rng([seed, 77])
    count = round(float(np.exp(rng.uniform(*np.log(_FRAMES)))))
    count = count if frames is None else frames
    zoom = float(np.exp(rng.uniform(np.log(0.8), np.log(1.35))))
    walk = _random_walk(rng, seed, count, zoom)
    lens = _random_lens(rng, zoom, longer_side_px)
    surface = random_subject(rng, voxel_m)
    backdrop = _random_backdrop(rng, walk, lens)
    masked = walk.kind in ("dome", "turntable") or rng.random() < 0.5
    ragged = float(rng.uniform(0.0, 2.5))
    at_camera = walk.kind == "turntable" or rng.random() < 0.5
    names = tuple(f"IMG_{row + 1:04d}.jpg" for row in range(count))
    images, masks = {}, {}
    views = _views(walk, lens, surface, backdrop, lamp_at_camera=at_camera)
    for name, view in zip(names, views, strict=True):
        images[name] = developed(view.linear_rgb, 1.0, np.zeros(view.linear_rgb.shape))
        if masked:
            masks[name] = _ragged(view.subject_share, ragged, rng)
    params = (lens.focal_px, lens.focal_px, *lens.centre_xy)
    camera = Camera("PINHOLE", lens.width, lens.height, params)
    cameras = PosedCameras(
        names, walk.cam_from_subject, (1,) * count, {1: camera}, "drawn"
    )
    photos = PosedPhotos(f"drawn_{seed}", cameras, images, masks)
    return DrawnCapture(photos, walk.ordered)


def _random_lens(rng: np.random.Generator, zoom: float, longer_px: int) -> Lens:
    """A lens of 30 to 54 mm (35 mm equivalent) and a picture of some shape."""
    shape = rng.choice(4, p=(0.4, 0.3, 0.1, 0.2))
    ratio = (0.75, 4 / 3, 1.0, 1.5)[shape]
    width = longer_px if ratio >= 1 else round(longer_px * ratio)
    height = longer_px if ratio <= 1 else round(longer_px / ratio)
    focal = focal_px_of(40.0 * zoom, width, height)
    centre = np.array([width, height]) * rng.normal(0.5, 0.006, 2)
    return Lens(width, height, float(focal), (float(centre[0]), float(centre[1])))


def _random_walk(rng: np.random.Generator, seed: int, frames: int, zoom: float) -> Walk:
    kinds = [kind for kind, _ in _WALKS]
    kind = str(rng.choice(kinds, p=[weight for _, weight in _WALKS]))
    if kind == "orbit":
        gaps = tuple(
            (float(rng.uniform(-180, 180)), float(rng.uniform(15, 70)))
            for _ in range(int(rng.integers(0, 4)))
        )
        share = float(rng.uniform(0.0, 0.6))
        options = SampleOptions(
            seed=seed, frames=frames, gaps_deg=gaps, high_ring_share=share
        )
        poses = _farther(handheld_path(options, frames, rng).cam_from_subject, zoom)
        ordered = rng.random() < 0.8
    else:
        azimuth, elevation, distance = _angles(rng, kind, frames)
        centres = centre_at(azimuth, elevation, 0.94 * zoom * distance)
        shake = 0.3 if kind == "turntable" else 1.0
        poses = _aimed(centres, rng, shake)
        ordered = kind != "dome" and rng.random() < 0.8
    if not ordered:
        poses = poses[rng.permutation(frames)]
    return Walk(kind, poses, bool(ordered))


def _farther(cam_from_subject: Float, factor: float) -> Float:
    """(N, 4, 4) the same views from so many times as far."""
    poses = np.array(cam_from_subject)
    rotations = poses[:, :3, :3]
    centres = -np.einsum("nji,nj->ni", rotations, poses[:, :3, 3])
    moved = _AIM + factor * (centres - _AIM)
    poses[:, :3, 3] = -np.einsum("nij,nj->ni", rotations, moved)
    return poses


def _angles(
    rng: np.random.Generator, kind: str, frames: int
) -> tuple[Float, Float, Float]:
    """(N,) azimuth and elevation in degrees, and distance about 1."""
    share = np.linspace(0.0, 1.0, frames, endpoint=False)
    if kind == "fan":  # to and fro before a wall, a bit higher every time
        sweeps, width = int(rng.integers(1, 4)), rng.uniform(30.0, 80.0)
        swing = 2 * np.abs((share * sweeps / 2 + rng.random()) % 1.0 - 0.5)
        azimuth = rng.uniform(-180, 180) + width * (2 * swing - 1)
        elevation = rng.uniform(0, 10) + rng.uniform(5, 35) * share
        noise, far = 2.5, rng.uniform(0.02, 0.12)
    elif kind == "dome":
        azimuth = rng.uniform(-180, 180, frames)
        highest = np.sin(np.radians(rng.uniform(40, 70)))
        elevation = np.degrees(np.arcsin(rng.uniform(-0.05, highest, frames)))
        noise, far = 0.0, rng.choice([0.0, 0.06])
    else:  # a turntable: rings of even steps
        rings = int(rng.integers(1, 4))
        turn = np.floor(share * rings)
        azimuth = 360.0 * (share * rings) * rng.choice([0.7, 1.0]) + 11.0 * turn
        elevation = rng.uniform(0, 15) + turn * rng.uniform(12, 24)
        noise, far = rng.uniform(0.0, 0.6), rng.uniform(0.0, 0.02)
    azimuth = azimuth + rng.normal(0.0, noise, frames)
    elevation = np.clip(elevation + rng.normal(0.0, noise, frames), -8.0, 72.0)
    return azimuth, elevation, np.exp(rng.normal(0.0, far, frames))


def _aimed(centres: Array, rng: np.random.Generator, shake: float) -> Float:
    """(N, 4, 4) poses that look at the subject, a bit off and rolled."""
    targets = _AIM + shake * rng.normal(0.0, (0.02, 0.03, 0.02), centres.shape)
    rolls = shake * rng.normal(0.0, 3.0, len(centres))
    return np.stack([look_at(*one) for one in zip(centres, targets, rolls, strict=True)])


def _random_backdrop(rng: np.random.Generator, walk: Walk, lens: Lens) -> Backdrop:
    """A room; or a plain or busy picture that stands still, as behind a turntable."""
    room = random_room(rng)
    in_room = {"orbit": 0.85, "fan": 0.85, "dome": 0.3, "turntable": 0.0}[walk.kind]
    if rng.random() < in_room:
        return Backdrop(room, None)
    plain = np.ones((lens.height, lens.width, 3)) * rng.choice([1.0, 0.02, 0.3])
    if walk.kind == "turntable" and rng.random() < 0.6:
        pictures = np.asarray(room.pictures, dtype=np.float64)
        picture = pictures[int(rng.integers(len(pictures)))]
        cut = picture[: lens.height, : lens.width]
        plain = gaussian_filter(cut, (1.5, 1.5, 0.0)) * rng.uniform(0.3, 1.0)
    return Backdrop(room, plain)


def _views(
    walk: Walk,
    lens: Lens,
    surface: GlossySurface,
    backdrop: Backdrop,
    *,
    lamp_at_camera: bool,
) -> Iterator[View]:
    """Noise-free pictures, frame by frame."""
    for pose in track(walk.cam_from_subject, description="rendering", transient=True):
        centre = -pose[:3, :3].T @ pose[:3, 3]
        seen = surface.seen_from(centre, lamp_at_camera=lamp_at_camera)
        view = render(Scene(seen, backdrop.room), lens, pose, _SUPERSAMPLE)
        if backdrop.still is None:
            yield view
            continue
        share = view.subject_share[..., None]
        picture = share * view.linear_rgb + (1 - share) * backdrop.still
        yield View(picture, view.subject_share)


def _ragged(share: Array, px: float, rng: np.random.Generator) -> Bool:
    """A mask whose outline strays by about so many px, as those of a network."""
    if px <= 0.2:
        return np.asarray(share >= 0.5)
    soft = gaussian_filter(np.asarray(share, dtype=np.float64), px)
    stray = gaussian_filter(rng.normal(0.0, 1.0, share.shape), 9.0)
    stray *= 0.12 / max(float(stray.std()), 1e-9)
    return soft >= np.clip(0.5 + stray, 0.2, 0.8)
