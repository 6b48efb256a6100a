import numpy as np
import pytest

from mtcm_pipeline.faults import pictures
from mtcm_pipeline.faults.masks import damaged, difference
from mtcm_pipeline.faults.times import time_at, wrong_place


def covariance(kernel: np.ndarray) -> np.ndarray:
    """(2, 2) of x, y under the kernel's weight; its mean must be the middle."""
    reach = kernel.shape[0] // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    assert (kernel * x).sum() == pytest.approx(0, abs=1e-9)
    assert (kernel * y).sum() == pytest.approx(0, abs=1e-9)
    places = np.stack([x.ravel(), y.ravel()])
    return (kernel.ravel() * places) @ places.T


@pytest.mark.parametrize("length", [3.0, 8.5, 24.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.5])
def test_a_streak_has_its_length_and_direction(length, angle):
    kernel = pictures.streak_kernel(length, angle)
    assert kernel.sum() == pytest.approx(1) and (kernel >= 0).all()
    spread = covariance(kernel)
    # An even line of length L has variance L^2 / 12; interpolation adds at most 1/4.
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-np.sin(angle), np.cos(angle)])
    assert along @ spread @ along == pytest.approx(length**2 / 12, abs=0.26)
    assert across @ spread @ across < 0.26


@pytest.mark.parametrize("diameter", [2.0, 5.3, 16.0])
def test_a_disc_has_its_diameter_all_around(diameter):
    kernel = pictures.disc_kernel(diameter)
    assert kernel.sum() == pytest.approx(1)
    # An even disc of radius r has variance r^2 / 4 in every direction, a pixel 1/12.
    expected = (diameter / 2) ** 2 / 4 + 1 / 12
    spread = covariance(kernel)
    np.testing.assert_allclose(spread, expected * np.eye(2), rtol=0.05, atol=0.1)


def test_a_blurred_point_shows_the_length_of_the_streak():
    picture = np.zeros((41, 61, 3), dtype=np.uint8)
    picture[20, 30] = 255
    blurred = pictures.convolved(picture, pictures.streak_kernel(15.0, 0.0))
    lit = np.nonzero(blurred.max(axis=2) > 30)
    assert set(lit[0]) == {20}
    assert lit[1].max() - lit[1].min() + 1 == pytest.approx(15, abs=1)
    assert (lit[1].max() + lit[1].min()) / 2 == 30


def test_blur_keeps_the_light_and_an_even_picture():
    even = np.full((30, 40, 3), 137, dtype=np.uint8)
    kernel = pictures.disc_kernel(9.0)
    assert (pictures.convolved(even, kernel) == 137).all()
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    picture[:10] = picture[-10:] = 90
    picture[:, :10] = picture[:, -10:] = 90
    light = [
        pictures.linear_light(p).mean()
        for p in (picture, pictures.convolved(picture, kernel))
    ]
    assert light[0] == pytest.approx(light[1], rel=5e-3)


def test_light_by_the_standards_own_numbers():
    # IEC 61966-2-1: 0.5 of the signal is 0.2140 of the light, 10/255 lies on the line.
    levels = np.array([[[0, 10, 255]], [[128, 128, 128]]], dtype=np.uint8)
    light = pictures.linear_light(levels)
    np.testing.assert_allclose(light[0, 0], [0, 10 / 255 / 12.92, 1])
    np.testing.assert_allclose(light[1, 0], ((128 / 255 + 0.055) / 1.055) ** 2.4)
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert (pictures.as_picture(pictures.linear_light(every)) == every).all()


def test_exposure_by_hand():
    picture = np.array([[[0, 128, 200]]], dtype=np.uint8)
    # One stop down halves the light: 0.2159 / 2 -> 92, 0.5776 / 2 -> 146.
    assert pictures.exposed(picture, -1.0)[0, 0].tolist() == [0, 92, 146]
    # Two stops up: 0.2159 * 4 -> 239, 0.5776 * 4 clips.
    assert pictures.exposed(picture, 2.0)[0, 0].tolist() == [0, 239, 255]
    assert (pictures.exposed(picture, 0.0) == picture).all()


