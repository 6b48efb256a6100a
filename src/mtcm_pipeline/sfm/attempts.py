"""From the options to attempts: the plain one, then more and more patient ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sfm.job import FeatureSettings, MappingSettings, SfmJob
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.sfm.pairs import PairChoice, choose_pairs, exhaustive_pairs
from mtcm_pipeline.sfm.prepare import PreparedImages, camera_groups

_PATIENT_PEAK = 0.3  # share of the contrast that a feature must have otherwise
_PATIENT_FEATURES = 2


@dataclass(frozen=True)
class Attempt:
    """One try.

    Attributes:
        label: for people.
        job: what the worker is told.
        pairs: which pairs and why.
    """

    label: str
    job: SfmJob
    pairs: PairChoice


def plan_attempts(
    prepared: PreparedImages,
    workspace: Path,
    options: SfmOptions,
    *,
    focal_px: Mapping[str, float] | None = None,
    embeddings: NDArray[np.floating] | None = None,
    times_s: Sequence[float] | None = None,
) -> tuple[Attempt, ...]:
    """The attempts in the order in which they are made until one is good enough.

    A focal length that is wrong spoils everything, and so does none where matches are
    few: with one given, each setting is tried with it and without. Patient settings
    look for weaker features in doubled images, take fewer matches for enough and hold
    distortion at zero, which few points cannot determine.

    Args:
        prepared: the images in the workspace.
        workspace: where steps are kept.
        options: the user's.
        focal_px: believed focal length by image name.
        embeddings: (N, D), one a prepared image; rows of NaN are absent.
        times_s: N seconds; NaN is absent.
    """
    pairs = choose_pairs(
        len(prepared.images), options, embeddings=embeddings, times_s=times_s
    )
    first = Attempt(
        "plain settings",
        _job(prepared, workspace, options, pairs, focal_px),
        pairs,
    )
    if not options.patient:
        return (first,)
    patient = _patient(first, prepared, options)
    attempts = []
    for attempt in (first, patient):
        attempts.append(attempt)
        if any(group.focal_px is not None for group in attempt.job.cameras):
            attempts.append(_without_focal(attempt))
    return tuple(attempts)


def _job(
    prepared: PreparedImages,
    workspace: Path,
    options: SfmOptions,
    pairs: PairChoice,
    focal_px: Mapping[str, float] | None,
) -> SfmJob:
    longest = max(max(image.width, image.height) for image in prepared.images)
    small = longest < options.small_image_px
    masked = options.use_masks and any(image.masked for image in prepared.images)
    return SfmJob(
        workspace=str(workspace),
        images=str(prepared.folder / "images"),
        masks=str(prepared.folder / "masks") if masked else None,
        images_key=prepared.key,
        cameras=camera_groups(prepared, focal_px),
        pairs=_named(pairs, prepared),
        features=FeatureSettings(
            first_octave=-1 if small else options.first_octave,
            peak_threshold=options.peak_threshold,
            max_features=options.max_features,
            max_image_px=options.max_image_px,
        ),
        mapping=MappingSettings(options.camera_model),
        seed=options.seed,
        threads=options.threads or -1,
        mapping_threads=options.mapping_threads,
    )


def _patient(first: Attempt, prepared: PreparedImages, options: SfmOptions) -> Attempt:
    count = len(prepared.images)
    pairs = first.pairs
    if count <= options.exhaustive_max_frames:
        pairs = PairChoice("exhaustive", exhaustive_pairs(count))
    features = replace(
        first.job.features,
        first_octave=-1,
        peak_threshold=options.peak_threshold * _PATIENT_PEAK,
        max_features=options.max_features * _PATIENT_FEATURES,
    )
    job = replace(
        first.job,
        pairs=_named(pairs, prepared),
        features=features,
        mapping=MappingSettings(
            options.camera_model,
            fixed_distortion=True,
            init_min_inliers=50,
            init_min_angle_deg=8.0,
            pose_min_inliers=15,
        ),
    )
    return Attempt("patient settings", job, pairs)


def _without_focal(attempt: Attempt) -> Attempt:
    cameras = tuple(replace(group, focal_px=None) for group in attempt.job.cameras)
    job = replace(attempt.job, cameras=cameras)
    return replace(attempt, label=f"{attempt.label}, focal length unknown", job=job)


def _named(pairs: PairChoice, prepared: PreparedImages) -> tuple[tuple[str, str], ...]:
    files = [image.file for image in prepared.images]
    return tuple((files[i], files[j]) for i, j in pairs.pairs)
