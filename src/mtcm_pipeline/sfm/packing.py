"""A `PoseReading` as one .npz, so that a model crosses from one process to another."""

from __future__ import annotations

import io
import json
from dataclasses import asdict

import numpy as np

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.formats.reading import PoseReading

_POINT_FIELDS = (
    "xyz", "rgb", "error_px", "track_point", "track_image", "track_xy", "model_images",
)  # fmt: skip


def pack_reading(reading: PoseReading) -> bytes:
    """All of the reading; the inverse of `unpack_reading`."""
    posed, points = reading.cameras, reading.points or SparsePoints.empty()
    facts = {
        "names": posed.names,
        "camera_ids": posed.camera_ids,
        "cameras": {i: asdict(camera) for i, camera in posed.cameras.items()},
        "source": posed.source,
        "problems": dict(reading.problems),
        "notes": reading.notes,
        "has_points": reading.points is not None,
    }
    arrays = {field: getattr(points, field) for field in _POINT_FIELDS}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        facts=np.array(json.dumps(facts)),
        cam_from_world=posed.cam_from_world,
        **arrays,
    )
    return buffer.getvalue()


def unpack_reading(content: bytes) -> PoseReading:
    """The reading that was packed."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        facts = json.loads(str(arrays["facts"]))
        poses = arrays["cam_from_world"]
        fields = [field for field in _POINT_FIELDS if field in arrays]
        points = SparsePoints(**{field: arrays[field] for field in fields})
    cameras = {int(i): Camera(**entry) for i, entry in facts["cameras"].items()}
    posed = PosedCameras(
        tuple(facts["names"]), poses, tuple(facts["camera_ids"]), cameras, facts["source"]
    )
    kept = points if facts["has_points"] else None
    return PoseReading(posed, kept, facts["problems"], tuple(facts["notes"]))
