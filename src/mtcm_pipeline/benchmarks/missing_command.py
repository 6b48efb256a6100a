"""The options that the benchmarks of missing views share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., None]


def missing_command(seeds: int) -> Callable[[Command], click.Command]:
    """A command over captures, seeds of what is hidden, and a file of rows.

    Args:
        seeds: how many, where the user does not say.
    """
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--capture",
            "captures",
            multiple=True,
            required=True,
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Folder of a capture with poses; give it again for more.",
        ),
        click.option("--seeds", default=seeds, show_default=True, type=click.IntRange(1)),
        click.option(
            "--out", required=True, type=click.Path(path_type=Path), help="CSV file."
        ),
    ]

    def decorated(function: Command) -> click.Command:
        for option in reversed(options):
            function = option(function)
        return click.command()(function)

    return decorated
