"""How far a long step has come: a bar on a terminal, lines in the log elsewhere.

A bar says nothing where nobody sees it being drawn: in a file, under `nohup`, on a
cluster. There a run of many hundred frames would be silent for a quarter of an hour.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

log = logging.getLogger(__name__)

# (step, how much of it is done, of how much)
OnProgress = Callable[[str, int, int], None]

_EVERY_S = 30.0
_T = TypeVar("_T")


@contextmanager
def progress_shown() -> Iterator[OnProgress]:
    """What is to be called with a step, how much of it is done, and of how much.

    On a terminal each step has a bar while the context lasts. Elsewhere the log says how
    far it is twice a minute; a step that takes less is not mentioned.
    """
    from rich import get_console
    from rich.progress import Progress, TaskID

    console = get_console()
    if not console.is_terminal:
        yield _log_lines()
        return
    with Progress(console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step.capitalize(), total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield draw


def tracked(items: Iterable[_T], step: str, *, total: int | None = None) -> Iterator[_T]:
    """The items, while it is shown how many have been worked through.

    Args:
        items: what is worked through.
        step: what is done to them, in words.
        total: how many there are; None where `items` knows.
    """
    if total is None:
        total = len(items) if isinstance(items, Collection) else 0
    with progress_shown() as show:
        show(step, 0, total)
        for done, item in enumerate(items, start=1):
            yield item
            show(step, done, max(total, done))


def _log_lines() -> OnProgress:
    """A line twice a minute, with a guess at how long it takes yet.

    The guess is by what was done since the last line but one: what a cache gave at once,
    at the beginning, says nothing about the rest.
    """
    begun: dict[str, deque[tuple[float, int]]] = {}

    def tell(step: str, done: int, total: int) -> None:
        now = time.monotonic()
        lines = begun.setdefault(step, deque([(now, done)], maxlen=2))
        if now - lines[-1][0] < _EVERY_S or done >= total:
            return
        then, had = lines[0]
        lines.append((now, done))
        left = ""
        if done > had:
            left_s = (now - then) * (total - done) / (done - had)
            left = f", about {_in_words(left_s)} left"
        log.info("%s: %d of %d%s", step, done, total, left)

    return tell


def _in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `1.5 h`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
