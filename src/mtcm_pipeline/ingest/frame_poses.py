"""The poses of a capture's images, as the images really are.

Pose files name images in their own way and may mean another size of the photographs.
Here they are tied to the images, and their intrinsics brought to the images' size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.matching import Matches, match_to_images
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.intrinsics import same_aspect, scaled_camera


@dataclass
class FramePoses:
    """Poses that are tied to images and checked against them, one by one.

    Attributes:
        reading: what the poses' file held; None without one.
        matches: which of its frames is which image.
        problems: why an image's pose was left out by the reader, by image name.
    """

    reading: PoseReading | None
    names: tuple[str, ...]
    matches: Matches
    problems: Mapping[str, str]
    _fitted: dict[str, Camera] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _scaled_from: list[str] = field(default_factory=list)

    @classmethod
    def matched(cls, reading: PoseReading | None, names: tuple[str, ...]) -> FramePoses:
        """Tie a reading's frames to the images `names`."""
        if reading is None:
            return cls(None, names, Matches({}, (), ()), {})
        matches = match_to_images(reading.cameras.names, names)
        broken = match_to_images(reading.problems, names).by_image
        problems = {image: reading.problems[entry] for image, entry in broken.items()}
        return cls(reading, names, matches, problems)

    @property
    def source(self) -> str:
        """Where the poses come from; empty without poses."""
        return "" if self.reading is None else self.reading.cameras.source

    def camera_of(self, name: str) -> Camera | None:
        """Intrinsics of an image, at its own size once `fit` was called."""
        entry = self.matches.by_image.get(name)
        if self.reading is None or entry is None or name in self._refused:
            return None
        return self._fitted.get(name) or self.reading.cameras.camera_of(entry)

    def size_of(self, name: str) -> tuple[int, int] | None:
        """(width, height) in px that the image's camera means; None without a pose."""
        camera = self.camera_of(name)
        return None if camera is None else camera.size

    def fit(self, name: str, width: int, height: int) -> tuple[str, ...]:
        """Bring an image's camera to the image's real size.

        A camera of another size but the same shape is scaled. One of another shape
        belongs to other pixels (a crop, the other orientation): its pose is left out.

        Returns:
            The problem, if there is one.
        """
        camera = self.camera_of(name)
        if camera is None or camera.size == (width, height):
            return ()
        if same_aspect(camera, width, height):
            self._fitted[name] = scaled_camera(camera, width, height)
            self._scaled_from.append(f"{name} ({camera.width}x{camera.height} px)")
            return ()
        self._refused.add(name)
        return (
            f"pose left out: its camera is {camera.width}x{camera.height} px but the "
            f"image is {width}x{height} px, another shape; make the poses from these "
            f"images",
        )

    def cameras(self) -> PosedCameras:
        """The usable poses in the images' order, by image name."""
        if self.reading is None:
            return PosedCameras((), np.empty((0, 4, 4)), (), {}, "none")
        given = self.reading.cameras
        posed = [name for name in self.names if self.camera_of(name) is not None]
        entries = given.subset([self.matches.by_image[name] for name in posed])
        cameras = dict(entries.cameras)
        ids = [
            self._id_for(name, camera_id, cameras)
            for name, camera_id in zip(posed, entries.camera_ids, strict=True)
        ]
        used = {i: cameras[i] for i in sorted(set(ids))}
        return PosedCameras(
            tuple(posed), entries.cam_from_world, tuple(ids), used, given.source
        )

    def points(self) -> SparsePoints | None:
        """The sparse points, observed by images' names; their pixels at images' size."""
        if self.reading is None or self.reading.points is None:
            return None
        return _renamed_points(self.reading, self)

    def notes(self) -> tuple[str, ...]:
        """Remarks about the poses as a whole."""
        if self.reading is None:
            return ()
        notes = [*self.reading.notes, *self.matches.notes(f"poses of {self.source}")]
        if self._scaled_from:
            notes.append(
                f"{self.source}: {len(self._scaled_from)} cameras had another size and "
                f"were scaled to their images', the first of {self._scaled_from[0]}"
            )
        return tuple(notes)

    def _id_for(self, name: str, camera_id: int, cameras: dict[int, Camera]) -> int:
        """Id of the image's camera; a scaled one gets an id of its own, once a size."""
        fitted = self._fitted.get(name)
        if fitted is None:
            return camera_id
        for known_id, known in cameras.items():
            if known == fitted:
                return known_id
        new_id = max(cameras) + 1
        cameras[new_id] = fitted
        return new_id


def _renamed_points(reading: PoseReading, poses: FramePoses) -> SparsePoints | None:
    """Tracks by image name, at the images' size; those of other images are dropped."""
    points = reading.points
    if points is None:
        return None
    image_of = {
        entry: name
        for name, entry in poses.matches.by_image.items()
        if poses.camera_of(name) is not None
    }
    observers, which = points.observers()
    renamed = np.array([image_of.get(str(o), "") for o in observers], dtype=np.str_)
    scales = np.ones((len(observers), 2))
    for row, (entry, name) in enumerate(zip(observers, renamed, strict=True)):
        camera = poses.camera_of(str(name)) if name else None
        if camera is not None:
            given = reading.cameras.camera_of(str(entry))
            scales[row] = camera.width / given.width, camera.height / given.height
    if len(points.track_image) == 0:
        return points
    images = [image_of[i] for i in points.model_images.tolist() if i in image_of]
    moved = replace(
        points,
        track_image=renamed[which],
        track_xy=points.track_xy * scales[which],
        model_images=np.array(images, dtype=np.str_),
    )
    return moved.seen_by(set(image_of.values()), min_views=1)
