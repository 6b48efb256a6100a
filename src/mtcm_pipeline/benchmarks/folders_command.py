"""What the benchmarks that go through folders of captures share on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


def folders_command(function: Callable[..., None]) -> click.Command:
    """A command over folders of captures, `folders`, and a file of rows, `out`."""
    rows = click.option("--out", required=True, type=_PATH, help="CSV file.")
    folders = click.argument("folders", nargs=-1, required=True, type=_PATH)
    return click.command()(folders(rows(function)))
