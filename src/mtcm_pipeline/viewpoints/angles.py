"""From poses to the angles that people speak of.

All in the level gauge: the canonical one (origin at the subject, median camera distance
1), turned by the few degrees that make its +z truly up (`level`), or by a quarter where
the pictures lie on their side. A similarity transform of the capture changes nothing of
it. Dimension letter: N frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.selection.frame_names import named_frames
from mtcm_pipeline.selection.viewing_sphere import faces_the_subject, view_vectors
from mtcm_pipeline.tokens.layout import CENTRE, QUATERNION, Tokens
from mtcm_pipeline.viewpoints.bins import signed_deg
from mtcm_pipeline.viewpoints.level import camera_up, on_their_side, turn_to_level
from mtcm_pipeline.viewpoints.options import LabelOptions
from mtcm_pipeline.viewpoints.sphere import AT_POLE, azimuths_deg, elevations_deg

Float = NDArray[np.float64]

# Angles are kept to a millionth of a degree: rounding errors of poses are smaller, so a
# camera that stands on a border is on the same side of it in every gauge.
_DECIMALS = 6


@dataclass(frozen=True)
class Viewpoints:
    """Where each frame stands and how it looks; NaN where it has no pose.

    Attributes:
        names: (N) file names.
        views: (N, 3) unit vectors from the subject to the camera, in the level gauge
            (`selection.viewing_sphere.view_vectors`).
        azimuth_deg: (N,) in [-180, 180), from `zero` counter-clockwise seen from above,
            which is towards the subject's own left; NaN straight above or below too.
        elevation_deg: (N,) of the camera above the subject's horizon, -90..90.
        distance: (N,) from the subject, in medians of the capture; NaN where cameras
            look outwards, as in a room, and there is no subject to be far from.
        roll_deg: (N,) in [-180, 180), positive where the camera is turned clockwise for
            the photographer; NaN for cameras that look straight up or down.
        pitch_deg: (N,) of the optical axis over the horizon, positive looking up.
        zero: what azimuth 0 is, in words.
        zero_azimuth_deg: the same as an azimuth of the level gauge (from +x to +y).
        front_known: whether azimuth 0 is the subject's front.
        level_from_gauge: (3, 3) rotation from the canonical gauge to the level one.
        sideways: whether the pictures as a whole lie on their side.
        inward: whether the cameras look at a subject; elsewhere, as in a room, `views`
            are the reversed viewing directions.
    """

    names: tuple[str, ...]
    views: Float
    azimuth_deg: Float
    elevation_deg: Float
    distance: Float
    roll_deg: Float
    pitch_deg: Float
    zero: str
    zero_azimuth_deg: float
    front_known: bool
    level_from_gauge: Float
    sideways: bool = False
    inward: bool = True

    def __post_init__(self) -> None:
        n = len(self.names)
        for name in ("azimuth_deg", "elevation_deg", "distance", "roll_deg", "pitch_deg"):
            if getattr(self, name).shape != (n,):
                raise CaptureError(
                    f"viewpoints: {name} is {getattr(self, name).shape}, not ({n},)"
                )

    @property
    def front_from_gauge(self) -> Float:
        """(3, 3) rotation from the canonical gauge to one with +z up, azimuth 0 at +x."""
        turn = np.radians(self.zero_azimuth_deg)
        about_up = np.array(
            [
                [np.cos(turn), np.sin(turn), 0.0],
                [-np.sin(turn), np.cos(turn), 0.0],
                [0.0, 0.0, 1.0],
            ]
        )
        return about_up @ self.level_from_gauge


def viewpoints_of(tokens: Tokens, options: LabelOptions | None = None) -> Viewpoints:
    """Viewpoints of the frames of a capture.

    Raises:
        ParameterError: the frame that shall show the front is unknown or has no pose.
    """
    posed = tokens.has("pose")
    rotations = np.full((len(tokens), 3, 3), np.nan)
    rotations[posed] = matrix_from_quat(tokens.values[posed, QUATERNION])
    return viewpoints(
        tokens.names, tokens.values[:, CENTRE], rotations, options or LabelOptions()
    )


def viewpoints(
    names: Sequence[str], centres_xyz: Float, world_from_cam: Float, options: LabelOptions
) -> Viewpoints:
    """Viewpoints of cameras in the canonical gauge.

    Args:
        names: (N) file names.
        centres_xyz: (N, 3) camera centres; NaN without a pose.
        world_from_cam: (N, 3, 3) rotations, OpenCV axes; NaN without a pose.
        options: where the front is.

    Raises:
        ParameterError: the frame that shall show the front is unknown or has no pose.
    """
    sideways = on_their_side(world_from_cam)
    level = turn_to_level(
        camera_up(world_from_cam, centres_xyz, np.array([0.0, 0.0, 1.0]))
    )
    centres_xyz, world_from_cam = centres_xyz @ level.T, level @ world_from_cam
    forward = world_from_cam[:, :, 2]
    views = view_vectors(centres_xyz, forward)
    inward = faces_the_subject(centres_xyz, forward)
    absolute = azimuths_deg(views)
    zero, words = _zero_azimuth(tuple(names), absolute, options)
    distance: Float = np.where(inward, np.linalg.norm(centres_xyz, axis=1), np.nan)
    return Viewpoints(
        names=tuple(names),
        views=views,
        azimuth_deg=signed_deg(np.round(signed_deg(absolute - zero), _DECIMALS)),
        elevation_deg=np.round(elevations_deg(views), _DECIMALS),
        distance=np.round(distance, _DECIMALS),
        roll_deg=signed_deg(np.round(rolls_deg(world_from_cam), _DECIMALS)),
        pitch_deg=np.round(elevations_deg(forward), _DECIMALS),
        zero=words,
        zero_azimuth_deg=zero,
        front_known=options.front_known,
        level_from_gauge=level,
        sideways=sideways,
        inward=inward,
    )


def rolls_deg(world_from_cam: Float) -> Float:
    """(N,) turn of each camera about its axis against the upright one, in degrees.

    Args:
        world_from_cam: (N, 3, 3) rotations, OpenCV axes (right, down, forward).
    """
    # How much of the world's up lies along the camera's right and along its own up.
    along_right, along_up = world_from_cam[:, 2, 0], -world_from_cam[:, 2, 1]
    known = np.hypot(along_right, along_up) > AT_POLE  # False for NaN
    # A camera turned clockwise has its right hand side down, so up lies to its left.
    return np.where(known, np.degrees(np.arctan2(-along_right, along_up)), np.nan)


def _zero_azimuth(
    names: tuple[str, ...], absolute: Float, options: LabelOptions
) -> tuple[float, str]:
    """Azimuth of the level gauge that counts as 0, and what it is in words."""
    usable = np.flatnonzero(np.isfinite(absolute))
    first = int(usable[0]) if usable.size else None
    if options.front_frame is not None:
        row = _front_row(names, options.front_frame)
        if first is not None and np.isnan(absolute[row]):
            raise ParameterError(
                f"labels.front_frame is {names[row]!r}, which has no pose (or is taken "
                f"from straight above), so the front is unknown: name another frame"
            )
        return (float(absolute[row]) if first is not None else 0.0), "the front"
    start = float(absolute[first]) if first is not None else 0.0
    if options.front_azimuth_deg is not None:
        return start + options.front_azimuth_deg, "the front"
    if first is None:
        return 0.0, "nothing: no frame has a pose"
    return start, f"the first frame, {names[first]}"


def _front_row(names: tuple[str, ...], wanted: str) -> int:
    (name,) = named_frames("labels.front_frame", [wanted], names)
    return names.index(name)