@pytest.mark.parametrize("share", [0.06, 0.2, 0.4])
@pytest.mark.parametrize("seed", range(4))
def test_a_blob_covers_its_share_wherever_it_is(share, seed):
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, 120), rng.uniform(0, 90)
    opacity = pictures.blob((90, 120), centre, share, rng)
    assert (opacity >= 0.5).mean() == pytest.approx(share, abs=0.002)
    assert opacity.min() == 0 and opacity.max() == 1


def test_what_is_not_covered_stays_to_the_bit():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    opacity = np.zeros((40, 50))
    opacity[10:20, 10:20] = 1.0
    cloth = pictures.texture((40, 50), rng)
    assert cloth.min() >= 0 and cloth.max() <= 1
    covered = pictures.covered(picture, opacity, cloth)
    assert (covered[opacity == 0] == picture[opacity == 0]).all()
    assert (covered[opacity == 1] == pictures.as_picture(cloth)[opacity == 1]).all()


def test_difference_of_masks_by_hand():
    a = np.array([[1, 1, 0, 0]], dtype=bool)
    b = np.array([[0, 1, 1, 0]], dtype=bool)
    assert difference(a, b) == pytest.approx(2 / 3)
    assert difference(a, a) == 0 and difference(a, ~a) == 1
    assert difference(a & ~a, a & ~a) == 0


@pytest.mark.parametrize("least", [0.06, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_mask_differs_as_much_as_asked_for(least, seed):
    y, x = np.indices((90, 120))
    mask = np.hypot(y - 45, x - 50) < 25
    others = [np.hypot(y - 45, x - 50 - step) < 25 for step in (0, 10, 20, 60)]
    before = mask.copy()
    made = damaged(mask, least, others, np.random.default_rng(seed))
    assert (mask == before).all()
    found = difference(mask, made)
    known = not made.any() or any((made == other).all() for other in others)
    assert found >= least
    assert known or found < least + 0.12  # a pixel more all around


def test_all_ways_of_damaging_a_mask_occur():
    y, x = np.indices((90, 120))
    mask = np.hypot(y - 45, x - 50) < 25
    made = [damaged(mask, 0.5, [~mask], np.random.default_rng(s)) for s in range(60)]
    assert any(not m.any() for m in made)  # empty
    assert any((m == ~mask).all() for m in made)  # another frame's
    inside = [m for m in made if m.any() and not (m & ~mask).any()]
    assert any(m[45, 50] for m in inside) and any(not m[45, 50] for m in inside)
    assert any((m & mask).sum() == mask.sum() and m.sum() > mask.sum() for m in made)


def test_a_full_mask_can_be_damaged_too():
    full = np.ones((40, 50), dtype=bool)
    for seed in range(12):
        made = damaged(full, 0.2, [], np.random.default_rng(seed))
        assert difference(full, made) >= 0.2


@pytest.mark.parametrize("row", [0, 3, 20, 39])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_a_wrong_place_is_between_two_frames_and_as_far_as_asked_for(row, share):
    for seed in range(6):
        place = wrong_place(row, 40, share, np.random.default_rng(seed))
        assert place % 1 == 0.5 and -0.5 <= place <= 39.5
        assert abs(place - row) == max(2, round(share * 40)) + 0.5


def test_where_both_ends_are_too_near_it_goes_to_the_farther():
    rng = np.random.default_rng(0)
    assert wrong_place(5, 12, 0.9, rng) == 11.5
    assert wrong_place(8, 12, 0.9, rng) == -0.5


def test_times_are_halfway_by_hand():
    names, seconds = ("a", "b", "c"), {"a": 1.0, "b": 2.0, "c": 5.0}
    assert time_at(0.5, names, seconds) == 1.5
    assert time_at(1.5, names, seconds) == 3.5
    assert time_at(-0.5, names, seconds) == 0.5
    assert time_at(2.5, names, seconds) == 6.5
    assert time_at(1.5, names, {"a": 1.0, "b": 2.0}) is None
