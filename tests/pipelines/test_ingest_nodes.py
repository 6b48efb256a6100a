"""What the ingest nodes refuse, and what they say: poses, and names of single frames."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.pipelines.ingest.nodes import take_the_capture_in
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.sfm.options import SfmOptions
from mtcm_pipeline.viewpoints.options import LabelOptions
from synthetic import CAMERA, orbit_cameras


def as_bytes(save, *arguments) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arguments)
    return buffer.getvalue()


PHOTOGRAPH = as_bytes(Image.effect_noise((CAMERA.width, CAMERA.height), 60).save, "PNG")
EMBEDDING = as_bytes(np.save, np.full(384, 1 / np.sqrt(384), np.float32))
NOTHING = PosedCameras((), np.empty((0, 4, 4)), (), {}, "transforms.json")


def refusal(poses: PoseReading | None) -> str:
    images = {"a.jpg": lambda: b"", "b.jpg": lambda: b""}
    given = IngestOptions(structure_from_motion=False)
    with pytest.raises(CaptureError, match="no frame has a pose") as caught:
        take_the_capture_in(
            images, {}, {}, {}, poses, None, None, Path(), given, SfmOptions(),
            SelectOptions(), LabelOptions(),
        )  # fmt: skip
    return str(caught.value)


def test_poses_of_other_names_ask_for_the_names():
    said = refusal(PoseReading(orbit_cameras(3), None, {}, ()))
    assert "fits no image by name; rename its entries" in said


def test_poses_that_are_broken_ask_to_be_mended():
    problems = {"a.jpg": "it has no focal length", "b.jpg": "the same"}
    said = refusal(PoseReading(NOTHING, None, problems, ()))
    assert "transforms.json has none that can be used; a.jpg: it has no focal" in said
    assert "mend it" in said and "rename" not in said


def test_without_any_file_the_places_are_named():
    said = refusal(None)
    assert "no file with poses is there" in said
    assert "data/metadata/<identity>/" in said


def taken_in(select=None, labels=None) -> None:
    """Three photographs, the last of them unreadable; a pose for the first and last."""
    readable = dict.fromkeys(["a.jpg", "b.jpg"], lambda: PHOTOGRAPH)
    images = readable | {"c.jpg": lambda: b"no picture"}
    embeddings = dict.fromkeys(["a.npy", "b.npy", "c.npy"], lambda: EMBEDDING)
    posed = PosedCameras(
        ("a.jpg", "c.jpg"), orbit_cameras(2).cam_from_world, (1, 1), {1: CAMERA}
    )
    given = IngestOptions(structure_from_motion=False)
    take_the_capture_in(
        images, {}, {}, embeddings, PoseReading(posed, None, {}, ()), None, None, Path(),
        given, SfmOptions(), select or SelectOptions(), labels or LabelOptions(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("select", "labels", "words"),
    [
        ({"keep": ["a.jpeg"]}, {}, r"select.keep names 'a.jpeg'.*did you mean 'a.jpg'"),
        ({"drop": ["a.jpeg"]}, {}, r"select.drop names 'a.jpeg'.*did you mean 'a.jpg'"),
        ({}, {"front_frame": "a.jpeg"}, r"labels.front_frame names 'a.jpeg'.*did you"),
        ({"keep": ["a.jpg"], "drop": ["a.jpg"]}, {}, "both forced"),
    ],
)
def test_a_misspelt_name_stops_before_any_photograph_is_opened(select, labels, words):
    def opened():
        raise AssertionError

    images = dict.fromkeys(["a.jpg", "b.jpg"], opened)
    with pytest.raises(ParameterError, match=words):
        take_the_capture_in(
            images, {}, {}, {}, None, None, None, Path(), IngestOptions(), SfmOptions(),
            SelectOptions(**select), LabelOptions(**labels),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("select", "labels", "words"),
    [
        (
            {"keep": ["b.jpg"]},
            {},
            r"keep names 'b.jpg', which has no pose: remove",
        ),
        ({"keep": ["c.jpg"]}, {}, r"keep names 'c.jpg', whose photograph cannot"),
        ({}, {"front_frame": "b.jpg"}, r"front_frame names 'b.jpg', which has no pose"),
    ],
)
def test_a_frame_that_cannot_serve_is_refused_before_the_training(select, labels, words):
    with pytest.raises(ParameterError, match=words):
        taken_in(SelectOptions(**select), LabelOptions(**labels))


def test_frames_that_can_serve_and_dropped_ones_that_cannot_are_taken_in():
    taken_in(SelectOptions(keep=["a.jpg"], drop=["b.jpg", "c.jpg"]))
    taken_in(labels=LabelOptions(front_frame="a.jpg"))
