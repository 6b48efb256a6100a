"""What to tell the photographer: where to stand, seen from a picture that there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.missing.sphere import azimuth_elevation_deg

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
    azimuth, elevation = azimuth_elevation_deg(np.stack([start, direction]))
    turn = (azimuth[1] - azimuth[0] + 180.0) % 360.0 - 180.0
    rise = elevation[1] - elevation[0]
    parts = []
    if abs(turn) >= _SAME_ANGLE_DEG:
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
