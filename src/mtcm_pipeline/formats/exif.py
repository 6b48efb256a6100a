"""EXIF: time, focal length and orientation of a picture; and exif.json.

Times are seconds since 1970 with the clock's own reading taken for UTC: offsets are
ignored on purpose, since few cameras write them and only differences between the frames
of one capture are used.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from PIL import ExifTags, Image

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.focal_length import (
    believed_focal_px,
    focal_px_by_35mm,
    focal_px_by_sensor,
    sensor_px_per_mm,
)
from mtcm_pipeline.formats.heif import register_heif
from mtcm_pipeline.formats.images import unreadable_image

_BASE = ExifTags.Base
# DateTime comes last: programs that edit a picture write the time of editing there.
_TIME_TAGS = (
    (_BASE.DateTimeOriginal, _BASE.SubsecTimeOriginal),
    (_BASE.DateTimeDigitized, _BASE.SubsecTimeDigitized),
    (_BASE.DateTime, _BASE.SubsecTime),
)
_TIME_KEYS = (
    "timestamp",
    "DateTimeOriginal",
    "datetime_original",
    "datetime",
    "DateTime",
)
_FOCAL_KEYS = ("focal_length", "FocalLength", "focal_length_mm", "focal_mm")
_FOCAL_35_KEYS = ("focal_length_35mm", "FocalLengthIn35mmFilm", "focal_35mm")
_FOCAL_PX_KEYS = ("focal_length_px", "focal_px")
_WIDTH_KEYS = ("exif_width", "ExifImageWidth")
_SENSOR_KEYS = ("FocalPlaneXResolution",)
_SENSOR_UNIT_KEY = "FocalPlaneResolutionUnit"
_NAME_KEYS = ("name", "file_name", "FileName", "SourceFile")
_NUMBER = re.compile(
    r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?:/\s*([\d.]+))?\s*(mm|px|s)?\s*"
)


@dataclass(frozen=True)
class ExifFacts:
    """What a picture says about itself; None is absent.

    Attributes:
        timestamp_s: time of exposure in seconds (see the module's first lines).
        focal_mm: focal length of the lens in mm.
        focal_35mm: the 35 mm equivalent in mm.
        orientation: EXIF orientation 1..8; 1 is upright.
        exif_width: width in px that the camera wrote, before any cropping or scaling.
        focal_px: focal length in px where a file states it as such.
        sensor_px_per_mm: pixels of the sensor a mm along the width that the camera wrote.
    """

    timestamp_s: float | None = None
    focal_mm: float | None = None
    focal_35mm: float | None = None
    orientation: int = 1
    exif_width: int | None = None
    focal_px: float | None = None
    sensor_px_per_mm: float | None = None


@dataclass(frozen=True)
class ExifReading:
    """exif.json as far as it could be read.

    Attributes:
        facts: facts by image name.
        problems: what was wrong with a frame's values (the rest of them is kept).
    """

    facts: Mapping[str, ExifFacts]
    problems: Mapping[str, str]


def read_exif(data: bytes, name: str) -> ExifFacts:
    """Facts from an image's bytes; damaged EXIF is absent EXIF.

    Args:
        data: a JPEG, PNG, WebP or HEIC file.
        name: the frame, for messages.

    Raises:
        FileContentError: the bytes are no image at all.
    """
    register_heif()
    try:
        with Image.open(io.BytesIO(data)) as image:
            tags = _exif_tags(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise unreadable_image(name, len(data), error) from error
    width = _positive(tags.get(_BASE.ExifImageWidth))
    return ExifFacts(
        timestamp_s=_time_from_tags(tags),
        focal_mm=_positive(tags.get(_BASE.FocalLength)),
        focal_35mm=_positive(tags.get(_BASE.FocalLengthIn35mmFilm)),
        orientation=_orientation(tags.get(_BASE.Orientation)),
        exif_width=None if width is None else round(width),
        sensor_px_per_mm=sensor_px_per_mm(
            _positive(tags.get(_BASE.FocalPlaneXResolution)),
            tags.get(_BASE.FocalPlaneResolutionUnit),
        ),
    )


def focal_px(facts: ExifFacts, width: int, height: int) -> float | None:
    """Focal length in px of a (width, height) picture, if it can be believed.

    What a file states in px comes first, then the sensor's pixels or the 35 mm
    equivalent by the rules of `focal_length.believed_focal_px`. A picture that was
    cropped keeps the EXIF of the whole one; where the width that the camera wrote is
    another, neither is believed, and the sensor's pixels are not without that width.
    """
    if facts.focal_px is not None:
        return facts.focal_px
    widths = (width, height) if facts.orientation >= 5 else (width,)
    if facts.exif_width is not None and facts.exif_width not in widths:
        return None
    by_sensor = focal_px_by_sensor(
        facts.focal_mm, facts.sensor_px_per_mm, facts.exif_width
    )
    return believed_focal_px(by_sensor, focal_px_by_35mm(facts.focal_35mm, width, height))


def merged_facts(first: ExifFacts, second: ExifFacts) -> ExifFacts:
    """The first's facts, completed by the second's; the orientation is the second's."""
    return ExifFacts(
        timestamp_s=_either(first.timestamp_s, second.timestamp_s),
        focal_mm=_either(first.focal_mm, second.focal_mm),
        focal_35mm=_either(first.focal_35mm, second.focal_35mm),
        orientation=second.orientation,
        exif_width=first.exif_width or second.exif_width,
        focal_px=_either(first.focal_px, second.focal_px),
        sensor_px_per_mm=_either(first.sensor_px_per_mm, second.sensor_px_per_mm),
    )


def _either(first: float | None, second: float | None) -> float | None:
    return second if first is None else first


def read_exif_json(content: object, source: str = "exif.json") -> ExifReading:
    """Facts by image name from exif.json; a bad value is absent and named.

    Args:
        content: the parsed JSON: an object by file name, or a list of objects with a
            name in them (exiftool -j). Times are numbers or EXIF or ISO text.
        source: name for messages.

    Raises:
        FileContentError: the file as a whole is not such a file.
    """
    facts: dict[str, ExifFacts] = {}
    problems: dict[str, str] = {}
    for name, entry in _entries_by_name(content, source).items():
        wrong: list[str] = []
        width = _first(entry, _WIDTH_KEYS, _parse_positive, wrong)
        orientation = entry.get("orientation", entry.get("Orientation"))
        facts[name] = ExifFacts(
            timestamp_s=_first(entry, _TIME_KEYS, _parse_time, wrong),
            focal_mm=_first(entry, _FOCAL_KEYS, _parse_positive, wrong),
            focal_35mm=_first(entry, _FOCAL_35_KEYS, _parse_positive, wrong),
            orientation=_orientation(orientation),
            exif_width=None if width is None else round(width),
            focal_px=_first(entry, _FOCAL_PX_KEYS, _parse_positive, wrong),
            sensor_px_per_mm=sensor_px_per_mm(
                _first(entry, _SENSOR_KEYS, _parse_positive, wrong),
                entry.get(_SENSOR_UNIT_KEY),
            ),
        )
        if wrong:
            problems[name] = f"{source}: {'; '.join(wrong)}"
    return ExifReading(facts, problems)


def _exif_tags(image: Image.Image) -> dict[int, object]:
    """Tags of the main directory and of the EXIF directory in it."""
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # PIL raises many kinds for damaged EXIF; the picture may be fine
        return {}


def _time_from_tags(tags: Mapping[int, object]) -> float | None:
    for time_tag, subsec_tag in _TIME_TAGS:
        seconds = _exif_time(tags.get(time_tag))
        if seconds is not None:
            digits = str(tags.get(subsec_tag) or "").strip("\0 ")
            fraction = float(f"0.{digits}") if digits.isdecimal() else 0.0
            return seconds + fraction
    return None


def _exif_time(value: object) -> float | None:
    """Seconds of `2015:09:11 10:14:33`; None for anything else, 0000:00:00 included."""
    try:
        text = str(value).strip("\0 ")[:19]
        moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _positive(value: object) -> float | None:
    """The number, None if it is absent, NaN (0/0), infinite, zero or negative."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _entries_by_name(content: object, source: str) -> dict[str, Mapping]:
    if isinstance(content, Mapping):
        pairs = [(str(name), entry) for name, entry in content.items()]
    elif isinstance(content, list):
        pairs = [(_own_name(entry), entry) for entry in content]
    else:
        raise FileContentError(
            f"{source} holds a {type(content).__name__}, not an object by file name: "
            f"write it again, or delete it so that EXIF is read from the images"
        )
    bad = [name for name, entry in pairs if not name or not isinstance(entry, Mapping)]
    if bad:
        raise FileContentError(
            f"{source}: the entry {bad[0]!r} is not an object with a file name: write it "
            f"again, or delete it so that EXIF is read from the images"
        )
    return {PurePosixPath(name.replace("\\", "/")).name: entry for name, entry in pairs}


def _own_name(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return ""
    return next((str(entry[key]) for key in _NAME_KEYS if entry.get(key)), "")


def _first(
    entry: Mapping,
    keys: tuple[str, ...],
    parse: Callable[[object], float | None],
    wrong: list[str],
) -> float | None:
    """The first key with a usable value; unusable ones are described in `wrong`."""
    for key in keys:
        if key not in entry:
            continue
        try:
            value = parse(entry[key])
        except ValueError:
            wrong.append(f"{key} is {entry[key]!r}")
            continue
        if value is not None:
            return value
    return None


def _parse_number(value: object) -> float | None:
    """A number, `50/1` or `50 mm`; None for null and NaN, ValueError for the rest."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    if isinstance(value, int | float):
        number = float(value)
    else:
        text = str(value).strip()
        if text.lower() in ("nan", ""):
            return None
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ValueError("no number")
        divisor = float(match[2]) if match[2] else 1.0
        number = float(match[1]) / divisor if divisor else math.nan
    if math.isinf(number):
        raise ValueError("infinite")
    return None if math.isnan(number) else number


def _parse_positive(value: object) -> float | None:
    number = _parse_number(value)
    if number is not None and number < 0:
        raise ValueError("negative")
    return number or None


def _parse_time(value: object) -> float | None:
    """Seconds from a number, EXIF text or ISO text; offsets are ignored."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return _parse_number(value)
    seconds = _exif_time(value)
    if seconds is not None:
        fraction = re.match(r"\.(\d+)", value.strip("\0 ")[19:])
        return seconds + (float(f"0.{fraction[1]}") if fraction else 0.0)
    try:
        return datetime.fromisoformat(value.strip()).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return _parse_number(value)
