"""Where DINOv2's weights are looked for, and what a download leaves behind."""

import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from mtcm_pipeline.encoders import dinov2_weights, registry
from mtcm_pipeline.encoders.dinov2_weights import (
    cache_folder,
    fetch_weights,
    find_weights,
)
from mtcm_pipeline.encoders.download import PublishedFile
from mtcm_pipeline.errors import ParameterError

CONTENT = bytes(range(256)) * 8000  # 2,048,000 bytes: more than one chunk
NAME = "dinov2_vits14_pretrain.pth"


class Handler(http.server.BaseHTTPRequestHandler):
    """`/whole`, `/short`, `/cut` (fewer bytes than promised), `/long`, `/other`."""

    def do_GET(self):
        answers = {
            "/whole": CONTENT,
            "/short": CONTENT[:-1],
            "/cut": CONTENT[:1500],
            "/long": CONTENT + b"x",
            "/other": CONTENT[::-1],
        }
        body = answers.get(self.path)
        self.send_response(404 if body is None else 200)
        if self.path != "/long":  # without a length it ends with the connection
            length = len(CONTENT if self.path == "/cut" else body or b"")
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def server(monkeypatch):
    """Address of a server on this machine that is closed after the test."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.timeout = 10
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join(10)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """An empty project folder and an empty cache."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def published(url):
    return PublishedFile(url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def everything_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_whole_file_is_accepted_and_found_again(server, places):
    target = fetch_weights(published(f"{server}/whole"))
    assert target == places / "cache" / "mtcm-pipeline" / NAME
    assert target.read_bytes() == CONTENT
    assert everything_below(places) == [target]
    assert find_weights() == target


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("short", f"{len(CONTENT) - 1} bytes came, not {len(CONTENT)}"),
        ("cut", "1500 bytes"),
        ("long", f"more than {len(CONTENT)} bytes"),
        ("other", "SHA-256"),
        ("absent", "404"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_left(server, places, page, said):
    with pytest.raises(ParameterError, match=said) as caught:
        fetch_weights(published(f"{server}/{page}"))
    message = str(caught.value)
    assert f"{server}/{page}" in message
    assert str(cache_folder() / NAME) in message
    assert "ingest.encoder_download" in message
    assert everything_below(places) == []


def test_a_failed_download_keeps_the_file_that_was_there(server, places):
    target = fetch_weights(published(f"{server}/whole"))
    with pytest.raises(ParameterError):
        fetch_weights(published(f"{server}/short"))
    assert target.read_bytes() == CONTENT
    assert everything_below(places) == [target]


def test_without_a_network_the_error_names_address_target_and_option(server, places):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        nobody = f"http://127.0.0.1:{closed.server_port}/whole"
    with pytest.raises(ParameterError) as caught:
        fetch_weights(published(nobody))
    message = str(caught.value)
    for part in (nobody, str(cache_folder() / NAME), "ingest.encoder_weights"):
        assert part in message
    assert everything_below(places) == []


def test_a_cache_that_cannot_be_written_is_said(server, places):
    (places / "cache").write_text("a file, not a folder")
    with pytest.raises(ParameterError, match="mtcm-pipeline"):
        fetch_weights(published(f"{server}/whole"))


def test_the_projects_file_comes_before_the_caches(places):
    assert find_weights() is None
    cached = places / "cache" / "mtcm-pipeline" / NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"1")
    assert find_weights() == cached
    own = places / "project" / "data" / "models" / NAME
    own.parent.mkdir(parents=True)
    own.write_bytes(b"2")
    assert find_weights().resolve() == own


def test_nothing_is_fetched_unasked(monkeypatch):
    fetched = []
    monkeypatch.setattr(
        dinov2_weights, "fetch_weights", lambda: fetched.append(1) or Path("fetched")
    )
    assert registry.locate_weights("dinov2_vits14", None) is None
    assert registry.locate_weights("efficientnet_lite0", None, download=True) is None
    assert registry.locate_weights("dinov2_vits14", "w.pth", download=True) == "w.pth"
    assert fetched == []
    found = registry.locate_weights("dinov2_vits14", None, download=True)
    assert found == Path("fetched") and fetched == [1]


def test_a_relative_cache_folder_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for base in ("relative/cache", ""):
        monkeypatch.setenv("XDG_CACHE_HOME", base)
        assert cache_folder() == tmp_path / ".cache" / "mtcm-pipeline"


def test_the_published_file_is_the_official_one():
    official = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/" + NAME
    assert dinov2_weights.PUBLISHED.url == official
    assert dinov2_weights.PUBLISHED.size_bytes == 88_283_115
    assert len(bytes.fromhex(dinov2_weights.PUBLISHED.sha256)) == 32
