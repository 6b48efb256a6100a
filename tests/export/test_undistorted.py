"""Undistorted exports, against lens formulas written out by hand."""

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from export_captures import OPENCV, capture, export_to, image_loaders, mask_png, picture
from PIL import ExifTags, Image
from scipy.ndimage import map_coordinates

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import ExportError
from mtcm_pipeline.export.bundle import build_export
from mtcm_pipeline.export.options import ExportOptions
from mtcm_pipeline.export.readback import check_export
from mtcm_pipeline.export.undistorted import pinhole_cameras, undistorted_points
from mtcm_pipeline.formats.undistort import (
    undistort_mask,
    undistort_view,
    undistorted_positions,
)
from synthetic import CAMERA

BARREL = Camera("OPENCV", 400, 300, (300, 310, 203, 148, -0.22, 0.05, 2e-3, -1e-3))
UNKNOWN_TO_NERFSTUDIO = {
    "FOV": (350, 350, 200, 150, 0.4),
    "FULL_OPENCV": (350, 360, 203, 148, 0.06, -0.02, 1e-3, -2e-3, 0.01, 0.02, 0.01, 3e-3),
    "DIVISION": (350, 360, 203, 148, -0.05),
}


def opencv_px(params, in_camera) -> np.ndarray:
    """(M, 2) px by the formula of OpenCV's manual, camera calibration."""
    fx, fy, cx, cy, k1, k2, p1, p2 = params
    x, y = in_camera[:, 0] / in_camera[:, 2], in_camera[:, 1] / in_camera[:, 2]
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2 * r2
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([fx * u + cx, fy * v + cy], axis=1)


def pinhole_px(params, in_camera) -> np.ndarray:
    fx, fy, cx, cy = params
    u = fx * in_camera[:, 0] / in_camera[:, 2] + cx
    return np.stack([u, fy * in_camera[:, 1] / in_camera[:, 2] + cy], axis=1)


def painted(camera: Camera, colour: Callable) -> np.ndarray:
    """The picture of the plane z = 1: `colour` of (x, y), seen through an OPENCV lens."""
    columns, rows = np.meshgrid(
        np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5
    )
    fx, fy, cx, cy = camera.params[:4]
    distorted = np.stack([(columns - cx) / fx, (rows - cy) / fy], -1).reshape(-1, 2)
    xy = distorted.copy()
    for _ in range(60):  # x = distorted - (distort(x) - x), a contraction here
        rays = np.column_stack([xy, np.ones(len(xy))])
        again = (opencv_px(camera.params, rays) - (cx, cy)) / (fx, fy)
        xy = xy - (again - distorted)
    return colour(xy[:, 0], xy[:, 1]).reshape(camera.height, camera.width, 3)


