"""When a video was recorded, and how its frames say so.

Clock readings without time zone, as in `formats.exif`: only differences are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from PIL import ExifTags, Image

# The first is local time as the camera's clock showed it, as EXIF would have it; the
# second is meant to be UTC.
_TIME_KEYS = ("com.apple.quicktime.creationdate", "creation_time")
# A clock that was never set writes the beginning of its era (1904, 1970, 1980).
_FIRST_BELIEVED_YEAR = 1990


def recording_time(metadata: Mapping[str, str]) -> datetime | None:
    """The time in a container's metadata, without zone; None if it is not believable."""
    for key in _TIME_KEYS:
        try:
            moment = datetime.fromisoformat(metadata.get(key, "").strip())
        except ValueError:
            continue
        if moment.year >= _FIRST_BELIEVED_YEAR:
            return moment.replace(tzinfo=None)
    return None


def timestamp_s(recorded: datetime | None, time_s: float) -> float:
    """Seconds since 1970, or since the video's beginning where its date is unknown.

    Args:
        recorded: when recording began.
        time_s: seconds since then.
    """
    if recorded is None:
        return time_s
    return (recorded + timedelta(seconds=time_s)).replace(tzinfo=UTC).timestamp()


def exif_of_frame(recorded: datetime | None, time_s: float) -> Image.Exif:
    """EXIF with the capture time and its microseconds; empty where it is unknown."""
    exif = Image.Exif()
    if recorded is not None:
        moment = recorded + timedelta(seconds=time_s)
        exif.get_ifd(ExifTags.IFD.Exif).update(
            {
                ExifTags.Base.DateTimeOriginal.value: f"{moment:%Y:%m:%d %H:%M:%S}",
                ExifTags.Base.SubsecTimeOriginal.value: f"{moment.microsecond:06d}",
            }
        )
    return exif
