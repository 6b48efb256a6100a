"""What the benchmark's options refuse, and which of them are changed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mtcm_pipeline.trials.options import BenchmarkOptions


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"budgets": [6, 0]}, r"budgets.1.*greater than or equal to 1"),
        ({"budgets": [-3]}, r"budgets.0.*greater than or equal to 1"),
        ({"exclude": ["0001.jpg"]}, "identity/file name"),
        ({"exclude": ["fox/"]}, "identity/file name"),
        ({"exclude": ["/0001.jpg"]}, "identity/file name"),
        ({"encoder": "efficientnet"}, "efficientnet_lite0"),
    ],
)
def test_what_could_only_fail_later_is_refused_at_once(given, said):
    with pytest.raises(ValidationError, match=rf"(?s){said}"):
        BenchmarkOptions(**given)


def test_changed_are_those_that_differ_from_their_defaults():
    assert BenchmarkOptions().changed == {}
    assert BenchmarkOptions(preset="quick", budgets=[], steps=200).changed == {}
    given = {"arms": ["*/*/fvs"], "budgets": [1], "steps": 9}
    assert BenchmarkOptions(preset="quick", **given).changed == given
