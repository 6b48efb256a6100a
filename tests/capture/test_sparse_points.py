"""Points and their observers."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.capture.points import SparsePoints


def points_seen(images: list[str], of_point: list[int], count: int = 6) -> SparsePoints:
    """`count` points; observation t is of point `of_point[t]` in image `images[t]`."""
    t = len(images)
    return SparsePoints(
        xyz=np.arange(3.0 * count).reshape(count, 3),
        rgb=np.zeros((count, 3), dtype=np.uint8),
        error_px=np.zeros(count),
        track_point=np.array(of_point, dtype=np.int64),
        track_image=np.array(images, dtype=np.str_),
        track_xy=np.arange(2.0 * t).reshape(t, 2),
    )


@pytest.mark.parametrize(
    "images",
    [
        [],
        ["a.jpg"],
        ["b.jpg", "b.jpg", "a.jpg", "a.jpg"],
        ["b.jpg", "a.jpg", "b.jpg", "c.jpg", "a.jpg", "a.jpg"],  # runs broken up
    ],
)
def test_observers_are_what_unique_says(images):
    points = points_seen(images, [0] * len(images))
    names, which = points.observers()
    expected, inverse = np.unique(points.track_image, return_inverse=True)
    assert names.tolist() == expected.tolist()
    assert which.tolist() == inverse.tolist()


def test_points_stay_that_enough_of_the_images_see():
    rng = np.random.default_rng(0)
    pairs = [(f"{i}.jpg", p) for i in range(5) for p in range(6) if rng.random() < 0.5]
    order = rng.permutation(len(pairs))
    pairs = [pairs[i] for i in order]
    points = points_seen([n for n, _ in pairs], [p for _, p in pairs])
    wanted = {"1.jpg", "3.jpg", "4.jpg", "elsewhere.jpg"}
    kept = points.seen_by(wanted, min_views=2)
    seen = {p: sum(q == p and n in wanted for n, q in pairs) for p in range(6)}
    alive = [p for p in range(6) if seen[p] >= 2]
    assert 0 < len(alive) < 6  # else it would show nothing
    assert kept.xyz.tolist() == points.xyz[alive].tolist()
    left = [(n, p) for n, p in pairs if n in wanted and p in alive]
    assert kept.track_image.tolist() == [n for n, _ in left]
    assert [alive[p] for p in kept.track_point] == [p for _, p in left]
