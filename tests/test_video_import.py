"""A video becomes an identity, or nothing happens at all."""

import io
import json
from types import SimpleNamespace

import av
import numpy as np
import pytest
from click.testing import CliRunner

from mtcm_pipeline import cli as commands
from mtcm_pipeline.errors import CaptureError, FileContentError, IdentityError
from mtcm_pipeline.formats.exif import read_exif_json
from mtcm_pipeline.video.options import VideoOptions
from mtcm_pipeline.video_import import import_video


@pytest.fixture
def clip(tmp_path):
    """Two seconds at 10 frames a second of noise."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(5)
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(20):
            pixels = noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    file = tmp_path / "Büste 2.mkv"
    file.write_bytes(buffer.getvalue())
    return file


def tree(root):
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def test_frames_and_their_times_arrive_and_nothing_else(clip, tmp_path):
    data = tmp_path / "data"
    found = import_video(clip, data, options=VideoOptions(rate_fps=3))
    names = {frame.name for frame in found.frames}
    assert len(names) == 6
    pictures = {f"raw_images/Büste 2/{name}" for name in names}
    assert tree(data) == pictures | {"metadata/Büste 2/exif.json"}
    content = json.loads((data / "metadata" / "Büste 2" / "exif.json").read_text())
    facts = read_exif_json(content).facts
    assert {n: f.timestamp_s for n, f in facts.items()} == {
        frame.name: frame.timestamp_s for frame in found.frames
    }


def test_failures_leave_nothing_behind(clip, tmp_path):
    data = tmp_path / "data"
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    with pytest.raises(FileContentError, match=r"broken\.mp4"):
        import_video(broken, data)
    with pytest.raises(CaptureError, match="not a file"):
        import_video(tmp_path / "absent.mp4", data)
    with pytest.raises(IdentityError):
        import_video(clip, data, "../elsewhere")
    assert not tree(data) and not list(data.glob("*/*"))


def test_an_existing_identity_is_replaced_only_when_told(clip, tmp_path):
    data = tmp_path / "data"
    import_video(clip, data, "Jar")
    before = tree(data)
    with pytest.raises(CaptureError, match="--force"):
        import_video(clip, data, "Jar", VideoOptions(rate_fps=1))
    assert tree(data) == before
    import_video(clip, data, "Jar", VideoOptions(rate_fps=1), replace=True)
    assert len(tree(data)) == 3


def test_the_command_says_what_it_took_and_refuses_what_is_out_of_bounds(clip, tmp_path):
    project = SimpleNamespace(project_path=tmp_path)

    def call(*arguments):
        return CliRunner().invoke(
            commands.cli, ["import-video", str(clip), *arguments], obj=project
        )

    refused = call("--rate", "-1")
    assert refused.exit_code == 2 and "--rate" in refused.output
    assert "--max-frames" in call("--max-frames", "0").output
    assert not (tmp_path / "data").exists()
    done = call("--identity", "Jar", "--rate", "1")
    assert done.exit_code == 0, done.output
    assert "imported 'Jar'" in done.output and "frames: 2 of 20" in done.output
    assert done.output.endswith("next: kedro run --params identity=Jar\n")
    again = call("--identity", "Jar")
    assert again.exit_code == 1 and "exists already" in again.output
