import json
from pathlib import Path

import numpy as np
import pytest
from export_captures import (
    OPENCV,
    capture,
    export_to,
    image_loaders,
    mask_png,
    picture,
    points_on_axes,
)
from PIL import ExifTags, Image

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.errors import ExportError
from mtcm_pipeline.export.bundle import build_export
from mtcm_pipeline.export.readback import check_export
from synthetic import CAMERA, look_at

CAPTURES = Path(__file__).parents[2].parent / "shared" / "captures"


def test_export_reads_back_within_the_bound(tmp_path):
    cameras = capture(OPENCV)
    ranking = [cameras.names[i] for i in (5, 0, 7, 2)]
    files = build_export(
        ranking,
        cameras=cameras,
        images=image_loaders(cameras),
        points=points_on_axes(cameras),
        masks={f"{Path(name).stem}.png": mask_png for name in ranking},
        pose_embeddings=np.ones((4, 256)),
        view_weights=np.ones(4),
    )
    folder = export_to(tmp_path, files)
    table = check_export(folder, cameras, ranking)
    assert table["ok"].all() and len(table) >= 14
    assert (folder / "filtered_images.txt").read_text().split() == ranking
    assert np.load(folder / "pose_embeddings.npy").dtype == np.float32
    assert np.load(folder / "view_weights.npy").shape == (4,)
    content = json.loads((folder / "transforms.json").read_text())
    assert [f["mask_path"] for f in content["frames"]] == [
        f"masks/{Path(name).stem}.png" for name in ranking
    ]
    assert content["k1"] == 0.08 and content["p2"] == -0.001


def test_sparse_model_keeps_points_of_two_selected_views(tmp_path):
    import pycolmap

    cameras = capture()
    files = build_export(
        cameras.names[:3],
        cameras=cameras,
        images=image_loaders(cameras),
        points=points_on_axes(cameras),
    )
    model = pycolmap.Reconstruction(export_to(tmp_path, files) / "sparse" / "0")
    assert model.is_valid() and model.num_points3D() == 2
    assert all(point.track.length() == 3 for point in model.points3D.values())


