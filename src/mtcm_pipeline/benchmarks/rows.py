"""Rows of a benchmark into a file, each as soon as it is known."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)
else:
    Row = TypeVar("Row")


def write_as_known(rows: Iterable[Row], row_type: type[Row], out: Path) -> list[Row]:
    """Write rows to a CSV while they are computed, so that a stopped run leaves some.

    Args:
        rows: computed when they are asked for.
        row_type: their dataclass; its fields are the columns.
        out: the file; its folder is made if it is absent.

    Returns:
        All rows.
    """
    known = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(row_type)])
        writer.writeheader()
        file.flush()
        for row in rows:
            writer.writerow(asdict(row))
            file.flush()
            known.append(row)
    return known
