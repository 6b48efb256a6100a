"""Features of photographs made for the purpose."""

import numpy as np
import pycolmap
import pytest
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.twoview.features import Features, find_features, shrunk
from mtcm_pipeline.twoview.matching import match_features, unit_descriptors
from mtcm_pipeline.twoview.options import TwoViewOptions


def textured(height=200, width=260, seed=0):
    """Smooth noise: blobs everywhere."""
    noise = np.random.default_rng(seed).normal(size=(height, width))
    smooth = gaussian_filter(noise, 2.5)
    return np.clip(128 + 900 * smooth, 0, 255).astype(np.uint8)


def test_features_lie_in_the_photograph_and_have_root_sift_lengths():
    found = find_features(textured(), None, TwoViewOptions())
    assert len(found) > 100
    assert (found.xy >= 0).all()
    assert (found.xy <= [260, 200]).all()
    lengths = np.linalg.norm(found.descriptors.astype(float), axis=1)
    assert np.abs(lengths - 512).max() < 16


def test_a_moved_photograph_has_the_same_features_moved():
    image = textured(240, 300)
    a = find_features(image[:220, :280].copy(), None, TwoViewOptions())
    b = find_features(image[12:232, 17:297].copy(), None, TwoViewOptions())
    rows = match_features(a, b, ratio=0.85, max_matches=300)
    shift = a.xy[rows[:, 0]] - b.xy[rows[:, 1]]
    assert len(rows) > 100
    assert np.median(np.abs(shift - [17, 12])) < 0.1


@pytest.mark.parametrize(("side", "within_px"), [(120, 0.1), (400, 0.1), (700, 0.3)])
def test_a_blob_is_found_at_its_centre(side, within_px):
    x, y, spread = 0.413 * side, 0.561 * side, side / 30
    columns, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    image = (40 + 180 * blob).astype(np.uint8)
    found = find_features(image, None, TwoViewOptions(peak_threshold=0.01))
    assert len(found) > 0
    assert np.linalg.norm(found.xy - [x, y], axis=1).min() < within_px


def test_of_too_many_points_the_largest_are_kept():
    """One large blob among hundreds of small ones."""
    image = textured(400, 400).astype(float)
    columns, rows = np.meshgrid(np.arange(400) + 0.5, np.arange(400) + 0.5)
    apart = (columns - 150) ** 2 + (rows - 230) ** 2
    image += (220 - image) * np.exp(-apart / (2 * 25.0**2))
    options = TwoViewOptions(max_features=50)
    found = find_features(image.astype(np.uint8), None, options)
    assert len(found) == 50
    assert np.linalg.norm(found.xy - [150, 230], axis=1).min() < 5


def test_most_points_and_descriptors_are_those_of_colmap():
    image = textured(seed=2)
    ours = find_features(image, None, TwoViewOptions(peak_threshold=0.002))
    xy, descriptors = by_colmap(image)
    apart = np.linalg.norm(xy[:, None] - ours.xy[None], axis=2)
    cosine = unit_descriptors(descriptors) @ unit_descriptors(ours.descriptors).T
    here = apart < 0.5
    shift = (ours.xy[apart.argmin(axis=1)] - xy)[here.any(axis=1)]
    assert len(xy) > 300
    assert here.any(axis=1).mean() > 0.8
    assert np.abs(np.median(shift, axis=0)).max() < 0.01
    assert np.median(np.where(here, cosine, 0).max(axis=1)) > 0.97


def by_colmap(image):
    """Places and root-SIFT descriptors by COLMAP's own extractor."""
    settings = pycolmap.FeatureExtractionOptions()
    settings.use_gpu = False
    settings.sift.peak_threshold = 0.002
    extractor = pycolmap.FeatureExtractor.create(settings, device=pycolmap.Device.cpu)
    points, descriptors = extractor.extract_from_uint8_array(image)
    return np.array([(p.x, p.y) for p in points]), np.array(descriptors.data)


def test_places_are_in_px_of_the_photograph_however_much_it_was_shrunk():
    image = gaussian_filter(textured(400, 500, seed=1).astype(float), 1.5)
    image = image.astype(np.uint8)
    large = find_features(image, None, TwoViewOptions())
    small = find_features(image, None, TwoViewOptions(feature_px=250))
    rows = match_features(large, small, ratio=0.85, max_matches=300)
    apart = large.xy[rows[:, 0]] - small.xy[rows[:, 1]]
    assert len(rows) > 50
    assert np.median(np.linalg.norm(apart, axis=1)) < 0.5
    assert shrunk(image, 250).shape == (200, 250)
    assert small.size == (500, 400)


def test_only_points_in_the_mask_or_near_it_count_and_are_the_same_points():
    image, mask = textured(), np.zeros((200, 260), bool)
    mask[60:160, 80:200] = True
    everywhere = find_features(image, None, TwoViewOptions(max_features=5000))
    inside = find_features(
        image, mask, TwoViewOptions(max_features=5000, mask_margin_px=2)
    )
    x, y = inside.xy.T
    assert len(inside) > 30
    assert ((x >= 78) & (x <= 202) & (y >= 58) & (y <= 162)).all()
    deep = inside.xy[((x > 110) & (x < 170) & (y > 90) & (y < 130))]
    apart = np.linalg.norm(deep[:, None] - everywhere.xy[None], axis=2).min(axis=1)
    assert np.median(apart) < 0.05


def test_the_limit_keeps_the_largest_points():
    image = textured()
    few = find_features(image, None, TwoViewOptions(max_features=50))
    many = find_features(image, None, TwoViewOptions(max_features=5000))
    assert len(few) == 50
    assert len(many) > 200
    assert {tuple(p) for p in few.xy.tolist()} <= {tuple(p) for p in many.xy.tolist()}


@pytest.mark.parametrize("shape", [(200, 200), (5, 200), (1, 1)])
def test_plain_and_tiny_photographs_have_none(shape):
    assert len(find_features(np.full(shape, 99, np.uint8), None, TwoViewOptions())) == 0


def test_an_empty_mask_leaves_nothing_and_a_foreign_one_is_refused():
    empty = np.zeros((200, 260), bool)
    assert len(find_features(textured(), empty, TwoViewOptions())) == 0
    with pytest.raises(CaptureError, match="mask is"):
        find_features(textured(), np.ones((9, 9), bool), TwoViewOptions())


def test_bytes_and_back():
    found = find_features(textured(), None, TwoViewOptions())
    again = Features.from_bytes(found.to_bytes())
    np.testing.assert_array_equal(again.xy, found.xy)
    np.testing.assert_array_equal(again.descriptors, found.descriptors)
    assert again.size == found.size


def test_input_is_left_as_it_is():
    image, mask = textured(), np.ones((200, 260), bool)
    before = image.copy()
    find_features(image, mask, TwoViewOptions())
    np.testing.assert_array_equal(image, before)
    assert mask.all()