def png(rgb: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", **options)
    return buffer.getvalue()


def one_camera(camera: Camera, name: str = "f000.png") -> PosedCameras:
    return PosedCameras((name,), np.eye(4)[None], (1,), {1: camera})


def exported_pixels(camera: Camera, rgb: np.ndarray) -> tuple[Camera, np.ndarray]:
    """The pinhole camera as transforms.json tells it, and the exported pixels."""
    files = build_export(
        ["f000.png"],
        cameras=one_camera(camera),
        images={"f000.png": lambda: png(rgb)},
        undistort=True,
    )
    keys = json.loads(files["transforms.json"])
    assert keys["camera_model"] == "PINHOLE"
    params = tuple(keys[key] for key in ("fl_x", "fl_y", "cx", "cy"))
    pixels = np.array(Image.open(io.BytesIO(files["images/f000.png"]())))
    assert pixels.shape == (keys["h"], keys["w"], 3)
    return Camera("PINHOLE", keys["w"], keys["h"], params), pixels


def deviation_from_a_line(rgb: np.ndarray, level: float, axis: int) -> float:
    """Worst distance in px of the place where red or green passes `level` from a line.

    The edge x = const (axis 0, in red) or y = const (axis 1, in green) is searched in
    each row or column, between two pixels by linear interpolation.
    """
    channel = rgb[..., axis].astype(float)
    channel = channel if axis == 0 else channel.T
    above = channel >= level
    crossing = np.argmax(above, axis=1)
    found = np.flatnonzero(above.any(axis=1) & (crossing > 0))
    left = channel[found, crossing[found] - 1]
    right = channel[found, crossing[found]]
    place = crossing[found] - (right - level) / (right - left)
    assert len(found) > 0.9 * len(channel)
    line = np.polyval(np.polyfit(found, place, 1), found)
    return float(np.abs(place - line).max())


def test_straight_lines_of_the_world_become_straight():
    def ramps(x, y):
        colours = np.stack([128 + 200 * x, 128 + 200 * y, 0 * x], axis=1)
        return np.clip(np.round(colours), 0, 255).astype(np.uint8)

    rgb = painted(BARREL, ramps)
    _, straight = exported_pixels(BARREL, rgb)
    for axis in (0, 1):
        for level in (68.5, 98.5, 158.5, 188.5):  # x or y = -.3, -.15, .15, .3
            assert deviation_from_a_line(straight, level, axis) < 1.0
        # The same measure finds the bend in the picture as taken.
        assert deviation_from_a_line(rgb, 68.5, axis) > 2.0


def test_a_point_keeps_its_colour_where_the_pinhole_formula_puts_it():
    def waves(x, y):
        parts = [np.sin(9 * x), np.cos(7 * y), np.sin(5 * (x + y))]
        return np.round(128 + 100 * np.stack(parts, axis=1)).astype(np.uint8)

    rgb = painted(BARREL, waves)
    pinhole, remapped = exported_pixels(BARREL, rgb)
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 4.0, (200, 1))
    points = np.hstack([rng.uniform(-0.35, 0.35, (200, 2)), np.ones((200, 1))]) * depth
    before, after = opencv_px(BARREL.params, points), pinhole_px(pinhole.params, points)

    def colours(image, at):
        places = [at[:, 1] - 0.5, at[:, 0] - 0.5]
        return [map_coordinates(image[..., c] * 1.0, places, order=1) for c in range(3)]

    difference = np.abs(np.array(colours(rgb, before)) - colours(remapped, after))
    assert np.abs(before - after).max() > 3  # the lens moves points at all
    assert difference.max() < 2.0  # two roundings to whole levels


def seen_points(camera: Camera, noise_px: np.ndarray, count: int) -> SparsePoints:
    """Points before one camera at the origin, observed through its lens with noise."""
    rng = np.random.default_rng(1)
    xyz = np.column_stack([rng.uniform(-0.3, 0.3, (count, 2)), np.ones(count)])
    return SparsePoints(
        xyz=xyz,
        rgb=np.zeros((count, 3), dtype=np.uint8),
        error_px=np.full(count, 0.5),
        track_point=np.arange(count),
        track_image=np.full(count, "f000.png"),
        track_xy=opencv_px(camera.params, xyz) + noise_px,
    )


def test_observations_move_with_the_pixels():
    cameras = one_camera(BARREL)
    pinhole = pinhole_cameras(cameras).cameras[1]
    exact = undistorted_points(seen_points(BARREL, np.zeros((50, 2)), 50), cameras)
    expected = pinhole_px(pinhole.params, exact.xyz)
    np.testing.assert_allclose(exact.track_xy, expected, atol=1e-6)
    noise = np.random.default_rng(2).normal(scale=0.5, size=(50, 2))
    noisy = undistorted_points(seen_points(BARREL, noise, 50), cameras)
    errors = np.linalg.norm(
        noisy.track_xy - pinhole_px(pinhole.params, noisy.xyz), axis=1
    )
    # One px of the old image is 1 to 1.4 px of the new, from the middle outwards.
    np.testing.assert_allclose(errors, np.linalg.norm(noise, axis=1), rtol=0.4)


def test_observations_outside_of_the_new_image_or_of_the_selection_are_dropped():
    # Focal lengths stay and no pixel is blank: corners of the barrel picture are lost.
    points = seen_points(BARREL, np.zeros((3, 2)), 3)
    xy = points.track_xy.copy()
    xy[0] = (1.0, 1.0)
    images = np.array(["f000.png", "f000.png", "other.png"])
    changed = SparsePoints(
        points.xyz, points.rgb, points.error_px, points.track_point, images, xy
    )
    kept = undistorted_points(changed, one_camera(BARREL))
    assert kept.track_point.tolist() == [1] and len(kept) == 3
    assert np.array_equal(changed.track_xy, xy)


