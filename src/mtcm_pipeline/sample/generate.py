"""Generate a whole capture: pictures, masks, poses, EXIF, truth.

The frames of reference stand in `sample.truth`, the faults in `sample.faults`.

Dimension letter: N frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.files import stem_of
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.npy import npy_bytes
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.sample import contents, faults
from mtcm_pipeline.sample.faults import FaultPlan
from mtcm_pipeline.sample.head import random_head
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sample.path import Path, angles_of, handheld_path
from mtcm_pipeline.sample.render import Lens, Scene, View, developed, render
from mtcm_pipeline.sample.room import random_room
from mtcm_pipeline.sample.surface import Surface, build_surface
from mtcm_pipeline.sample.truth import SampleTruth, in_world, metadata_files
from mtcm_pipeline.sample.vase import random_vase

Array = NDArray[np.floating[Any]]
Float = NDArray[np.float64]
Embed = Callable[[list[NDArray[np.uint8]]], NDArray[np.float32]]

_SENSOR_NOISE = 1.3  # in steps of 1/255
_DUPLICATE_SECONDS = 0.18


@dataclass(frozen=True)
class SampleCapture:
    """One generated capture.

    Attributes:
        parts: file contents by file name, by folder: `raw_images`, `masks`, `metadata`
            and, if they were computed, `embeddings`.
        truth: what was meant.
        options: how it was made.
    """

    parts: Mapping[str, Mapping[str, bytes]]
    truth: SampleTruth
    options: SampleOptions


@dataclass(frozen=True)
class _Session:
    """What is settled before the first picture is taken."""

    names: tuple[str, ...]
    path: Path
    plan: FaultPlan
    lens: Lens
    focal_35mm: int


def generate_sample(
    options: SampleOptions | None = None, *, embed: Embed | None = None
) -> SampleCapture:
    """Generate a capture; equal options give equal bytes.

    Args:
        options: what to vary.
        embed: N pictures (H, W, 3) uint8 to (N, D) float32; without it there are no
            embeddings, and so none is missing.

    Raises:
        CaptureError: the gaps leave no way around the subject.
    """
    options = options or SampleOptions()
    session = _plan_session(options)
    pictures: dict[str, NDArray[np.uint8]] = {}
    images: dict[str, bytes] = {}
    masks: dict[str, bytes] = {}
    for row, view in enumerate(_views(session, options)):
        name, kind = session.names[row], session.plan.kinds.get(row)
        if kind == "duplicate":
            pictures[name] = pictures[session.names[row - 1]]
        else:
            pictures[name] = _picture(view, options, row)
        seconds = float(session.path.seconds[row])
        shot = contents.Shot(seconds, session.focal_35mm, session.lens)
        quality = options.jpeg_quality - 7 * (kind == "duplicate")
        images[name] = contents.jpeg(pictures[name], shot, quality)
        if kind != "mask_missing":
            masks[f"{stem_of(name)}.png"] = contents.mask_png(view.subject_share)
    truth = _truth(session, options, with_embeddings=embed is not None)
    parts = {
        "raw_images": images,
        "masks": masks,
        "metadata": metadata_files(truth, options),
    }
    if embed is not None:
        parts["embeddings"] = _embeddings(pictures, embed, truth)
    frozen = {folder: MappingProxyType(files) for folder, files in parts.items()}
    return SampleCapture(MappingProxyType(frozen), truth, options)


def subject_surface(options: SampleOptions) -> Surface:
    """The subject that a capture with these options shows, in the subject frame."""
    return build_surface(random_head(_rng(options, "head")), options.voxel_mm / 1000.0)


def _rng(options: SampleOptions, purpose: str, row: int = 0) -> np.random.Generator:
    """A generator of its own for each purpose: one change does not shift the others."""
    return np.random.default_rng([options.seed, row, *purpose.encode()])


def _plan_session(options: SampleOptions) -> _Session:
    covered = sum(width for _, width in options.gaps_deg)
    if covered > 330:
        raise CaptureError(
            f"the gaps {options.gaps_deg} cover {covered:g} degrees of the walk around "
            f"the subject; leave at least 30 degrees"
        )
    frames = options.frames
    names = tuple(f"IMG_{number:04d}.jpg" for number in range(1, frames + 1))
    plan = FaultPlan(MappingProxyType({}))
    if options.faults:
        plan = faults.plan_faults(frames, _rng(options, "faults"))
    repeats = plan.rows("duplicate")
    path = handheld_path(options, frames - len(repeats), _rng(options, "path"))
    for row in repeats:
        path = _with_repeated_frame(path, row)
    focal_35mm, lens = _random_lens(options)
    return _Session(names, path, plan, lens, focal_35mm)


def _with_repeated_frame(path: Path, row: int) -> Path:
    """The path with row - 1 taken twice."""
    order = np.insert(np.arange(len(path.seconds)), row, row - 1)
    seconds = path.seconds[order].copy()
    seconds[row] += _DUPLICATE_SECONDS
    return Path(path.cam_from_subject[order], seconds)


def _random_lens(options: SampleOptions) -> tuple[int, Lens]:
    """A lens whose EXIF is true to about 1 %, as phones are."""
    rng = _rng(options, "lens")
    focal_35mm = int(rng.integers(37, 43))
    width, height = options.width, options.height
    focal_px = contents.focal_px_of(focal_35mm, width, height) * rng.uniform(0.99, 1.01)
    centre_x, centre_y = np.array([width, height]) * rng.normal(0.5, 0.006, 2)
    lens = Lens(width, height, float(focal_px), (float(centre_x), float(centre_y)))
    return focal_35mm, lens


def _views(session: _Session, options: SampleOptions) -> Iterator[View]:
    """What is before the camera, frame by frame, as noise-free pictures."""
    scene = Scene(subject_surface(options), random_room(_rng(options, "room")))
    drift = _exposure_drift(options)
    poses = session.path.cam_from_subject
    rows = range(options.frames)
    for row in tracked(rows, "rendering the sample"):
        kind = session.plan.kinds.get(row)
        shown = _foreign_scene(options) if kind == "foreign" else scene
        view = render(shown, session.lens, poses[row], options.supersample)
        light = view.linear_rgb * drift[row]
        if kind == "blurred":
            light = faults.motion_blurred(light, _rng(options, "blur"))
        yield View(light, view.subject_share)


def _foreign_scene(options: SampleOptions) -> Scene:
    jar = random_vase(_rng(options, "jar"))
    surface = build_surface(jar, 1.5 * options.voxel_mm / 1000.0)  # smooth, seen once
    return Scene(surface, random_room(_rng(options, "other room")))


def _exposure_drift(options: SampleOptions) -> Array:
    """(N,) exposure factors of an automatic exposure, within about 12 %."""
    rng = _rng(options, "exposure")
    place = np.linspace(0, 2 * np.pi, options.frames)
    slow = np.sin(place + rng.uniform(0, 6)) + 0.6 * np.sin(3 * place + rng.uniform(0, 6))
    return 1.03 * np.exp(0.05 * slow + rng.normal(0, 0.015, options.frames))


def _picture(view: View, options: SampleOptions, row: int) -> NDArray[np.uint8]:
    shape = view.linear_rgb.shape
    noise = _rng(options, "noise", row).normal(0.0, _SENSOR_NOISE, shape)
    return developed(view.linear_rgb, 1.0, noise)


def _truth(
    session: _Session, options: SampleOptions, *, with_embeddings: bool
) -> SampleTruth:
    names, true_poses = session.names, session.path.cam_from_subject
    lens = session.lens
    params = (lens.focal_px, lens.focal_px, *lens.centre_xy)
    cameras = {1: Camera("PINHOLE", lens.width, lens.height, params)}
    ids = (1,) * len(names)
    stated = true_poses.copy()
    for row in session.plan.rows("wrong_pose"):
        stated[row] = faults.wrong_pose(stated[row], _rng(options, "wrong pose"))
    for row in session.plan.rows("duplicate"):
        stated[row] = faults.trembled(stated[row], _rng(options, "tremor"))
    similarity = _random_similarity(_rng(options, "world"))
    true_cameras = PosedCameras(names, true_poses, ids, cameras, "truth")
    azimuth, elevation, distance = angles_of(true_cameras.centres_xyz)
    planted = {
        names[row]: kind
        for row, kind in session.plan.kinds.items()
        if with_embeddings or kind != "embedding_missing"
    }
    return SampleTruth(
        cameras=true_cameras,
        given=PosedCameras(names, in_world(stated, similarity), ids, cameras),
        world_from_subject=similarity,
        azimuth_deg=azimuth,
        elevation_deg=elevation,
        distance_m=distance,
        faults=MappingProxyType(planted),
        duplicate_of=MappingProxyType(
            {names[row]: names[row - 1] for row in session.plan.rows("duplicate")}
        ),
    )


def _random_similarity(rng: np.random.Generator) -> Float:
    """(4, 4) a turn, a scale and a shift."""
    similarity = np.eye(4)
    turn = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    similarity[:3, :3] = turn * np.exp(rng.uniform(-1.0, 2.0))
    similarity[:3, 3] = rng.normal(0, 3.0, 3)
    return similarity


def _embeddings(
    pictures: Mapping[str, NDArray[np.uint8]], embed: Embed, truth: SampleTruth
) -> dict[str, bytes]:
    """One file for each frame but the one whose embedding is to be missing."""
    names = [n for n in pictures if truth.faults.get(n) != "embedding_missing"]
    vectors = np.asarray(embed([pictures[name] for name in names]), np.float32)
    return {
        f"{stem_of(name)}.npy": npy_bytes(vector)
        for name, vector in zip(names, vectors, strict=True)
    }
