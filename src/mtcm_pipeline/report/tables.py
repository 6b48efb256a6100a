"""DataFrames as rows of text, ready for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

ABSENT = "–"
# Endings of column names, and the units that they stand for.
_UNITS = {"deg": "°", "db": "dB", "px": "px", "s": "s", "sr": "sr"}


@dataclass(frozen=True)
class TableView:
    """A table as it is shown.

    Attributes:
        columns: headings.
        numeric: whether a column is aligned like numbers.
        rows: cells as text.
    """

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def table_view(table: pd.DataFrame, columns: Sequence[str] | None = None) -> TableView:
    """The table, or those of the columns that it has."""
    chosen = [c for c in (table.columns if columns is None else columns) if c in table]
    cells = [[cell_text(value) for value in table[column]] for column in chosen]
    return TableView(
        tuple(heading(str(column)) for column in chosen),
        tuple(_is_number(table[column]) for column in chosen),
        tuple(zip(*cells, strict=True)) if cells else (),
    )


def heading(column: str) -> str:
    """A column's name as people read it: words, and the unit in brackets."""
    stem, _, last = column.rpartition("_")
    if stem and last in _UNITS:
        return f"{stem.replace('_', ' ')} ({_UNITS[last]})"
    return column.replace("_", " ")


def mapping_view(mapping: Mapping[str, object]) -> list[tuple[str, str]]:
    """Names and values as text, numbers in full; what is nested is joined with dots."""
    rows: list[tuple[str, str]] = []
    for key, given in mapping.items():
        value: Any = _plain(given)
        if isinstance(value, Mapping) and value:
            inner = mapping_view(value)
            rows += [(f"{key}.{name}", text) for name, text in inner]
        else:
            rows.append((str(key), exact_text(value)))
    return rows


def counts_and_remarks(
    quality: pd.DataFrame,
) -> tuple[pd.DataFrame, list[tuple[str, list[str]]]]:
    """The data-quality table without the rows that are text, and their texts by kind."""
    if not {"part", "examples"} <= set(quality.columns):
        return quality, []
    kinds = {"problem": "Problems of frames", "note": "Notes"}
    texts = [
        (title, [str(text) for text in quality.loc[quality["part"] == kind, "examples"]])
        for kind, title in kinds.items()
    ]
    counted = quality[~quality["part"].isin(kinds)]
    return counted, [(title, lines) for title, lines in texts if lines]


def diversity_view(table: pd.DataFrame) -> TableView:
    """The table of measures with what each says as its first column, with the unit."""
    if "meaning" not in table:
        return table_view(table)
    units = [f" ({unit})" if unit else "" for unit in table["unit"]]
    said = table.drop(columns=["measure", "unit", "meaning"])
    said.insert(
        0, "measure", [a + b for a, b in zip(table["meaning"], units, strict=True)]
    )
    return table_view(said)


def exact_text(value: object) -> str:
    """A value with all its digits, so that it can be typed in again."""
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, list | tuple):
        return ", ".join(exact_text(entry) for entry in value) or ABSENT
    return cell_text(value)


def cell_text(value: object) -> str:
    """A value as people write it: three digits, yes or no, a dash for absent."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return number_text(float(value))
    if isinstance(value, list | tuple):
        return ", ".join(cell_text(entry) for entry in value) or ABSENT
    if value is None or value is pd.NA or value is pd.NaT:
        return ABSENT
    return str(value) or ABSENT


def number_text(value: float) -> str:
    """Three significant digits, no exponent between 0.001 and 10 million."""
    if np.isnan(value):
        return ABSENT
    if value == 0 or np.isinf(value):
        return f"{value:g}"
    if not 1e-3 <= abs(value) < 1e7:
        return f"{value:.2e}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: Any) -> Any:
    """Options as a mapping; all else as it is."""
    options = is_dataclass(value) and not isinstance(value, type)
    return asdict(value) if options else value


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(
        column
    )
