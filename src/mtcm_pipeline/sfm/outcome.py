"""What came of each attempt, and its model under the capture's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.sfm.attempts import Attempt
from mtcm_pipeline.sfm.marks import read_mark
from mtcm_pipeline.sfm.prepare import PreparedImages

_NAMES_SHOWN = 8
# Outside of these the intrinsics are no lens: the model bent them to fit.
_FOCAL_RANGE = (0.3, 10.0)  # of the longest side


@dataclass(frozen=True)
class ModelSummary:
    """One model; each has a world of its own.

    Attributes:
        name: `model 0`, ...
        files: its images.
        points: number of 3D points.
        error_px: mean reprojection error.
    """

    name: str
    files: tuple[str, ...]
    points: int
    error_px: float


@dataclass(frozen=True)
class AttemptOutcome:
    """What one attempt found.

    Attributes:
        label: the attempt, for people.
        strategy: how pairs were chosen.
        pairs: number of pairs matched.
        models: largest first, images by their names in the workspace.
        steps: `seconds` and `cpu_seconds` by step.
        keys: by which attempts that share a step are known.
    """

    label: str
    strategy: str
    pairs: int
    models: tuple[ModelSummary, ...]
    steps: Mapping[str, Mapping[str, float]]
    keys: Mapping[str, str]

    @property
    def registered(self) -> int:
        """Images in the largest model."""
        return len(self.models[0].files) if self.models else 0

    @property
    def quality(self) -> tuple[int, int]:
        """More images are better, then more points."""
        return self.registered, self.models[0].points if self.models else 0

    def in_words(self) -> str:
        """One line for the log."""
        found = ", ".join(
            f"{len(m.files)} images, {m.points} points, {m.error_px:.2f} px"
            for m in self.models[:3]
        )
        return (
            f"{self.label}, {self.pairs} pairs ({self.strategy}): {found or 'no model'}"
        )

    def models_named(self, prepared: PreparedImages) -> tuple[ModelSummary, ...]:
        """The models with the capture's names."""
        name_of = prepared.name_of
        return tuple(
            replace(m, files=tuple(name_of[file] for file in m.files))
            for m in self.models
        )


def read_outcome(attempt: Attempt) -> AttemptOutcome:
    """What the finished steps of an attempt say of themselves."""
    job = attempt.job
    summary = read_mark(job.model_folder / "summary.json")
    models = [
        ModelSummary(name, tuple(m["files"]), m["points"], m["error_px"])
        for name, m in summary["models"].items()
    ]
    return AttemptOutcome(
        label=attempt.label,
        strategy=attempt.pairs.strategy,
        pairs=len(attempt.pairs.pairs),
        models=tuple(sorted(models, key=lambda m: (-len(m.files), -m.points))),
        steps=summary["steps"],
        keys={
            "features": job.features_key,
            "matches": job.matches_key,
            "model": job.model_key,
        },
    )


def total_seconds(outcomes: Sequence[AttemptOutcome]) -> tuple[dict[str, float], float]:
    """Wall seconds by step and CPU seconds, shared steps counted once."""
    seen: set[str] = set()
    seconds: dict[str, float] = {}
    cpu = 0.0
    for outcome in outcomes:
        for step, key in outcome.keys.items():
            if key not in seen:
                seen.add(key)
                mark = outcome.steps[step]
                seconds[step] = round(seconds.get(step, 0.0) + mark["seconds"], 3)
                cpu += mark["cpu_seconds"]
    return seconds, cpu


def named_reading(
    reading: PoseReading, outcome: AttemptOutcome, prepared: PreparedImages
) -> PoseReading:
    """The worker's reading under the capture's names, in the capture's order.

    Every image without a pose is named in `problems`, with what is known of it.
    """
    name_of = prepared.name_of
    given = reading.cameras
    ordered = [image.file for image in prepared.images if image.file in given]
    sorted_cameras = given.subset(ordered)
    posed = PosedCameras(
        tuple(name_of[file] for file in ordered),
        sorted_cameras.cam_from_world,
        sorted_cameras.camera_ids,
        sorted_cameras.cameras,
        given.source,
    )
    problems = {**prepared.problems, **_unregistered(posed, outcome, prepared)}
    notes = (*reading.notes, *_notes(posed, outcome, prepared))
    return PoseReading(posed, _renamed(reading.points, name_of), problems, notes)


def _unregistered(
    posed: PosedCameras, outcome: AttemptOutcome, prepared: PreparedImages
) -> dict[str, str]:
    elsewhere = {
        file: model for model in reversed(outcome.models[1:]) for file in model.files
    }
    problems = {}
    for image in prepared.images:
        if image.name in posed:
            continue
        other = elsewhere.get(image.file)
        problems[image.name] = (
            f"{posed.source} did not register it: too few matches with the others"
            if other is None
            else f"{posed.source} put it into a separate model of {len(other.files)} "
            f"images, which shares no world with the largest: photograph what lies "
            f"between them"
        )
    return problems


def _notes(
    posed: PosedCameras, outcome: AttemptOutcome, prepared: PreparedImages
) -> list[str]:
    absent = [image.name for image in prepared.images if image.name not in posed]
    notes = []
    if absent:
        more = ", ..." if len(absent) > _NAMES_SHOWN else ""
        notes.append(
            f"{posed.source}: {len(absent)} of {len(prepared.images)} images were not "
            f"registered: {', '.join(absent[:_NAMES_SHOWN])}{more}; pictures from "
            f"between these and the others would tie them in"
        )
    if len(outcome.models) > 1:
        others = ", ".join(f"{len(m.files)} images" for m in outcome.models[1:])
        notes.append(
            f"{posed.source}: {len(outcome.models)} models; the largest is used, left "
            f"out: {others}"
        )
    strange = [camera for camera in posed.cameras.values() if not _is_a_lens(camera)]
    if strange:
        notes.append(
            f"{posed.source}: the focal length {strange[0].params[0]:.0f} px of a camera "
            f"{strange[0].width} px wide is no usual lens: distrust these poses"
        )
    return notes


def _is_a_lens(camera: Camera) -> bool:
    low, high = _FOCAL_RANGE
    return low <= camera.params[0] / max(camera.width, camera.height) <= high


def _renamed(
    points: SparsePoints | None, name_of: Mapping[str, str]
) -> SparsePoints | None:
    if points is None or len(points.track_image) == 0:
        return points
    observers, which = points.observers()
    renamed = np.array([name_of[str(file)] for file in observers], dtype=np.str_)
    images = np.array([name_of[str(f)] for f in points.model_images], dtype=np.str_)
    return replace(points, track_image=renamed[which], model_images=images)
