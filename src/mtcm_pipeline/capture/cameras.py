"""Cameras with known intrinsics and extrinsics.

Dimension letters: N posed frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.errors import CaptureError

Float = NDArray[np.float64]

ROTATION_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one physical camera in COLMAP's terms.

    Attributes:
        model: COLMAP's name of the camera model, for example `OPENCV`.
        width: image width in px.
        height: image height in px.
        params: the model's parameters in COLMAP's order (focal lengths and principal
            point in px of `width` x `height`, then distortion).
    """

    model: str
    width: int
    height: int
    params: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", tuple(float(p) for p in self.params))
        if self.width <= 0 or self.height <= 0:
            raise CaptureError(f"camera is {self.width}x{self.height} px: not positive")
        if not np.all(np.isfinite(self.params)):
            raise CaptureError(
                f"camera {self.model} has non-finite parameters {self.params}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.width, self.height


@dataclass(frozen=True)
class PosedCameras:
    """The frames of a capture that have a pose; frames without one are not in here.

    Attributes:
        names: image file names, unique, one a frame.
        cam_from_world: (N, 4, 4) rigid transforms, OpenCV axes (right, down, forward),
            in the capture's own world units.
        camera_ids: camera of each frame, a key of `cameras`.
        cameras: intrinsics by camera id.
        source: where the poses came from, for people ("poses.json", "sparse/0").
    """

    names: tuple[str, ...]
    cam_from_world: Float
    camera_ids: tuple[int, ...]
    cameras: Mapping[int, Camera]
    source: str = "memory"
    _row: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        matrices = np.array(self.cam_from_world, dtype=np.float64).reshape(-1, 4, 4)
        matrices.setflags(write=False)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "camera_ids", tuple(int(i) for i in self.camera_ids))
        object.__setattr__(self, "cam_from_world", matrices)
        object.__setattr__(self, "cameras", MappingProxyType(dict(self.cameras)))
        rows = {name: row for row, name in enumerate(self.names)}
        object.__setattr__(self, "_row", MappingProxyType(rows))
        _check_posed_cameras(self)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._row

    def __reduce__(self) -> tuple:
        # Mapping proxies cannot be copied or pickled; rebuild from plain parts.
        parts = (self.names, self.cam_from_world, self.camera_ids)
        return type(self), (*parts, dict(self.cameras), self.source)

    @property
    def world_from_cam(self) -> Float:
        """(N, 4, 4) camera-to-world transforms, OpenCV axes."""
        return invert_rigid(self.cam_from_world)

    @property
    def centres_xyz(self) -> Float:
        """(N, 3) camera centres in world units."""
        return self.world_from_cam[:, :3, 3]

    @property
    def viewing_directions(self) -> Float:
        """(N, 3) unit vectors along the optical axes (+z of the camera) in the world."""
        return np.array(self.cam_from_world[:, 2, :3])

    @property
    def up_directions(self) -> Float:
        """(N, 3) unit vectors of the image's upward direction (-y) in the world."""
        return np.array(-self.cam_from_world[:, 1, :3])

    def camera_of(self, name: str) -> Camera:
        """Intrinsics of the frame `name`."""
        return self.cameras[self.camera_ids[self._row[name]]]

    def pose_of(self, name: str) -> Float:
        """(4, 4) `cam_from_world` of the frame `name`."""
        return self.cam_from_world[self._row[name]]

    def subset(self, names: Sequence[str]) -> PosedCameras:
        """The frames `names`, in that order; cameras that nobody uses are dropped."""
        missing = [name for name in names if name not in self._row]
        if missing:
            raise CaptureError(f"no pose for {', '.join(map(repr, missing[:5]))}")
        rows = [self._row[name] for name in names]
        ids = tuple(self.camera_ids[row] for row in rows)
        cameras = {i: self.cameras[i] for i in sorted(set(ids))}
        return PosedCameras(
            tuple(names), self.cam_from_world[rows], ids, cameras, self.source
        )


def _check_posed_cameras(posed: PosedCameras) -> None:
    """Raise `CaptureError` naming the first frame that cannot be a camera."""
    n = len(posed.names)
    if len(posed.cam_from_world) != n or len(posed.camera_ids) != n:
        raise CaptureError(
            f"{n} names, {len(posed.cam_from_world)} poses and "
            f"{len(posed.camera_ids)} camera ids do not belong together"
        )
    if len(posed._row) != n:
        raise CaptureError("two posed frames have the same file name")
    for name, camera_id in zip(posed.names, posed.camera_ids, strict=True):
        if camera_id not in posed.cameras:
            known = ", ".join(map(str, sorted(posed.cameras)))
            raise CaptureError(
                f"frame {name!r} uses camera {camera_id}, which is not among: {known}"
            )
    finite = np.all(np.isfinite(posed.cam_from_world.reshape(n, 16)), axis=1)
    rotations = np.where(finite[:, None, None], posed.cam_from_world[:, :3, :3], 0.0)
    gram = rotations @ np.swapaxes(rotations, 1, 2)
    error = np.abs(gram - np.eye(3)).max(axis=(1, 2), initial=0.0)
    error = np.where(np.linalg.det(rotations) > 0, error, np.inf)
    for name, ok, e in zip(posed.names, finite, error, strict=True):
        if not ok or e > ROTATION_TOLERANCE:
            raise CaptureError(
                f"the pose of frame {name!r} is not a rigid transform "
                f"(rotation is off by {e:.2g}, allowed {ROTATION_TOLERANCE:g})"
            )
