"""The real pipelines on generated and on real captures, from files to exports."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image
from small_runs import NAME, with_scored_run, with_small_sample, without_umap

from mtcm_pipeline.capture_import import import_capture
from mtcm_pipeline.cli import write_sample
from mtcm_pipeline.errors import (
    CaptureError,
    IdentityError,
    MtcmError,
    ParameterError,
)
from mtcm_pipeline.formats.nerfstudio import read_transforms
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.sfm.compare import align_and_compare
from project_copy import CAPTURES, QUICK, ProjectCopy

pytestmark = pytest.mark.slow


@pytest.fixture
def complete_project(tmp_path, monkeypatch):
    monkeypatch.setenv("KEDRO_DISABLE_TELEMETRY", "1")
    monkeypatch.delenv("MTCM_IDENTITY", raising=False)
    monkeypatch.chdir(tmp_path)
    return ProjectCopy(tmp_path)


@pytest.fixture
def project(complete_project, monkeypatch):
    """All but UMAP, which the run on the full sample has."""
    without_umap(monkeypatch)
    return complete_project


@pytest.fixture
def small(project, tmp_path_factory):
    """The project with the small sample."""
    with_small_sample(project, tmp_path_factory)
    return project


@pytest.fixture
def scored(project, tmp_path_factory):
    """The project after a run up to evaluate, and that run's version."""
    return project, with_scored_run(project, tmp_path_factory)


def newest(project, identity, stage, name):
    versions = sorted((project.outputs(identity) / stage / name).iterdir())
    return versions[-1] / name


def test_the_sample_from_files_to_exports(complete_project):
    """The demo: every output, and no planted fault among the chosen views."""
    project = complete_project
    write_sample(project.data, "Sample Head", SampleOptions())
    version = project.run(identity="Sample Head")
    outputs = project.outputs("Sample Head")
    bundle = outputs / "export/chosen_views" / version / "chosen_views"
    metadata = project.data / "metadata/Sample Head"
    planted = json.loads((metadata / "planted_faults.json").read_text())
    chosen = (bundle / "filtered_images.txt").read_text().split()
    assert len(chosen) == 20 and not set(chosen) & set(planted)
    scores = project.load("scores", identity="Sample Head").set_index("name")
    reasons = {kind: scores["reason"][name] for name, kind in planted.items()}
    assert reasons["blurred"] == "blurred"
    assert reasons["foreign"] == "foreign subject"
    assert reasons["wrong_pose"].startswith("pose disagrees")
    assert reasons["duplicate"].startswith("duplicate of")
    assert scores["faulty"].sum() == 4
    quality = project.load("data_quality", identity="Sample Head").set_index("part")
    assert quality["absent"][["mask", "embedding"]].tolist() == [1, 1]
    assert np.load(bundle / "pose_embeddings.npy").shape == (20, 256)
    assert np.load(bundle / "poses.npy").shape == (20, 4, 4)
    assert len(pycolmap.Reconstruction(bundle / "sparse/0").images) == 20
    assert len(json.loads((bundle / "transforms.json").read_text())["frames"]) == 20
    assert project.load("export_check", identity="Sample Head")["ok"].all()
    snapshots = {p.name for p in (outputs / "evaluate/snapshots").rglob("*")}
    # Every 100 epochs, and where early stopping ended the training.
    last = int(project.load("training_history", identity="Sample Head")["epoch"].max())
    assert last >= 100
    for epoch in {*range(100, last + 1, 100), last}:
        assert {
            f"attention_heatmap_epoch{epoch}.png",
            f"pose_deltas_epoch{epoch}.png",
            f"recon_deltas_epoch{epoch}.png",
            f"similarity_matrix_epoch{epoch}.npy",
            f"filtered_views_epoch{epoch}.json",
            f"pose_embeddings_epoch{epoch}.npy",
        } <= snapshots
    maps = {p.name for p in (outputs / "evaluate/maps").rglob("*.png")}
    assert maps == {"tsne_embeddings.png", "umap_embeddings.png"}
    assert "Sample Head" in project.load("report", identity="Sample Head")


