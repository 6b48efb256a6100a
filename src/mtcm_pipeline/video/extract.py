"""A video to pictures: the sharpest frame of each window of time.

Windows are equally long and begin with the first frame; frames fall into them by their
presentation times. Two passes: the first reads where the video really ends.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any, BinaryIO

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mtcm_pipeline.ingest.measures import sharpness_of
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.video.container import (
    FrameReader,
    Timeline,
    frame_time_s,
    no_frames,
    open_video,
    scan_timeline,
)
from mtcm_pipeline.video.dynamic_range import is_high_range
from mtcm_pipeline.video.interlaced import Deinterlacer
from mtcm_pipeline.video.options import VideoOptions
from mtcm_pipeline.video.pixels import encode_picture, small_grey, upright_rgb
from mtcm_pipeline.video.timestamps import exif_of_frame, timestamp_s

log = logging.getLogger(__name__)

# A video may claim to be a little longer than its last frame: sound is, often.
_ENDS_EARLY_S, _ENDS_EARLY_SHARE = 0.5, 0.02
_FINEST_RATE = 1_000_000
# MKV and others round times to milliseconds; without this, a frame at the very border
# of its window would fall into the one before.
_ROUNDING_S = Fraction(1, 1000)

Save = Callable[[str, bytes], None]


@dataclass(frozen=True)
class KeptFrame:
    """A frame that was made a picture.

    Attributes:
        name: file name of the picture.
        number: position in the video, 0 for the first frame.
        time_s: seconds since the first frame.
        timestamp_s: seconds since 1970 where the video says when it was recorded, else
            `time_s`.
        sharpness: see `ingest.measures.sharpness_of`; NaN for a uniform picture.
    """

    name: str
    number: int
    time_s: float
    timestamp_s: float
    sharpness: float


@dataclass(frozen=True)
class ExtractedVideo:
    """What became of a video.

    Attributes:
        video: its file name.
        frames: the pictures in the order of time.
        read_frames: number of frames that could be decoded.
        notes: remarks for people, such as where the video breaks off.
    """

    video: str
    frames: tuple[KeptFrame, ...]
    read_frames: int
    notes: tuple[str, ...]

    def exif_json(self) -> dict[str, dict[str, Any]]:
        """The content of `metadata/<identity>/exif.json`: facts by picture."""
        return {
            frame.name: {
                "timestamp": frame.timestamp_s,
                "video": self.video,
                "video_frame": frame.number,
                "video_time_s": frame.time_s,
            }
            for frame in self.frames
        }


@dataclass(frozen=True)
class _Candidate:
    """A decoded frame with what decides whether it is kept."""

    frame: VideoFrame
    number: int
    time_s: Fraction
    sharpness: float


def extract_frames(
    video: BinaryIO, name: str, options: VideoOptions | None = None, *, save: Save
) -> ExtractedVideo:
    """Turn a video into pictures `<stem>_000123.jpg`, by the number of the frame.

    Pictures are upright, with square pixels, and carry their time as EXIF where the
    video says when it was recorded. Nothing else of its metadata is passed on.

    Args:
        video: the open file, binary and seekable.
        name: its file name, for the pictures' names and for messages.
        options: parameters; defaults when None.
        save: called with each picture's file name and content as soon as it is made.

    Raises:
        FileContentError: it is no video, or no frame of it can be decoded. A video that
            breaks off later gives what is there, and a note.
    """
    options = options or VideoOptions()
    timeline = scan_timeline(video, name)
    rate, notes = _affordable_rate(timeline, options, name)
    kept: list[KeptFrame] = []
    last: list[_Candidate] = []
    with open_video(video, name) as (container, stream):
        reader = FrameReader(container, stream)
        deinterlacer = Deinterlacer(stream)
        whole = deinterlacer.frames(reader)
        frames = tracked(whole, f"reading {name}", total=timeline.frames)
        timed = _with_times(frames, stream, timeline)
        candidates = _remembering_last(_candidates(timed, options.measure_px), last)
        for best in sharpest_of_windows(candidates, rate, options.max_frames):
            frame = _kept(best, timeline, _stem(name), options.image_format)
            pixels = upright_rgb(
                best.frame, stream.sample_aspect_ratio, options.longest_side_px
            )
            exif = exif_of_frame(timeline.recorded, frame.time_s)
            save(frame.name, encode_picture(pixels, options.image_format, exif))
            kept.append(frame)
    if not last:
        raise no_frames(name)
    notes += _kinds(deinterlacer.found, is_high_range(last[0].frame), name)
    notes += _damage(reader.damaged_packets, last[0], timeline, name)
    for note in notes:
        log.warning(note)
    return ExtractedVideo(name, tuple(kept), last[0].number + 1, tuple(notes))


def sharpest_of_windows(
    candidates: Iterable[_Candidate], rate_fps: Fraction, most: int
) -> Iterator[_Candidate]:
    """The sharpest frame of each window of 1 / rate_fps seconds; the first among equals.

    Windows without a frame give none. From window `most` on, all is one window.
    """
    best: _Candidate | None = None
    current = 0
    for candidate in candidates:
        # Times that jump back stay in the window that is open.
        window = math.floor((candidate.time_s + _ROUNDING_S) * rate_fps)
        window = max(current, min(most - 1, window))
        if best is not None and window > current:
            yield best
            best = None
        current = window
        if best is None or _sharper(candidate, best):
            best = candidate
    if best is not None:
        yield best


def _sharper(a: _Candidate, b: _Candidate) -> bool:
    return a.sharpness > b.sharpness or (
        math.isnan(b.sharpness) and not math.isnan(a.sharpness)
    )


def _with_times(
    frames: Iterable[VideoFrame], stream: VideoStream, timeline: Timeline
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Frames and their seconds since the first; a usual step where one has no time."""
    time = -timeline.usual_step_s
    for frame in frames:
        shown = frame_time_s(frame, stream)
        if shown is None:
            time += timeline.usual_step_s
        else:
            time = shown - timeline.start_s
        yield time, frame


