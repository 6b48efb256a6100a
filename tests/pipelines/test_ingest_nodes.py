"""What the ingest nodes say where no frame gets a pose."""

from pathlib import Path

import numpy as np
import pytest

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.options import IngestOptions
from mtcm_pipeline.pipelines.ingest.nodes import take_the_capture_in
from mtcm_pipeline.sfm.options import SfmOptions
from synthetic import orbit_cameras

NOTHING = PosedCameras((), np.empty((0, 4, 4)), (), {}, "transforms.json")


def refusal(poses: PoseReading | None) -> str:
    images = {"a.jpg": lambda: b"", "b.jpg": lambda: b""}
    given = IngestOptions(structure_from_motion=False)
    with pytest.raises(CaptureError, match="no frame has a pose") as caught:
        take_the_capture_in(
            images, {}, {}, {}, poses, None, None, Path(), given, SfmOptions()
        )
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