def test_only_the_selection_again_and_an_older_version(scored):
    small, evaluated = scored
    first = small.run("select", "viewpoints", identity=NAME, **QUICK)
    second = small.run("select", identity=NAME, select={"budget": 5}, **QUICK)
    assert len(small.load("selection", identity=NAME).ranking) == 5
    manifest = json.loads((small.outputs(NAME) / "runs" / f"{second}.json").read_text())
    used = manifest["nodes"]["select_views"]["inputs"]
    used |= manifest["nodes"]["take_the_users_word"]["inputs"]
    made = {used[name] for name in ("tokens", "scores", "similarity_matrix")}
    assert made == {evaluated}
    third = small.run("export", identity=NAME, load={"selection": first}, **QUICK)
    listed = newest(small, NAME, "export", "chosen_views") / "filtered_images.txt"
    assert third in str(listed) and len(listed.read_text().splitlines()) > 5


def test_what_the_user_drops_with_the_selection_alone_is_used_by_no_later_stage(scored):
    small, _ = scored
    names = small.load("frames", identity=NAME)["name"].tolist()
    said = {"select": {"drop": names[2:9], "keep": names[10:11]}, **QUICK}
    small.run(
        "select", "viewpoints", "missing", "export", "report", identity=NAME, **QUICK
    )
    chosen = small.run("select", identity=NAME, **said)
    with pytest.raises(MtcmError, match="would mix versions"):
        small.run("report", identity=NAME, **said)
    stages = ("viewpoints", "missing", "export", "report")
    last = small.run(*stages, identity=NAME, **said)
    manifest = json.loads((small.outputs(NAME) / "runs" / f"{last}.json").read_text())
    used = [node["inputs"].get("final_scores") for node in manifest["nodes"].values()]
    assert set(used) == {None, chosen}
    assert not set(small.load("proposed_views", identity=NAME)["from_frame"]) & {
        *names[2:9]
    }
    listed = newest(small, NAME, "export", "chosen_views") / "filtered_images.txt"
    exported = listed.read_text().split()
    assert names[10] in exported and not set(exported) & set(names[2:9])
    diversity = small.load("pose_diversity", identity=NAME).set_index("measure")
    final = small.load("final_scores", identity=NAME)
    assert diversity["kept"]["views"] == final["usable"].sum() <= len(names) - 7
    summary = small.load("run_summary", identity=NAME)
    assert "7 dropped by you" in summary


def test_tokens_of_today_are_not_mixed_with_the_model_of_yesterday(scored):
    small, _ = scored
    small.run("ingest", "tokens", identity=NAME, **QUICK)
    with pytest.raises(MtcmError, match="train"):
        small.run("select", identity=NAME, **QUICK)


def test_each_strategy_runs_from_the_command_line(scored):
    small, _ = scored
    for strategy in ("fvs", "facility_location", "k_medoids", "random", "field_guided"):
        chosen = {"strategy": strategy, "probes": 2}
        small.run("select", identity=NAME, select=chosen, **QUICK)
        selection = small.load("selection", identity=NAME)
        assert selection.strategy == strategy
        assert len(set(selection.ranking)) == len(selection.ranking) > 10


def test_an_identity_overrides_any_parameter(scored):
    small, _ = scored
    folder = small.root / "conf" / "identities" / NAME
    folder.mkdir(parents=True)
    (folder / "parameters.yml").write_text("select: {strategy: fvs, budget: 7}\n")
    small.run("select", identity=NAME, **QUICK)
    selection = small.load("selection", identity=NAME)
    assert selection.strategy == "fvs" and len(selection.ranking) == 7
    small.run("select", identity=NAME, select={"budget": 3}, **QUICK)
    selection = small.load("selection", identity=NAME)
    assert selection.strategy == "fvs" and len(selection.ranking) == 3


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"select": {"budgt": 3}}, ["budgt", "budget"]),
        ({"selct": {"budget": 3}}, ["selct", "select"]),
        ({"select": {"budget": 0}}, ["select.budget", "0"]),
        ({"select": {"strategy": "fvz"}}, ["select.strategy", "'fvz'", "'fvs'"]),
        ({"train": {"epochs": "many"}}, ["train.epochs", "many"]),
    ],
)
def test_a_wrong_parameter_stops_before_any_work(small, parameters, words):
    with pytest.raises(ParameterError) as caught:
        small.run(identity=NAME, **parameters)
    assert all(word in str(caught.value) for word in words)
    assert not small.outputs(NAME).exists()


