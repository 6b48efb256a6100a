"""Progress: lines where there is no terminal, often enough and not too often."""

from __future__ import annotations

import io
import logging

import pytest
import rich
from rich.console import Console

from mtcm_pipeline import progress
from mtcm_pipeline.progress import progress_shown, tracked


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the test turns on by itself."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def console(monkeypatch):
    """Put another console in place of rich's own: (terminal or not) -> its output."""

    def replaced(*, terminal: bool) -> io.StringIO:
        output = io.StringIO()
        made = Console(file=output, force_terminal=terminal)
        monkeypatch.setattr(rich, "get_console", lambda: made)
        return output

    return replaced


def test_without_a_terminal_the_log_says_twice_a_minute_how_far_it_is(
    clock, console, caplog
):
    output = console(terminal=False)
    caplog.set_level(logging.INFO)
    for _ in tracked(range(100), "reading photographs"):
        clock[0] += 1.0  # so the last item ends at 100 s
    assert output.getvalue() == ""
    assert caplog.messages == [
        "reading photographs: 30 of 100, about 70 s left",
        "reading photographs: 60 of 100, about 40 s left",
        "reading photographs: 90 of 100, about 10 s left",
    ]


def test_what_was_done_before_does_not_count_as_fast(clock, console, caplog):
    console(terminal=False)
    caplog.set_level(logging.INFO)
    with progress_shown() as show:
        show("pairs", 1, 1000)
        show("pairs", 900, 1000)  # found in the cache
        for number in range(1, 5):  # 10 a minute
            clock[0] = 60.0 * number
            show("pairs", 900 + 10 * number, 1000)
    assert caplog.messages[2:] == [
        "pairs: 930 of 1000, about 7 min left",
        "pairs: 940 of 1000, about 6 min left",
    ]


def test_where_nothing_is_done_nothing_is_promised(clock, console, caplog):
    console(terminal=False)
    caplog.set_level(logging.INFO)
    with progress_shown() as show:
        show("pairs", 5, 10)
        clock[0] = 60.0
        show("pairs", 5, 10)
    assert caplog.messages == ["pairs: 5 of 10"]


def test_each_step_has_its_own_clock(clock, console, caplog):
    console(terminal=False)
    caplog.set_level(logging.INFO)
    with progress_shown() as show:
        show("features", 0, 10)
        clock[0] = 100.0
        show("features", 10, 10)  # it is over: nothing to say
        show("pairs", 0, 10)
        clock[0] = 129.0
        show("pairs", 5, 10)
    assert caplog.messages == []


def test_a_terminal_has_a_bar_and_no_lines(clock, console, caplog):
    output = console(terminal=True)
    caplog.set_level(logging.INFO)
    for _ in tracked(iter("ab"), "reading photographs", total=2):
        clock[0] += 100.0
    assert "Reading photographs" in output.getvalue()
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_times_are_words(seconds, words):
    assert progress._in_words(seconds) == words
