"""The chosen views with the poses and weights that fine-tuning found."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.datasets.folder import FolderContents
from mtcm_pipeline.errors import VersionError
from mtcm_pipeline.export.options import ExportOptions
from mtcm_pipeline.pipelines.export.nodes import gather_the_export
from mtcm_pipeline.pipelines.export_refined import create_pipeline
from mtcm_pipeline.selection.problem import Selection
from project_copy import ProjectCopy
from synthetic import orbit_cameras

GIVEN = replace(orbit_cameras(6), source="transforms.json")
CHOSEN = (GIVEN.names[4], GIVEN.names[1], GIVEN.names[2])
MOVED = CHOSEN[1]


def refined():
    poses = np.array(GIVEN.cam_from_world)
    poses[GIVEN.names.index(MOVED), :3, 3] += 0.25
    poses[GIVEN.names.index(CHOSEN[0])] *= 1 + 1e-15  # digits lost in a file
    return replace(GIVEN, cam_from_world=poses, source="fine-tuned")


def content(weights: dict[str, float]) -> dict:
    picture = jpeg()
    return {
        "selection": Selection("x", CHOSEN, (0.0,) * 3, ("",) * 3),
        "cameras": GIVEN,
        "refined_cameras": refined(),
        "view_weights": pd.DataFrame(weights.items(), columns=["name", "weight"]),
        "sparse_points": SparsePoints.empty(),
        "frame_representations": np.zeros((6, 4), np.float32),
        "final_scores": pd.DataFrame({"name": GIVEN.names, "fault_score": 0.2}),
        "pose_labels": pd.DataFrame({"name": GIVEN.names}),
        "raw_images": dict.fromkeys(GIVEN.names, lambda: picture),
        "raw_masks": {},
        "made_masks": {},
        "raw_trainer_keys": {"aabb_scale": 16},
        "params:export": ExportOptions(),
    }


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", GIVEN.camera_of(GIVEN.names[0]).size).save(buffer, "JPEG")
    return buffer.getvalue()


def run(given: dict, folder) -> dict:
    gather, check = create_pipeline().nodes
    files = gather.run({name: given[name] for name in gather.inputs})["refined_export"]
    for path, value in files.items():
        made = value() if callable(value) else value
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made.encode() if isinstance(made, str) else made)
    given |= {"refined_export": FolderContents(folder)}
    table = check.run({name: given[name] for name in check.inputs})
    return {**files, **table}


def test_poses_and_weights_are_the_learned_ones(tmp_path):
    weights = dict.fromkeys(GIVEN.names, 0.9) | {MOVED: 0.3}
    made = run(content(weights), tmp_path)
    assert made["refined_export_check"]["ok"].all()
    written = np.load(tmp_path / "poses.npy")
    meant = refined().subset(list(CHOSEN)).world_from_cam
    np.testing.assert_allclose(written, meant, atol=1e-12)
    learned = np.load(tmp_path / "view_weights.npy")
    np.testing.assert_allclose(learned, np.array([0.9, 0.3, 0.9]) / 0.7, rtol=1e-6)
    readme = (tmp_path / "README.txt").read_text()
    assert "1 of 3 poses were moved" in " ".join(readme.split())
    assert "did not see" not in readme
    assert '"aabb_scale": 16' in made["transforms.json"]


def test_frames_that_it_did_not_see_keep_what_was_given_and_are_named(tmp_path):
    weights = dict.fromkeys(CHOSEN[:2], 0.8)
    run(content(weights | {MOVED: 0.4}), tmp_path)
    learned = np.load(tmp_path / "view_weights.npy")  # 0.2 was the score of a fault
    np.testing.assert_allclose(learned, np.array([0.8, 0.4, 0.8]) / (2 / 3), rtol=1e-6)
    readme = " ".join((tmp_path / "README.txt").read_text().split())
    assert f"did not see keep what was given: 1 ({CHOSEN[2]})" in readme


def test_without_a_choice_there_is_an_empty_list_that_says_why(tmp_path):
    given = content({}) | {"selection": Selection("x", (), (), ())}
    made = run(given, tmp_path)
    assert "No view was chosen" in made["README.txt"]
    assert len(made["refined_export_check"]) == 0


def test_the_ordinary_export_has_the_given_poses_and_keys_of_their_file_alone():
    given = content({})
    arguments = [given[n] for n in create_pipeline().nodes[0].inputs if n not in
                 {"refined_cameras", "view_weights"}]  # fmt: skip
    assert '"aabb_scale": 16' in gather_the_export(*arguments)["transforms.json"]
    arguments[1] = replace(GIVEN, source="sparse/0")
    assert "aabb_scale" not in gather_the_export(*arguments)["transforms.json"]


def test_without_a_fine_tuning_the_command_that_makes_one_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEDRO_DISABLE_TELEMETRY", "1")
    project = ProjectCopy(tmp_path)
    (project.data / "raw_images" / "Ada").mkdir(parents=True)
    with pytest.raises(VersionError, match=r"run: \S+ run \S*finetune") as told:
        project.run("export_refined", identity="Ada")
    assert "'refined_cameras' (made by finetune)" in str(told.value)
