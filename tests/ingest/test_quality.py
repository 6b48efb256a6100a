"""Neighbours by brute force; duplicates against copies made on purpose."""

import io

import numpy as np
import pytest
from ingest_captures import encoded, picture
from PIL import Image
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.ingest.quality import (
    near_duplicates,
    relative_to_neighbours,
    small_grey,
)


def ring(n):
    angle = 2 * np.pi * np.arange(n) / n
    centres = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], axis=1)
    return centres, -centres


def test_equals_brute_force_over_pose_neighbours():
    rng = np.random.default_rng(2)
    n, k = 40, 5
    values = rng.uniform(0.5, 2, n)
    centres = rng.normal(size=(n, 3))
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    offsets = centres - np.median(centres, axis=0)
    places = np.hstack([offsets / np.median(np.linalg.norm(offsets, axis=1)), directions])
    expected = np.empty(n)
    for i in range(n):
        gaps = [(np.linalg.norm(places[i] - places[j]), j) for j in range(n) if j != i]
        nearest = [j for _, j in sorted(gaps)[:k]]
        expected[i] = np.log(values[i]) - np.median(np.log(values[nearest]))
    answer = relative_to_neighbours(values, centres, directions, np.arange(n), k)
    assert np.allclose(answer, expected)


def test_half_the_neighbours_is_minus_log_two_and_scale_cancels():
    centres, directions = ring(20)
    values = np.full(20, 3.0)
    values[7] = 1.5
    for scale in (1.0, 250.0):
        answer = relative_to_neighbours(
            scale * values, scale * centres, directions, np.arange(20), 6
        )
        assert answer[7] == pytest.approx(-np.log(2))
        assert np.allclose(np.delete(answer, 7), 0.0)


def test_frames_without_pose_are_compared_in_time():
    centres, directions = ring(12)
    centres[5] = np.nan
    values = np.full(12, 2.0)
    values[5] = 4.0
    shuffled = np.random.default_rng(0).permutation(12).astype(float)
    answer = relative_to_neighbours(values, centres, directions, shuffled, 4)
    assert answer[5] == pytest.approx(np.log(2))
    none = np.full((12, 3), np.nan)
    by_time = relative_to_neighbours(
        np.exp(np.arange(12.0)), none, none, np.arange(12), 2
    )
    assert np.allclose(by_time[1:-1], 0.0)  # the median of both sides


def test_absent_values_stay_absent_and_are_nobodys_reference():
    centres, directions = ring(10)
    values = np.ones(10)
    values[[3, 4]] = np.nan, 0.0
    answer = relative_to_neighbours(values, centres, directions, np.arange(10), 3)
    assert np.flatnonzero(np.isnan(answer)).tolist() == [3, 4]
    assert np.allclose(np.delete(answer, [3, 4]), 0.0)


def test_few_frames_and_wrong_shapes():
    centres, directions = ring(1)
    assert np.isnan(
        relative_to_neighbours(np.ones(1), centres, directions, np.zeros(1))
    ).all()
    with pytest.raises(CaptureError, match="belong together"):
        relative_to_neighbours(np.ones(2), centres, directions, np.zeros(2))


def reencoded(pixels, quality):
    data = encoded(pixels, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(data)))


def scene(shift):
    """A smooth picture of 200 px, seen `shift` px further to the right."""
    world = gaussian_filter(
        np.random.default_rng(0).normal(size=(160, 400, 3)), (3, 3, 0)
    )
    world = 128 + 60 * world / world.std()
    return np.clip(world[:, shift : shift + 200], 0, 255).astype(np.uint8)


def duplicates_of(images, **options):
    names = list(images)
    small = {name: small_grey(pixels) for name, pixels in images.items()}
    absent = np.full((len(names), 384), np.nan)
    found = near_duplicates(small, absent, names, **options)
    return dict(zip(names, found, strict=True))


def test_copies_are_found_and_moved_views_are_not():
    original = scene(0)
    found = duplicates_of(
        {
            "a": original,
            "next": scene(6),  # 3 % of the width further
            "recoded": reencoded(original, 60),
            "smaller": np.asarray(Image.fromarray(original).resize((120, 96))),
            "brighter": np.clip(original * 1.04, 0, 255).astype(np.uint8),
        }
    )
    assert found == {
        "a": None,
        "next": None,
        "recoded": "a",
        "smaller": "a",
        "brighter": "a",
    }


def test_a_group_points_at_its_first_and_blocks_do_not_matter(monkeypatch):
    images = {f"{i}": scene(40 * (i % 3)) for i in range(9)}
    expected = {f"{i}": None if i < 3 else f"{i % 3}" for i in range(9)}
    assert duplicates_of(images) == expected
    monkeypatch.setattr("mtcm_pipeline.ingest.quality._BLOCK", 2)
    assert duplicates_of(images) == expected


def test_embeddings_can_object_and_exposure_can_too():
    grey = {name: small_grey(scene(0)) for name in "ab"}
    apart = np.eye(2, 384)
    assert near_duplicates(grey, apart, ["a", "b"]) == (None, None)
    assert near_duplicates(grey, np.ones((2, 384)), ["a", "b"]) == (None, "a")
    darker = {"a": scene(0), "b": (scene(0) * 0.7).astype(np.uint8)}
    assert duplicates_of(darker)["b"] is None


def test_frames_without_picture_are_nobodys_duplicate():
    small = {"a": small_grey(picture(0))}
    vectors = np.ones((3, 384))
    assert near_duplicates(small, vectors, ["a", "b", "c"]) == (None, None, None)
