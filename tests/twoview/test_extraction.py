"""The store: what is known is not computed again."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from memory_store import MemoryStore
from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.twoview.extraction import (
    FrameContent,
    features_of_file,
    features_of_frames,
)
from mtcm_pipeline.twoview.features import Features
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.workers import run_jobs


class CountingExtractor:
    """One feature, its place made from the name's length; counts its calls."""

    def __init__(self):
        self.names = []

    def __call__(self, content):
        self.names.append(content.name)
        xy = np.full((1, 2), len(content.image), np.float32)
        return Features(xy, np.ones((1, 128), np.uint8), (100, 80))


HERE = TwoViewOptions(workers=0)
IMAGES = {"a.png": b"first", "b.png": b"second photo"}


def loaders(contents):
    return {name: (lambda data=data: data) for name, data in contents.items()}


def run(extract, store, *, images=None, masks=None, options=HERE, sizes=None):
    images = images or IMAGES
    return features_of_frames(
        list(images),
        loaders(images),
        loaders(masks or {}),
        sizes or {},
        options,
        store=store,
        extract=extract,
    )


def test_a_second_run_computes_nothing_and_finds_the_same():
    store, first, second = MemoryStore(), CountingExtractor(), CountingExtractor()
    one, two = run(first, store), run(second, store)
    assert first.names == ["a.png", "b.png"]
    assert second.names == []
    for name in IMAGES:
        np.testing.assert_array_equal(one.by_name[name].xy, two.by_name[name].xy)


def test_the_content_counts_and_not_the_name():
    store = MemoryStore()
    run(CountingExtractor(), store)
    renamed, changed = CountingExtractor(), CountingExtractor()
    run(renamed, store, images={"c.png": IMAGES["a.png"]})
    run(changed, store, images={"a.png": b"other bytes"})
    assert renamed.names == []
    assert changed.names == ["a.png"]


@pytest.mark.parametrize(
    "different",
    [
        {"masks": {"a.png": b"mask"}},
        {"sizes": {"a.png": (40, 30)}},
        {"options": TwoViewOptions(workers=0, peak_threshold=0.01)},
        {"options": TwoViewOptions(workers=0, feature_px=300)},
        {"options": TwoViewOptions(workers=0, max_features=99)},
    ],
)
def test_what_decides_the_features_makes_another_key(different):
    store, again = MemoryStore(), CountingExtractor()
    run(CountingExtractor(), store)
    run(again, store, **different)
    assert "a.png" in again.names


def test_what_does_not_decide_them_keeps_the_key():
    store, again = MemoryStore(), CountingExtractor()
    run(CountingExtractor(), store)
    run(again, store, options=TwoViewOptions(workers=0, ratio=0.7, seed=4))
    assert again.names == []


@pytest.mark.parametrize(
    "harm", [lambda c: c[:20], lambda c: b"", lambda c: c[:90] + b"?" + c[91:]]
)
def test_a_broken_entry_is_computed_again_and_mended(harm):
    store, again, after = MemoryStore(), CountingExtractor(), CountingExtractor()
    run(CountingExtractor(), store)
    store.update({key: harm(content) for key, content in store.items()})
    run(again, store)
    assert again.names == ["a.png", "b.png"]
    run(after, store)
    assert after.names == []


def test_a_broken_photograph_is_a_problem_and_the_others_go_on():
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    good = buffer.getvalue()
    found = run(features_of_file, None, images={"good.png": good, "cut.png": good[:900]})
    assert list(found.by_name) == ["good.png"]
    assert "cut.png" in found.problems["cut.png"]


def test_a_photograph_or_mask_that_may_not_be_read_is_a_problem_too():
    def closed():
        raise FileContentError("it cannot be read (Permission denied)")

    images = {**loaders(IMAGES), "c.png": closed}
    found = features_of_frames(
        list(images), images, {"b.png": closed}, {}, HERE, extract=CountingExtractor()
    )
    assert list(found.by_name) == ["a.png"] and set(found.problems) == {"b.png", "c.png"}
    assert "Permission denied" in found.problems["c.png"]


def test_progress_ends_with_all_frames():
    steps = []
    features_of_frames(
        list(IMAGES),
        loaders(IMAGES),
        {},
        {},
        HERE,
        store=MemoryStore(),
        extract=CountingExtractor(),
        on_progress=lambda *step: steps.append(step),
    )
    assert steps[-1] == ("finding features", 2, 2)


def test_a_worker_finds_the_same_features_beside_torch():
    import torch  # the process that hands out the jobs holds it

    assert torch.ones(3).sum() == 3
    noise = np.random.default_rng(1).integers(0, 256, (96, 120, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    images = {"a.png": buffer.getvalue()}
    here = run(features_of_file, None, images=images)
    there = run(features_of_file, None, images=images, options=TwoViewOptions(workers=1))
    np.testing.assert_array_equal(here.by_name["a.png"].xy, there.by_name["a.png"].xy)
    assert len(here.by_name["a.png"]) > 20


def _dies(job):
    import os

    os._exit(3)


def test_a_worker_that_dies_is_an_error_and_not_a_crash():
    with pytest.raises(CaptureError, match="worker process"):
        list(run_jobs(_dies, [1, 2], 1))


def test_keys_are_plain_file_names():
    key = FrameContent("ü b.jpg", b"x", None, None, HERE).key
    assert key.startswith("features-")
    assert key.replace("-", "").isalnum()


def test_a_script_without_a_main_guard_is_not_run_again_by_its_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "print('begins')\n"
        "from mtcm_pipeline.twoview.workers import Workers\n"
        "with Workers(1) as workers:\n"
        "    print(list(workers.run(abs, [-1, 2])), list(workers.run(len, ['abc'])))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["begins", "[1, 2] [3]", ""]
