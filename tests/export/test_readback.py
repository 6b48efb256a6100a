"""Every kind of damage to a written export must be found and named."""

import json
from pathlib import Path

import numpy as np
import pytest
from export_captures import OPENCV, capture, export_to, image_loaders
from PIL import ExifTags, Image

from mtcm_pipeline.errors import ExportError
from mtcm_pipeline.export.bundle import build_export
from mtcm_pipeline.export.readback import check_export
from mtcm_pipeline.formats.colmap import build_reconstruction

CAMERAS = capture(OPENCV, n=5)
RANKING = CAMERAS.names[::-1]


@pytest.fixture
def folder(tmp_path) -> Path:
    images = image_loaders(CAMERAS)
    files = build_export(
        RANKING, cameras=CAMERAS, images=images, view_weights=np.ones(len(RANKING))
    )
    return export_to(tmp_path, files)


def refused(folder: Path, why: str) -> None:
    with pytest.raises(ExportError, match=why):
        check_export(folder, CAMERAS, RANKING)


def edit_transforms(folder: Path, edit) -> None:
    path = folder / "transforms.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_whole_export_passes_far_below_the_bound(folder):
    table = check_export(folder, CAMERAS, RANKING)
    measured = table[table["bound"] > 0]
    assert len(measured) == 6 and measured["worst"].max() < 1e-8


def test_shifted_centre_in_transforms(folder):
    def shift(content):
        content["frames"][2]["transform_matrix"][0][3] += 1e-3

    edit_transforms(folder, shift)
    refused(folder, "camera centres, OpenGL axes")


def test_axes_that_were_not_turned(folder):
    def leave(content):
        for frame in content["frames"]:
            matrix = np.array(frame["transform_matrix"]) @ np.diag([1, -1, -1, 1])
            frame["transform_matrix"] = matrix.tolist()

    edit_transforms(folder, leave)
    refused(folder, "projections in px, OpenGL axes")


def test_lost_distortion_in_transforms(folder):
    edit_transforms(folder, lambda content: content.update(k1=0.0))
    refused(folder, "projections in px, OpenGL axes")


def test_changed_order_in_transforms(folder):
    edit_transforms(folder, lambda content: content["frames"].reverse())
    refused(folder, r"names in transforms\.json: 4")


def test_colmap_model_with_a_changed_focal_length_and_too_few_images(folder):
    model = build_reconstruction(CAMERAS.subset(RANKING))
    model.cameras[1].params = [351.0, *OPENCV.params[1:]]
    model.write_binary(folder / "sparse" / "0")
    refused(folder, "projections in px, COLMAP axes")
    build_reconstruction(CAMERAS.subset(RANKING[:-1])).write_binary(
        folder / "sparse" / "0"
    )
    refused(folder, r"names in sparse/0: 1 .*COLMAP axes: inf")


def test_inverted_or_reordered_poses(folder):
    poses = np.load(folder / "poses.npy")
    np.save(folder / "poses.npy", np.linalg.inv(poses))
    refused(folder, "internal axes")
    np.save(folder / "poses.npy", poses[::-1])
    refused(folder, "internal axes")
    poses[0, 0, 0] = np.nan
    np.save(folder / "poses.npy", poses)
    refused(folder, "internal axes: nan")


def test_names_out_of_order_in_the_list(folder):
    (folder / "filtered_images.txt").write_text("".join(f"{n}\n" for n in CAMERAS.names))
    refused(folder, r"names in filtered_images\.txt: 4")


def test_image_of_another_size_absent_image_and_extra_image(folder):
    path = folder / "images" / RANKING[0]
    Image.new("RGB", (200, 150)).save(path)
    refused(folder, "images of another size than their camera: 1")
    path.rename(folder / "images" / "other.jpg")
    refused(folder, RANKING[0])


def test_image_with_a_photographers_name_and_mask_of_another_size(folder):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Ada Lovelace"
    Image.new("RGB", (400, 300)).save(folder / "images" / RANKING[1], exif=exif)
    refused(folder, "images with EXIF: 1")
    (folder / "masks").mkdir()
    mask = folder / "masks" / f"{Path(RANKING[2]).stem}.png"
    Image.new("L", (300, 400)).save(mask)
    refused(folder, "images with EXIF: 1.*masks of another size than their camera: 1")


@pytest.mark.parametrize("name", ["poses.npy", "transforms.json", "sparse/0/images.bin"])
def test_missing_and_damaged_files(folder, name):
    (folder / name).write_bytes(b"{")
    refused(folder, "cannot be read back")
    (folder / name).unlink()
    refused(folder, "cannot be read back")


def test_rows_of_view_weights(folder):
    np.save(folder / "view_weights.npy", np.ones(4, dtype=np.float32))
    refused(folder, r"rows of view_weights\.npy: 1")
