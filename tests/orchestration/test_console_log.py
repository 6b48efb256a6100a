"""Lines of the log on narrow consoles."""

import io
import logging

import pytest
from kedro.logging import RichHandler
from rich.console import Console

from mtcm_pipeline.orchestration.console_log import WholeLineHandler
from mtcm_pipeline.orchestration.plain_errors import told_plainly

PATH = "data/outputs/Ada Lovelace [1]/report/report.html/2026-11-26T12.00.00.000Z"
LONG = "one word after the other until no console of forty columns can hold them all"


@pytest.fixture
def said():
    """Log something at a console 40 columns wide; what it shows, line by line."""
    log = logging.Logger("said")

    def say(*messages: str, terminal: bool) -> list[str]:
        out = io.StringIO()
        console = Console(file=out, width=40, force_terminal=terminal, color_system=None)
        handler = WholeLineHandler(console=console, show_path=False, markup=False)
        log.handlers = [handler]
        for message in messages:
            log.info("%s", message)
        return out.getvalue().splitlines()

    return say


def test_without_a_terminal_a_message_is_a_line(said):
    lines = said(LONG, f"report: {PATH}", terminal=False)
    assert [line.endswith(end) for line, end in zip(lines, (LONG, PATH), strict=True)]
    assert lines[0].split()[2] == "INFO"
    assert lines[1].index("INFO") == lines[0].index("INFO"), "the time is told once"


def test_on_a_terminal_only_what_names_a_path_is_whole(said):
    lines = said(LONG, PATH, terminal=True)
    assert max(map(len, lines[:-1])) <= 40 and len(lines) > 3
    assert lines[-1].endswith(f"INFO     {PATH}")


def test_further_lines_of_a_message_stand_below_its_first(said):
    first, *more = said(f"summary\n  chosen 20\n\n{PATH}", terminal=False)
    column = first.index("summary")
    blank = " " * column
    assert more == [f"{blank}  chosen 20", blank, f"{blank}{PATH}"]


def test_the_log_of_a_command_that_is_no_run_is_whole_too():
    out = io.StringIO()
    handler = RichHandler(console=Console(file=out, width=40), markup=False)
    logging.getLogger().addHandler(handler)
    try:
        with told_plainly():
            logging.getLogger("imported").warning(LONG)
    finally:
        logging.getLogger().removeHandler(handler)
    assert LONG in out.getvalue()


def test_a_run_says_in_one_line_where_its_results_lie(toy, caplog):
    name = "A name of an identity that is long enough to fill a console's line"
    toy.add_identity(name)
    out = io.StringIO()
    handler = RichHandler(console=Console(file=out, width=40), markup=False)
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, "mtcm_pipeline"):
            version = toy.run(identity=name)
    finally:
        logging.getLogger().removeHandler(handler)
    whole = f"Results: data/outputs/{name}, version {version}"
    assert [line for line in out.getvalue().splitlines() if line.endswith(whole)]
