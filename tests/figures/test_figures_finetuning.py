"""The picture of fine-tuning shows weights whether they were learned or stayed."""

import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.figures.finetuning import finetuning_figure

NAMES = ["a.jpg", "b.jpg", "c.jpg"]
VIEWS = pd.DataFrame(
    {
        "name": NAMES,
        "state": "trusted",
        "weight": [0.9, 0.5, 1.0],
        "admitted": False,
        "turn_deg": 0.0,
        "shift": 0.0,
    }
)
CURVE = pd.DataFrame({"step": [1, 2, 3], "loss": [0.3, 0.2, 0.1]})
PERIODS = pd.DataFrame(
    {"step": [0, 40], "validation_loss": [0.2, 0.1]}
    | {f"weight/{name}": [0.9, 0.8] for name in NAMES}
)


def weights_panel(periods):
    figure = finetuning_figure(VIEWS, CURVE, periods, pd.DataFrame())
    (axes,) = (a for a in figure.axes if a.get_title("left").startswith("Weight"))
    return axes


def test_weights_that_stayed_are_drawn_least_first():
    (dots,) = weights_panel(PERIODS[:0]).collections
    assert np.asarray(dots.get_offsets()) == pytest.approx(
        np.array([[1, 0.5], [2, 0.9], [3, 1.0]])
    )


def test_weights_that_were_learned_are_drawn_by_step():
    lines = weights_panel(PERIODS).lines
    assert [tuple(line.get_xdata()) for line in lines] == [(0, 40)] * 3
