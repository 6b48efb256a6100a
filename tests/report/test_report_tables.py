import numpy as np
import pandas as pd
import pytest

from mtcm_pipeline.report.tables import (
    cell_text,
    exact_text,
    heading,
    mapping_view,
    number_text,
    table_view,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (1234.5, "1234"),
        (-0.5, "-0.5"),
        (100.0, "100"),
        (0.00012, "1.20e-04"),
        (np.nan, "–"),
        (np.inf, "inf"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize("value", [3.14159e-9, 0.5, 12345.678, 9.99e6, 1e12, 0.00999])
def test_written_numbers_are_within_half_a_percent(value):
    assert float(number_text(value)) == pytest.approx(value, rel=5e-3)


@pytest.mark.parametrize("value", [0.1, 1e-9, 1 / 3, 12345.678])
def test_exact_numbers_can_be_typed_in_again(value):
    assert float(exact_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (np.False_, "no"),
        (np.int64(7), "7"),
        (None, "–"),
        (pd.NA, "–"),
        (pd.NaT, "–"),
        ("", "–"),
        ("a", "a"),
        (["a", 0.5], "a, 0.5"),
        ([], "–"),
    ],
)
def test_cells_are_written_for_people(value, text):
    assert cell_text(value) == text


def test_tables_keep_their_rows_and_choose_columns_that_exist():
    table = pd.DataFrame(
        {"name": ["a", "b"], "fault_score": [0.5, np.nan], "x": [True, False]}
    )
    view = table_view(table)
    assert view.columns == ("name", "fault score", "x")
    assert view.numeric == (False, True, False)
    assert view.rows == (("a", "0.5", "yes"), ("b", "–", "no"))
    assert table_view(table, ("x", "absent")).columns == ("x",)
    assert table_view(pd.DataFrame()).rows == ()


def test_nested_parameters_are_joined_with_dots():
    nested = {"a": {"b": 1, "c": {"d": (1, 2)}}, "e": {}}
    assert mapping_view(nested) == [("a.b", "1"), ("a.c.d", "1, 2"), ("e", "{}")]


def test_a_heading_names_the_unit():
    assert heading("nearest_deg") == "nearest (°)"
    assert heading("focal_length_px") == "focal length (px)"
    assert heading("timestamp_s") == "timestamp (s)"
    assert heading("from_frame") == "from frame"
    assert heading("s") == "s" and heading("frames") == "frames"
