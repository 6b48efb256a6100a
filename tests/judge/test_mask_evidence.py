"""Masks against what the picture shows: by hand, by an oracle, by damage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift

from mtcm_pipeline.judge.mask_evidence import expectation_columns, foreground_by_content


def _disc(radius: float, row: float = 6.5, column: float = 6.5) -> np.ndarray:
    """(14, 14) share of each cell that a disc covers, cells of 8 x 8 px."""
    y, x = np.indices((112, 112)) / 8.0 - 0.4375
    inside = np.hypot(y - row, x - column) <= radius
    return inside.reshape(14, 8, 14, 8).mean(axis=(1, 3))


def _patches_of(shares: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, 14, 14, 152) of unit length; foreground has one direction, the rest another."""
    rng = np.random.default_rng(seed)
    ends = rng.normal(size=(2, 152))
    patches = shares[..., None] * ends[0] + (1 - shares[..., None]) * ends[1]
    patches = patches + 0.1 * rng.normal(size=patches.shape)
    length = np.linalg.norm(patches, axis=-1, keepdims=True)
    return (patches / length).astype(np.float16)


def test_content_says_what_ridge_regression_on_the_other_frames_says():
    true = np.stack([_disc(3.0 + 0.1 * i) for i in range(9)])
    patches = _patches_of(true)
    masks = true.copy()
    masks[4], masks[7] = 0.0, 1.0  # two of nine are not learned from
    said = foreground_by_content(patches, masks)
    learned = [i for i in range(9) if i not in (4, 7)]
    x = np.concatenate([patches.astype(float), np.ones((9, 14, 14, 1))], axis=-1)
    x = x.reshape(9, 196, 153)
    for row in (4, 7):
        a = x[learned].reshape(-1, 153)
        squares = a.T @ a + 0.01 * len(learned) * np.eye(153)
        weights = np.linalg.solve(squares, a.T @ masks[learned].ravel())
        expected = np.clip(x[row] @ weights, 0, 1)
        assert said[row].ravel() == pytest.approx(expected, abs=1e-6)
        assert np.abs(said[row] - true[row]).mean() < 0.05


def test_a_mask_does_not_speak_for_itself():
    true = np.stack([_disc(3.0 + 0.1 * i) for i in range(12)])
    patches = _patches_of(true)
    masks = true.copy()
    first = foreground_by_content(patches, masks)
    masks[3] = np.roll(masks[3], 1, axis=0)
    again = foreground_by_content(patches, masks)
    assert again[3] == pytest.approx(first[3], abs=0.03)


def test_without_masks_nothing_is_expected():
    masks, patches = np.full((9, 14, 14), np.nan), _patches_of(np.zeros((9, 14, 14)))
    assert np.isnan(foreground_by_content(patches, masks)).all()
    masks[:7] = 0.5
    assert np.isnan(foreground_by_content(patches, masks)).all()


@pytest.mark.parametrize(
    ("damage", "column"),
    [
        (_disc(4.4), "more"),
        (_disc(3.6), "more"),
        (shift(_disc(4.0), (0, 1.0), order=1), "off"),
        (_disc(4.0) * (1 - _disc(1.0, 6.0, 5.0)), "lump"),
    ],
)
def test_every_damage_shows(damage, column):
    rng = np.random.default_rng(1)
    shares = np.stack([_disc(4.0)] * 12)
    expected = np.clip(shares + 0.02 * rng.normal(size=shares.shape), 0, 1)
    shares[5] = damage
    found = expectation_columns(shares, expected, expected)
    for who in ("partners", "content"):
        assert found[f"mask_{who}_{column}"].argmax() == 5


def test_columns_by_hand():
    shares, expected = np.zeros((3, 14, 14)), np.zeros((3, 14, 14))
    shares[:, 4:8, 4:8] = 1.0
    expected[:, 4:8, 4:8] = 1.0
    expected[1, 4:8, 8] = 0.5  # half of four cells is missing from the mask
    found = expectation_columns(shares, expected, expected)
    outline = 3.0 + 4 * 4 * 0.25
    assert found["mask_unlike"].tolist() == [0.0, pytest.approx(2.0 / 196), 0.0]
    assert found["mask_partners_more"].tolist() == [0.0, pytest.approx(2 / outline), 0.0]
    assert found["mask_content_off"][1] == pytest.approx(4 * 0.25 / outline)
    assert found["mask_content_lump"][1] == pytest.approx(3 * 0.5 / 9)
