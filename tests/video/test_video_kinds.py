"""Interlaced and high dynamic range video, made here."""

import io
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from mtcm_pipeline.video.dynamic_range import (
    compressed,
    hlg_scene_light,
    pq_light,
    srgb_of_light,
)
from mtcm_pipeline.video.extract import extract_frames
from mtcm_pipeline.video.interlaced import Deinterlacer
from mtcm_pipeline.video.options import VideoOptions

W, H = 160, 96


def encoded(frames, pix_fmt, options, **colours):
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = W, H, pix_fmt
        for name, value in colours.items():
            setattr(stream.codec_context, name, value)
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return target.getvalue()


def extracted(content, **options):
    pictures = {}
    found = extract_frames(
        io.BytesIO(content),
        "clip.mkv",
        VideoOptions(image_format="png", **options),
        save=pictures.__setitem__,
    )
    arrays = [np.array(Image.open(io.BytesIO(data))) for data in pictures.values()]
    return found, arrays


def board(shift):
    y, x = np.mgrid[:H, :W]
    return np.where(((x + shift) // 16 + y // 16) % 2, 220, 40).astype(np.uint8)


def woven(count, motion):
    """Even rows of one moment, odd rows of the next."""
    for number in range(count):
        rows = board(2 * number * motion)
        rows[1::2] = board((2 * number + 1) * motion)[1::2]
        yield av.VideoFrame.from_ndarray(np.repeat(rows[..., None], 3, axis=2))


def torn(grey):
    """Mean step between rows beyond that between rows of one field."""
    grey = grey.astype(float)
    return np.abs(np.diff(grey, axis=0)).mean() - np.abs(grey[2:] - grey[:-2]).mean() / 2


INTERLACED = {"x264-params": "interlaced=1:tff=1", "crf": "8"}


def test_interlaced_frames_become_pictures_of_one_moment_and_keep_their_times():
    found, pictures = extracted(
        encoded(woven(12, motion=3), "yuv420p", INTERLACED), rate_fps=25
    )
    assert any("is interlaced" in note for note in found.notes)
    assert len(pictures) == found.read_frames == 12
    assert [frame.time_s for frame in found.frames] == pytest.approx(
        [number / 25 for number in range(12)], abs=1e-3
    )
    one_moment = torn(board(0))
    comb = next(iter(woven(1, motion=3))).to_ndarray(format="gray")
    assert torn(comb) > one_moment + 20
    assert max(torn(picture[..., 1]) for picture in pictures) < one_moment + 5


def test_progressive_video_is_left_as_it_is():
    frames = [av.VideoFrame.from_ndarray(np.repeat(board(3)[..., None], 3, axis=2))]
    found, pictures = extracted(encoded(frames, "yuv420p", {"crf": "8"}), rate_fps=25)
    assert found.notes == ()
    assert len(pictures) == 1


def test_curves_by_the_standards_own_values():
    # BT.2408, table 1: graphics white, 203 cd/m2, is 58 % PQ and 75 % HLG.
    assert pq_light(np.array(0.58)) == pytest.approx(203, rel=0.02)
    assert pq_light(np.array([0.0, 1.0])) == pytest.approx([0, 10000])
    shown = 1000 * hlg_scene_light(np.array(0.75)) ** 1.2
    assert shown == pytest.approx(203, rel=0.02)
    assert hlg_scene_light(np.array([0.0, 0.5, 1.0])) == pytest.approx([0, 1 / 12, 1])


def test_dark_and_middle_tones_stay_and_light_beyond_white_keeps_its_order_and_hue():
    light = np.linspace(0.0, 20.0, 400)[:, None] * np.array([1.0, 0.5, 0.1])
    shown = compressed(light)
    low = light[:, 0] <= 0.7
    np.testing.assert_array_equal(shown[low], light[low])
    assert (np.diff(shown[:, 0]) >= -1e-12).all() and shown.max() <= 1.0 + 1e-12
    np.testing.assert_allclose(shown[1:, 1] / shown[1:, 0], 0.5)
    assert srgb_of_light(np.array([0.0, 0.2140, 1.0])).tolist() == [0, 127, 255]


@pytest.mark.parametrize(("transfer", "coded"), [(16, 0.58), (18, 0.75)])
def test_white_paper_comes_out_white_and_not_grey(transfer, coded):
    """The knee takes white to 0.7 + 0.3 tanh 1 of full light."""
    level = round(coded * 65535)
    frame = av.VideoFrame.from_ndarray(
        np.full((H, W, 3), level, np.uint16), format="rgb48le"
    ).reformat(format="yuv420p10le", dst_colorspace=9)
    content = encoded(
        [frame], "yuv420p10le", {"crf": "4"},
        color_trc=transfer, color_primaries=9, colorspace=9,
    )  # fmt: skip
    found, pictures = extracted(content, rate_fps=25)
    assert any("high dynamic range" in note for note in found.notes)
    expected = srgb_of_light(np.array(0.7 + 0.3 * np.tanh(1.0)))
    assert abs(pictures[0].astype(int) - int(expected)).max() <= 4


def test_frames_of_two_sizes_pass_with_their_colours_and_times():
    def frame(number):
        size = (H, W, 3) if number < 5 else (2 * H, 2 * W, 3)
        made = av.VideoFrame.from_ndarray(np.full(size, 90, np.uint8))
        made = made.reformat(format="yuv420p")
        made.pts, made.time_base, made.colorspace = number, Fraction(1, 25), 1
        return made

    stream = SimpleNamespace(time_base=Fraction(1, 25))
    deinterlacer = Deinterlacer(stream)
    deinterlacer.found = True
    done = list(deinterlacer.frames(frame(number) for number in range(10)))
    assert [shown.width for shown in done] == [W] * 5 + [2 * W] * 5
    assert [float(shown.pts * shown.time_base) for shown in done] == pytest.approx(
        [number / 25 for number in range(10)]
    )
    assert {shown.colorspace for shown in done} == {1}
