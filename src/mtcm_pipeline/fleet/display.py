"""Progress an identity while the work goes on, and the table of outcomes at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from mtcm_pipeline.fleet.log_tail import steps_begun
from mtcm_pipeline.fleet.outcome_file import OutcomeFile
from mtcm_pipeline.fleet.work import Outcome, Status, WorkItem

_COLOURS = {
    Status.FINISHED: "green",
    Status.SKIPPED: "cyan",
    Status.FAILED: "red",
    Status.LOCKED: "yellow",
    Status.INTERRUPTED: "yellow",
}
_LONGEST_LINE = 200
_LONGEST_CELL = 1000


class ProgressDisplay:
    """A line for each start and each outcome; on a terminal, also what runs right now.

    A context manager. Every outcome goes to the file before it is shown.
    """

    def __init__(
        self, console: Console, file: OutcomeFile, total: int, nodes: int
    ) -> None:
        """Make it; `total` identities, each with a run of `nodes` nodes."""
        self._console = console
        self._file = file
        self._all = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            SpinnerColumn(finished_text=""),
            TextColumn("{task.fields[step]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._nodes = nodes
        self._total = self._all.add_task("identities", total=total, step="")
        self._running: dict[str, tuple[TaskID, Path]] = {}

    def __enter__(self) -> ProgressDisplay:
        self._all.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._all.stop()

    def started(self, item: WorkItem) -> None:
        """Show that the item's run has begun."""
        if item.identity in self._running:
            return  # begun again: its first worker was lost
        task = self._all.add_task(
            escape(item.identity), total=self._nodes, step="starting"
        )
        self._running[item.identity] = task, item.log
        self._say(f"started      {item.identity}")

    def ended(self, outcome: Outcome) -> None:
        """Keep the outcome and show it."""
        self._file.add([outcome])
        running = self._running.pop(outcome.identity, None)
        if running is not None:
            self._all.remove_task(running[0])
        self._all.advance(self._total)
        self._say(_line(outcome), _COLOURS[outcome.status])

    def look(self) -> None:
        """Show the node that each run is at."""
        if not self._console.is_terminal:
            return
        for task, log in self._running.values():
            steps = steps_begun(log)
            if steps:
                done = min(len(steps), self._nodes) - 1
                self._all.update(task, completed=done, step=escape(steps[-1]))

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(
            text, style=style, markup=False, highlight=False, soft_wrap=True
        )


def outcome_table(outcomes: Sequence[Outcome], folder: Path) -> Table:
    """All outcomes, by identity; logs are given relative to `folder`."""
    table = Table(
        "identity", "outcome", "seconds", "what happened", "log", highlight=False
    )
    table.columns[2].justify = "right"
    for column in (table.columns[0], table.columns[3], table.columns[4]):
        column.overflow = "fold"
    for outcome in sorted(outcomes, key=lambda each: each.identity):
        seconds = f"{outcome.seconds:.1f}" if outcome.log else ""
        log = outcome.log
        if log is not None and log.is_relative_to(folder):
            log = log.relative_to(folder)
        table.add_row(
            escape(outcome.identity),
            f"[{_COLOURS[outcome.status]}]{outcome.status.value}[/]",
            seconds,
            escape(_cut(outcome.message, _LONGEST_CELL)),
            escape("" if log is None else log.as_posix()),
        )
    return table


def count_line(outcomes: Sequence[Outcome]) -> str:
    """How many ended how: `3 finished, 1 failed`."""
    counts = Counter(outcome.status for outcome in outcomes)
    told = [f"{counts[status]} {status.value}" for status in Status if counts[status]]
    return ", ".join(told) or "nothing to do"


def _line(outcome: Outcome) -> str:
    seconds = f" ({outcome.seconds:.1f} s)" if outcome.log else ""
    first = _cut(outcome.message.partition("\n")[0], _LONGEST_LINE)
    message = f": {first}" if first else ""
    return f"{outcome.status.value:<12} {outcome.identity}{seconds}{message}"


def _cut(message: str, longest: int) -> str:
    """At most `longest` characters; the file of outcomes has all of it."""
    return message if len(message) <= longest else message[: longest - 1] + "…"
