"""The outcomes on the disk, whole after every one of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from mtcm_pipeline.datasets.atomic_files import write_file
from mtcm_pipeline.fleet.work import Outcome

COLUMNS = ("identity", "outcome", "seconds", "message", "log", "host")


class OutcomeFile:
    """A CSV file that is replaced, atomically, whenever an outcome is added."""

    def __init__(self, path: Path, project: Path) -> None:
        """Begin with the header alone.

        Args:
            path: the file.
            project: logs are given relative to it.
        """
        self.path = path
        self._project = project
        self._rows: list[tuple[str, ...]] = []
        self._write()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Add rows, in the order in which the work ended."""
        self._rows += [self._row(outcome) for outcome in outcomes]
        self._write()

    def _row(self, outcome: Outcome) -> tuple[str, ...]:
        log = outcome.log
        if log is not None and log.is_relative_to(self._project):
            log = log.relative_to(self._project)
        return (
            outcome.identity,
            outcome.status.value,
            f"{outcome.seconds:.1f}",
            outcome.message,
            "" if log is None else log.as_posix(),
            outcome.host,
        )

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([COLUMNS, *self._rows])
        write_file(self.path, text.getvalue().encode("utf-8"))