@pytest.mark.parametrize("model", UNKNOWN_TO_NERFSTUDIO)
def test_positions_are_the_inverse_of_the_remapping(model):
    camera = Camera(model, 400, 300, UNKNOWN_TO_NERFSTUDIO[model])
    x, y = np.meshgrid(np.arange(400) + 0.5, np.arange(300) + 0.5)
    where = np.stack([x / 2, y / 2, 0 * x], axis=-1).astype(np.uint8)
    old_xy = np.random.default_rng(0).uniform((60, 60), (340, 240), (100, 2))
    new_xy = undistorted_positions(camera, old_xy)
    files = build_export(
        ["f000.png"],
        cameras=one_camera(camera),
        images={"f000.png": lambda: png(where)},
        undistort=True,
    )
    pixels = np.array(Image.open(io.BytesIO(files["images/f000.png"]())))
    row, column = np.floor(new_xy[:, 1]).astype(int), np.floor(new_xy[:, 0]).astype(int)
    shown = pixels[row, column, :2] * 2.0
    assert np.abs(shown - old_xy).max() < 4.0  # levels are two px wide


@pytest.mark.parametrize("undistort", [False, True])
def test_both_kinds_of_export_read_back_right(tmp_path, undistort):
    cameras = capture(BARREL, n=5)
    names = cameras.names
    folder = export_to(tmp_path, written_files(cameras, undistort=undistort))
    table = check_export(folder, cameras, names, undistort=undistort)
    assert table["ok"].all()
    with pytest.raises(ExportError, match="projections in px"):
        check_export(folder, cameras, names, undistort=not undistort)
    text = (folder / "README.txt").read_text()
    assert ("The views are undistorted" in text) is undistort
    assert ("with the lens distortion" in text) is not undistort


def written_files(cameras: PosedCameras, *, undistort: bool) -> dict:
    xyz = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 3))
    tracks = [
        opencv_px(BARREL.params, xyz @ p[:3, :3].T + p[:3, 3])
        for p in cameras.cam_from_world
    ]
    points = SparsePoints(
        xyz=xyz,
        rgb=np.zeros((20, 3), dtype=np.uint8),
        error_px=np.zeros(20),
        track_point=np.tile(np.arange(20), len(cameras)),
        track_image=np.repeat(cameras.names, 20),
        track_xy=np.concatenate(tracks),
    )
    return build_export(
        cameras.names,
        cameras=cameras,
        images=image_loaders(cameras),
        points=points,
        masks={f"f{i:03d}.png": mask_png for i in range(5)},
        undistort=undistort,
    )


def test_the_written_model_reprojects_without_error(tmp_path):
    import pycolmap

    cameras = capture(BARREL, n=5)
    folder = export_to(tmp_path, written_files(cameras, undistort=True))
    model = pycolmap.Reconstruction(folder / "sparse" / "0")
    assert model.num_points3D() == 20
    assert {c.model_name for c in model.cameras.values()} == {"PINHOLE"}
    model.update_point_3d_errors()
    assert max(point.error for point in model.points3D.values()) < 1e-5


def test_masks_have_the_size_of_the_new_images(tmp_path):
    cameras = capture(BARREL, n=5)
    folder = export_to(tmp_path, written_files(cameras, undistort=True))
    pinhole = pinhole_cameras(cameras).cameras[1]
    assert (pinhole.width, pinhole.height) != (BARREL.width, BARREL.height)
    masks = sorted((folder / "masks").iterdir())
    sizes = {Image.open(path).size for path in masks}
    assert len(masks) == 5 and sizes == {(pinhole.width, pinhole.height)}


