import numpy as np
import pytest
from figure_cases import cut_off, stays_on_the_page

from mtcm_pipeline.figures.reliability import reliability_figure
from mtcm_pipeline.judge.calibration import reliability


def test_the_diagram_shows_shares_counts_and_the_diagonal():
    rng = np.random.default_rng(0)
    said = rng.random(4000)
    bins = reliability(said, rng.random(4000) < said)
    figure = reliability_figure({"judge": bins, "another": bins[:3]}, "Reliability")
    upper, lower = figure.axes
    drawn = upper.containers[0].lines[0]
    assert np.allclose(drawn.get_xdata(), [row[0] for row in bins])
    assert np.allclose(drawn.get_ydata(), [row[1] for row in bins])
    assert list(lower.get_lines()[0].get_ydata()) == [row[2] for row in bins]
    assert upper.get_legend().get_texts()[0].get_text() == "judge, 4000 frames"
    bars = upper.containers[0].lines[2][0].get_segments()
    low, high = bars[0][0][1], bars[0][1][1]
    share, count = bins[0][1:]
    assert (high - low) / 2 == pytest.approx((share * (1 - share) / count) ** 0.5)
    texts = upper.get_legend().get_texts()
    assert not cut_off(figure, texts) and stays_on_the_page(figure)


def test_without_frames_it_says_so():
    figure = reliability_figure({}, "Reliability")
    assert "no frame" in figure.axes[0].texts[0].get_text()