def test_identities_that_are_none(small):
    with pytest.raises(IdentityError, match="unknown identity"):
        small.run(identity="Bronse Head")
    with pytest.raises(IdentityError, match="folder name"):
        small.run(identity="../../etc")
    assert sorted(p.name for p in small.data.iterdir()) == sorted(
        ["raw_images", "masks", "metadata", "embeddings"]
    )


def first_images(project, count):
    return sorted((project.data / "raw_images" / NAME).iterdir())[:count]


def write_npy(path: Path, array, **options) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    path.write_bytes(buffer.getvalue())


class Bomb:
    def __reduce__(self):
        return os.system, ("touch unpickled",)


def test_bad_frames_are_carried_as_absent_and_named(small):
    images = first_images(small, 8)
    stems = [path.stem for path in images]
    embeddings, masks = small.data / "embeddings" / NAME, small.data / "masks" / NAME
    write_npy(embeddings / f"{stems[0]}.npy", np.ones(100, np.float32))
    write_npy(embeddings / f"{stems[1]}.npy", np.full(384, np.nan, np.float32))
    bomb = np.array([Bomb()], dtype=object)
    write_npy(embeddings / f"{stems[2]}.npy", bomb, allow_pickle=True)
    images[3].write_bytes(images[3].read_bytes()[:2000])
    Image.new("L", (77, 33), 255).save(masks / f"{stems[4]}.png")
    poses_file = small.data / "metadata" / NAME / "poses.json"
    poses = json.loads(poses_file.read_text())
    poses["images"][images[5].name]["qvec"] = [0, 0, 0, 0]
    poses["images"][images[6].name]["tvec"] = [0, None, 1]
    poses_file.write_text(json.dumps(poses))
    (embeddings / f"{stems[7]}.npy").write_bytes(b"\x93NUMPY" + struct.pack("<H", 7))
    version = small.run(identity=NAME, **QUICK)
    frames = small.load("frames", identity=NAME).set_index("name")
    for row, has in [(0, "embedding"), (1, "embedding"), (2, "embedding"), (3, "image")]:
        assert not frames[f"has_{has}"][images[row].name]
        assert frames["problems"][images[row].name]
    assert not frames["has_mask"][images[4].name]
    assert "77x33" in frames["problems"][images[4].name]
    assert not frames["has_pose"][[images[5].name, images[6].name]].any()
    assert "quaternion" in frames["problems"][images[5].name]
    assert not Path("unpickled").exists()
    listed = newest(small, NAME, "export", "chosen_views") / "filtered_images.txt"
    chosen = listed.read_text().split()
    assert version in str(listed) and chosen
    assert not {images[row].name for row in (3, 5, 6)} & set(chosen)


def test_pickles_are_never_opened(tmp_path):
    """The bomb of the test above does go off where somebody unpickles it."""
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        pickle.loads(pickle.dumps(Bomb()))
        assert Path("unpickled").exists()
    finally:
        os.chdir(here)


def test_an_image_turned_by_exif_agrees_with_its_pose(small):
    image_path = first_images(small, 10)[9]
    with Image.open(image_path) as image:
        sideways = image.transpose(Image.Transpose.ROTATE_90)  # stored lying on its side
        exif = image.getexif()
        exif[0x0112] = 6  # to be turned by 270 degrees anticlockwise when shown
        sideways.save(image_path, exif=exif, quality=95)
        upright_size = image.size
    small.run("ingest", identity=NAME, **QUICK)
    frame = small.load("frames", identity=NAME).set_index("name").loc[image_path.name]
    assert (frame["width"], frame["height"]) == upright_size
    assert frame["turned"] and frame["has_pose"] and frame["has_mask"]


