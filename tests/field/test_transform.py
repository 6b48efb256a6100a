"""The field in another world, and as a .ply, looks the same."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from plyfile import PlyData
from scipy.spatial.transform import Rotation

from field_scenes import camera_at, cloud
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.datasets.splats import SplatPlyDataset
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.render import GaussianTensors, render
from mtcm_pipeline.field.transform import transformed
from mtcm_pipeline.formats.splat_ply import splat_ply

WORLD = Similarity(
    0.4, Rotation.from_euler("xyz", [40, -70, 115], degrees=True).as_matrix(), [3, -2, 7]
)
CAMERA = camera_at((1.0, -0.3, 0.4), roll_deg=20)


def picture_of(gaussians: Gaussians, camera):
    return [part.numpy() for part in render(GaussianTensors.of(gaussians), camera)]


def camera_in(world: Similarity):
    pose = world.cam_from_world(CAMERA.cam_from_world)
    return dataclasses.replace(CAMERA, cam_from_world=pose)


def test_a_moved_field_looks_the_same_to_a_camera_moved_along():
    gaussians = cloud(200, 0)
    image, alpha, depth = picture_of(gaussians, CAMERA)
    again = picture_of(transformed(gaussians, WORLD), camera_in(WORLD))
    assert image.max() > 0.5
    assert again[0] == pytest.approx(image, abs=1e-6)
    assert again[1] == pytest.approx(alpha, abs=1e-6)
    assert again[2] == pytest.approx(depth * WORLD.scale, abs=1e-6)


def test_there_and_back_changes_nothing():
    gaussians = cloud(20, 0)
    back = transformed(transformed(gaussians, WORLD), WORLD.inverse())
    for field in dataclasses.fields(gaussians):
        expected = getattr(gaussians, field.name)
        found = getattr(back, field.name)
        if field.name == "quats_wxyz":
            found, expected = (
                Rotation.from_quat(q, scalar_first=True).as_matrix()
                for q in (found, expected)
            )
        assert found == pytest.approx(expected, abs=1e-9), field.name


def gaussians_by_plyfile(content: bytes) -> Gaussians:
    """Read as Kerbl et al.'s own loader reads it."""
    vertex = PlyData.read(io.BytesIO(content))["vertex"]

    def stacked(*names: str):
        return np.stack([np.asarray(vertex[name], np.float64) for name in names], 1)

    rest = stacked(*(f"f_rest_{i}" for i in range(45))).reshape(-1, 3, 15)
    assert not rest[:, :, 3:].any()
    first = stacked("f_dc_0", "f_dc_1", "f_dc_2")[:, None]
    return Gaussians(
        stacked("x", "y", "z"),
        stacked("rot_0", "rot_1", "rot_2", "rot_3"),
        stacked("scale_0", "scale_1", "scale_2"),
        stacked("opacity")[:, 0],
        np.concatenate([first, rest[:, :, :3].transpose(0, 2, 1)], 1),
    )


def test_the_exported_file_shows_in_the_world_what_the_field_shows_in_the_gauge():
    gaussians = cloud(200, 0)
    content = splat_ply(**dataclasses.asdict(transformed(gaussians, WORLD)))
    ply = PlyData.read(io.BytesIO(content))
    assert (ply.text, ply.byte_order) == (False, "<")
    names = [each.name for each in ply["vertex"].properties]
    assert names[:9] == ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    assert names[-8:] == [
        "opacity",
        "scale_0",
        "scale_1",
        "scale_2",
        "rot_0",
        "rot_1",
        "rot_2",
        "rot_3",
    ]
    image, alpha, _ = picture_of(gaussians, CAMERA)
    again = picture_of(gaussians_by_plyfile(content), camera_in(WORLD))
    # float32 in the file: a pixel may cross a splat's cut-off of 1 / 255.
    assert again[0] == pytest.approx(image, abs=5e-3)
    assert np.abs(again[0] - image).mean() < 1e-5
    assert np.abs(again[1] - alpha).mean() < 1e-5


def test_the_dataset_gives_back_what_was_saved(tmp_path):
    gaussians = cloud(30, 0)
    dataset = SplatPlyDataset(filepath=str(tmp_path / "splats.ply"))
    dataset.save(gaussians)
    back = dataset.load()
    for field in dataclasses.fields(gaussians):
        expected = getattr(gaussians, field.name)
        if field.name == "quats_wxyz":
            expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
        assert getattr(back, field.name) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert dataset.preview()
