"""What the worker is told, as JSON; and the keys by which finished steps are known.

A step's key covers everything that its result depends on, the keys of the steps before
it included, so that a finished step is never taken for another one's.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")
# Begins the worker's lines that are meant for the process that started it.
PROTOCOL = "@sfm "

_FORMAT = 1  # raised when the same job begins to mean another result


@dataclass(frozen=True, config=_STRICT)
class CameraGroup:
    """Images of one camera.

    Attributes:
        files: names in the images' folder.
        width: in px.
        height: in px.
        focal_px: believed focal length; None where it is to be found.
    """

    files: tuple[str, ...]
    width: int
    height: int
    focal_px: float | None


@dataclass(frozen=True, config=_STRICT)
class FeatureSettings:
    """SIFT; see `SfmOptions`."""

    first_octave: int
    peak_threshold: float
    max_features: int
    max_image_px: int


@dataclass(frozen=True, config=_STRICT)
class MappingSettings:
    """Incremental mapping.

    Attributes:
        camera_model: COLMAP's name.
        fixed_distortion: hold distortion at zero; it runs away on few points.
        init_min_inliers: matches that the first pair must have.
        init_min_angle_deg: triangulation angle that it must have.
        pose_min_inliers: matches that every further image must have.
    """

    camera_model: str
    fixed_distortion: bool = False
    init_min_inliers: int = 100
    init_min_angle_deg: float = 16.0
    pose_min_inliers: int = 30


@dataclass(frozen=True, config=_STRICT)
class SfmJob:
    """One attempt.

    Attributes:
        workspace: folder of everything that is kept between runs.
        images: folder of the images.
        masks: folder of masks in COLMAP's naming; None without.
        images_key: key of the images' and masks' contents.
        cameras: every image in one group.
        pairs: names of images to match.
        features: how features are found.
        mapping: how the model is built.
        seed: of every random choice.
        threads: for features and matching; -1 for all cores.
        mapping_threads: for the model.
    """

    workspace: str
    images: str
    masks: str | None
    images_key: str
    cameras: tuple[CameraGroup, ...]
    pairs: tuple[tuple[str, str], ...]
    features: FeatureSettings
    mapping: MappingSettings
    seed: int
    threads: int
    mapping_threads: int

    @property
    def features_key(self) -> str:
        """Features depend on the pixels, not on what is believed about the cameras."""
        groups = [asdict(replace(group, focal_px=None)) for group in self.cameras]
        model = self.mapping.camera_model
        return short_hash(
            _FORMAT,
            self.images_key,
            asdict(self.features),
            groups,
            model,
            self.masks is not None,
        )

    @property
    def matches_key(self) -> str:
        """Verified matches depend on focal lengths too."""
        cameras = [asdict(group) for group in self.cameras]
        return short_hash(self.features_key, cameras, self.pairs, self.seed)

    @property
    def model_key(self) -> str:
        """The model depends on everything; threads count where sums are parallel."""
        parallel = self.mapping_threads > 1
        return short_hash(self.matches_key, asdict(self.mapping), self.seed, parallel)

    @property
    def features_folder(self) -> Path:
        return Path(self.workspace) / f"features-{self.features_key}"

    @property
    def model_folder(self) -> Path:
        return Path(self.workspace) / f"model-{self.model_key}"


def short_hash(*parts: object) -> str:
    """16 hexadecimal digits of the parts, which must be plain JSON values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def job_to_json(job: SfmJob) -> bytes:
    """The job as a file's content."""
    return TypeAdapter(SfmJob).dump_json(job)


def job_from_json(content: bytes) -> SfmJob:
    """The inverse of `job_to_json`."""
    return TypeAdapter(SfmJob).validate_json(content)
