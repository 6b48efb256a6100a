"""A capture while it is being spoilt.

Dimension letters: N frames of the clean capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import RGB, Mask, PosedPhotos
from mtcm_pipeline.faults.plan import Fault
from mtcm_pipeline.tokens.gauge import axes_intersection

Float = NDArray[np.float64]

TRUTH_COLUMNS = ("name", "kind", "strength", "severity", "other")


class Draft:
    """Copies of all that is spoilt, beside the clean capture, which stays as it is.

    Attributes:
        clean: N frames.
        others: captures from which foreign things come.
        object_xyz: (3,) what the cameras look at, world units.
        distances: (N,) of the cameras to it.
    """

    def __init__(self, clean: PosedPhotos, others: Sequence[PosedPhotos]) -> None:
        self.clean = clean
        self.others = tuple(others)
        cameras = clean.cameras
        self.object_xyz = axes_intersection(
            cameras.centres_xyz, cameras.viewing_directions
        )
        self.distances = np.linalg.norm(cameras.centres_xyz - self.object_xyz, axis=1)
        self._names = list(cameras.names)
        self._poses = list(cameras.cam_from_world)
        self._camera_ids = list(cameras.camera_ids)
        self._cameras = dict(cameras.cameras)
        self._places = [float(row) for row in range(len(clean))]
        self._images = dict(clean.images)
        self._masks = dict(clean.masks)
        self._seconds = dict(clean.seconds)
        self._truth: dict[str, tuple[str, str, float, str]] = {}

    def name(self, row: int) -> str:
        """Of a frame of the clean capture."""
        return self.clean.names[row]

    def photo(self, row: int) -> RGB:
        """(H, W, 3) clean photograph of a row."""
        return self.clean.images[self.name(row)]

    def camera(self, row: int) -> Camera:
        """Intrinsics of a row."""
        return self.clean.cameras.camera_of(self.name(row))

    def px(self, row: int, px_of_400: float) -> float:
        """A length in px of a 400 px picture, in px of this frame's."""
        camera = self.camera(row)
        return px_of_400 * max(camera.width, camera.height) / 400.0

    def world_from_cam(self, rows: Sequence[int]) -> Float:
        """(R, 4, 4) clean poses of rows."""
        return invert_rigid(self.clean.cameras.cam_from_world[list(rows)])

    def set_poses(self, rows: Sequence[int], world_from_cam: Float) -> None:
        """Give rows other poses, (R, 4, 4)."""
        for row, pose in zip(rows, invert_rigid(world_from_cam), strict=True):
            self._poses[row] = pose

    def swap_poses(self, first: int, second: int) -> None:
        """Give two rows each other's pose, to the bit."""
        poses = self.clean.cameras.cam_from_world
        self._poses[first], self._poses[second] = poses[second], poses[first]

    def set_photo(self, row: int, rgb: RGB) -> None:
        """Give a row another photograph of the same size."""
        self._images[self.name(row)] = rgb

    def set_mask(self, row: int, mask: Mask | None) -> None:
        """Give a row another mask, or none."""
        self._masks.pop(self.name(row), None)
        if mask is not None:
            self._masks[self.name(row)] = mask

    def move(self, row: int, place: float, second: float | None) -> None:
        """Put a row between others, with the time in s that belongs there."""
        self._places[row] = place
        if self.name(row) in self._seconds:
            del self._seconds[self.name(row)]
            if second is not None:
                self._seconds[self.name(row)] = second

    def insert(
        self, row: int, world_from_cam: Float, camera: Camera, rgb: RGB, mask: Mask | None
    ) -> str:
        """A new frame just after a row, with a (4, 4) pose; returns its name."""
        source = self.name(row)
        name = self._new_name(source)
        self._names.append(name)
        self._poses.append(invert_rigid(world_from_cam))
        self._camera_ids.append(self._id_of(camera))
        self._places.append(row + 0.25)
        self._images[name] = rgb
        if mask is not None:
            self._masks[name] = mask
        if source in self._seconds:
            self._seconds[name] = self._time_after(row)
        return name

    def note(self, name: str, fault: Fault, severity: float, other: str = "") -> None:
        """Write down what was done to a frame."""
        self._truth[name] = (fault.kind, fault.strength, severity, other)

    def photos(self) -> PosedPhotos:
        """The capture as it is now, in order of time."""
        order = np.argsort(self._places, kind="stable").tolist()
        ids = [self._camera_ids[i] for i in order]
        cameras = PosedCameras(
            tuple(self._names[i] for i in order),
            np.array([self._poses[i] for i in order]),
            tuple(ids),
            {number: self._cameras[number] for number in sorted(set(ids))},
            self.clean.cameras.source,
        )
        return PosedPhotos(
            self.clean.identity, cameras, self._images, self._masks, self._seconds
        )

    def truth(self, names: Sequence[str]) -> pd.DataFrame:
        """One row a frame; see `inject`."""
        sound = ("", "", np.nan, "")
        rows = [(name, *self._truth.get(name, sound)) for name in names]
        return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))

    def _new_name(self, source: str) -> str:
        path, number = PurePosixPath(source), 2
        while (name := str(path.with_stem(f"{path.stem}_{number}"))) in self._images:
            number += 1
        return name

    def _id_of(self, camera: Camera) -> int:
        for number, known in self._cameras.items():
            if known == camera:
                return number
        number = max(self._cameras) + 1
        self._cameras[number] = camera
        return number

    def _time_after(self, row: int) -> float:
        """A quarter of the way to the next frame that has a time."""
        own = self._seconds[self.name(row)]
        names = self.clean.names
        later = [
            self.clean.seconds[n] for n in names[row + 1 :] if n in self.clean.seconds
        ]
        return own + 0.25 * (later[0] - own if later else 1.0)
