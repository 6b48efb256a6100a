"""What only a generated capture knows, and what its metadata files say.

Frames of reference:
- subject: metres, x towards the subject's own left, y up, z where the face looks.
- world: what poses.json uses; the subject frame turned, scaled and shifted at random, as
  structure from motion would leave it: x_world = scale * rotation @ x_subject + shift.

truth.json, for each frame: `azimuth_deg` is the angle of the true camera centre about the
subject's y axis through `SUBJECT_CENTRE`, 0 in front of the face, positive towards the
subject's left (which is on the right for someone who faces it), in (-180, 180];
`elevation_deg` is its angle above the horizontal; `distance_m` its distance from there;
`cam_from_subject` the true 4 x 4 pose. For the foreign frame these describe where the
camera stood before the other subject. The faults stand in `sample.faults`.

Dimension letter: N frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.formats.poses_json import poses_json_from_cameras
from mtcm_pipeline.sample import contents
from mtcm_pipeline.sample.faults import FaultKind
from mtcm_pipeline.sample.options import SampleOptions

Float = NDArray[np.float64]

GENERATOR_VERSION = 2  # raised when equal options no longer give equal pictures


@dataclass(frozen=True)
class SampleTruth:
    """What only a generated capture knows.

    Attributes:
        cameras: the true cameras in the subject frame, metres, one for every frame.
        given: the cameras that poses.json states, in the world frame.
        world_from_subject: (4, 4) similarity; its upper left 3 x 3 is scale x rotation.
        azimuth_deg: (N,) see the module's docstring.
        elevation_deg: (N,) see there.
        distance_m: (N,) see there.
        faults: kind of fault by file name.
        duplicate_of: original by the duplicate's file name.
    """

    cameras: PosedCameras
    given: PosedCameras
    world_from_subject: Float
    azimuth_deg: Float
    elevation_deg: Float
    distance_m: Float
    faults: Mapping[str, FaultKind]
    duplicate_of: Mapping[str, str]


def in_world(cam_from_subject: Float, world_from_subject: Float) -> Float:
    """(N, 4, 4) cam_from_world in the world's units, from poses in the subject frame."""
    scale = np.cbrt(np.linalg.det(world_from_subject[:3, :3]))
    poses = np.array(cam_from_subject)
    poses[:, :3, :3] = poses[:, :3, :3] @ (world_from_subject[:3, :3] / scale).T
    poses[:, :3, 3] = (
        scale * poses[:, :3, 3] - poses[:, :3, :3] @ world_from_subject[:3, 3]
    )
    return poses


def generation_record(options: SampleOptions) -> dict[str, Any]:
    """What truth.json says about how a capture was made, as JSON types."""
    fields = asdict(options)
    fields["gaps_deg"] = [list(gap) for gap in options.gaps_deg]
    return {"version": GENERATOR_VERSION, **fields}


def metadata_files(truth: SampleTruth, options: SampleOptions) -> dict[str, bytes]:
    """poses.json, planted_faults.json and truth.json."""
    frames = {
        name: {
            "azimuth_deg": float(truth.azimuth_deg[row]),
            "elevation_deg": float(truth.elevation_deg[row]),
            "distance_m": float(truth.distance_m[row]),
            "cam_from_subject": truth.cameras.cam_from_world[row].tolist(),
        }
        for row, name in enumerate(truth.cameras.names)
    }
    record = {
        "conventions": __doc__,
        "generated_with": generation_record(options),
        "world_from_subject": truth.world_from_subject.tolist(),
        "faults": dict(truth.faults),
        "duplicate_of": dict(truth.duplicate_of),
        "frames": frames,
    }
    return {
        "poses.json": contents.json_bytes(poses_json_from_cameras(truth.given)),
        "planted_faults.json": contents.json_bytes(dict(truth.faults)),
        "truth.json": contents.json_bytes(record),
    }
