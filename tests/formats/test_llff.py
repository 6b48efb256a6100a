import json
from pathlib import Path

import numpy as np
import pytest

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.llff import read_poses_bounds
from mtcm_pipeline.formats.nerfstudio import read_transforms
from synthetic import orbit_cameras

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"
ORBIT = orbit_cameras(5)


def rows_of(cameras, *, width=400.0, height=300.0, focal=350.0) -> np.ndarray:
    """LLFF's rows written out from its definition."""
    rows = []
    for matrix in cameras.world_from_cam:
        right, down, forward, centre = matrix[:3].T
        columns = [down, right, -forward, centre, [height, width, focal]]
        rows.append([*np.stack(columns, axis=1).ravel(), 1.5, 6.0])
    return np.array(rows)


def test_poses_come_back_and_go_with_the_sorted_names():
    reading = read_poses_bounds(rows_of(ORBIT), set(ORBIT.names))
    assert reading.cameras.names == tuple(sorted(ORBIT.names)) and not reading.problems
    np.testing.assert_allclose(
        reading.cameras.cam_from_world, ORBIT.cam_from_world, atol=1e-9
    )
    camera = reading.cameras.camera_of(ORBIT.names[0])
    assert (camera.model, camera.width, camera.height) == ("SIMPLE_PINHOLE", 400, 300)
    assert camera.params == (350.0, 200.0, 150.0)
    assert reading.points is None and "1.5 to 6" in reading.notes[0]


def test_intrinsics_follow_the_real_image_unless_its_shape_is_another():
    sizes = dict.fromkeys(ORBIT.names, (800, 600)) | {ORBIT.names[1]: (600, 800)}
    reading = read_poses_bounds(rows_of(ORBIT), ORBIT.names, sizes.get)
    scaled = reading.cameras.camera_of(ORBIT.names[0])
    assert (scaled.width, scaled.height, scaled.params) == (
        800,
        600,
        (700.0, 400.0, 300.0),
    )
    turned = reading.cameras.camera_of(ORBIT.names[1])
    assert (turned.width, turned.height, turned.params[0]) == (400, 300, 350.0)


def test_another_number_of_images_is_an_error_with_a_remedy():
    with pytest.raises(FileContentError, match=r"5 rows for 4 images.*put back"):
        read_poses_bounds(rows_of(ORBIT), ORBIT.names[:4])


@pytest.mark.parametrize("array", [np.zeros((5, 16)), np.zeros(17), "text", [[None]]])
def test_other_arrays_are_refused(array):
    with pytest.raises(FileContentError):
        read_poses_bounds(array, ORBIT.names)


def test_a_bad_row_is_left_out_and_named():
    rows = rows_of(ORBIT)
    rows[0, 3] = np.nan
    rows[1, 14] = 0.0
    rows[2, [2, 7, 12]] *= -1  # the third column mirrored
    rows[3, :3] *= 2.0
    reading = read_poses_bounds(rows, ORBIT.names)
    assert reading.cameras.names == ORBIT.names[4:]
    assert set(reading.problems) == set(ORBIT.names[:4])
    assert "finite" in reading.problems[ORBIT.names[0]]
    assert "focal length 0.0" in reading.problems[ORBIT.names[1]]
    assert "not rigid" in reading.problems[ORBIT.names[2]]


@pytest.mark.parametrize("capture", ["ethiopian_head", "maryrose_tankard"])
def test_a_real_file_gives_the_poses_of_the_transforms_beside_it(capture):
    folder = CAPTURES / capture
    if not folder.is_dir():
        pytest.skip("the shared captures are not here")
    names = {file.name for file in (folder / "images").iterdir()}
    given = read_transforms(json.loads((folder / "transforms.json").read_text()), names)
    reading = read_poses_bounds(np.load(folder / "poses_bounds.npy"), names)
    assert set(reading.cameras.names) == set(given.cameras.names) == names
    for name in names:
        np.testing.assert_allclose(
            reading.cameras.pose_of(name), given.cameras.pose_of(name), atol=1e-5
        )
        assert reading.cameras.camera_of(name).params[0] == pytest.approx(
            given.cameras.camera_of(name).params[0]
        )
