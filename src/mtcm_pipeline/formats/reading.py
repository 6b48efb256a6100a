"""What every reader of poses returns, and what the readers share.

A frame that cannot be used is left out and named in `problems`; a file that is broken
as a whole is a `FileContentError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.files import flat_name, folded, stem_of
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import CaptureError, FileContentError

Float = NDArray[np.float64]

# Relative to the spread of the cameras: two models in one world, written with few digits.
SAME_WORLD_TOLERANCE = 1e-3


@dataclass(frozen=True)
class PoseReading:
    """Poses as far as they could be read.

    Attributes:
        cameras: the usable frames.
        points: the sparse points of the same world, or None.
        problems: why a frame was left out, by its name.
        notes: remarks about the file as a whole, for the log and the data-quality table.
    """

    cameras: PosedCameras
    points: SparsePoints | None
    problems: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass
class FrameCollector:
    """Gathers frames one by one while a reader walks through its file."""

    source: str
    names: list[str] = field(default_factory=list)
    poses: list[Float] = field(default_factory=list)
    camera_ids: list[int] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, cam_from_world: Float, camera_id: int) -> None:
        """Take the frame; its pose is (4, 4), OpenCV axes."""
        self.names.append(name)
        self.poses.append(cam_from_world)
        self.camera_ids.append(camera_id)

    def reading(
        self, cameras: Mapping[int, Camera], points: SparsePoints | None = None
    ) -> PoseReading:
        """Everything gathered; cameras that no frame uses are dropped."""
        used = {i: cameras[i] for i in sorted(set(self.camera_ids))}
        matrices = np.array(self.poses, dtype=np.float64).reshape(-1, 4, 4)
        posed = PosedCameras(
            tuple(self.names), matrices, tuple(self.camera_ids), used, self.source
        )
        return PoseReading(posed, points, dict(self.problems), tuple(self.notes))


def finite_vector(value: object, length: int, what: str) -> Float:
    """(length,) finite numbers, else `FileContentError` saying what is wrong."""
    if value is None:
        raise FileContentError(f"{what} is missing: {length} numbers are needed")
    try:
        vector = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise FileContentError(f"{what} is {value!r}, not {length} numbers") from error
    if vector.shape != (length,):
        raise FileContentError(f"{what} has {vector.size} numbers, not {length}")
    if not np.isfinite(vector).all():
        wrong = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise FileContentError(
            f"number {wrong + 1} of the {length} in {what} is {vector[wrong]}: not finite"
        )
    return vector


def resolve_names(
    paths: Iterable[str], image_names: Collection[str] | None, source: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Which image each path of a pose file means.

    The base name counts (`train/r_0.png` is `r_0.png`), with its folders before it where
    an image has that name (`left/1.jpg` is `left_1.jpg`, as two cameras' pictures are
    named on import); where no image has it, one of the same stem is taken (`r_0` or
    `r_0.jpg`, a converted HEIC), also where accents or letter case are written otherwise.

    Args:
        paths: names as the pose file writes them, possibly with folders.
        image_names: the capture's image files; None when they are not known, then
            every base name is taken as it is.
        source: the pose file, for messages.

    Returns:
        Image name by path, without the paths that have no image; and notes about those.

    Raises:
        CaptureError: two paths mean the same image.
    """
    tails = {path: _tails(path) for path in paths}
    bases = {path: names[-1] for path, names in tails.items()}
    resolved = bases if image_names is None else _match_images(tails, image_names)
    owner: dict[str, str] = {}
    for path, name in resolved.items():
        if name in owner:
            raise CaptureError(
                f"{source}: {owner[name]!r} and {path!r} both mean the image {name!r}: "
                f"give the images unique file names and correct {source}"
            )
        owner[name] = path
    return resolved, _absent_note([p for p in bases if p not in resolved], bases, source)


def _tails(path: str) -> list[str]:
    """What an image may be called for a path, the longest name first, the base last."""
    whole = PurePosixPath(path.replace("\\", "/"))
    parts = whole.parts or (whole.name,)
    return [flat_name(PurePosixPath(*parts[k:])) for k in range(len(parts))]