def _candidates(
    frames: Iterable[tuple[Fraction, VideoFrame]], measure_px: int
) -> Iterator[_Candidate]:
    for number, (time_s, frame) in enumerate(frames):
        sharpness = sharpness_of(small_grey(frame, measure_px))
        yield _Candidate(frame, number, time_s, sharpness)


def _remembering_last(
    candidates: Iterable[_Candidate], last: list[_Candidate]
) -> Iterator[_Candidate]:
    """Passes candidates through; the latest is in `last`."""
    for candidate in candidates:
        last[:] = [candidate]
        yield candidate


def _kept(best: _Candidate, timeline: Timeline, stem: str, suffix: str) -> KeptFrame:
    time_s = float(best.time_s)
    return KeptFrame(
        name=f"{stem}_{best.number:06d}.{suffix}",
        number=best.number,
        time_s=time_s,
        timestamp_s=timestamp_s(timeline.recorded, time_s),
        sharpness=best.sharpness,
    )


def _stem(name: str) -> str:
    """The video's stem; never one that makes hidden files."""
    return PurePath(name).stem.lstrip(".") or "video"


def _affordable_rate(
    timeline: Timeline, options: VideoOptions, name: str
) -> tuple[Fraction, list[str]]:
    """The rate that keeps within `max_frames`, and remarks about it."""
    rate = Fraction(options.rate_fps).limit_denominator(_FINEST_RATE)
    length = timeline.length_s
    if length * rate > options.max_frames:
        rate = options.max_frames / length
        return rate, [
            f"video {name!r} is {float(length):.1f} s long: one frame every "
            f"{float(1 / rate):.2f} s is taken instead of {options.rate_fps:g} a second, "
            f"so that {options.max_frames} frames span it (max_frames)"
        ]
    if length and timeline.frames / length < rate:
        return rate, [
            f"video {name!r} has only {float(timeline.frames / length):.2f} frames a "
            f"second, {options.rate_fps:g} were asked for: it cannot be chosen among them"
        ]
    return rate, []


def _kinds(interlaced: bool, high_range: bool, name: str) -> list[str]:
    """Remarks about videos whose frames are not pictures as they are."""
    notes = []
    if interlaced:
        notes.append(
            f"video {name!r} is interlaced: each frame became a picture of one moment, "
            f"at the cost of detail in height; record progressively if you can"
        )
    if high_range:
        notes.append(
            f"video {name!r} has a high dynamic range: its pictures are in the ordinary "
            f"one, highlights compressed"
        )
    return notes


def _damage(
    damaged_packets: int, last: _Candidate, timeline: Timeline, name: str
) -> list[str]:
    """Remarks about what could not be read."""
    notes = []
    end_s = float(last.time_s + timeline.usual_step_s)
    declared_s = timeline.declared_s or 0.0
    # Some containers count from the first frame, some from the clock's zero.
    missing_s = declared_s - end_s - max(0.0, float(timeline.start_s))
    if missing_s > max(_ENDS_EARLY_S, _ENDS_EARLY_SHARE * declared_s):
        notes.append(
            f"video {name!r}: the video ends after {end_s:.1f} of {declared_s:.1f} s; "
            f"its frames up to there are used, copy the file again to have the rest"
        )
    if damaged_packets:
        notes.append(
            f"video {name!r}: {damaged_packets} damaged frames could not be decoded and "
            f"were skipped"
        )
    return notes
