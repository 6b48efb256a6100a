"""Interlaced video: a frame whose even and odd rows were taken at two moments.

Where something moves, the rows tear into a comb. A comb passes for sharpness, and its
edges for features, so that such frames would even be preferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_Kind = tuple[int, int, str]  # width, height, name of the pixel format


class Deinterlacer:
    """Passes frames on; those marked as interlaced become pictures of one moment.

    By FFmpeg's bwdif (the BBC's and w3fdif's weights, motion adaptive): where nothing
    moves, both moments' rows stay. One frame for one frame, times as they were.

    Attributes:
        found: whether an interlaced frame has come by.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stream = stream
        self._graph: Graph | None = None
        self._kind: _Kind | None = None
        self.found = False

    def frames(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """The frames in their order. Video without such a frame is not filtered."""
        for frame in frames:
            self.found = self.found or frame.interlaced_frame
            if not self.found:
                yield frame
                continue
            kind = frame.width, frame.height, frame.format.name
            if kind != self._kind:  # a graph is for one size
                yield from self._rest()
                self._graph, self._kind = self._new_graph(kind), kind
            assert self._graph is not None
            self._graph.push(frame)
            yield from self._finished(self._graph)
        yield from self._rest()

    def _rest(self) -> Iterator[VideoFrame]:
        """The frame that the graph keeps back, to compare it with the one after."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._finished(self._graph)

    def _new_graph(self, kind: _Kind) -> Graph:
        width, height, pixel_format = kind
        graph = Graph()
        source = graph.add_buffer(
            width=width,
            height=height,
            format=VideoFormat(pixel_format),
            time_base=self._stream.time_base,
        )
        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(bwdif)
        bwdif.link_to(sink)
        graph.configure()
        return graph

    @staticmethod
    def _finished(graph: Graph) -> Iterator[VideoFrame]:
        while True:
            try:
                frame = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if isinstance(frame, VideoFrame):
                yield frame
