"""Commands of this project, beside Kedro's own: `kedro sample`, imports, cleaning.

Kedro imports this module for every command, so nothing heavy is imported at its top.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtcm_pipeline.clean_cache import clean_cache
from mtcm_pipeline.each import each
from mtcm_pipeline.orchestration.command_line import quoting_run_command, run_command
from mtcm_pipeline.orchestration.plain_errors import told_plainly

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

    from mtcm_pipeline.sample.options import SampleOptions
    from mtcm_pipeline.video.options import VideoOptions

LOGGER = logging.getLogger(__name__)

DEFAULT_SAMPLE = "Sample Head"


@click.group(name="mtcm-pipeline")
def cli() -> None:
    """Commands of mtcm-pipeline."""


# Kedro's own run, but --params takes values with commas in quotes.
run = quoting_run_command()
cli.add_command(run)
# The same for many identities.
cli.add_command(each)
cli.add_command(clean_cache)


@cli.command()
@click.option(
    "--identity", default=DEFAULT_SAMPLE, show_default=True, help="Name under data/."
)
@click.option("--frames", type=click.IntRange(12, 2000), help="Number of pictures.")
@click.option("--seed", type=click.IntRange(min=0), help="Another subject, path, room.")
@click.option("--force", is_flag=True, help="Replace an identity of that name.")
@click.pass_obj
def sample(
    project: ProjectMetadata,
    identity: str,
    frames: int | None,
    seed: int | None,
    force: bool,
) -> None:
    """Generate the sample capture: a painted bust with known poses and planted faults."""
    from mtcm_pipeline.sample.options import SampleOptions

    usual = SampleOptions()
    options = SampleOptions(
        frames=usual.frames if frames is None else frames,
        seed=usual.seed if seed is None else seed,
    )
    with told_plainly():
        click.echo(write_sample(data_folder(project), identity, options, replace=force))


@cli.command("import-capture")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--identity", help="Name under data/; the folder's own when left out.")
@click.option("--force", is_flag=True, help="Replace an identity of that name.")
@click.pass_obj
def import_capture(
    project: ProjectMetadata, source: Path, identity: str | None, force: bool
) -> None:
    """Copy the capture in the folder SOURCE into the layout under data/."""
    from mtcm_pipeline import capture_import

    with told_plainly():
        found = capture_import.import_capture(
            source, data_folder(project), identity, replace=force
        )
    _tell_imported(identity or source.resolve().name, found.lines())


@cli.command("import-video")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--identity", help="Name under data/; the file's own when left out.")
@click.option("--rate", type=float, help="Frames kept a second of video.  [default: 2]")
@click.option("--max-frames", type=int, help="Lowers the rate.  [default: 600]")
@click.option("--longest-side", type=int, help="Shrink frames to this many px.")
@click.option("--force", is_flag=True, help="Replace an identity of that name.")
@click.pass_obj
def import_video(
    project: ProjectMetadata,
    source: Path,
    identity: str | None,
    force: bool,
    **given: float | None,
) -> None:
    """Take the sharpest frames of the video SOURCE into the layout under data/."""
    from mtcm_pipeline import video_import

    with told_plainly():
        extracted = video_import.import_video(
            source,
            data_folder(project),
            identity,
            _video_options(given),
            replace=force,
        )
    _tell_imported(identity or source.stem, video_import.summary_lines(extracted))


def _tell_imported(identity: str, lines: Sequence[str]) -> None:
    """What arrived, and what to type next."""
    told = (*lines, f"next: {run_command((), identity)}")
    click.echo("\n".join([f"imported {identity!r}", *(f"  {line}" for line in told)]))


def _video_options(given: Mapping[str, float | None]) -> VideoOptions:
    """The options of a video from those of the command; None is the default."""
    from pydantic import ValidationError

    from mtcm_pipeline.video.options import VideoOptions

    names = {"rate": "rate_fps", "max_frames": "max_frames"}
    names["longest_side"] = "longest_side_px"
    wanted = {names[key]: value for key, value in given.items() if value is not None}
    try:
        return VideoOptions(**wanted)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = error.errors()[0]
        flag = next(k for k, v in names.items() if v == wrong["loc"][0])
        raise click.BadParameter(
            f"{wrong['msg']}, not {wrong['input']}",
            param_hint=f"--{flag.replace('_', '-')}",
        ) from error


def data_folder(project: ProjectMetadata) -> Path:
    """The project's data folder, from wherever the command was called."""
    return Path(project.project_path) / "data"


def write_sample(
    data: Path, identity: str, options: SampleOptions, *, replace: bool = False
) -> str:
    """Generate a sample capture under `data` unless the very same is there already.

    Args:
        data: the project's data folder.
        identity: name of the identity.
        options: what to generate.
        replace: whether an existing identity may be replaced.

    Returns:
        What was done, for people.

    Raises:
        IdentityError: the name is no folder name.
        CaptureError: another capture of that name exists; nothing was changed.
    """
    from mtcm_pipeline.identities import check_identity_name
    from mtcm_pipeline.identity_folders import (
        install_identity,
        refuse_existing,
    )
    from mtcm_pipeline.sample.generate import generate_sample
    from mtcm_pipeline.sample.truth import generation_record

    check_identity_name(identity)
    if not replace and _recorded(data, identity) == generation_record(options):
        return f"{identity!r} is there already with the same options; nothing to do"
    if not replace:
        refuse_existing(data, identity)
    capture = generate_sample(options, embed=_offline_encoder())
    install_identity(data, identity, capture.parts, replace=replace)
    planted = ", ".join(f"{name} {kind}" for name, kind in capture.truth.faults.items())
    return (
        f"generated {identity!r}: {options.frames} frames in "
        f"{data / 'raw_images' / identity}; planted faults: {planted or 'none'}"
    )


def _recorded(data: Path, identity: str) -> Any:
    """How the identity there was generated; None where it was not, or is incomplete."""
    if not (data / "raw_images" / identity).is_dir():
        return None
    try:
        record = json.loads((data / "metadata" / identity / "truth.json").read_bytes())
        return record["generated_with"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _offline_encoder() -> Callable[..., Any] | None:
    """The encoder that needs no network; None, and a line in the log, without it."""
    from mtcm_pipeline.errors import MtcmError

    try:
        from mtcm_pipeline.encoders.registry import load_encoder
        from mtcm_pipeline.sample.foreign_encoder import as_from_elsewhere

        return as_from_elsewhere(load_encoder("efficientnet_lite0").encode)
    except (ImportError, MtcmError) as error:
        LOGGER.warning("no encoder, so the sample has no embeddings: %s", error)
        return None
