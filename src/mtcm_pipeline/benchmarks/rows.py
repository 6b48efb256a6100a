"""Rows of a benchmark into a file, each as soon as it is known."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_type_hints

from mtcm_pipeline.errors import FileContentError

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


def rows_so_far(row_type: type[Row], out: Path) -> list[Row]:
    """The whole rows that a stopped run left in its CSV; none where there is no file.

    Args:
        row_type: dataclass of texts and numbers.
        out: the file; a last line without its end counts as absent.

    Raises:
        FileContentError: the file is a table of something else.
    """
    if not out.is_file():
        return []
    text = out.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    kinds = {f.name: get_type_hints(row_type)[f.name] for f in fields(row_type)}
    reader = csv.DictReader(lines)
    if list(reader.fieldnames or kinds) != list(kinds):
        raise FileContentError(
            f"{out} has the columns {', '.join(reader.fieldnames or [])}, not those of "
            f"this benchmark: name another file, or remove it"
        )
    return [
        row_type(**{name: kind(row[name]) for name, kind in kinds.items()})
        for row in reader
    ]
