"""Poses from photographs alone, by COLMAP's incremental structure from motion.

J. L. Schönberger and J.-M. Frahm, Structure-from-Motion Revisited, CVPR 2016; run by
pycolmap in a process of its own (`sfm.worker`). Every step's result is kept in the
workspace under a key of all that it depends on, so that a run that was killed continues
after the last finished step, features and matches image by image.

With the same images, options and pycolmap the result is the same: seeds are fixed and
the model is built by one thread (`SfmOptions.mapping_threads`). Other versions or other
processors may round differently.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.progress import OnProgress, progress_shown
from mtcm_pipeline.sfm.attempts import Attempt, plan_attempts
from mtcm_pipeline.sfm.marks import Stopwatch
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.outcome import (
    AttemptOutcome,
    ModelSummary,
    named_reading,
    read_outcome,
    total_seconds,
)
from mtcm_pipeline.sfm.packing import unpack_reading
from mtcm_pipeline.sfm.prepare import PreparedImages, prepare_images
from mtcm_pipeline.sfm.process import run_worker

log = logging.getLogger(__name__)

_FEWEST = 3  # two images have no model of their own
_STEP_WORDS = {
    "features": "finding features",
    "matches": "matching pairs",
    "model": "registering images",
}


@dataclass(frozen=True)
class SfmResult:
    """What structure from motion found.

    Attributes:
        reading: poses, points and intrinsics, by the capture's image names; frames
            that were not registered are in its `problems`.
        seconds: wall time by step over all attempts, as measured when each step last
            ran; a step that was found finished costs nothing now.
        cpu_seconds: of all steps.
        registered: number of images with a pose.
        unregistered: names of the others, in the order of the capture.
        models: every model of the attempt that was kept, largest first.
        attempts: what was tried, in order; the kept one is `kept`.
        kept: index of the attempt that the reading comes from.
    """

    reading: PoseReading
    seconds: Mapping[str, float]
    cpu_seconds: float
    registered: int
    unregistered: tuple[str, ...]
    models: tuple[ModelSummary, ...]
    attempts: tuple[AttemptOutcome, ...]
    kept: int


def reconstruct(
    images: FileLoaders,
    masks: FileLoaders,
    workspace: Path,
    options: SfmOptions,
    *,
    focal_px: Mapping[str, float] | None = None,
    embeddings: Mapping[str, NDArray[np.floating]] | None = None,
    times_s: Mapping[str, float] | None = None,
    on_progress: OnProgress | None = None,
) -> SfmResult:
    """Find the poses of a capture's images.

    Args:
        images: by name, in the order of the capture.
        masks: by name, tied to images by stem; white is kept.
        workspace: a folder of this capture's own, where steps are kept between runs;
            it may be deleted at any time while nothing runs.
        options: how.
        focal_px: focal length in px of the upright image by its name, only where it
            can be believed (`formats.exif.focal_px`): with a false one nothing
            registers, and the time of an attempt is lost.
        embeddings: (D,) vectors by image name, to find pairs in large captures.
        times_s: times of exposure in seconds by image name.
        on_progress: called as (step, done, total); without it a bar is shown.

    Raises:
        CaptureError: fewer than three images can be read, or registered.
        SfmProcessError: the process failed or was killed; run again to continue.
    """
    workspace = Path(workspace)
    workspace.mkdir(parents=True, exist_ok=True)
    clock = Stopwatch()
    prepared = prepare_images(images, masks, workspace)
    if len(prepared.images) < _FEWEST:
        raise CaptureError(_too_few_images(prepared, len(images)))
    names = [image.name for image in prepared.images]
    attempts = plan_attempts(
        prepared,
        workspace,
        options,
        focal_px=focal_px,
        embeddings=_rows(names, embeddings),
        times_s=None if times_s is None else [times_s.get(n, np.nan) for n in names],
    )
    prepare_time = clock.read()
    enough = options.min_registered_share * len(names)
    outcomes = _try_until(enough, attempts, on_progress)
    return _result(images, prepared, attempts, outcomes, prepare_time)


def _try_until(
    enough: float, attempts: Sequence[Attempt], on_progress: OnProgress | None
) -> tuple[AttemptOutcome, ...]:
    """Outcomes of the attempts, up to the first that registers enough images."""
    outcomes: list[AttemptOutcome] = []
    for attempt in attempts:
        with _shown(on_progress, attempt.label) as report:
            run_worker(attempt.job, report)
        outcome = read_outcome(attempt)
        outcomes.append(outcome)
        log.info("structure from motion, %s", outcome.in_words())
        if outcome.registered >= max(enough, _FEWEST):
            break
    return tuple(outcomes)


def _result(
    images: FileLoaders,
    prepared: PreparedImages,
    attempts: Sequence[Attempt],
    outcomes: tuple[AttemptOutcome, ...],
    prepare_time: Mapping[str, float],
) -> SfmResult:
    """The attempt with the most images, under the capture's names."""
    kept = max(range(len(outcomes)), key=lambda i: outcomes[i].quality)
    best = outcomes[kept]
    if best.registered < _FEWEST:
        raise CaptureError(_nothing_registered(len(prepared.images), outcomes))
    packed = (attempts[kept].job.model_folder / "reading.npz").read_bytes()
    reading = named_reading(unpack_reading(packed), best, prepared)
    notes = (*_notes(best, attempts[kept], len(prepared.images)), *reading.notes)
    reading = replace(reading, notes=notes)
    seconds, cpu = total_seconds(outcomes)
    return SfmResult(
        reading=reading,
        seconds={"prepare": prepare_time["seconds"], **seconds},
        cpu_seconds=round(prepare_time["cpu_seconds"] + cpu, 3),
        registered=len(reading.cameras),
        unregistered=tuple(name for name in images if name not in reading.cameras),
        models=best.models_named(prepared),
        attempts=outcomes,
        kept=kept,
    )


