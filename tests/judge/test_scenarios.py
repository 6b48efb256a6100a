"""Spoilt captures: what may change and what must not, on a small generated one."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from mtcm_pipeline.benchmarks.captures import sample_photos
from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.rotations import rotation_angle_deg
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.faults import plans
from mtcm_pipeline.formats.masks import encode_mask
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence, gather
from mtcm_pipeline.judge.empty_masks import subject_gone
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.pipeline_evidence import (
    CaptureFiles,
    CaptureTables,
    evidence_of_capture,
)
from mtcm_pipeline.judge.scenarios import (
    Scenario,
    lived_in,
    make_scenario,
    training_plans,
    with_pose_noise,
)
from mtcm_pipeline.sample.options import SampleOptions


def encode_png(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photos():
    small = SampleOptions(seed=5, frames=16, width=120, height=160, supersample=1)
    return sample_photos(small)


@pytest.fixture(scope="module")
def memory():
    return MatchMemory()


@pytest.fixture(scope="module")
def evidence(photos, memory):
    return gather(photos, memory)


def test_a_similarity_transform_of_the_capture_changes_no_evidence(
    photos, memory, evidence
):
    rotation = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
    moved = Similarity(3.7, rotation, np.array([4.0, -2.0, 9.0]))
    world_from_cam = moved.world_from_cam(photos.cameras.world_from_cam)
    cameras = replace(photos.cameras, cam_from_world=invert_rigid(world_from_cam))
    elsewhere = observe(gather(replace(photos, cameras=cameras), memory))
    here = observe(evidence)
    assert np.allclose(here.raw, elsewhere.raw, atol=1e-4, equal_nan=True)
    assert np.allclose(here.pairs, elsewhere.pairs, atol=1e-4)


def test_matches_are_remembered_whatever_the_poses(photos, memory, evidence):
    known = len(memory.pairs)
    cameras = photos.cameras
    mixed = replace(cameras, cam_from_world=np.roll(cameras.cam_from_world, 5, axis=0))
    again = gather(photos, memory)
    assert len(memory.pairs) == known
    gather(replace(photos, cameras=mixed), memory)
    fresh = gather(replace(photos, cameras=mixed), MatchMemory())
    kept = gather(replace(photos, cameras=mixed), memory)
    assert fresh.pairs.equals(kept.pairs) and again.pairs.equals(evidence.pairs)


def test_a_scenario_survives_its_file_and_repeats_itself(photos, memory):
    plan = plans.only("exposure", "gross", 0.2)
    made = [make_scenario(photos, plan, 3, others=[], memory=memory) for _ in range(2)]
    assert made[0].truth.equals(made[1].truth)
    again = Scenario.from_bytes(made[0].to_bytes())
    assert again.plan == "exposure_gross_20" and again.seed == 3
    assert (again.truth["kind"] == made[0].truth["kind"]).all()
    light = observe(again.evidence).column("light_time")
    bad = (again.truth["kind"] == "exposure").to_numpy()
    assert light[bad].min() > np.median(light[~bad])


def test_pose_noise_has_the_size_that_was_drawn(photos):
    noisy = with_pose_noise(photos, 7)
    angles = rotation_angle_deg(
        photos.cameras.cam_from_world[:, :3, :3], noisy.cameras.cam_from_world[:, :3, :3]
    )
    assert 0.004 < angles.mean() < 0.5
    assert noisy.images.keys() == photos.images.keys()


def test_ageing_keeps_the_pictures_recognisable_and_the_original_as_it_is(photos):
    before = {name: photos.images[name].copy() for name in photos.names}
    aged = lived_in(photos, 3)
    for name in photos.names:
        assert (photos.images[name] == before[name]).all()
        a, b = aged.images[name].ravel(), photos.images[name].ravel()
        assert np.corrcoef(a, b)[0, 1] > 0.9


def test_training_plans_vary_and_never_spoil_the_majority():
    drawn = [training_plans(np.random.default_rng(seed)) for seed in range(5)]
    assert len({plan.name for plans_ in drawn for plan in plans_}) > 30
    for plan in drawn[0]:
        assert sum(fault.share for fault in plan.faults) <= 0.5


def test_an_empty_mask_is_seen_in_memory_and_in_files_alike(photos, memory):
    masks = dict(photos.masks)
    masks[photos.names[3]] = np.zeros_like(masks[photos.names[3]])
    del masks[photos.names[5]]
    spoilt = gather(replace(photos, masks=masks), memory)
    assert np.flatnonzero(spoilt.frames["mask_empty"]).tolist() == [3]
    again = CaptureEvidence.from_bytes(spoilt.to_bytes())
    assert np.flatnonzero(subject_gone(again)).tolist() == [3]
    files = CaptureFiles(
        {name: partial(encode_png, photos.images[name]) for name in photos.names},
        {f"{Path(n).stem}.png": partial(encode_mask, m) for n, m in masks.items()},
    )
    known = pd.DataFrame(
        {"name": photos.names, "has_image": True, "mask_empty": np.arange(16) == 3}
    )
    tables = CaptureTables(
        known, spoilt.times, photos.cameras, spoilt.pairs,
        spoilt.frames.drop(columns="mask_empty"),
    )  # fmt: skip
    read = evidence_of_capture(tables, files)
    assert read.names == spoilt.names
    assert np.array_equal(read.frames["mask_empty"], spoilt.frames["mask_empty"])
    assert np.array_equal(read.numbers, spoilt.numbers, equal_nan=True)
