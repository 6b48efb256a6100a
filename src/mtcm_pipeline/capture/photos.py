"""A posed capture with its decoded photographs in memory.

What faults are injected into, and what the radiance field and the benchmarks look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.errors import CaptureError

RGB = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PosedPhotos:
    """Photographs with poses, in order of time.

    Attributes:
        identity: name of the capture.
        cameras: N frames in order of time; intrinsics in px of the photographs as they
            are here.
        images: (H, W, 3) uint8 by frame name, one a frame, H and W as its camera says.
        masks: (H, W) True = foreground by frame name; a frame without one is absent.
        seconds: capture time in s by frame name; a frame without one is absent.
    """

    identity: str
    cameras: PosedCameras
    images: Mapping[str, RGB]
    masks: Mapping[str, Mask] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))
        object.__setattr__(self, "masks", MappingProxyType(dict(self.masks)))
        object.__setattr__(self, "seconds", MappingProxyType(dict(self.seconds)))
        for name in self.cameras.names:
            if name not in self.images:
                raise CaptureError(f"frame {name!r} has a pose but no photograph")
            camera = self.cameras.camera_of(name)
            for pixels in (self.images[name], self.masks.get(name)):
                if pixels is None or pixels.shape[:2] == (camera.height, camera.width):
                    continue
                height, width = pixels.shape[:2]
                raise CaptureError(
                    f"frame {name!r} is {width}x{height} px but its camera is "
                    f"{camera.width}x{camera.height} px"
                )

    def __len__(self) -> int:
        return len(self.cameras)

    @property
    def names(self) -> tuple[str, ...]:
        """(N) frame names in order of time."""
        return self.cameras.names

    def subset(self, names: Sequence[str]) -> PosedPhotos:
        """The frames `names`, in that order."""
        return PosedPhotos(
            self.identity,
            self.cameras.subset(names),
            {name: self.images[name] for name in names},
            {name: self.masks[name] for name in names if name in self.masks},
            {name: self.seconds[name] for name in names if name in self.seconds},
        )
