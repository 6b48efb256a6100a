"""Rows of a benchmark in a file that a kill leaves whole."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtcm_pipeline.datasets.handles import HandleDataset
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.trials.rows import COLUMNS, TrialRow, row_of_texts


class CsvJournal:
    """A CSV to which rows are added one by one, each on the disk before the next.

    A kill can leave the last line half written; it is taken for absent, and cut off
    when the next row is added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checked = False

    def read(self) -> list[TrialRow]:
        """All whole rows.

        Raises:
            FileContentError: the file is of something else, or a row is broken.
        """
        content = self._path.read_bytes() if self._path.is_file() else b""
        text = content[: _whole(content)].decode("utf-8")
        if not text:
            return []
        reader = csv.DictReader(io.StringIO(text))
        if list(reader.fieldnames or []) != COLUMNS:
            raise FileContentError(
                f"{self._path} is no journal of this benchmark: its columns are "
                f"{', '.join(reader.fieldnames or [])}; name another file, or remove it"
            )
        return [row_of_texts(texts) for texts in reader]

    def append(self, row: TrialRow) -> None:
        """Add a row; when this returns, it is on the disk."""
        if not self._checked:
            self._begin()
        with self._path.open("ab") as file:
            file.write(_line([getattr(row, name) for name in COLUMNS]))
            file.flush()
            os.fsync(file.fileno())

    def _begin(self) -> None:
        """A header where there is no file, and no half line at its end."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab+") as file:
            file.seek(0)
            file.truncate(_whole(file.read()))
            if file.seek(0, os.SEEK_END) == 0:
                file.write(_line(COLUMNS))
        self._checked = True


@dataclass(frozen=True)
class Journals:
    """Journals in a folder, one for all rows that may be compared.

    Attributes:
        folder: where they are; made by the first row.
    """

    folder: Path

    def of(self, settings: str) -> CsvJournal:
        """The journal of some settings (`trials.rows.settings_key`)."""
        return CsvJournal(self.folder / f"rows-{settings}.csv")


class JournalsDataset(HandleDataset[Journals]):
    """Unversioned: rows outlive the run that was killed."""

    def load(self) -> Journals:
        """The handle; the folder is made by the first row."""
        return Journals(self._path)


def _whole(content: bytes) -> int:
    """Length of the lines that were written to their end."""
    return content.rfind(b"\n") + 1


def _line(values: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8")
