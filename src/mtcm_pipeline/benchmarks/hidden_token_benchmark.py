"""Hidden fields predicted by the MTCM and by simple regressors.

    python -m mtcm_pipeline.benchmarks.hidden_token_benchmark CAPTURE_FOLDER... \
        --out table.csv

20 % of a capture's frames are hidden, at random or as one viewing sector, in one field
at a time or whole; every method predicts them from the rest. Captures are measured in
their order and with their times shuffled, as a pile of photographs without any. The
generated sample, without its planted faults, is measured too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos, sample_photos
from mtcm_pipeline.benchmarks.command import BenchmarkCommand, out_option
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.figures.hidden_tokens import hidden_token_figure
from mtcm_pipeline.figures.style import png_bytes
from mtcm_pipeline.math_threads import math_threads
from mtcm_pipeline.mtcm.hidden_token_evaluation import (
    HiddenTokenRow,
    evaluation_rows,
    tokens_of_photos,
)
from mtcm_pipeline.mtcm.hidden_token_summary import UNITS, summary
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.tokens.layout import Tokens


def printed(table: pd.DataFrame) -> Table:
    """The summary for people."""
    plain = ["ordered", "mask", "hidden", "measure", "best", "gain", "noise"]
    methods = [name for name in table.columns if name not in plain]
    shown = Table("setting", *methods, "gain over the best simple", title="hidden tokens")
    for _, row in table.iterrows():
        order = "in order" if row["ordered"] else "no order"
        measure = row["measure"]
        unit = f" ({UNITS[measure]})" if measure in UNITS else ""
        shown.add_row(
            f"{order}, {row['mask']}, {row['hidden']} hidden: {measure}{unit}",
            *[f"{row[name]:.3f}" for name in methods],
            f"{row['gain']:+.3f} ± {row['noise']:.3f} ({row['best']})",
        )
    return shown


def load_captures(folders: Sequence[Path], sample: bool) -> dict[str, Tokens]:
    """Tokens of capture folders, and of the generated sample."""
    from mtcm_pipeline.encoders.registry import load_encoder

    encoder = load_encoder("efficientnet_lite0")
    photos = [load_photos(folder) for folder in folders]
    if sample:
        photos.append(sample_photos(SampleOptions()))
    return {p.identity: tokens_of_photos(p, encoder.encode) for p in photos}


@click.command(cls=BenchmarkCommand)
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True))
@out_option
@click.option("--seeds", default=5, show_default=True, help="Masks of each kind.")
@click.option("--sample/--no-sample", default=True, help="Also the generated sample.")
@click.option("--alone", is_flag=True, help="Also transformers trained on one capture.")
@click.option("--weights", default="shipped", show_default=True, help="As train.init.")
def main(
    folders: tuple[Path, ...], out: Path, *, seeds: int, sample: bool, **asked: Any
) -> None:
    """Hidden fields predicted by the MTCM and by simple regressors."""
    if not folders and not sample:
        raise click.UsageError("give the folder of a capture, or leave --no-sample out")
    with math_threads(1):
        captures = load_captures(folders, sample)
        rows = write_as_known(
            evaluation_rows(captures, seeds, **asked), HiddenTokenRow, out
        )
    table = summary(pd.DataFrame([vars(row) for row in rows]))
    table.to_csv(out.with_name(f"{out.stem}_summary.csv"), index=False)
    picture = hidden_token_figure(pd.DataFrame([vars(row) for row in rows]))
    out.with_suffix(".png").write_bytes(png_bytes(picture))
    Console(width=240).print(printed(table))


if __name__ == "__main__":
    main()
