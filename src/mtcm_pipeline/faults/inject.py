"""Put the faults of a plan into a capture.

    faulty = inject(photos, plans.gross(0.3), seed=0, others=[another_capture])
    faulty.photos, faulty.truth

What a fault does to a frame depends on the seed, the fault and the frame alone, so it is
the same whatever else is in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.faults.apply import APPLY
from mtcm_pipeline.faults.assign import assign
from mtcm_pipeline.faults.draft import Draft
from mtcm_pipeline.faults.frames import frames_to_cut_from
from mtcm_pipeline.faults.plan import FaultKind, FaultPlan

POSE_KINDS: tuple[FaultKind, ...] = ("rotation", "translation", "swapped", "block")


@dataclass(frozen=True)
class FaultyCapture:
    """A spoilt capture, and what is wrong with it.

    Attributes:
        photos: M frames in order of their (maybe wrong) times.
        truth: one row a frame in the same order; `name`, `kind` (empty where sound),
            `strength`, `severity` (NaN where sound; unit by kind, see `faults.plan`),
            `other` (the frame, or capture/frame, that is involved).
    """

    photos: PosedPhotos
    truth: pd.DataFrame


def inject(
    photos: PosedPhotos,
    plan: FaultPlan,
    seed: int,
    *,
    others: Sequence[PosedPhotos] = (),
) -> FaultyCapture:
    """Spoil a capture; what was given is not changed.

    Args:
        photos: N frames of a capture that counts as sound.
        plan: kinds, shares and strengths.
        seed: which frames and how.
        others: captures from which foreign frames and intruders come; those with this
            capture's identity are passed over.

    Raises:
        CaptureError: the capture is too small for the plan, or it lacks what a kind
            needs: masks, or others to take frames (or masked frames_to_cut_from) from.
    """
    foreign = [other for other in others if other.identity != photos.identity]
    _check_possible(photos, plan, foreign)
    draft = Draft(photos, foreign)
    for job in assign(photos, plan, seed):
        APPLY[job.fault.kind](draft, job)
    spoilt = draft.photos()
    return FaultyCapture(spoilt, draft.truth(spoilt.names))


def inject_poses(
    cameras: PosedCameras, plan: FaultPlan, seed: int
) -> tuple[PosedCameras, pd.DataFrame]:
    """Spoil the poses of a capture whose photographs nobody needs.

    Args:
        cameras: N frames in order of time; they are not changed.
        plan: only kinds of `POSE_KINDS`.
        seed: which frames and how.

    Returns:
        N frames in the same order, and the truth as in `FaultyCapture`.

    Raises:
        ParameterError: the plan has other kinds.
        CaptureError: the capture is too small for the plan.
    """
    if unfit := [kind for kind in plan.kinds if kind not in POSE_KINDS]:
        raise ParameterError(
            f"{', '.join(unfit)} cannot be put into poses; what can: "
            f"{', '.join(POSE_KINDS)}"
        )
    blank = {}
    for name in cameras.names:
        camera = cameras.camera_of(name)
        shape = (camera.height, camera.width, 3)
        blank[name] = np.broadcast_to(np.zeros(1, dtype=np.uint8), shape)
    faulty = inject(PosedPhotos("poses", cameras, blank), plan, seed)
    return faulty.photos.cameras, faulty.truth


def impossible_kinds(photos: PosedPhotos, others: Sequence[PosedPhotos]) -> set[str]:
    """Kinds of faults for which a capture or the others lack the material."""
    foreign = [other for other in others if other.identity != photos.identity]
    kinds = set()
    if not any(mask.any() for mask in photos.masks.values()):
        kinds.add("mask")
    if not foreign:
        kinds.add("foreign")
    if next(frames_to_cut_from(foreign), None) is None:
        kinds.add("intruder")
    return kinds


def _check_possible(
    photos: PosedPhotos, plan: FaultPlan, others: Sequence[PosedPhotos]
) -> None:
    remedies = {
        "mask": f"{photos.identity!r} has no masks to damage: make masks first",
        "foreign": "foreign frames come from other captures: pass some as `others`",
        "intruder": "intruders are cut out of other captures by their masks: pass some "
        "with masks as `others`, for example a generated one",
    }
    for kind in sorted(impossible_kinds(photos, others) & set(plan.kinds)):
        raise CaptureError(f"{remedies[kind]}, or plan without {kind!r}")