def test_every_file_agrees_with_a_camera_worked_out_by_hand(tmp_path):
    # Three units before the origin on the world's x axis, z up, looking at the origin.
    pose = look_at(np.array([3.0, 0, 0]), np.zeros(3), np.array([0, 0, 1.0]))
    cameras = PosedCameras(("a.jpg",), invert_rigid(pose[None]), (1,), {1: CAMERA})
    files = build_export(["a.jpg"], cameras=cameras, images={"a.jpg": picture})
    folder = export_to(tmp_path, files)
    check_export(folder, cameras, ["a.jpg"])
    # Right is +y, down is -z, forward is -x.
    opencv = [[0, 0, -1, 3], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]
    opengl = [[0, 0, 1, 3], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(np.load(folder / "poses.npy"), [opencv], atol=1e-15)
    content = json.loads((folder / "transforms.json").read_text())
    np.testing.assert_allclose(
        content["frames"][0]["transform_matrix"], opengl, atol=1e-15
    )


def test_private_data_does_not_reach_the_export(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Ada Lovelace"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    cameras = capture(n=3)
    images = {
        name: lambda: picture(exif=exif.tobytes(), comment=b"Ada Lovelace")
        for name in cameras.names
    }
    files = build_export(cameras.names, cameras=cameras, images=images)
    folder = export_to(tmp_path, files)
    check_export(folder, cameras, cameras.names)
    written = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert b"Ada" not in written and b"Exif" not in written


def test_heic_becomes_jpeg_under_a_new_name_in_every_file(tmp_path):
    orbit = capture(n=3)
    names = ("a.HEIC", "b.jpg", "c.jpg")
    cameras = PosedCameras(names, orbit.cam_from_world, orbit.camera_ids, orbit.cameras)
    images = dict.fromkeys(names, picture)
    images["a.HEIC"] = lambda: picture(form="HEIF")
    points = points_on_axes(cameras)
    files = build_export(names, cameras=cameras, images=images, points=points)
    folder = export_to(tmp_path, files)
    check_export(folder, cameras, names)
    assert (folder / "filtered_images.txt").read_text() == "a.HEIC\nb.jpg\nc.jpg\n"
    assert Image.open(folder / "images" / "a.jpg").format == "JPEG"
    import pycolmap

    model = pycolmap.Reconstruction(folder / "sparse" / "0")
    assert all(p.track.length() == 3 for p in model.points3D.values())


@pytest.mark.parametrize("spelt", ["f000.jpg.png", "F000.PNG", "f000.png"])
def test_masks_that_ingest_ties_to_a_frame_are_exported_with_it(spelt):
    cameras = capture(n=2)
    files = build_export(
        cameras.names,
        cameras=cameras,
        images=image_loaders(cameras),
        masks={spelt: mask_png},
    )
    assert [p for p in files if p.startswith("masks/")] == ["masks/f000.png"]


def test_masks_of_some_frames_are_written_but_not_named(tmp_path):
    cameras = capture(n=3)
    masks = {"f000.png": mask_png, "f001.png": lambda: mask_png((100, 400))}
    files = build_export(
        cameras.names, cameras=cameras, images=image_loaders(cameras), masks=masks
    )
    assert [p for p in files if p.startswith("masks/")] == ["masks/f000.png"]
    assert "mask_path" not in files["transforms.json"]
    assert "Not every frame has a mask" in files["README.txt"]


def test_readme_names_every_file_and_no_other(tmp_path):
    cameras = capture(n=3)
    files = build_export(cameras.names, cameras=cameras, images=image_loaders(cameras))
    tops = {path.split("/")[0] for path in files} - {"README.txt"}
    assert all(top in files["README.txt"] for top in tops)
    for absent in ("masks", "pose_embeddings", "view_weights"):
        assert absent not in files["README.txt"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ranking": ["f000.jpg", "foreign.jpg"]}, "without a pose.*foreign"),
        ({"ranking": []}, "nothing to export"),
        ({"ranking": ["f000.jpg", "f000.jpg"]}, "f000"),
        ({"images": {}}, "no image.*f000"),
        ({"pose_embeddings": np.ones((3, 256))}, r"pose_embeddings\.npy.*\(3, 256\)"),
        ({"pose_embeddings": np.full((2, 256), np.nan)}, "row 0 is not finite"),
        ({"view_weights": np.ones((2, 1))}, r"view_weights\.npy"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(change, why):
    cameras = capture(n=3)
    given = {"ranking": ["f000.jpg", "f001.jpg"], "images": image_loaders(cameras)}
    arguments = given | change
    ranking = arguments.pop("ranking")
    with pytest.raises(ExportError, match=why):
        build_export(ranking, cameras=cameras, **arguments)


def test_camera_that_nerfstudio_cannot_say_is_refused():
    fov = Camera("FOV", 400, 300, (350, 350, 200, 150, 0.4))
    cameras = capture(fov, n=3)
    with pytest.raises(ExportError, match=r"f000\.jpg.*FOV.*undistort"):
        build_export(cameras.names, cameras=cameras, images=image_loaders(cameras))


@pytest.mark.parametrize("name", ["fox", "ethiopian_head", "skull"])
def test_real_captures_export_and_read_back(tmp_path, name):
    from mtcm_pipeline.datasets.pose_sources import PoseSourcesDataset

    folder = CAPTURES / name
    if not folder.is_dir():
        pytest.skip(f"no real captures at {CAPTURES}")
    images = folder / "images"
    reading = PoseSourcesDataset(path=str(folder), images_path=str(images)).load()
    ranking = reading.cameras.names[::7]
    loaders = {path.name: path.read_bytes for path in images.iterdir()}
    masks = {path.name: path.read_bytes for path in (folder / "masks").glob("*.png")}
    files = build_export(
        ranking,
        cameras=reading.cameras,
        images=loaders,
        points=reading.points,
        masks=masks,
    )
    table = check_export(export_to(tmp_path, files), reading.cameras, ranking)
    assert table["ok"].all()
