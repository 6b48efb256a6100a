"""The pools that fine-tuning is measured on, and the judge's word on them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mtcm_pipeline.benchmarks.captures import load_photos, sample_photos
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.datasets.captures import planted_faults
from mtcm_pipeline.datasets.checkpoints import CheckpointFolder
from mtcm_pipeline.faults.inject import POSE_KINDS, FaultyCapture, inject
from mtcm_pipeline.faults.plan import Fault, FaultPlan
from mtcm_pipeline.faults.plans import named, possible
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence, gather
from mtcm_pipeline.judge.checkpoint import load_judge
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.verdicts import judged_frames
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.scene.views import PinholeViews, pinhole_views
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.gauge import canonical_gauge
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.trials.instruments import foreign_photos
from mtcm_pipeline.trials.pools import HARMLESS
from mtcm_pipeline.trials.splits import hold_out
from mtcm_pipeline.tuning.rigid import pose_distance

POOLS = ("clean", "gross_30", "block_20", "subtle_30", "pose_1_to_3")
_POSE_1_TO_3 = FaultPlan((Fault("rotation", 0.2, severity=(1.0, 3.0)),), "pose_1_to_3")
_SAMPLE = "sample"


@dataclass(frozen=True)
class FinetunePool:
    """A pool of a split, with the test views in the pool's gauge.

    Attributes:
        clean: the frames that are not held out, before they were spoilt.
        faulty: the same with faults, and what is wrong with them.
        views: small, in the gauge of the given (maybe wrong) poses.
        hidden: test views, sound and where they truly stand, in that gauge.
        true_poses: (4, 4) cam_from_world by name, in that gauge.
        bad: names of frames whose pose or picture harms a reconstruction.
    """

    clean: PosedPhotos
    faulty: FaultyCapture
    views: PinholeViews
    hidden: PinholeViews
    true_poses: dict[str, np.ndarray]
    bad: frozenset[str]


def pool_of(
    clean: PosedPhotos, pool: str, split: int, longer_side_px: int
) -> FinetunePool:
    """Hold frames out, spoil the others, and bring all into the pool's gauge."""
    held_out = hold_out(clean.cameras, "farthest", split, 0)
    shown = clean.subset(held_out.shown)
    faulty = inject(shown, _plan(pool, shown), split, others=foreign_photos())
    gauge = canonical_gauge(faulty.photos.cameras)
    harmful = faulty.truth[~faulty.truth["kind"].isin(HARMLESS)]
    true = gauge.cam_from_world(shown.cameras.cam_from_world)
    return FinetunePool(
        shown,
        faulty,
        pinhole_views(faulty.photos, longer_side_px, gauge),
        pinhole_views(clean.subset(held_out.hidden), longer_side_px, gauge),
        dict(zip(shown.names, true, strict=True)),
        frozenset(harmful["name"]),
    )


def _plan(pool: str, photos: PosedPhotos) -> FaultPlan:
    if pool == _POSE_1_TO_3.name:
        return _POSE_1_TO_3
    return possible(named(pool), photos, foreign_photos())


@dataclass(frozen=True)
class JudgedPool:
    """The judge's word on a pool.

    Attributes:
        table: of `judge.verdicts.judged_frames`.
        evidence: what the judge looked at.
        memory: the matches among it.
        seconds: CPU seconds of all that.
    """

    table: pd.DataFrame
    evidence: CaptureEvidence
    memory: MatchMemory
    seconds: float


def judge_pool(
    photos: PosedPhotos, memory: MatchMemory, store: CheckpointFolder
) -> JudgedPool:
    """The judge as the default run has it; photographs known already are free."""
    began = time.process_time()
    evidence = gather(photos, memory, store=store)
    options = ScoreOptions()
    table = judged_frames(
        load_judge("shipped"), observe(evidence), evidence, options.max_good_lost_percent
    )
    return JudgedPool(table, evidence, memory, time.process_time() - began)


def tokens_of(photos: PosedPhotos, evidence: CaptureEvidence) -> Tokens:
    """Tokens of a pool in memory: embeddings and poses, times by order."""
    row = {name: i for i, name in enumerate(evidence.names)}
    cameras = [photos.cameras.camera_of(name) for name in photos.names]
    frames = pd.DataFrame(
        {
            "name": photos.names,
            "width": [camera.width for camera in cameras],
            "height": [camera.height for camera in cameras],
            "timestamp_s": np.nan,
            "mask_area": np.nan,
            "focal_px": np.nan,
        }
    )
    embeddings = evidence.embeddings[[row[name] for name in photos.names]]
    return build_tokens(frames, embeddings, photos.cameras)[0]


def sound_photos(folder: Path) -> PosedPhotos:
    """The photographs of a capture without planted faults, or those of the sample."""
    if folder.name == _SAMPLE and not folder.exists():
        return sample_photos(SampleOptions())
    photos = load_photos(folder)
    planted = set().union(*(planted_faults(p) for p in (folder, folder / "metadata")))
    return photos.subset([name for name in photos.names if name not in planted])


def pose_errors_deg(
    cell: FinetunePool, refined: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the frames with a faulty pose, before and after.

    The larger of the rotation and of the shift as an angle at the subject.

    Args:
        cell: V views, and where they truly stand.
        refined: (V, 4, 4) cam_from_world.
    """
    truth = cell.faulty.truth
    kinds = truth.loc[truth["kind"].isin(POSE_KINDS), "name"].tolist()
    rows = [cell.views.names.index(name) for name in kinds]
    before, after = [], []
    for name, row in zip(kinds, rows, strict=True):
        true = cell.true_poses[name]
        before.append(_error_deg(cell.views.views[row].cam_from_world, true))
        after.append(_error_deg(refined[row], true))
    return np.array(before), np.array(after)


def _error_deg(first: np.ndarray, second: np.ndarray) -> float:
    angle, distance = pose_distance(first, second)
    return max(angle, float(np.degrees(distance)))
