"""Focal lengths from mm to px: by the sensor's pixels, or by the 35 mm equivalent.

Two ways lead from a photograph's EXIF to its focal length in px, and both can be wrong:

- Pixels of the sensor: f_px = f_mm * px_per_mm (FocalPlaneXResolution and its unit, EXIF
  2.32, items 41486 and 41488). As fine as the focal length is written, but wrong by
  the ratio where a camera keeps the full sensor's number for a smaller or digitally
  zoomed picture, and in cameras that write a wrong unit.
- The 35 mm equivalent: f_px = f_35 / 43.27 mm * diagonal_px (CIPA DCG-001). It refers to
  the whole picture whatever its size and follows digital zoom, but is in whole mm: 28 mm
  is right to 1.8 % only.
"""

from __future__ import annotations

import math
import re

# The 35 mm equivalent is defined on the diagonal of the 36 x 24 mm frame (CIPA DCG-001).
FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
# Both are taken for the same lens within this ratio: beyond what rounding to whole mm
# explains (4 % at 13 mm), and far below the errors that occur (a wrong unit 2.54, a
# halved picture 2, digital zoom).
AGREEMENT = 1.10
# From the smallest sensor of telephones to beyond medium format; inches taken for
# centimetres often fall outside.
_SENSOR_WIDTHS_MM = (2.0, 80.0)

_MM_BY_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_UNIT_NAMES = {
    2: ("in", "inch", "inches"),
    3: ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    4: ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    5: ("um", "µm", "μm", "micrometer", "micrometers", "micrometre", "micrometres"),
}


def sensor_px_per_mm(resolution: float | None, unit: object) -> float | None:
    """Pixels of the sensor a mm from FocalPlaneXResolution and FocalPlaneResolutionUnit.

    Args:
        resolution: pixels a unit; None is absent.
        unit: 2 inch, 3 cm, 4 mm, 5 um, or their names; None is inch, as EXIF defines.

    Returns:
        Pixels a mm; None where the resolution or a known unit is absent.
    """
    length_mm = _MM_BY_UNIT.get(_unit_code(unit))
    if resolution is None or length_mm is None:
        return None
    return resolution / length_mm


def focal_px_by_sensor(
    focal_mm: float | None, px_per_mm: float | None, width: int | None
) -> float | None:
    """Focal length in px by the sensor's pixels; None unless it can be believed.

    Args:
        focal_mm: focal length of the lens in mm.
        px_per_mm: pixels of the sensor a mm.
        width: of the picture in px as the camera wrote it. It must be known: unlike an
            equivalent, a number of pixels means nothing on a picture of unknown scale.
    """
    if focal_mm is None or px_per_mm is None or width is None:
        return None
    narrowest, widest = _SENSOR_WIDTHS_MM
    return focal_mm * px_per_mm if narrowest <= width / px_per_mm <= widest else None


def focal_px_by_35mm(focal_35mm: float | None, width: int, height: int) -> float | None:
    """Focal length in px by the 35 mm equivalent, on the diagonal; None without one."""
    if focal_35mm is None:
        return None
    return focal_35mm / FULL_FRAME_DIAGONAL_MM * math.hypot(width, height)


def believed_focal_px(by_sensor: float | None, by_35mm: float | None) -> float | None:
    """The one to use of the two.

    The sensor's where both agree, since the other is rounded to whole mm; the 35 mm
    equivalent where they do not, since it holds for the picture as it is, while the
    sensor's pixels may be those of another size, a wrong unit or digital zoom. Where
    only one is there, that one.
    """
    if by_sensor is None or by_35mm is None:
        return by_35mm if by_sensor is None else by_sensor
    ratio = max(by_sensor / by_35mm, by_35mm / by_sensor)
    return by_sensor if ratio <= AGREEMENT else by_35mm


def _unit_code(unit: object) -> int:
    """2 to 5 of a number or a name; 0 for what is unknown (1 is 'no unit')."""
    if unit is None:
        return 2
    if isinstance(unit, int | float):
        return int(unit) if math.isfinite(unit) else 0
    text = re.sub(r"[\s.\0]", "", str(unit)).lower()
    if text.isdecimal():
        return int(text)
    return next((code for code, names in _UNIT_NAMES.items() if text in names), 0)
