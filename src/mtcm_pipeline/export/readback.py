"""Open a written export and compare it with what was meant, file by file.

Lenses are pycolmap's own camera models, and matrices are turned here anew rather than
by the writers' functions, so that an error in a writer cannot hide itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import ExportError, FileContentError
from mtcm_pipeline.export.bundle import (
    FILTERED_IMAGES,
    POSE_EMBEDDINGS,
    POSES,
    SPARSE,
    SPARSE_PLY,
    TRANSFORMS,
    VIEW_WEIGHTS,
    exported_names,
)
from mtcm_pipeline.export.undistorted import pinhole_cameras
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.formats.colmap_files import check_binary_model
from mtcm_pipeline.formats.nerfstudio_cameras import INTRINSIC_KEYS, camera_from_keys

if TYPE_CHECKING:
    import pycolmap

Float = NDArray[np.float64]

BOUND = 1e-4
_GRID = 5  # test points a side of the image
_DEPTHS = (0.5, 1.0, 3.0)  # times the median distance of the cameras


@dataclass(frozen=True)
class _View:
    """A camera as one of the files tells it."""

    world_from_cam: Float  # (4, 4), OpenCV axes
    camera: pycolmap.Camera


def check_export(
    folder: Path,
    cameras: PosedCameras,
    names: Sequence[str],
    *,
    undistort: bool = False,
) -> pd.DataFrame:
    """Read an export folder back and compare it with the cameras that went in.

    Camera centres are compared in units of the cameras' median distance from their
    middle; projections in px, of points inside each camera's frustum, through the lens.

    Args:
        folder: the export folder.
        cameras: the capture's cameras, OpenCV axes.
        names: the selected frames in their order.
        undistort: whether the pinhole versions of the cameras are meant.

    Returns:
        One row a check: `check`, `worst` deviation, `bound`, `ok`.

    Raises:
        ExportError: a file is missing or unreadable, or something deviates; the message
            names every check that failed.
    """
    meant = cameras.subset(list(names))
    if undistort:
        meant = pinhole_cameras(meant)
    new_names = exported_names(names)
    try:
        rows = [
            *_check_names(folder, list(names), new_names),
            *_check_views("COLMAP", _colmap_views(folder), meant, new_names),
            *_check_views("OpenGL", _nerfstudio_views(folder), meant, new_names),
            *_check_views("internal", _array_views(folder, meant), meant, new_names),
            *_check_points(folder, _median_distance(meant)),
            *_check_images(folder, meant, new_names),
            *_check_rows(folder, len(names)),
        ]
    except (OSError, ValueError, TypeError, LookupError, FileContentError) as error:
        raise ExportError(f"export {folder} cannot be read back: {error}") from error
    table = pd.DataFrame(rows, columns=["check", "worst", "bound", "ok"])
    failed = table[~table["ok"]]
    if len(failed):
        lines = [f"{r.check}: {r.worst:.3g} > {r.bound:g}" for r in failed.itertuples()]
        raise ExportError(f"export {folder} does not read back right: {'; '.join(lines)}")
    return table


Row = tuple[str, float, float, bool]


def _row(check: str, worst: float, bound: float = 0.0) -> Row:
    return check, float(worst), bound, bool(worst <= bound)  # NaN is not <=


def _check_names(folder: Path, names: list[str], new_names: dict[str, str]) -> list[Row]:
    listed = (folder / FILTERED_IMAGES).read_text(encoding="utf-8").split("\n")
    frames = _transforms(folder)["frames"]
    written = [frame["file_path"] for frame in frames]
    model = _model(folder)
    in_model = [model.images[i].name for i in sorted(model.reg_image_ids())]
    exported = [new_names[name] for name in names]
    files = {path.name for path in (folder / "images").iterdir()}
    return [
        _row(f"names in {FILTERED_IMAGES}", _differences(listed, [*names, ""])),
        _row(
            f"names in {TRANSFORMS}",
            _differences(written, [f"images/{name}" for name in exported]),
        ),
        _row(f"names in {SPARSE}", _differences(in_model, exported)),
        _row("files in images", len(files ^ set(exported))),
    ]


def _differences(found: list[str], meant: list[str]) -> int:
    """Number of places at which two lists differ."""
    same = sum(a == b for a, b in zip(found, meant, strict=False))
    return max(len(found), len(meant)) - same


def _check_views(
    axes: str, views: dict[str, _View], meant: PosedCameras, new_names: dict[str, str]
) -> list[Row]:
    """Worst deviation of camera centres and of projections."""
    distance = _median_distance(meant)
    worst_centre = worst_px = 0.0
    for name, pose in zip(meant.names, meant.world_from_cam, strict=True):
        view = views.get(new_names[name])
        if view is None:
            worst_centre = worst_px = np.inf
            continue
        offset = np.linalg.norm(view.world_from_cam[:3, 3] - pose[:3, 3]) / distance
        camera = pycolmap_camera(meant.camera_of(name))
        points = _points_in_frustum(camera, pose, distance)
        difference = _project(_View(pose, camera), points) - _project(view, points)
        # np.maximum keeps NaN, which then fails the check; max() would lose it.
        worst_centre = np.maximum(worst_centre, offset)
        worst_px = np.maximum(worst_px, np.abs(difference).max(initial=0.0))
    return [
        _row(f"camera centres, {axes} axes", worst_centre, BOUND),
        _row(f"projections in px, {axes} axes", worst_px, BOUND),
    ]


def _median_distance(cameras: PosedCameras) -> float:
    """Median distance of the cameras from their middle; 1 if they are in one place."""
    centres = cameras.centres_xyz
    middle = np.median(centres, axis=0)
    distance = float(np.median(np.linalg.norm(centres - middle, axis=1)))
    return distance if distance > 0 else 1.0


def _points_in_frustum(
    camera: pycolmap.Camera, world_from_cam: Float, distance: float
) -> Float:
    """(M, 3) world points that fall on a grid over the image, at several depths.

    Grid points at which the lens cannot be inverted are left out.
    """
    shares = (np.arange(_GRID) + 0.5) / _GRID
    u, v = np.meshgrid(shares * camera.width, shares * camera.height)
    pixels = np.stack([u.ravel(), v.ravel()], axis=1)
    rays = np.asarray(camera.cam_ray_from_img(pixels))
    rays = rays[np.isfinite(rays).all(axis=1)]
    in_camera = np.concatenate([depth * distance * rays for depth in _DEPTHS])
    in_world = in_camera @ world_from_cam[:3, :3].T + world_from_cam[:3, 3]
    projected = _project(_View(world_from_cam, camera), in_world)
    visible = np.isfinite(projected).all(axis=1)
    if not visible.any():
        raise ExportError(
            f"no point projects into a camera {camera.model_name} {camera.params}: its "
            f"parameters are not those of a lens"
        )
    return in_world[visible]


def _project(view: _View, points_xyz: Float) -> Float:
    """(M, 2) px of (M, 3) world points."""
    rotation, centre = view.world_from_cam[:3, :3], view.world_from_cam[:3, 3]
    in_camera = (points_xyz - centre) @ rotation  # rows: R^T (x - c)
    return np.asarray(view.camera.img_from_cam(np.ascontiguousarray(in_camera)))


def _model(folder: Path) -> pycolmap.Reconstruction:
    import pycolmap

    files = {path.name: path.read_bytes() for path in (folder / SPARSE).glob("*.bin")}
    check_binary_model(files, SPARSE)
    return pycolmap.Reconstruction(folder / SPARSE)


def _transforms(folder: Path) -> dict[str, Any]:
    return json.loads((folder / TRANSFORMS).read_text(encoding="utf-8"))


def _colmap_views(folder: Path) -> dict[str, _View]:
    model = _model(folder)
    views = {}
    for image in model.images.values():
        world_from_cam = np.eye(4)
        world_from_cam[:3] = image.cam_from_world().inverse().matrix()
        views[image.name] = _View(world_from_cam, model.cameras[image.camera_id])
    return views


def _nerfstudio_views(folder: Path) -> dict[str, _View]:
    """Views of transforms.json: right, up, backward columns are turned by hand."""
    content = _transforms(folder)
    views = {}
    for frame in content["frames"]:
        right, up, backward, centre = np.array(frame["transform_matrix"])[:3].T
        world_from_cam = np.eye(4)
        world_from_cam[:3] = np.stack([right, -up, -backward, centre], axis=1)
        keys = content | frame
        intrinsics = {key: keys[key] for key in INTRINSIC_KEYS if key in keys}
        camera = pycolmap_camera(camera_from_keys(intrinsics, None))
        views[frame["file_path"].removeprefix("images/")] = _View(world_from_cam, camera)
    return views


def _array_views(folder: Path, meant: PosedCameras) -> dict[str, _View]:
    """Views of poses.npy, whose rows are named by filtered_images.txt."""
    listed = (folder / FILTERED_IMAGES).read_text(encoding="utf-8").split("\n")[:-1]
    poses = np.load(folder / POSES, allow_pickle=False)
    new_names = exported_names(listed)
    return {
        new_names[name]: _View(pose, pycolmap_camera(meant.camera_of(name)))
        for name, pose in zip(listed, poses, strict=True)
        if name in meant
    }


def _check_points(folder: Path, distance: float) -> list[Row]:
    """nerfstudio's points are those of the COLMAP model, in the same world."""
    model = _model(folder)
    meant = np.array([model.points3D[i].xyz for i in sorted(model.points3D)])
    named = _transforms(folder).get("ply_file_path")
    if named is None and not len(meant):
        return []
    found = np.zeros((0, 3))
    if named is not None:
        header, _, rows = (folder / named).read_text("ascii").partition("end_header\n")
        width = header.count("\nproperty ")
        found = np.array(rows.split(), dtype=np.float64).reshape(-1, width)[:, :3]
    same = found.shape == meant.shape
    offset = np.abs(found - meant).max(initial=0.0) / distance if same else np.inf
    return [_row(f"points in {SPARSE_PLY}", offset, BOUND)]


def _check_images(
    folder: Path, meant: PosedCameras, new_names: dict[str, str]
) -> list[Row]:
    """Images and masks open, have the size of their camera and carry no EXIF."""
    wrong_size = with_exif = wrong_mask = 0
    for name in meant.names:
        camera = meant.camera_of(name)
        size = camera.size
        with Image.open(folder / "images" / new_names[name]) as image:
            image.load()
            wrong_size += image.size != size
            with_exif += bool(image.getexif())
        mask_path = folder / "masks" / f"{Path(name).stem}.png"
        if mask_path.is_file():
            with Image.open(mask_path) as mask:
                wrong_mask += mask.size != size
    return [
        _row("images of another size than their camera", wrong_size),
        _row("images with EXIF", with_exif),
        _row("masks of another size than their camera", wrong_mask),
    ]


def _check_rows(folder: Path, count: int) -> list[Row]:
    rows = []
    for file in (POSE_EMBEDDINGS, VIEW_WEIGHTS):
        if (folder / file).is_file():
            array = np.load(folder / file, allow_pickle=False)
            rows.append(_row(f"rows of {file}", abs(len(array) - count)))
    return rows
