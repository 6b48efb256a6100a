import numpy as np
import pytest
from scipy.optimize import minimize

from mtcm_pipeline.figures.labels import (
    drawable,
    fitted,
    spread,
    thin_out,
    told_apart,
    width_pt,
    wrapped,
)
from mtcm_pipeline.figures.style import new_figure


@pytest.mark.parametrize("seed", range(5))
def test_spread_is_the_least_squares_answer_under_its_constraints(seed):
    rng = np.random.default_rng(seed)
    wanted = np.sort(10 * rng.random(6))
    gap, low, high = 1.2, 0.0, 10.0
    limits = [{"type": "ineq", "fun": lambda x: np.diff(x) - gap}]
    start = np.linspace(low, high, 6)
    oracle = minimize(
        lambda x: ((x - wanted) ** 2).sum(),
        start,
        bounds=[(low, high)] * 6,
        constraints=limits,
    )
    places = spread(wanted, gap, low, high)
    assert (np.diff(places) >= gap - 1e-9).all()
    assert np.allclose(places, oracle.x, atol=1e-3)


def test_spread_leaves_alone_what_is_far_apart():
    assert np.allclose(spread(np.array([1.0, 5.0, 9.0]), 2.0, 0, 10), [1, 5, 9])
    assert len(spread(np.empty(0), 1.0, 0, 10)) == 0


def test_thinning_keeps_the_important_and_nothing_too_near():
    rng = np.random.default_rng(0)
    positions = np.sort(100 * rng.random(200))
    priority = (rng.random(200) < 0.1).astype(float)
    kept = thin_out(positions, priority, 3.0)
    assert np.diff(positions[kept]).min() >= 3.0
    for left_out in set(range(200)) - set(kept.tolist()):
        near = kept[np.abs(positions[kept] - positions[left_out]) < 3.0]
        assert (priority[near] >= priority[left_out]).any()


def test_widths_agree_with_what_is_drawn():
    figure = new_figure(8, 1)
    text = figure.text(0, 0.5, "DSC_0042 Wiege (3).jpeg", fontsize=9)
    figure.canvas.draw()
    drawn = text.get_window_extent().width * 72 / figure.dpi
    assert drawn <= width_pt(text.get_text(), 9) <= 1.12 * drawn


def test_long_names_keep_their_start_and_end():
    name = "a very long name of a photograph number 0042.jpeg"
    short = fitted(name, 80, 8)
    start, end = short.split("…")
    assert name.startswith(start) and name.endswith(end) and start and end
    assert width_pt(short, 8) <= 80
    assert fitted("short.jpg", 80, 8) == "short.jpg"


def test_long_names_that_differ_in_the_middle_stay_different():
    names = [
        f"Bronze Head statue 2023-05-{i:05d} (copy of copy).jpeg" for i in range(300)
    ]
    short = told_apart(names, 60, 7.5)
    assert len(set(short)) == 300
    assert all(width_pt(text, 7.5) <= 60 for text in short)
    assert "00123" in short[123]  # a number is not cut in two


@pytest.mark.parametrize("names", [[], ["one " * 30], ["same " * 30, "same " * 30]])
def test_names_without_a_difference_are_still_written(names):
    short = told_apart(names, 60, 7.5)
    assert len(short) == len(names) and all(short)


def test_wrapping_loses_no_word_that_fits():
    text = "pose disagrees with its neighbours in time"
    lines = wrapped(text, 110, 8, 3)
    assert " ".join(lines) == text
    assert all(width_pt(line, 8) <= 110 for line in lines)
    assert len(wrapped(text * 5, 110, 8, 2)) == 2


def test_letters_without_a_font_become_boxes_and_lines_one_line():
    assert drawable("a\nb") == "a b"
    assert drawable("\U000f0000x") == "□x"  # a private letter, which no font has
