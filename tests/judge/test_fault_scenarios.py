"""Which scenarios are made, and that a stopped run makes only the rest."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from judge_cases import evidence_of

from mtcm_pipeline.benchmarks import fault_scenarios
from mtcm_pipeline.benchmarks.fault_captures import DrawnCapture
from mtcm_pipeline.benchmarks.fault_scenarios import VERSIONS, training_scenarios
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.judge.scenarios import Scenario


def photos(seed: int) -> PosedPhotos:
    poses = np.tile(np.eye(4), (12, 1, 1))
    poses[:, :3, 3] = np.random.default_rng(seed).normal(size=(12, 3))
    names = tuple(f"f{i}.jpg" for i in range(12))
    camera = Camera("PINHOLE", 8, 8, (8, 8, 4, 4))
    cameras = PosedCameras(names, poses, (1,) * 12, {1: camera})
    images = {name: np.full((8, 8, 3), 100, np.uint8) for name in names}
    return PosedPhotos(f"drawn_{seed}", cameras, images)


@pytest.fixture
def made(monkeypatch):
    """Plans that scenarios were made of, in order."""
    plans = []

    def make(source, plan, seed, *, others, memory):
        plans.append(plan)
        assert len(others) == 2 and source.identity not in {o.identity for o in others}
        truth = pd.DataFrame(
            {"name": evidence_of(14).names, "kind": "", "strength": "", "other": "",
             "severity": np.nan}
        )  # fmt: skip
        return Scenario(source.identity, plan.name, seed, evidence_of(14), truth)

    def named(file, *, measured, version):
        return SimpleNamespace(name=f"{file.stem}~{version}")

    def draw(seed, frames=None):
        return DrawnCapture(photos(seed), ordered=seed % 2 == 0)

    fault_scenarios._other.cache_clear()
    monkeypatch.setattr(fault_scenarios, "make_scenario", make)
    monkeypatch.setattr(fault_scenarios, "drawn_capture", draw)
    monkeypatch.setattr(fault_scenarios, "spoilt_capture", named)
    yield plans
    fault_scenarios._other.cache_clear()


def test_a_stopped_run_makes_only_what_is_missing(made, tmp_path):
    first = [one.name for one in training_scenarios([8, 9], tmp_path)]
    assert len(made) == 12 and len(set(first)) == 12 * len(VERSIONS)
    gone = sorted(tmp_path.glob("drawn_9-*.npz"))[:2]
    for file in gone:
        file.unlink()
    known = [one.name for one in training_scenarios([8, 9], tmp_path, known_only=True)]
    assert len(made) == 12 and len(known) == 10 * len(VERSIONS)
    again = [one.name for one in training_scenarios([8, 9], tmp_path)]
    assert len(made) == 14 and sorted(again) == sorted(first)
    assert not list(tmp_path.glob("*.part"))


def test_time_is_spoilt_only_where_there_is_an_order(made, tmp_path):
    list(training_scenarios([8], tmp_path))
    assert any("timestamp" in plan.kinds for plan in made)
    before = len(made)
    list(training_scenarios([9], tmp_path))
    assert len(made) > before
    assert not any("timestamp" in plan.kinds for plan in made[before:])
    assert any("rotation" in plan.kinds for plan in made[before:])


def test_later_captures_are_mostly_spoilt_subtly(made, tmp_path):
    list(training_scenarios([420], tmp_path))
    strengths = [fault.strength for plan in made for fault in plan.faults]
    assert len(made) == 9 and strengths.count("subtle") > strengths.count("gross") > 0
    placed = [plan for plan in made if plan.name.startswith("placed_")]
    assert placed[0].kinds == ("rotation", "translation", "swapped", "timestamp")
