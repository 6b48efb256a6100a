"""The judge's table and predicted tokens as doubts."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.judge.matched import MatchMemory, match_photos
from mtcm_pipeline.judge.photo_facts import photo_key
from mtcm_pipeline.tokens.layout import CENTRE, QUATERNION, TOKEN_WIDTH
from mtcm_pipeline.tuning.doubts import (
    beliefs_of,
    doubt_of_judgement,
    leading_components,
    matches_of,
    matches_of_run,
)
from mtcm_pipeline.twoview.options import TwoViewOptions

JUDGED = pd.DataFrame(
    {
        "name": ["a", "b", "c", "d", "e"],
        "fault_probability": [0.02, 0.97, 0.9, 0.95, np.nan],
        "faulty": [False, True, True, True, True],
        "field": ["none", "pose", "embedding", "embedding", "none"],
        "kind": ["", "rotation", "defocus", "exposure", ""],
    }
)


def test_poses_and_the_undecided_may_be_cured_pictures_not():
    doubt = doubt_of_judgement(JUDGED, ["d", "a", "b", "c", "e"])
    assert doubt.curable.tolist() == [False, True, True, False, False]
    assert doubt.fault_probability == pytest.approx([0.95, 0.02, 0.97, 0.9, 1.0])
    assert doubt.kept.tolist() == [False, True, False, False, False]
    assert doubt.features.shape == (5, 1)
    assert doubt.features[1, 0] == pytest.approx(np.log(0.02 / 0.98))


def test_a_frame_that_the_judge_does_not_know_counts_as_sound():
    doubt = doubt_of_judgement(JUDGED, ["a", "unknown"])
    assert doubt.fault_probability == pytest.approx([0.02, 0.0])


def test_representations_come_in_by_their_leading_directions():
    rows = np.random.default_rng(0).normal(size=(5, 20)) * ([10.0] * 2 + [0.1] * 18)
    doubt = doubt_of_judgement(JUDGED, list("abcde"), representations=rows)
    assert doubt.features.shape == (5, 5)
    kept = leading_components(rows, 4)
    assert (kept**2).sum() == pytest.approx(((rows - rows.mean(0)) ** 2).sum(), rel=0.01)


def test_predicted_tokens_become_beliefs_and_absent_ones_nothing():
    values = np.full((2, TOKEN_WIDTH), np.nan)
    quat = np.array([0.9, 0.1, -0.4, 0.2])
    values[0, CENTRE] = [0.5, -1.0, 2.0]
    values[0, QUATERNION] = quat / np.linalg.norm(quat)
    found = beliefs_of(["a", "b"], values, np.radians([5.0, 5.0]), ["a", "b"])
    assert set(found) == {"a"}
    world_from_cam = invert_rigid(found["a"].cam_from_world)
    assert world_from_cam[:3, 3] == pytest.approx([0.5, -1.0, 2.0])
    assert world_from_cam[:3, :3] == pytest.approx(
        matrix_from_quat(values[0, QUATERNION][None])[0]
    )
    sigmas = 1 / np.sqrt(np.diag(found["a"].information))
    assert sigmas == pytest.approx(np.radians(5.0))


def photograph(shift: int) -> np.ndarray:
    """(160, 200, 3) of one landscape, moved by whole pixels."""
    noise = np.random.default_rng(5).random((160, 260))
    smooth = gaussian_filter(noise, 1.5)
    grey = (smooth - smooth.min()) / np.ptp(smooth) * 255
    return np.repeat(grey[:, 30 + shift : 230 + shift, None], 3, axis=2).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Counted(dict):
    """A store that counts what is new."""

    def read(self, key: str) -> bytes | None:
        return self.get(key)

    def write(self, key: str, content: bytes) -> None:
        self.new = getattr(self, "new", 0) + 1
        self[key] = content


CAMERAS = PosedCameras(
    ("a.png", "b.png", "c.png"), np.tile(np.eye(4), (3, 1, 1)), (1, 1, 1),
    {1: Camera("PINHOLE", 200, 160, (300.0, 300.0, 100.0, 80.0))},
)  # fmt: skip
OPTIONS = TwoViewOptions(workers=0)


def test_the_matches_of_a_run_are_those_of_its_pairs_and_not_computed_twice():
    images = {n: (lambda k=k: png(photograph(6 * k)))
              for k, n in enumerate(CAMERAS.names)}  # fmt: skip
    pairs = pd.DataFrame({"name_a": ["a.png", "a.png"], "name_b": ["b.png", "gone.png"]})
    store = Counted()
    found = matches_of_run(images, {}, CAMERAS, pairs, options=OPTIONS, store=store)
    assert [s.other for s in found["a.png"]] == ["b.png"]
    assert not found["c.png"]
    (here,), (there,) = found["a.png"], found["b.png"]
    assert np.array_equal(here.xy, there.xy_other)
    # The scene moved by six of 300 px of focal length.
    moved = 300 * np.median(here.xy_other - here.xy, axis=0)
    assert moved == pytest.approx([-6, 0], abs=0.2)
    before = store.new
    again = matches_of_run(images, {}, CAMERAS, pairs, options=OPTIONS, store=store)
    assert store.new == before
    assert np.array_equal(again["a.png"][0].xy, here.xy)


def test_of_all_matches_in_memory_only_wanted_pairs_count():
    pixels = {n: photograph(6 * k) for k, n in enumerate(CAMERAS.names)}
    photos = PosedPhotos("landscape", CAMERAS, pixels)
    memory = MatchMemory()
    keys = {name: photo_key(pixels[name], None) for name in CAMERAS.names}
    match_photos(photos, np.full((3, 4), np.nan), keys, memory, OPTIONS)
    others = lambda found: {n: {s.other for s in each} for n, each in found.items()}  # noqa: E731
    everything = others(matches_of(photos, memory))
    assert everything["b.png"] == {"a.png", "c.png"}
    wanted = pd.DataFrame({"name_a": ["c.png"], "name_b": ["b.png"]})
    assert others(matches_of(photos, memory, wanted)) == {
        "a.png": set(), "b.png": {"c.png"}, "c.png": {"b.png"}
    }  # fmt: skip
