"""Videos made here, frame by frame, so that every frame's time and sharpness is known."""

import io
import re
from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.formats.exif import read_exif, read_exif_json
from mtcm_pipeline.video.extract import extract_frames
from mtcm_pipeline.video.options import VideoOptions

TICKS = Fraction(1, 600)
W, H = 160, 96
RECORDED = "2024-05-06T07:08:09.250000Z"


def scene(shift, sharp=True):
    """A checkered board that moves by `shift` px, red in the upper left; or its blur."""
    y, x = np.mgrid[:H, :W]
    board = np.where(((x + shift) // 8 + y // 8) % 2, 230, 30).astype(np.uint8)
    rgb = np.repeat(board[..., None], 3, axis=2)
    picture = Image.fromarray(rgb)
    if not sharp:
        picture = picture.filter(ImageFilter.GaussianBlur(3))
    rgb = np.array(picture)
    rgb[: H // 2, : W // 2, 1:] //= 8
    rgb[: H // 2, : W // 2, 0] = 250
    return rgb


def write_video(
    frames, ticks, file=None, *, format="matroska", codec="libx264", recorded=None,
    turn=None, pixel_aspect=None,
):  # fmt: skip
    """Encode `frames` with presentation times `ticks` in 1/600 s; returns the bytes."""
    target = io.BytesIO() if file is None else str(file)
    options = {} if file is None else {"movflags": "faststart"}
    with av.open(target, "w", format=format, options=options) as container:
        if recorded:
            container.metadata["creation_time"] = recorded
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, "yuv420p"
        stream.time_base = stream.codec_context.time_base = TICKS
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if turn is not None:
            stream.set_display_rotation(turn[0], hflip=turn[1])
        for rgb, tick in zip(frames, ticks, strict=True):
            frame = av.VideoFrame.from_ndarray(rgb)
            frame.pts, frame.time_base = tick, TICKS
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return target.getvalue() if file is None else file.read_bytes()


def steady(count=60):
    """(ticks) of `count` frames at 30 a second."""
    return [20 * i for i in range(count)]


def extract(content, name="clip.mkv", **options):
    pictures = {}
    video = io.BytesIO(content)
    found = extract_frames(
        video, name, VideoOptions(**options), save=pictures.__setitem__
    )
    assert list(pictures) == [frame.name for frame in found.frames]
    return found, pictures


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_the_one_sharp_frame_of_each_window_is_kept(codec):
    sharp = {3, 17, 44, 59}  # one in each window of 15 frames, not at equal places
    frames = [scene(i, i in sharp) for i in range(60)]
    found, pictures = extract(write_video(frames, steady(), codec=codec))
    assert {frame.number for frame in found.frames} == sharp
    assert [frame.name for frame in found.frames] == sorted(pictures)
    assert found.frames[1].name == "clip_000017.jpg"
    assert found.read_frames == 60 and found.notes == ()


def test_kept_pixels_are_those_of_the_frame():
    frames = [scene(i, i % 15 == 9) for i in range(30)]
    _, pictures = extract(write_video(frames, steady(30)), image_format="png")
    for number, name in ((9, "clip_000009.png"), (24, "clip_000024.png")):
        seen = np.array(Image.open(io.BytesIO(pictures[name]))).astype(int)
        # The only loss is the encoder's; another shift of the board would be far off.
        assert np.abs(seen - frames[number]).mean() < 12
        assert np.abs(seen - frames[number - 4]).mean() > 30


def test_times_are_presentation_times_at_a_variable_rate():
    # 0..1 s at 30 a second, then a pause, then 10 a second from 5.0 s on.
    ticks = [20 * i for i in range(30)] + [3000 + 60 * i for i in range(10)]
    sharp = {11, 22, 31, 39}
    frames = [scene(i, i in sharp) for i in range(40)]
    found, _ = extract(write_video(frames, ticks))
    by_number = {frame.number: frame.time_s for frame in found.frames}
    assert set(by_number) == sharp  # windows within the pause give nothing
    for number, time_s in by_number.items():
        assert time_s == pytest.approx(ticks[number] / 600, abs=0.001)  # MKV has ms


def test_times_agree_in_exif_and_exif_json():
    frames = [scene(i, i in (4, 20)) for i in range(30)]
    found, pictures = extract(write_video(frames, steady(30), recorded=RECORDED))
    began = datetime(2024, 5, 6, 7, 8, 9, 250000, tzinfo=UTC).timestamp()
    from_json = read_exif_json(found.exif_json())
    assert not from_json.problems
    for frame, tick in zip(found.frames, (80, 400), strict=True):
        expected = began + tick / 600
        assert frame.timestamp_s == pytest.approx(expected, abs=0.001)
        assert from_json.facts[frame.name].timestamp_s == frame.timestamp_s
        seen = read_exif(pictures[frame.name], frame.name).timestamp_s
        assert seen == pytest.approx(frame.timestamp_s, abs=2e-6)


@pytest.mark.parametrize("recorded", [None, "1970-01-01T00:00:00Z"])
def test_without_a_date_that_can_be_believed_times_count_from_the_beginning(recorded):
    content = write_video([scene(i) for i in range(30)], steady(30), recorded=recorded)
    found, pictures = extract(content)
    assert all(frame.timestamp_s == frame.time_s for frame in found.frames)
    assert all(read_exif(p, n).timestamp_s is None for n, p in pictures.items())


def test_first_frame_is_time_zero_wherever_its_clock_begins():
    content = write_video([scene(i) for i in range(30)], [6000 + t for t in steady(30)])
    found, _ = extract(content, rate_fps=30)
    assert [frame.number for frame in found.frames] == list(range(30))
    assert found.frames[0].time_s == 0.0
    assert found.frames[-1].time_s == pytest.approx(29 / 30, abs=0.001)
    assert found.notes == ()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_frames_are_turned_as_the_container_says(degrees, mirrored):
    still = [scene(0)] * 4
    content = write_video(still, steady(4), format="mp4", turn=(degrees, mirrored))
    _, pictures = extract(content)
    seen = np.array(Image.open(io.BytesIO(next(iter(pictures.values()))))).astype(int)
    upright = np.rot90(still[0], degrees // 90)  # counter-clockwise, as is the option
    if mirrored:
        upright = upright[:, ::-1]
    assert seen.shape == upright.shape
    assert np.abs(seen - upright).mean() < 12


def test_pixels_become_square():
    still = [scene(0)] * 4
    _, pictures = extract(write_video(still, steady(4), pixel_aspect=Fraction(3, 2)))
    assert Image.open(io.BytesIO(pictures["clip_000000.jpg"])).size == (W * 3 // 2, H)


def test_large_frames_are_shrunk_to_the_side_asked_for():
    _, pictures = extract(write_video([scene(0)] * 4, steady(4)), longest_side_px=80)
    assert Image.open(io.BytesIO(pictures["clip_000000.jpg"])).size == (80, 48)


def test_a_long_video_is_spanned_by_the_frames_allowed():
    content = write_video([scene(i) for i in range(60)], steady())
    found, _ = extract(content, rate_fps=10, max_frames=6)
    assert [frame.number // 10 for frame in found.frames] == [0, 1, 2, 3, 4, 5]
    assert "max_frames" in found.notes[0] and "0.33 s" in found.notes[0]


def test_a_rate_above_the_videos_keeps_every_frame_and_says_so():
    found, _ = extract(
        write_video([scene(i) for i in range(12)], steady(12)), rate_fps=50
    )
    assert len(found.frames) == 12
    assert "30.00 frames a second" in found.notes[0]


def test_a_video_that_breaks_off_keeps_what_is_there_and_says_where(tmp_path):
    sharp = {7, 21, 40, 50}
    frames = [scene(i, i in sharp) for i in range(60)]
    # The index stands before the data, so that half a file is half a video.
    whole = write_video(frames, steady(), tmp_path / "a.mp4", format="mp4")
    found, _ = extract(whole[: len(whole) * 6 // 10], "clip.mp4")
    complete, _ = extract(whole, "clip.mp4")
    said = float(re.search(r"ends after ([\d.]+) of 2\.0 s", found.notes[0])[1])
    # The last frame may be some frames further than their count: those broken are lost.
    assert found.read_frames / 30 - 0.06 <= said <= 1.3 and said > 0.4
    certain = [f for f in found.frames if f.number < 15 * (found.read_frames // 15)]
    assert certain == list(complete.frames[: len(certain)]) and certain


@pytest.mark.parametrize("format", ["matroska", "avi", "mpegts"])
def test_any_cut_gives_frames_or_a_clear_error_never_a_crash(format):
    codec = "mpeg4" if format == "avi" else "libx264"
    whole = write_video([scene(i) for i in range(30)], steady(30), None,
                        format=format, codec=codec)  # fmt: skip
    for share in (0.05, 0.3, 0.77, 0.999):
        try:
            found, _ = extract(whole[: int(len(whole) * share)])
        except FileContentError as error:
            assert "'clip.mkv'" in str(error)
        else:
            assert 1 <= found.read_frames <= 30


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video" * 100,
        # A playlist names files; none of them must be opened.
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ],
)
def test_what_is_no_video_is_refused_with_a_remedy(content):
    with pytest.raises(FileContentError, match=r"'a\.mp4'.*copy it again"):
        extract(content, "a.mp4")


def test_sound_alone_is_no_video():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        sound.sample_rate = 8000
        for packet in [*stream.encode(sound), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(FileContentError, match="no video stream"):
        extract(buffer.getvalue())


def test_uniform_frames_are_kept_though_nothing_in_them_is_sharp():
    black = [np.zeros((H, W, 3), np.uint8)] * 30
    found, _ = extract(write_video(black, steady(30)))
    assert [frame.number for frame in found.frames] == [0, 15]


def test_the_same_video_gives_the_same_bytes():
    content = write_video([scene(i, i % 5 == 2) for i in range(30)], steady(30))
    assert extract(content) == extract(content)


def test_pictures_never_become_hidden_files():
    content = write_video([scene(0)] * 4, steady(4))
    assert list(extract(content, ".mkv")[1]) == ["mkv_000000.jpg"]
