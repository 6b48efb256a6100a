"""A video file as a timeline and as decoded frames, by PyAV (FFmpeg's libraries).

The file comes as an open binary file object that can seek. Frame times are exact
fractions of a second from presentation times, so that variable frame rates need no care.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.video.timestamps import recording_time

log = logging.getLogger(__name__)

# Real containers only. FFmpeg also takes playlists for videos; those name other files
# and addresses, which a file given to us must not make us open.
_FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg,mxf,gif"
_READABLE = "MP4, MOV, MKV, WebM, AVI, MPEG, WMV, FLV, OGG, MXF and GIF"
_REMEDY = (
    "play it to see whether it is whole, copy it again from the camera, or re-encode it"
)
_MICROSECOND = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class Timeline:
    """What a video's packets say before any of them is decoded.

    Attributes:
        start_s: presentation time of the first frame.
        end_s: when the last frame that is in the file ends.
        frames: number of frames in the file.
        declared_s: how long the file claims to be; None where it does not.
        recorded: when recording began by the camera's clock, without time zone.
    """

    start_s: Fraction
    end_s: Fraction
    frames: int
    declared_s: float | None
    recorded: datetime | None

    @property
    def length_s(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return self.end_s - self.start_s

    @property
    def usual_step_s(self) -> Fraction:
        """Mean seconds from frame to frame."""
        return self.length_s / self.frames


@contextmanager
def open_video(
    video: BinaryIO, name: str
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container from its beginning, and its best video stream.

    Raises:
        FileContentError: it is no video file, or there are no pictures in it.
    """
    video.seek(0)
    try:
        container = av.open(
            video,
            mode="r",
            metadata_errors="replace",
            container_options={"format_whitelist": _FORMATS},
        )
    except (av.FFmpegError, OSError) as error:
        raise FileContentError(
            f"video {name!r} cannot be opened ({error.strerror or error}); {_READABLE} "
            f"can be read: {_REMEDY}"
        ) from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise FileContentError(f"{name!r} holds no video stream: {_REMEDY}")
        yield container, stream


def scan_timeline(video: BinaryIO, name: str) -> Timeline:
    """Read all packets without decoding; fast, and sees where a broken file ends.

    Raises:
        FileContentError: it is no video file, or there is not one whole frame in it.
    """
    starts: list[int] = []
    ends: list[int] = []
    with open_video(video, name) as (container, stream):
        for packet in _packets(container, stream):
            time = packet.dts if packet.pts is None else packet.pts
            if time is not None and packet.size and not packet.is_discard:
                starts.append(time)
                ends.append(time + (packet.duration or 0))
        base = stream.time_base or Fraction(1)
        declared = _declared_s(container, stream)
        recorded = recording_time({**container.metadata, **stream.metadata})
    if not starts:
        raise no_frames(name)
    return Timeline(
        start_s=min(starts) * base,
        end_s=max(ends) * base,
        frames=len(starts),
        declared_s=declared,
        recorded=recorded,
    )


class FrameReader:
    """Iterates over a video's frames in the order of presentation, once.

    A packet that cannot be decoded is counted and skipped; where the file breaks off,
    the frames end.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        # Slices only: with one frame a thread, errors surface some frames late, and
        # which frames a damaged file loses would depend on the number of cores.
        stream.thread_type = "SLICE"
        self.damaged_packets = 0

    def __iter__(self) -> Iterator[VideoFrame]:
        for packet in _packets(self._container, self._stream):
            yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: av.Packet | None) -> list[VideoFrame]:
        try:
            frames = self._stream.decode(packet)
        except EOFError:  # the decoder was flushed already
            return []
        except av.FFmpegError as error:
            log.debug("a packet cannot be decoded: %s", error)
            self.damaged_packets += 1
            return []
        whole = [frame for frame in frames if not frame.is_corrupt]
        self.damaged_packets += len(frames) - len(whole)
        return whole


def frame_time_s(frame: VideoFrame, stream: VideoStream) -> Fraction | None:
    """Presentation time in seconds; None where the container has none."""
    time = frame.dts if frame.pts is None else frame.pts
    # The last frames out of the decoder do not know their unit, which is the stream's.
    base = frame.time_base or stream.time_base
    return None if time is None or base is None else time * base


def no_frames(name: str) -> FileContentError:
    """The error of a video in which no frame can be read."""
    return FileContentError(f"not one frame of video {name!r} can be read: {_REMEDY}")


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Packets until the end, or until the file breaks off; no flushing one."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError as error:
            log.debug("the container breaks off: %s", error)
            return
        if packet.size:
            yield packet


def _declared_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration * _MICROSECOND) if container.duration else None
