"""A whole capture in one pass, with its data-quality table; and two real ones."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ingest_captures import (
    MeanColourEncoder,
    encoded,
    loaders,
    npy,
    picture,
    pictures,
    reading,
)
from PIL import Image
from pydantic import ValidationError

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.formats.nerfstudio import read_transforms
from mtcm_pipeline.ingest.data_quality import problem_lines, summary_lines
from mtcm_pipeline.ingest.intake import CaptureContents, ingest_capture, poses_note
from mtcm_pipeline.ingest.options import IngestOptions

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"


def faulty_capture():
    images = pictures(10)
    images["f_3.png"] = images["f_3.png"][:200]  # truncated
    images["f_7.png"] = images["f_6.png"]  # a copy
    masks = {f"f_{i}.png": encoded(np.full((64, 96), 255, np.uint8)) for i in range(8)}
    masks["f_5.png"] = encoded(np.full((9, 9), 255, np.uint8))
    poses = reading([f"f_{i}.png" for i in range(9)], problems={"f_9.png": "no rotation"})
    embeddings = {"f_2.npy": npy(np.ones(5))}
    return CaptureContents(loaders(images), loaders(masks), loaders(embeddings), poses)


@pytest.fixture(scope="module")
def capture():
    return ingest_capture(faulty_capture(), load=MeanColourEncoder)


def test_every_fault_is_its_frames_own(capture):
    problems = capture.frames.table.set_index("name")["problems"]
    faults = set(problems.index[problems != ""])
    assert faults == {"f_2.png", "f_3.png", "f_5.png", "f_9.png"}
    assert "(5,)" in problems["f_2.png"]
    assert problems["f_9.png"] == "no rotation"


def test_the_data_quality_table_counts_by_hand(capture):
    quality = capture.quality.set_index("part")
    expected = {
        "image": (9, 1),
        "pose": (9, 1),
        "mask": (6, 4),  # 8 given, one of another shape, one of an unreadable image
        "embedding": (9, 1),
        "timestamp": (0, 10),
        "focal length": (9, 1),
        "problems": (4, 6),
    }
    for part, (present, absent) in expected.items():
        row = quality.loc[part]
        assert (row["present"], row["absent"]) == (present, absent), part
    assert quality.loc["pose", "examples"] == "f_9.png"
    lines = summary_lines(capture.quality)
    assert any("mask: absent for 4 of 10" in line for line in lines)
    (untimed,) = (line for line in lines if line.startswith("timestamp: absent for all"))
    assert untimed.startswith("timestamp: absent for all 10: ") and "exif.json" in untimed


def test_each_frame_with_a_problem_has_a_line_of_its_own(capture):
    lines = problem_lines(capture.quality)
    assert [line.split(": ")[0] for line in lines] == [
        "f_2.png", "f_3.png", "f_5.png", "f_9.png",
    ]  # fmt: skip
    assert lines[3] == "f_9.png: no rotation"
    many = pd.concat([capture.quality] * 6)  # 24 frames
    lines = problem_lines(many)
    assert len(lines) == 21 and lines[-1].startswith("4 frames more")
    assert problem_lines(capture.quality.query("part != 'problem'")) == ()


def test_where_the_poses_come_from_is_said(capture):
    notes = list(capture.quality.query("part == 'note'")["examples"])
    source = capture.frames.cameras.source
    assert f"9 poses of one camera, from {source}" in notes
    two = PosedCameras(
        ("a", "b"),
        capture.frames.cameras.cam_from_world[:2],
        (1, 2),
        dict.fromkeys((1, 2), next(iter(capture.frames.cameras.cameras.values()))),
        "sparse/0",
    )
    assert poses_note(two) == ("2 poses of 2 cameras, from sparse/0",)
    assert poses_note(two.subset(["a"])) == ("1 pose of one camera, from sparse/0",)
    assert poses_note(two.subset([])) == ()


def test_the_copy_is_a_duplicate_and_nobody_else(capture):
    table = capture.frames.table.set_index("name")
    assert table["duplicate_of"].to_dict() == {
        name: "f_6.png" if name == "f_7.png" else "" for name in table.index
    }


def test_embeddings_follow_the_table(capture):
    assert capture.embeddings.names == capture.frames.names
    present = capture.frames.table["has_embedding"].to_numpy()
    assert np.array_equal(capture.embeddings.present, present)
    assert not present[3]
    assert "f_2.png" in capture.embeddings.problems


def test_a_blurred_frame_stands_out_beside_its_neighbours():
    images = {f"f_{i}.png": picture(i) for i in range(12)}
    small = Image.fromarray(images["f_4.png"]).resize((16, 11))
    images["f_4.png"] = np.asarray(small.resize((96, 64)))
    contents = CaptureContents(loaders({n: encoded(p) for n, p in images.items()}))
    table = ingest_capture(contents, load=MeanColourEncoder).frames.table
    relative = table["relative_sharpness"].to_numpy()
    assert relative.argmin() == 4
    assert relative[4] < -0.7  # less than half of its neighbours'
    assert np.median(np.abs(relative)) < 0.3


def test_size_outliers_are_a_note_and_no_fault():
    images = pictures(8)
    images["f_2.png"] = encoded(picture(2, 64, 96))  # turned upright
    images["f_5.png"] = encoded(picture(5, 192, 128))  # twice as large
    contents = CaptureContents(loaders(images))
    capture = ingest_capture(contents, load=MeanColourEncoder)
    table = capture.frames.table
    assert table["size_outlier"].tolist() == [i == 5 for i in range(8)]
    assert (table["problems"] == "").all() and table["has_image"].all()
    notes = capture.quality.query("part == 'note'")["examples"]
    assert sum("f_5.png (192x128)" in note for note in notes) == 1


def test_a_refusal_to_mix_encoders_is_logged_once(caplog):
    images = pictures(4)
    files = {f"f_{i}.npy": npy(np.eye(384)[i]) for i in range(3)}
    files["stranger.npy"] = npy(np.ones(384))
    contents = CaptureContents(loaders(images), embeddings=loaders(files))
    with caplog.at_level("INFO"):
        capture = ingest_capture(contents, load=MeanColourEncoder)
    said = [r for r in caplog.records if "without embedding" in r.getMessage()]
    assert [record.levelname for record in said] == ["WARNING"]
    assert said[0].getMessage().startswith("1 frame stays without")
    assert said[0].getMessage() in set(capture.quality["examples"])
    assert sum("stranger.npy" in r.getMessage() for r in caplog.records) == 1


def test_options_refuse_what_they_do_not_know():
    assert IngestOptions().encoder == "efficientnet_lite0"
    with pytest.raises(ValidationError):
        IngestOptions(encodr="x")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        IngestOptions(encoder="resnet")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        IngestOptions(neighbours=0)


def real(name):
    folder = CAPTURES / name
    if not folder.is_dir():
        pytest.skip(f"no real captures at {CAPTURES}")

    def files(part):
        return {p.name: p.read_bytes for p in folder.glob(f"{part}/*") if p.is_file()}

    images = files("images")
    content = json.loads((folder / "transforms.json").read_text())
    poses = read_transforms(content, list(images))
    return CaptureContents(images, files("masks"), {}, poses)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "frames", "posed", "masked", "timed"),
    [
        ("fox", 50, 50, 0, 0),
        ("skull", 66, 44, 0, 66),
        ("maryrose_tankard", 69, 69, 69, 69),
    ],
)
def test_real_captures(name, frames, posed, masked, timed):
    capture = ingest_capture(real(name))
    table = capture.frames.table
    assert len(table) == frames
    columns = ("has_image", "has_pose", "has_mask", "has_timestamp", "has_embedding")
    counts = [int(table[column].sum()) for column in columns]
    assert counts == [frames, posed, masked, timed, frames]
    assert (table["problems"] == "").all()
    # EXIF of these resized pictures is the cameras' own: only poses give focal lengths.
    assert set(table["focal_source"]) <= {"pose", ""}
    # The embedding sees the view: the most similar frame looks from nearby.
    rows = np.flatnonzero(table["has_pose"])
    vectors = capture.embeddings.vectors[rows]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1)
    directions = capture.frames.cameras.viewing_directions
    angles = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))
    others = angles[~np.eye(len(angles), dtype=bool)]
    nearest = angles[np.arange(len(angles)), similar.argmax(axis=1)]
    assert np.median(nearest) < 0.5 * np.median(others)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fox", "maryrose_tankard", "ethiopian_head", "skull"])
def test_real_neighbours_are_no_duplicates(name):
    """Distinct frames stay; the tankard has one view twice, 0.6 degrees apart."""
    contents = real(name)
    table = ingest_capture(contents, load=MeanColourEncoder).frames.table
    found = {n: d for n, d in zip(table["name"], table["duplicate_of"], strict=True) if d}
    expected = {"IMG_9692.jpg": "IMG_9670.jpg"} if name == "maryrose_tankard" else {}
    assert found == expected
