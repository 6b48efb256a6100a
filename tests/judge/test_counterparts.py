"""Counterparts of patches against brute force, and what is read off them by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mtcm_pipeline.judge.content_light import cell_light, content_light
from mtcm_pipeline.judge.counterparts import Counterparts, counterparts, in_context
from mtcm_pipeline.judge.mask_evidence import foreground_by_partners
from mtcm_pipeline.judge.novelty_evidence import novelty_columns, novelty_of

SIDE = 4
CELLS = SIDE * SIDE


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def patches_of(frames, seed=0, width=12):
    rng = np.random.default_rng(seed)
    return unit(rng.normal(size=(frames, CELLS, width))).astype(np.float16)


def shuffled_views(frames, seed=0, width=12):
    """Every frame shows the same sixteen patches, in an order of its own; the orders."""
    rng = np.random.default_rng(seed)
    things = unit(rng.normal(size=(CELLS, width)))
    orders = np.stack([rng.permutation(CELLS) for _ in range(frames)])
    return things[orders].astype(np.float16), orders


def all_others(frames):
    return np.array([[j for j in range(frames) if j != i] for i in range(frames)])


def test_counterparts_against_brute_force():
    patches = patches_of(4)
    partners = np.array([[1, 2], [3, -1], [-1, -1], [0, 1]])
    found = counterparts(patches, partners)
    exact = patches.astype(np.float64)
    for row in range(4):
        for place, other in enumerate(partners[row]):
            if other < 0:
                assert np.isnan(found.likeness[row, place]).all()
                continue
            alike = np.array([[mine @ theirs for theirs in exact[other]]
                              for mine in exact[row]])  # fmt: skip
            assert found.likeness[row, place] == pytest.approx(
                alike.max(axis=1), abs=1e-3
            )
            assert (found.cell[row, place] == alike.argmax(axis=1)).all()


def test_counterparts_undo_a_shuffle():
    patches, orders = shuffled_views(5)
    found = counterparts(patches, all_others(5))
    thing = orders.astype(np.float64)
    assert (found.there(thing) == thing[:, None, :]).all()


def test_there_is_nothing_without_a_partner():
    found = counterparts(patches_of(3), np.array([[1, -1], [0, 2], [-1, -1]]))
    there = found.there(np.arange(3 * CELLS, dtype=np.float64).reshape(3, CELLS))
    assert np.isnan(there[0, 1]).all() and np.isnan(there[2]).all()
    assert np.isfinite(there[0, 0]).all()
    assert (found.weights()[2] == 0).all() and (found.weights()[1] > 0).all()


def test_a_patch_in_context_is_the_mean_of_nine():
    rng = np.random.default_rng(3)
    patches = unit(rng.normal(size=(2, 5, 5, 7))).astype(np.float16)
    around = in_context(patches).astype(np.float64)
    square = patches[1, 1:4, 2:5].astype(np.float64).sum(axis=(0, 1))
    assert around[1, 2, 3] == pytest.approx(unit(square), abs=2e-3)
    corner = patches[0, [0, 0, 0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 0, 1, 0, 0, 1]]
    assert around[0, 0, 0] == pytest.approx(
        unit(corner.astype(np.float64).sum(axis=0)), abs=2e-3
    )


def test_novelty_is_that_of_the_second_best_partner():
    likeness = np.array([[[0.9], [0.4], [0.7]], [[0.2], [np.nan], [np.nan]]], np.float32)
    found = Counterparts(
        np.array([[1, 1, 1], [0, -1, -1]]), np.zeros((2, 3, 1), np.int16), likeness
    )
    assert novelty_of(found)[:, 0] == pytest.approx([1 - 0.7, 1 - 0.2])


def test_a_large_new_thing_makes_the_largest_lump():
    rng = np.random.default_rng(2)
    side = 14
    things = unit(rng.normal(size=(side * side, 20)))
    patches = np.stack([things + 0.02 * rng.normal(size=things.shape) for _ in range(9)])
    patches = unit(patches).reshape(9, side, side, 20)
    patches[6, 3:7, 4:8] = unit(rng.normal(size=(4, 4, 20)))
    patches = patches.astype(np.float16)
    found = counterparts(patches.reshape(9, -1, 20), all_others(9))
    around = counterparts(in_context(patches).reshape(9, -1, 20), all_others(9))
    lump = novelty_columns(found, around)["novel_lump"]
    assert lump.argmax() == 6 and lump[6] > np.delete(lump, 6).max() + 1.0


def test_a_darker_frame_is_found_whatever_it_shows():
    patches, orders = shuffled_views(6)
    light = np.linspace(0.1, 0.8, CELLS)[orders]
    light[4] *= 0.5
    pictures = light.reshape(6, SIDE, SIDE)
    said = content_light(pictures, counterparts(patches, all_others(6)))
    expected = np.log((light[4] + 0.02) / (2 * light[4] + 0.02))
    assert said[4] == pytest.approx(-np.median(expected), abs=0.05)
    assert np.delete(said, 4) == pytest.approx(0.0, abs=1e-6)


def test_a_frame_that_shows_brighter_things_is_not_brighter():
    rng = np.random.default_rng(5)
    things = unit(rng.normal(size=(2 * CELLS, 12)))
    bright = np.linspace(0.05, 0.9, 2 * CELLS)
    seen = [np.sort(rng.permutation(2 * CELLS)[:CELLS]) for _ in range(5)]
    seen.append(np.arange(CELLS, 2 * CELLS))  # the brightest half
    patches = things[np.stack(seen)].astype(np.float16)
    pictures = bright[np.stack(seen)].reshape(6, SIDE, SIDE)
    said = content_light(pictures, counterparts(patches, all_others(6)))
    plain = np.abs(np.log(pictures.mean(axis=(1, 2)) / np.median(pictures.mean((1, 2)))))
    assert plain[5] > 0.3 and said[5] < 0.1


def test_no_partner_says_nothing_about_light():
    found = counterparts(patches_of(2), np.full((2, 3), -1))
    assert np.isnan(content_light(np.full((2, SIDE, SIDE), 0.5), found)).all()


def test_cell_light_is_the_mean_of_its_pixels():
    picture = np.random.default_rng(0).random((1, 32, 32))
    means = picture.reshape(1, 4, 8, 4, 8).mean(axis=(2, 4)).ravel()
    assert cell_light(picture, CELLS)[0] == pytest.approx(means, abs=1e-6)


def test_partners_without_masks_have_no_say_in_the_foreground():
    patches, orders = shuffled_views(3)
    shares = (orders < 8).astype(np.float64).reshape(3, SIDE, SIDE)
    shares[2] = np.nan
    found = counterparts(patches, all_others(3))
    said = foreground_by_partners(found, shares)
    wanted = (orders < 8).astype(np.float64)
    assert said.reshape(3, -1) == pytest.approx(wanted)
    nobody = foreground_by_partners(found, np.full((3, SIDE, SIDE), np.nan))
    assert np.isnan(nobody).all()