def _notes(best: AttemptOutcome, attempt: Attempt, images: int) -> tuple[str, ...]:
    notes = [f"structure from motion, {best.in_words()}"]
    if attempt.pairs.note:
        notes.append(f"structure from motion: {attempt.pairs.note}")
    if attempt.job.masks is not None and best.registered < images / 2:
        notes.append(
            "structure from motion looked inside the masks only; if nothing but the "
            "camera moved, sfm.use_masks=false takes the background too"
        )
    return tuple(notes)


def _rows(
    names: Sequence[str], vectors: Mapping[str, NDArray[np.floating]] | None
) -> NDArray[np.float64] | None:
    """(N, D) vectors, NaN where a name has none; None without any."""
    present = [name for name in names if vectors is not None and name in vectors]
    if vectors is None or not present:
        return None
    rows = np.full((len(names), len(vectors[present[0]])), np.nan)
    for row, name in enumerate(names):
        if name in vectors:
            rows[row] = vectors[name]
    return rows


def _too_few_images(prepared: PreparedImages, given: int) -> str:
    wrong = "; ".join(list(prepared.problems.values())[:3])
    return (
        f"structure from motion needs at least {_FEWEST} images, and "
        f"{len(prepared.images)} of {given} can be used"
        + (f" ({wrong})" if wrong else "")
        + ": add photographs that overlap by more than half"
    )


def _nothing_registered(count: int, outcomes: Sequence[AttemptOutcome]) -> str:
    tried = "; ".join(outcome.in_words() for outcome in outcomes)
    return (
        f"structure from motion could not register {count} images ({tried}): give larger "
        f"images, masks if the background does not move with the object, or a focal "
        f"length in exif.json; or put poses from elsewhere into the metadata folder"
    )


@contextmanager
def _shown(on_progress: OnProgress | None, label: str) -> Iterator[OnProgress]:
    """The caller's function, or a bar for each step."""
    if on_progress is not None:
        yield on_progress
        return
    with progress_shown() as show:
        yield lambda step, done, total: show(
            f"{_STEP_WORDS.get(step, step)} ({label})", done, total
        )
