"""What the benchmarks share on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtcm_pipeline.orchestration.plain_errors import told_plainly


class BenchmarkCommand(click.Command):
    """A command that tells the project's own errors and those of the disk in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """As `click.Command`.

        Raises:
            click.ClickException: with the words of an `MtcmError`, or of a disk that is
                full or not to be written.
        """
        with told_plainly():
            return super().invoke(ctx)


folders_argument = click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path)
)
captures_option = click.option(
    "--capture",
    "captures",
    multiple=True,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a capture with poses; give it again for more.",
)
out_option = click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="CSV file of the rows."
)
