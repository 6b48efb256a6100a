"""What the evaluate nodes tell."""

from __future__ import annotations

import logging

import pandas as pd
import pytest

from mtcm_pipeline.pipelines.evaluate.nodes import _tell_refused


@pytest.mark.parametrize(("count", "more"), [(0, 0), (20, 0), (75, 55)])
def test_many_refused_frames_do_not_fill_the_console(caplog, count, more):
    names = [f"{row}.jpg" for row in range(count + 2)]
    usable = [False] * count + [True, True]
    scores = pd.DataFrame({"name": names, "usable": usable, "reason": "blurred"})
    caplog.set_level(logging.DEBUG)
    _tell_refused(scores)
    every = [r.getMessage() for r in caplog.records if "blurred" in r.getMessage()]
    assert every == [f"not usable: {name} (blurred)" for name in names[:count]]
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO]
    assert len(told) == min(count, 20) + bool(more)
    if more:
        assert told[-1].startswith(f"not usable: {more} more")
