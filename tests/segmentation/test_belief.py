"""Saliency maps drawn by hand: which parts stay, and which masks are not believed."""

import math

import numpy as np
import pytest

from mtcm_pipeline.segmentation.belief import MaskFacts, doubts, mask_from_saliency
from mtcm_pipeline.segmentation.options import MaskOptions

OPTIONS = MaskOptions()


def disc(radius, centre=(50, 50), side=100):
    y, x = np.mgrid[:side, :side]
    return ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2).astype(np.float32)


def test_small_parts_are_dropped_and_large_ones_stay():
    subject, half, stain = disc(15), disc(9, (15, 15)), disc(4, (85, 85))
    mask, _ = mask_from_saliency(np.maximum(subject, half), (100, 100), OPTIONS)
    assert mask[15, 15] and mask[50, 50]
    mask, facts = mask_from_saliency(np.maximum(subject, stain), (100, 100), OPTIONS)
    assert not mask[85, 85]
    assert np.array_equal(mask, subject > 0)
    assert facts == MaskFacts(pytest.approx(subject.mean()), 0.0)


def test_the_mask_has_the_images_size_and_place():
    mask, facts = mask_from_saliency(disc(20, (30, 60)), (300, 200), OPTIONS)
    assert mask.shape == (200, 300)
    rows, columns = np.nonzero(mask)
    assert rows.mean() == pytest.approx(2 * 30.5 - 0.5, abs=0.6)
    assert columns.mean() == pytest.approx(3 * 60.5 - 0.5, abs=0.6)
    assert facts.area == pytest.approx(math.pi * 20**2 / 100**2, rel=0.03)


def test_undecided_pixels_are_counted_against_the_foreground():
    saliency = np.zeros((100, 100), np.float32)
    saliency[:10] = 1.0
    saliency[50:80] = 0.3
    _, facts = mask_from_saliency(saliency, (100, 100), OPTIONS)
    assert facts.undecided == 3.0
    _, facts = mask_from_saliency(np.zeros((10, 10), np.float32), (20, 20), OPTIONS)
    assert facts == MaskFacts(0.0, math.inf)


def capture(areas, undecided=0.1):
    return [MaskFacts(area, undecided) for area in areas]


def test_what_is_wrong_is_named_and_the_rest_believed():
    facts = capture([0.2, 0.21, 0.2, 0.04, 0.22, 0.0, 0.2, 0.99, 0.2, 0.2, 0.21])
    facts[8] = MaskFacts(0.2, 3.0)
    reasons = doubts(facts, OPTIONS)
    assert "another thing" in reasons[3] and "4.0%" in reasons[3]
    assert "nothing stands out" in reasons[5]
    assert "nothing is background" in reasons[7]
    assert "guesses" in reasons[8]
    assert [i for i, reason in enumerate(reasons) if reason] == [3, 5, 7, 8]


def test_a_camera_that_comes_closer_is_no_fault():
    assert not any(doubts(capture(np.geomspace(0.02, 0.8, 30)), OPTIONS))


def test_a_cut_to_a_close_up_that_lasts_is_no_fault():
    assert not any(doubts(capture([0.1] * 20 + [0.5] * 10), OPTIONS))


def test_where_most_are_wrong_none_is_believed():
    facts = [MaskFacts(0.2, 3.0)] * 6 + capture([0.2] * 4)
    reasons = doubts(facts, OPTIONS)
    assert all(reasons) and "no subject stands out" in reasons[-1]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_masks_have_no_neighbours_to_differ_from(count):
    assert doubts(capture([0.05, 0.5][:count]), OPTIONS) == [""] * count