def test_what_is_encoded_anew_keeps_its_kind_and_profile_but_no_private_data():
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Ada Lovelace"
    kinds = {"a.jpg": "JPEG", "b.png": "PNG", "c.webp": "WEBP", "d.heic": "HEIF"}
    data = {
        name: picture(form=form, exif=exif.tobytes(), icc_profile=b"profile of colours")
        for name, form in kinds.items()
    }
    files = build_export(
        list(data),
        cameras=PosedCameras(
            tuple(data), np.tile(np.eye(4), (4, 1, 1)), (1,) * 4, {1: BARREL}
        ),
        images={name: lambda name=name: data[name] for name in data},
        undistort=True,
    )
    for name, form in kinds.items():
        content = files[f"images/{name.replace('heic', 'jpg')}"]()
        image = Image.open(io.BytesIO(content))
        assert image.format == form.replace("HEIF", "JPEG")
        assert image.info["icc_profile"] == b"profile of colours"
        assert not image.getexif() and b"Ada" not in content
        middle = np.array(image.convert("RGB"))[100, 100].astype(int)
        assert np.abs(middle - (0, 128, 128)).max() <= 4  # teal


@pytest.mark.parametrize(
    "camera",
    [
        CAMERA,
        Camera("SIMPLE_PINHOLE", 400, 300, (350, 200, 150)),
        Camera("OPENCV", 400, 300, (350, 360, 200, 150, 0, 0, 0, 0)),
    ],
)
def test_nothing_to_undistort_leaves_every_byte(camera):
    cameras = capture(camera, n=3)
    photo = picture(quality=61)
    images = dict.fromkeys(cameras.names, lambda: photo)
    masks = {"f000.png": mask_png}
    both = [
        build_export(
            cameras.names,
            cameras=cameras,
            images=images,
            masks=masks,
            undistort=undistort,
        )
        for undistort in (False, True)
    ]
    for path in ("images/f000.jpg", "masks/f000.png"):
        plain, undistorted = (files[path]() for files in both)
        assert plain == undistorted
    assert pinhole_cameras(cameras).cameras[1].model == "PINHOLE"


@pytest.mark.parametrize("model", UNKNOWN_TO_NERFSTUDIO)
def test_lenses_unknown_to_nerfstudio_export_undistorted(tmp_path, model):
    camera = Camera(model, 400, 300, UNKNOWN_TO_NERFSTUDIO[model])
    cameras = capture(camera, n=3)
    with pytest.raises(ExportError, match=r"export\.undistort"):
        build_export(cameras.names, cameras=cameras, images=image_loaders(cameras))
    files = build_export(
        cameras.names, cameras=cameras, images=image_loaders(cameras), undistort=True
    )
    check_export(export_to(tmp_path, files), cameras, cameras.names, undistort=True)


def test_fisheye_and_perspective_lenses_export_together(tmp_path):
    orbit = capture(n=2)
    fisheye = Camera("OPENCV_FISHEYE", 400, 300, (350, 350, 200, 150, 0.0, 0, 0, 0))
    cameras = PosedCameras(
        orbit.names, orbit.cam_from_world, (1, 2), {1: OPENCV, 2: fisheye}
    )
    files = build_export(
        cameras.names, cameras=cameras, images=image_loaders(cameras), undistort=True
    )
    check_export(export_to(tmp_path, files), cameras, cameras.names, undistort=True)
    # Without coefficients a fisheye still bends lines.
    assert files["images/f001.jpg"]() != picture()


def test_a_panorama_and_a_picture_of_another_size_are_named():
    panorama = one_camera(Camera("EQUIRECTANGULAR", 400, 200, (400, 200)), "f000.jpg")
    with pytest.raises(ExportError, match=r"f000\.jpg.*EQUIRECTANGULAR"):
        pinhole_cameras(panorama)
    images = {"f000.jpg": lambda: picture((200, 150))}
    cameras = one_camera(BARREL, "f000.jpg")
    files = build_export(["f000.jpg"], cameras=cameras, images=images, undistort=True)
    with pytest.raises(ExportError, match=r"f000\.jpg.*200x150"):
        files["images/f000.jpg"]()


def test_pixels_are_untouched_unless_asked_for():
    assert ExportOptions().undistort is False


def test_a_mask_alone_moves_as_with_its_image():
    mask = np.zeros((300, 400), dtype=bool)
    mask[40:200, 30:350] = True
    rgb = np.zeros((300, 400, 3), dtype=np.uint8)
    _, _, together = undistort_view(BARREL, rgb, mask)
    assert np.array_equal(undistort_mask(BARREL, mask), together)
