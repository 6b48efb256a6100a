"""The content of an export folder, ready for nerfstudio and COLMAP-based trainers.

Dimension letters: K selected frames.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.files import FileLoaders, stem_of
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.errors import ExportError, FileContentError
from mtcm_pipeline.export.readme import readme_text
from mtcm_pipeline.export.undistorted import (
    pinhole_cameras,
    undistorted_image,
    undistorted_points,
)
from mtcm_pipeline.formats.colmap import build_reconstruction
from mtcm_pipeline.formats.images import exported_name, strip_private_metadata
from mtcm_pipeline.formats.masks import decode_mask, encode_mask
from mtcm_pipeline.formats.nerfstudio import transforms_from_cameras
from mtcm_pipeline.formats.npy import npy_bytes
from mtcm_pipeline.formats.point_ply import point_ply
from mtcm_pipeline.formats.undistort import undistort_mask

log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
ExportValue = str | bytes | Callable[[], bytes]

FILTERED_IMAGES = "filtered_images.txt"
TRANSFORMS = "transforms.json"
POSES = "poses.npy"
POSE_EMBEDDINGS = "pose_embeddings.npy"
VIEW_WEIGHTS = "view_weights.npy"
POSE_LABELS = "pose_labels.csv"
SPARSE = "sparse/0"
SPARSE_PLY = "sparse_pc.ply"  # nerfstudio's own name for it


def build_export(
    ranking: Sequence[str],
    *,
    cameras: PosedCameras,
    images: FileLoaders,
    points: SparsePoints | None = None,
    masks: FileLoaders | None = None,
    pose_embeddings: Float32 | None = None,
    view_weights: Float32 | None = None,
    pose_labels: str | None = None,
    trainer_keys: Mapping[str, Any] | None = None,
    undistort: bool = False,
) -> dict[str, ExportValue]:
    """Every file of an export folder by its path in it, in the capture's own world.

    Args:
        ranking: the K selected frames, best first.
        cameras: poses of (at least) these frames.
        images: bytes of the capture's images by file name.
        points: sparse points of the same world; where they have tracks, those that two of
            the frames see are written, else all.
        masks: bytes of the capture's masks by file name (the image's stem); frames
            without one, or with one that does not fit, have no mask in the export.
        pose_embeddings: (K, D) rows in the order of `ranking`.
        view_weights: (K,) weight of each view in a training loss.
        pose_labels: words for each view as CSV text, rows in the order of `ranking`.
        trainer_keys: further keys for transforms.json that hold for the world of the
            poses (`formats.nerfstudio_extras.CARRIED_KEYS`).
        undistort: write the views as pinhole cameras would have taken them, with the
            masks and the observations of the points moved alike.

    Returns:
        Text, bytes, or functions without arguments that return the bytes (images and
        masks, so that only one is in memory at a time). `.npy` files come as bytes.

    Raises:
        ExportError: nothing is selected, a frame has no pose or image, names collide,
            arrays do not fit, a camera cannot be said in nerfstudio's terms, or has no
            pinhole version where one is asked for.
    """
    names = _checked_names(ranking, cameras, images)
    arrays = {
        POSE_EMBEDDINGS: _rows(pose_embeddings, POSE_EMBEDDINGS, len(names), 2),
        VIEW_WEIGHTS: _rows(view_weights, VIEW_WEIGHTS, len(names), 1),
    }
    selected = cameras.subset(list(names))
    exported = renamed(pinhole_cameras(selected) if undistort else selected, names)
    image_bytes = undistorted_image if undistort else _stripped_image
    mask_files = _mask_callables(selected, masks or {}, undistort=undistort)
    mask_paths = {names[name]: path for name, (path, _) in mask_files.items()}
    if points is not None and points.has_tracks:
        moved = undistorted_points(points, selected) if undistort else points
        points = _seen_points(moved, names)
    ply = _ply_files(points)
    transforms = transforms_from_cameras(
        exported, mask_paths, ply_path=SPARSE_PLY if ply else None, carried=trainer_keys
    )
    files: dict[str, ExportValue] = {
        FILTERED_IMAGES: "".join(f"{name}\n" for name in names),
        TRANSFORMS: json.dumps(transforms, indent=1, allow_nan=False) + "\n",
        POSES: npy_bytes(selected.world_from_cam),
        **{path: npy_bytes(rows) for path, rows in arrays.items() if rows is not None},
        **({} if pose_labels is None else {POSE_LABELS: pose_labels}),
        **ply,
        **_sparse_files(exported, points),
        **_image_callables(selected, images, names, image_bytes),
        **dict(mask_files.values()),
    }
    files["README.txt"] = readme_text(
        files,
        frames=len(names),
        all_masked=len(mask_files) == len(names),
        undistorted=undistort,
        embedding_width=0 if pose_embeddings is None else pose_embeddings.shape[1],
        tracked=not points or points.has_tracks,
    )
    return files


def empty_export() -> dict[str, ExportValue]:
    """What is written where no frame could be chosen: an empty list that says why."""
    return {
        FILTERED_IMAGES: "",
        "README.txt": (
            "No view was chosen, so there is nothing for a trainer here. The selection\n"
            "table and the scores say why each frame was refused; a frame without a\n"
            "pose cannot be exported.\n"
        ),
    }


def renamed(cameras: PosedCameras, new_names: Mapping[str, str]) -> PosedCameras:
    """The same cameras under the names that their images have in the export."""
    return PosedCameras(
        tuple(new_names[name] for name in cameras.names),
        cameras.cam_from_world,
        cameras.camera_ids,
        cameras.cameras,
        cameras.source,
    )


def exported_names(ranking: Sequence[str]) -> dict[str, str]:
    """Name in the export by the frame's name; they differ for HEIC only.

    Raises:
        ExportError: two frames would get one name.
    """
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in ranking:
        new = exported_name(name)
        if new in taken:
            raise ExportError(
                f"frames {taken[new]!r} and {name!r} would both be exported as {new!r}: "
                f"rename one of them, or list each frame once"
            )
        names[name] = new
        taken[new] = name
    return names


def _checked_names(
    ranking: Sequence[str], cameras: PosedCameras, images: FileLoaders
) -> dict[str, str]:
    if not ranking:
        raise ExportError("no frame is selected: nothing to export")
    unposed = [name for name in ranking if name not in cameras]
    if unposed:
        raise ExportError(
            f"selected frames without a pose cannot be exported: "
            f"{', '.join(map(repr, unposed[:5]))} ({len(unposed)} in all); give them "
            f"poses or let only posed frames be eligible"
        )
    imageless = [name for name in ranking if name not in images]
    if imageless:
        raise ExportError(
            f"selected frames have no image: {', '.join(map(repr, imageless[:5]))} "
            f"({len(imageless)} in all)"
        )
    return exported_names(ranking)


def _rows(array: Float32 | None, what: str, rows: int, ndim: int) -> Float32 | None:
    """The array as float32, if it has a row a frame and only finite numbers."""
    if array is None:
        return None
    values = np.asarray(array, dtype=np.float32)
    if values.ndim != ndim or len(values) != rows:
        raise ExportError(f"{what}: the array is {values.shape}, not {rows} rows")
    if not np.isfinite(values).all():
        bad = int(np.argwhere(~np.isfinite(values))[0][0])
        raise ExportError(f"{what}: row {bad} is not finite")
    return values


def _seen_points(points: SparsePoints, names: Mapping[str, str]) -> SparsePoints:
    """The points that two of the frames see, whose names become those of the export."""
    points = points.seen_by(names, min_views=2)
    images = [names.get(name, name) for name in points.track_image.tolist()]
    return SparsePoints(
        points.xyz,
        points.rgb,
        points.error_px,
        points.track_point,
        np.array(images, dtype=np.str_),
        points.track_xy,
    )


def _ply_files(points: SparsePoints | None) -> dict[str, bytes]:
    if points is None or len(points) == 0:
        return {}
    return {SPARSE_PLY: point_ply(points.xyz, points.rgb)}


def _sparse_files(cameras: PosedCameras, points: SparsePoints | None) -> dict[str, bytes]:
    """A COLMAP model as files; pycolmap writes to folders only, hence a temporary one."""
    model = build_reconstruction(cameras, points)
    with tempfile.TemporaryDirectory() as folder:
        model.write_binary(folder)
        written = sorted(Path(folder).iterdir())
        return {f"{SPARSE}/{path.name}": path.read_bytes() for path in written}


def _image_callables(
    cameras: PosedCameras,
    images: FileLoaders,
    names: Mapping[str, str],
    image_bytes: Callable[[bytes, str, Camera], bytes],
) -> dict[str, Callable[[], bytes]]:
    def written(name: str) -> Callable[[], bytes]:
        camera = cameras.camera_of(name)
        return lambda: image_bytes(images[name](), name, camera)

    return {f"images/{new}": written(name) for name, new in names.items()}


def _stripped_image(data: bytes, name: str, camera: Camera) -> bytes:
    return strip_private_metadata(data, name, camera.size)


def _mask_callables(
    cameras: PosedCameras, masks: FileLoaders, *, undistort: bool
) -> dict[str, tuple[str, Callable[[], bytes]]]:
    """Path and content of each frame's mask, by frame; frames without one are absent."""
    file_of = match_to_images(masks, cameras.names).by_image
    found: dict[str, tuple[str, Callable[[], bytes]]] = {}
    for name in cameras.names:
        if name not in file_of:
            continue
        camera = cameras.camera_of(name)
        decoded = _decoded_mask(masks, file_of[name], camera)
        try:
            decoded()
        except FileContentError as error:
            log.warning("frame %r is exported without its mask: %s", name, error)
            continue
        lens = camera if undistort else None
        found[name] = (f"masks/{stem_of(name)}.png", _encoded_mask(decoded, lens))
    return found


def _decoded_mask(
    masks: FileLoaders, file: str, camera: Camera
) -> Callable[[], NDArray[np.bool_]]:
    size = camera.size
    return lambda: decode_mask(masks[file](), file, size=size)[0]


def _encoded_mask(
    decoded: Callable[[], NDArray[np.bool_]], lens: Camera | None
) -> Callable[[], bytes]:
    """Functions of a mask's bytes; those of the pinhole image, where a lens is given."""
    if lens is None:
        return lambda: encode_mask(decoded())
    return lambda: encode_mask(undistort_mask(lens, decoded()))
