"""pycolmap.Reconstruction <-> `PosedCameras` and `SparsePoints`.

COLMAP's axes are ours (OpenCV: right, down, forward), and its poses are cam_from_world.
pycolmap 4 keeps poses in frames of rigs; one image of one camera is the trivial case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.formats.camera_models import pycolmap_camera
from mtcm_pipeline.formats.reading import FrameCollector, PoseReading, resolve_names

if TYPE_CHECKING:
    import pycolmap


def read_reconstruction(
    reconstruction: pycolmap.Reconstruction,
    image_names: Collection[str] | None = None,
    source: str = "sparse",
) -> PoseReading:
    """Registered images, their cameras and the points that they see.

    Args:
        reconstruction: a loaded model; it is not changed.
        image_names: the capture's image files, to resolve folders and extensions.
        source: name for messages and `PosedCameras.source`.

    Raises:
        FileContentError: no image is registered.
        CaptureError: two images have the same name or base name.
    """
    registered = reconstruction.reg_image_ids()
    images = {reconstruction.images[i].name: i for i in registered}
    if len(images) < len(registered):
        raise CaptureError(
            f"{source}: {len(registered)} images have only {len(images)} different "
            f"names: give the images unique file names"
        )
    if not images:
        raise FileContentError(
            f"{source} holds no registered image: delete it to fall back on the next "
            f"source of poses"
        )
    resolved, notes = resolve_names(sorted(images), image_names, source)
    frames = FrameCollector(source, notes=list(notes))
    used: dict[int, str] = {}
    for path, name in resolved.items():
        image = reconstruction.images[images[path]]
        pose = np.eye(4)
        pose[:3] = image.cam_from_world().matrix()
        if not _rigid(pose):
            frames.problems[name] = f"{source}: its pose is not a rigid transform"
            continue
        frames.add(name, pose, image.camera_id)
        used[images[path]] = name
    cameras = {i: _read_camera(c) for i, c in reconstruction.cameras.items()}
    return frames.reading(cameras, _read_points(reconstruction, used))


def largest_reconstruction(
    models: Mapping[str, pycolmap.Reconstruction],
) -> tuple[str, tuple[str, ...]]:
    """The sub-model with the most registered images, and a note about the others.

    Structure from motion writes one model for each connected piece, every one in a world
    of its own, so they cannot be joined. Ties go to more points, then to the first.

    Args:
        models: loaded sub-models by name ("sparse/0"); at least one.
    """
    sizes = {n: (m.num_reg_images(), m.num_points3D()) for n, m in models.items()}
    best = max(models, key=lambda name: sizes[name])
    others = [f"{n} ({sizes[n][0]} images)" for n in models if n != best]
    if not others:
        return best, ()
    note = (
        f"{best} with {sizes[best][0]} images is used; left out, since each sub-model "
        f"has a world of its own: {', '.join(others)}"
    )
    return best, (note,)


def build_reconstruction(
    cameras: PosedCameras, points: SparsePoints | None = None
) -> pycolmap.Reconstruction:
    """A model whose images are numbered 1, 2, ... in the order of `cameras`.

    Args:
        cameras: the frames to write, with trivial rigs (one camera each).
        points: points of the same world; those that fewer than two of the frames see are
            left out, as are observations in other frames. Points without any tracks are
            all written, with empty ones.

    Returns:
        A reconstruction that `write_binary` writes to a folder.
    """
    import pycolmap

    model = pycolmap.Reconstruction()
    for camera_id in sorted(set(cameras.camera_ids)):
        camera = pycolmap_camera(cameras.cameras[camera_id], camera_id)
        model.add_camera_with_trivial_rig(camera)
    kept = points
    if points is not None and points.has_tracks:
        kept = points.seen_by(cameras.names, min_views=2)
    observations = _observations_by_image(cameras, kept)
    for row, name in enumerate(cameras.names):
        image = pycolmap.Image(
            name=name,
            keypoints=kept.track_xy[observations[name]] if kept else np.empty((0, 2)),
            camera_id=cameras.camera_ids[row],
            image_id=row + 1,
        )
        pose = pycolmap.Rigid3d(np.ascontiguousarray(cameras.cam_from_world[row, :3]))
        model.add_image_with_trivial_frame(image, pose)
    if kept is not None:
        _add_points(model, kept, observations)
    return model


def _rigid(pose: np.ndarray) -> bool:
    rotation = pose[:3, :3]
    return bool(
        np.isfinite(pose).all() and np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-6
    )


def _read_camera(camera: pycolmap.Camera) -> Camera:
    return Camera(camera.model_name, camera.width, camera.height, tuple(camera.params))


def _read_points(
    model: pycolmap.Reconstruction, name_of: Mapping[int, str]
) -> SparsePoints | None:
    """Points with the observations in the images `name_of`; None if there are none."""
    point_ids = np.array(sorted(model.points3D), dtype=np.int64)
    if not len(point_ids):
        return None
    rows = [np.empty(0, dtype=np.int64)]
    positions = [np.empty((0, 2))]
    for image_id in name_of:  # image by image: a model has millions of observations
        observed = model.images[image_id].get_observation_points2D()
        rows.append(np.searchsorted(point_ids, [p.point3D_id for p in observed]))
        xy = np.array([p.xy for p in observed], dtype=np.float64)
        positions.append(xy.reshape(-1, 2))
    images = np.array(list(name_of.values()), dtype=np.str_)
    ordered = [model.points3D[i] for i in point_ids.tolist()]
    points = SparsePoints(
        xyz=np.array([p.xyz for p in ordered], dtype=np.float64),
        rgb=np.array([p.color for p in ordered], dtype=np.uint8),
        error_px=np.array([p.error for p in ordered], dtype=np.float64),
        track_point=np.concatenate(rows),
        track_image=np.repeat(images, [len(seen) for seen in rows[1:]]),
        track_xy=np.concatenate(positions),
        model_images=np.array(sorted(name_of.values()), dtype=np.str_),
    )
    return points.seen_by(name_of.values(), min_views=1)


def _observations_by_image(
    cameras: PosedCameras, points: SparsePoints | None
) -> dict[str, NDArray[np.int64]]:
    """Rows of the tracks that belong to each image, in one fixed order."""
    if points is None:
        return {name: np.empty(0, dtype=np.int64) for name in cameras.names}
    order = np.argsort(points.track_image, kind="stable")
    images = points.track_image[order]
    starts = np.searchsorted(images, np.array(cameras.names, dtype=np.str_), "left")
    ends = np.searchsorted(images, np.array(cameras.names, dtype=np.str_), "right")
    spans = zip(cameras.names, starts, ends, strict=True)
    return {name: order[start:end] for name, start, end in spans}


def _add_points(
    model: pycolmap.Reconstruction,
    points: SparsePoints,
    observations: Mapping[str, NDArray[np.int64]],
) -> None:
    """Add every point with its track; images are numbered as in `observations`."""
    import pycolmap

    tracks = [pycolmap.Track() for _ in range(len(points))]
    for image_id, rows in enumerate(observations.values(), start=1):
        for position, point in enumerate(points.track_point[rows].tolist()):
            tracks[point].add_element(image_id, position)
    for xyz, rgb, error, track in zip(
        points.xyz, points.rgb, points.error_px, tracks, strict=True
    ):
        point_id = model.add_point3D(xyz, track, rgb)
        model.points3D[point_id].error = float(error)