def _match_images(
    tails: Mapping[str, Sequence[str]], images: Collection[str]
) -> dict[str, str]:
    """Exact names first, then stems among the images that nobody claimed: as they are,
    then without regard to letter case and to how accents are written."""
    known = set(images)
    resolved: dict[str, str] = {}
    for path, names in tails.items():
        if (exact := next((name for name in names if name in known), None)) is not None:
            resolved[path] = exact
    folds: tuple[Callable[[str], str], ...] = (str, folded)
    for fold in folds:
        by_stem: dict[str, list[str]] = {}
        for name in sorted(known - set(resolved.values())):
            by_stem.setdefault(fold(stem_of(name)), []).append(name)
        for path, names in tails.items():
            if path not in resolved:
                stems = (fold(stem) for n in names for stem in (n, stem_of(n)))
                candidates = next((by_stem[s] for s in stems if s in by_stem), [])
                if len(candidates) == 1:
                    resolved[path] = candidates[0]
    return {path: resolved[path] for path in tails if path in resolved}


def _absent_note(
    absent: list[str], bases: Mapping[str, str], source: str
) -> tuple[str, ...]:
    if not absent:
        return ()
    shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
    return (
        f"{source}: {len(absent)} of {len(bases)} poses name images that are not there "
        f"and were left out ({shown})",
    )


def with_points_of(reading: PoseReading, model: PoseReading) -> PoseReading:
    """Take the sparse points of `model` if both hold the same poses in the same world.

    Poses given as `poses.json` or `transforms.json` beside the COLMAP model that they
    were made from share its points; a model in another gauge must not be mixed in.
    """
    if model.points is None:
        return reading
    source, other = reading.cameras.source, model.cameras.source
    common = [name for name in reading.cameras.names if name in model.cameras]
    if len(common) < 2:
        return _noted(
            reading,
            f"{other}: its points were not used, since it shares only {len(common)} "
            f"frames with {source}",
        )
    ours = reading.cameras.subset(common).centres_xyz
    theirs = model.cameras.subset(common).centres_xyz
    spread = float(np.linalg.norm(ours - ours.mean(axis=0), axis=1).max())
    worst = float(np.linalg.norm(ours - theirs, axis=1).max())
    if worst > SAME_WORLD_TOLERANCE * max(spread, np.finfo(float).tiny):
        return _noted(
            reading,
            f"{other}: its points were not used, since its camera centres differ from "
            f"those of {source} by up to {worst:.3g} (cameras spread over {spread:.3g})",
        )
    points = model.points.seen_by(common, min_views=1)
    noted = _noted(reading, f"{len(points)} sparse points taken from {other}")
    return replace(noted, points=points)


def with_untracked_points_of(reading: PoseReading, other: PoseReading) -> PoseReading:
    """Take the points of `other`, which nobody is said to see, if most cameras of both
    stand in the same places: some may have been refined since.
    """
    if other.points is None:
        return replace(reading, notes=(*reading.notes, *other.notes))
    common = [name for name in reading.cameras.names if name in other.cameras]
    ours = reading.cameras.subset(common).centres_xyz
    theirs = other.cameras.subset(common).centres_xyz
    source = other.cameras.source
    if len(common) < 2:
        return _noted(reading, f"{source}: its points were not used: no common frames")
    spread = float(np.linalg.norm(theirs - theirs.mean(axis=0), axis=1).max())
    usual = float(np.median(np.linalg.norm(ours - theirs, axis=1)))
    if usual > SAME_WORLD_TOLERANCE * max(spread, np.finfo(float).tiny):
        return _noted(
            reading,
            f"{source}: its points were not used, since half of its camera centres "
            f"differ from those of {reading.cameras.source} by {usual:.3g} and more "
            f"(cameras spread over {spread:.3g})",
        )
    noted = _noted(reading, f"{len(other.points)} points taken from {source}'s .ply")
    return replace(noted, points=other.points)


def _noted(reading: PoseReading, note: str) -> PoseReading:
    return replace(reading, notes=(*reading.notes, note))