def test_captures_that_cannot_be_used_say_why(small):
    images = first_images(small, 2)
    twin = images[0].with_suffix(".png")
    twin.write_bytes(images[0].read_bytes())
    with pytest.raises(Exception, match="same stem"):
        small.run(identity=NAME, **QUICK)
    twin.unlink()
    metadata = small.data / "metadata" / NAME
    (metadata / "poses.json").rename(metadata / "elsewhere.json")
    given = {"structure_from_motion": False}
    with pytest.raises(CaptureError, match="no frame has a pose"):
        small.run(identity=NAME, ingest=given, **QUICK)
    (metadata / "poses.json").write_text('{"images": {')
    with pytest.raises(Exception, match=r"poses\.json"):
        small.run(identity=NAME, **QUICK)
    empty = small.data / "raw_images" / "Empty"
    empty.mkdir()
    with pytest.raises(Exception, match="no image"):
        small.run(identity="Empty", **QUICK)


def test_without_poses_frames_are_judged_but_not_exported(small):
    (small.data / "metadata" / NAME / "poses.json").unlink()
    ingest = {"require_poses": False, "structure_from_motion": False}
    small.run(identity=NAME, ingest=ingest, **QUICK)
    scores = small.load("scores", identity=NAME)
    assert (scores["reason"] != "").all() and not scores["usable"].any()
    bundle = newest(small, NAME, "export", "chosen_views")
    assert {p.name for p in bundle.iterdir()} == {"filtered_images.txt", "README.txt"}
    assert "no pose" in small.load("report", identity=NAME)


def test_poses_of_other_names_stop_before_any_image_is_read(small):
    file = small.data / "metadata" / NAME / "poses.json"
    poses = json.loads(file.read_text())
    poses["images"] = {f"other_{n}": entry for n, entry in poses["images"].items()}
    file.write_text(json.dumps(poses))
    with pytest.raises(CaptureError, match="rename"):
        small.run(identity=NAME, **QUICK)


def test_an_untrained_model_runs_through(small, caplog):
    quick = {**QUICK, "train": {**QUICK["train"], "epochs": 0}}
    with caplog.at_level(logging.INFO, "mtcm_pipeline"):
        small.run(identity=NAME, **quick)
    (page,) = (small.outputs(NAME) / "report/report.html").glob("*/report.html")
    assert f"report for a browser: {page.relative_to(small.root)}" in caplog.messages
    assert len(small.load("training_history", identity=NAME)) == 0
    assert len(small.load("selection", identity=NAME).ranking) > 5


def test_photographs_alone_get_their_poses_from_structure_from_motion(project):
    if not CAPTURES.is_dir():
        pytest.skip("no folder of real captures beside this repository")
    import_capture(CAPTURES / "fox", project.data)
    metadata = project.data / "metadata" / "fox"
    given = json.loads((metadata / "transforms.json").read_text())
    (metadata / "transforms.json").unlink()
    project.run("ingest", identity="fox", **QUICK)
    cameras = project.load("cameras", identity="fox")
    reference = read_transforms(given, set(cameras.names)).cameras
    found = align_and_compare(cameras, reference)
    assert len(found.names) >= 48 and len(project.load("sparse_points", identity="fox"))
    assert found.median_rotation_deg < 1.5 and found.median_centre_error < 0.01


@pytest.mark.parametrize("capture", ["fox", "skull", "maryrose_tankard"])
def test_real_captures_run_to_their_exports(project, capture):
    if not CAPTURES.is_dir():
        pytest.skip("no folder of real captures beside this repository")
    import_capture(CAPTURES / capture, project.data)
    version = project.run(identity=capture, **QUICK)
    outputs = project.outputs(capture)
    bundle = outputs / "export/chosen_views" / version / "chosen_views"
    names = (bundle / "filtered_images.txt").read_text().split()
    assert len(names) == 20
    model = pycolmap.Reconstruction(bundle / "sparse/0")
    assert {image.name for image in model.images.values()} == set(names)
    assert (len(model.points3D) > 0) == (capture == "skull")
    assert project.load("export_check", identity=capture)["ok"].all()
    frames = project.load("frames", identity=capture)
    given = json.loads((CAPTURES / capture / "transforms.json").read_text())
    assert frames["has_pose"].sum() == len(given["frames"])
