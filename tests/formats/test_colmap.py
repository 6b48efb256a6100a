import struct

import numpy as np
import pytest
from pose_oracles import (
    LENSES,
    assert_same_cameras,
    lens,
    opencv_project,
    random_cameras,
    random_points,
)

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.formats.colmap import (
    build_reconstruction,
    largest_reconstruction,
    read_reconstruction,
)
from mtcm_pipeline.formats.colmap_files import (
    check_binary_model,
    model_suffix,
    names_in_images_txt,
)


def written(model, folder) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    model.write_binary(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_round_trip_through_files_with_every_camera_model(tmp_path):
    import pycolmap

    posed = random_cameras(20, cameras=tuple(lens(m) for m in LENSES))
    model = build_reconstruction(posed)
    model.write_binary(tmp_path)
    reading = read_reconstruction(pycolmap.Reconstruction(tmp_path), source="sparse")
    assert not reading.problems and reading.points is None
    assert_same_cameras(reading.cameras, posed)


def test_points_keep_position_colour_error_and_tracks(tmp_path):
    import pycolmap

    posed = random_cameras(6)
    points = random_points(posed.names)
    build_reconstruction(posed, points).write_binary(tmp_path)
    model = pycolmap.Reconstruction(tmp_path)
    assert model.is_valid()
    found = read_reconstruction(model).points
    views = np.bincount(points.track_point, minlength=len(points))
    kept = np.flatnonzero(views >= 2)
    assert 0 < len(kept) < len(points), "the test needs points seen once and more often"
    order = np.lexsort(found.xyz.T)
    meant = kept[np.lexsort(points.xyz[kept].T)]
    np.testing.assert_array_equal(found.xyz[order], points.xyz[meant])
    np.testing.assert_array_equal(found.rgb[order], points.rgb[meant])
    np.testing.assert_array_equal(found.error_px[order], points.error_px[meant])
    assert _observations(found) == {
        entry for entry in _observations(points) if entry[0] in set(map(tuple, found.xyz))
    }


def _observations(points) -> set:
    rows = zip(points.track_point, points.track_image, points.track_xy, strict=True)
    return {(tuple(points.xyz[p]), str(image), tuple(xy)) for p, image, xy in rows}


def test_points_of_frames_that_were_not_selected_leave_no_trace():
    posed = random_cameras(6)
    points = random_points(posed.names)
    subset = posed.subset(posed.names[3:1:-1])
    model = build_reconstruction(subset, points)
    assert [model.images[i].name for i in (1, 2)] == list(subset.names)
    for point in model.points3D.values():
        assert {e.image_id for e in point.track.elements} == {1, 2}


@pytest.mark.parametrize("model", ["PINHOLE", "OPENCV"])
def test_projection_by_hand_equals_pycolmap_on_our_model(model):
    posed = random_cameras(1, cameras=(lens(model),))
    rng = np.random.default_rng(1)
    in_camera = np.column_stack([rng.uniform(-1, 1, (50, 2)), rng.uniform(2, 4, 50)])
    pose = posed.cam_from_world[0]
    in_world = (in_camera - pose[:3, 3]) @ pose[:3, :3]
    image = build_reconstruction(posed).images[1]
    projected = [image.project_point(point) for point in in_world]
    by_hand = opencv_project(LENSES[model], in_camera)
    np.testing.assert_allclose(projected, by_hand, atol=1e-9)


def test_sub_folders_give_base_names_or_an_error_that_names_both():
    posed = random_cameras(2)
    for paths, unique in (
        (("x/a.jpg", "y/b.jpg"), True),
        (("x/a.jpg", "y/a.jpg"), False),
    ):
        foldered = PosedCameras(
            paths, posed.cam_from_world, posed.camera_ids, posed.cameras
        )
        model = build_reconstruction(foldered)
        if unique:
            assert read_reconstruction(model).cameras.names == ("a.jpg", "b.jpg")
        else:
            with pytest.raises(CaptureError, match=r"x/a\.jpg.*y/a\.jpg"):
                read_reconstruction(model)


def test_pictures_that_were_named_after_their_folders_are_found():
    """Two cameras' pictures, `left/1.jpg` and `right/1.jpg`, as import names them."""
    posed = random_cameras(3)
    paths = ("left/1.jpg", "rig/right/1.png", "right/2.jpg")
    foldered = PosedCameras(paths, posed.cam_from_world, posed.camera_ids, posed.cameras)
    images = ["left_1.jpg", "right_1.jpg", "2.jpg", "1_left.jpg"]
    found = read_reconstruction(build_reconstruction(foldered), images).cameras
    assert found.names == ("left_1.jpg", "right_1.jpg", "2.jpg")
    for path, name in zip(paths, found.names, strict=True):
        np.testing.assert_allclose(
            found.pose_of(name), foldered.pose_of(path), atol=1e-12
        )


def test_names_with_spaces_survive_the_text_format(tmp_path):
    import pycolmap

    posed = random_cameras(3)
    points = random_points(posed.names)
    build_reconstruction(posed, points).write_text(tmp_path)
    text = (tmp_path / "images.txt").read_text()
    names = names_in_images_txt(text)
    assert names == dict(enumerate(posed.names, start=1))
    with pytest.raises(CaptureError, match="3 images have only 1 different names"):
        read_reconstruction(pycolmap.Reconstruction(tmp_path))


def test_unregistered_images_are_left_out():
    model = build_reconstruction(random_cameras(3))
    model.deregister_frame(2)
    assert len(read_reconstruction(model).cameras) == 2


def test_largest_sub_model_wins_and_the_others_are_noted():
    models = {
        f"sparse/{i}": build_reconstruction(random_cameras(n))
        for i, n in enumerate((2, 5))
    }
    best, notes = largest_reconstruction(models)
    assert best == "sparse/1"
    assert "sparse/0 (2 images)" in notes[0]


def test_every_truncation_of_every_file_is_noticed(tmp_path):
    posed = random_cameras(3, cameras=(lens("OPENCV"), lens("SIMPLE_RADIAL")))
    files = written(build_reconstruction(posed, random_points(posed.names)), tmp_path)
    assert set(files) == {
        f"{s}.bin" for s in ["cameras", "images", "points3D", "rigs", "frames"]
    }
    check_binary_model(files, "sparse/0")
    for name, data in files.items():
        for length in range(len(data)):
            with pytest.raises(FileContentError, match=f"sparse/0/{name}.*copy it"):
                check_binary_model({**files, name: data[:length]}, "sparse/0")
        with pytest.raises(FileContentError):
            check_binary_model({name: data + b"\0"}, "sparse/0")


def test_rig_of_two_sensors_is_walked_with_its_pose():
    # rig 1 of 2 sensors: the reference, and one with a pose (quaternion, translation).
    rig = struct.pack("<QIIiI", 1, 1, 2, 0, 1) + struct.pack(
        "<iIB7d", 0, 2, 1, *[1.0] * 7
    )
    check_binary_model({"rigs.bin": rig}, "sparse/0")
    with pytest.raises(FileContentError):
        check_binary_model({"rigs.bin": rig[:-8]}, "sparse/0")


def test_part_of_a_model_is_an_error_and_other_files_are_none():
    assert model_suffix({"cameras.txt", "images.txt", "points3D.txt"}, "sparse") == ".txt"
    assert model_suffix({"notes.md"}, "sparse") is None
    with pytest.raises(FileContentError, match=r"only part.*cameras\.bin"):
        model_suffix({"cameras.bin"}, "sparse")
