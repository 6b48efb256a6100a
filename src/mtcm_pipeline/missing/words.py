"""What to tell the photographer: where to stand, seen from a picture that there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.viewpoints.bins import signed_deg
from mtcm_pipeline.viewpoints.sphere import azimuths_deg, elevations_deg

Float = NDArray[np.float64]

# Differences under these are not worth a word: nobody paces them out.
_SAME_ANGLE_DEG = 4.0
_SAME_DISTANCE = 0.07


def way_from(
    direction: Float, distance: float, start: Float, start_distance: float
) -> str:
    """The way around the subject from one place to another, in words.

    Left and right are those of a photographer who faces the subject.

    Args:
        direction: (3,) unit vector from the subject to the new place, +z up.
        distance: of the new place, any unit.
        start: (3,) unit vector to the place that is known.
        start_distance: in the same unit.

    Returns:
        For example "30° to the left around the subject, 12° higher, 1.2 × as far".
    """
    turn, rise = _turn_and_rise(start, direction)
    parts = []
    if abs(turn) >= _SAME_ANGLE_DEG:  # False for NaN
        # Seen from above azimuth grows counter-clockwise; who faces the middle and goes
        # that way goes to the right.
        side = "right" if turn > 0 else "left"
        parts.append(f"{abs(turn):.0f}° to the {side} around the subject")
    if abs(rise) >= _SAME_ANGLE_DEG:
        parts.append(f"{abs(rise):.0f}° {'higher' if rise > 0 else 'lower'}")
    ratio = distance / start_distance if start_distance > 0 else 1.0
    if abs(ratio - 1.0) >= _SAME_DISTANCE:
        parts.append(f"{ratio:.1f} × as far")
    return ", ".join(parts) or "the same place"


def turn_from(view: Float, start: Float) -> str:
    """How to turn a camera where the capture looks outwards, in words.

    Args:
        view: (3,) the reversed new viewing direction, as a unit vector, +z up; what
            `selection.viewing_sphere.view_vectors` makes of cameras that look outwards.
        start: (3,) the same of the picture that is known.

    Returns:
        For example "turn the camera 12° to the right, 8° up".
    """
    turn, rise = _turn_and_rise(start, view)
    parts = []
    if abs(turn) >= _SAME_ANGLE_DEG:  # False for NaN
        # Both directions are reversed, so the turn is that of the camera itself:
        # counter-clockwise from above is to the left of who stands behind it.
        parts.append(f"{abs(turn):.0f}° to the {'left' if turn > 0 else 'right'}")
    if abs(rise) >= _SAME_ANGLE_DEG:
        parts.append(f"{abs(rise):.0f}° {'down' if rise > 0 else 'up'}")
    return f"turn the camera {', '.join(parts)}" if parts else "the same direction"


def _turn_and_rise(start: Float, end: Float) -> tuple[float, float]:
    """Degrees of azimuth and elevation between unit vectors; no azimuth at the poles."""
    both = np.stack([start, end])
    turn = signed_deg(np.diff(azimuths_deg(both)))[0]
    return float(turn), float(np.diff(elevations_deg(both))[0])
