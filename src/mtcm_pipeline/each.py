"""`kedro each`: one pipeline for many identities, each in a process of its own.

Kedro imports this module for every command, so nothing heavy is imported at its top.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtcm_pipeline.orchestration.command_line import split_params, unknown_pipeline
from mtcm_pipeline.orchestration.plain_errors import told_plainly

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata
    from rich.console import Console

    from mtcm_pipeline.fleet.run import Backend
    from mtcm_pipeline.fleet.stopping import Stop
    from mtcm_pipeline.fleet.work import Outcome, WorkItem

_INTERRUPTED = 130  # as shells have it for what Ctrl-C ended
_PLAIN_WIDTH = 160  # columns of the table where there is no terminal


@dataclass(frozen=True)
class Wish:
    """What the command line asks for.

    Attributes:
        names: of identities, and patterns.
        everyone: all identities instead.
        pipelines: names; none means the default pipeline.
        params: as typed for `--params`, common to all runs.
        env: Kedro's environment.
        workers: runs at a time on this machine.
        threads: of the numerical libraries in each run; None shares the cores.
        scheduler: address of a Dask scheduler; None runs on this machine.
        resume: skip what is complete for the same parameters.
        dry_run: only show what would be done.
    """

    names: tuple[str, ...] = ()
    everyone: bool = False
    pipelines: tuple[str, ...] = ()
    params: str = ""
    env: str | None = None
    workers: int | None = None
    threads: int | None = None
    scheduler: str | None = None
    resume: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class _Call:
    project: Path
    folder: Path
    wish: Wish
    nodes: int
    stop: Stop
    console: Console = field(repr=False)


def _split(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    return tuple(name.strip() for name in (value or "").split(",") if name.strip())


def _checked_params(
    context: click.Context, parameter: click.Parameter, value: str
) -> str:
    if "identity" in split_params(context, parameter, value):
        raise click.BadParameter(
            "identity is not for --params here: give names or patterns as arguments, "
            "or --all",
            context,
            parameter,
        )
    return value


@click.command("each")
@click.argument("names", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every identity under data/.")
@click.option("--pipelines", callback=_split, help="Names with commas; else the default.")
@click.option("--pipeline", "-p", callback=_split, help="The same for one.")
@click.option(
    "--params", default="", callback=_checked_params, help="Common to all runs."
)
@click.option("--env", "-e", help="Kedro's environment.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Runs at a time on this machine.  [default: half its cores]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Of each run's numerical libraries.  [default: cores / workers]",
)
@click.option("--scheduler", help="Run on the Dask cluster at tcp://HOST:PORT instead.")
@click.option(
    "--resume", is_flag=True, help="Skip what is complete for these parameters."
)
@click.option("--dry-run", is_flag=True, help="Only show what would run.")
@click.pass_context
def each(context: click.Context, pipeline: tuple[str, ...], **given: Any) -> None:
    """Run a pipeline for many identities: NAMES, patterns such as 'Bronze*', or --all.

    Each has a process and a log of its own; one failure never stops the others.
    """
    wish = Wish(**{**given, "pipelines": given["pipelines"] or pipeline})
    if bool(wish.names) == wish.everyone:
        raise click.UsageError("give names or patterns of identities, or --all")
    if wish.scheduler and wish.workers:
        raise click.UsageError(
            "--workers is for this machine; a cluster runs as many at a time as its "
            "workers have threads: dask worker --nthreads"
        )
    project: ProjectMetadata = context.obj
    with told_plainly():
        status = run_each(Path(project.project_path), wish)
    context.exit(status)


def run_each(project: Path, wish: Wish) -> int:
    """Do what is wished; return the exit status.

    Raises:
        IdentityError: names or patterns that match nothing.
        ParameterError: an unknown pipeline.
        FleetError: no cluster at the address given.
    """
    from rich.console import Console

    from mtcm_pipeline.fleet.choice import choose_identities
    from mtcm_pipeline.fleet.stopping import Stop, asked_by_signals
    from mtcm_pipeline.orchestration.project_layout import each_folder, known_identities

    known = known_identities(project)
    chosen = choose_identities(known if wish.everyone else wish.names, known)
    nodes = count_nodes(wish.pipelines)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    folder = each_folder(project) / _stamp()
    call = _Call(project, folder, wish, nodes, Stop(), console)
    with asked_by_signals(call.stop):
        complete = _complete_versions(call, chosen) if wish.resume else {}
        items = [_item(call, name) for name in chosen if name not in complete]
        if wish.dry_run:
            _tell_plan(console, items, complete)
            return 0
        outcomes = _run(call, items, complete)
    return _conclude(call, outcomes)


def run_arguments(wish: Wish) -> tuple[str, ...]:
    """What follows the Python interpreter on each child's command line."""
    words = ["-m", "kedro", "run"]
    if wish.pipelines:
        words.append(f"--pipelines={','.join(wish.pipelines)}")
    if wish.params:
        words.append(f"--params={wish.params}")
    env = wish.env or os.environ.get("KEDRO_ENV")
    if env:
        words.append(f"--env={env}")
    return tuple(words)


def count_nodes(names: Sequence[str]) -> int:
    """How many nodes the pipelines have together; none named means the default.

    Raises:
        ParameterError: names them with the closest.
    """
    from mtcm_pipeline.errors import ParameterError
    from mtcm_pipeline.orchestration.remedies import all_pipelines

    registered = all_pipelines()
    known = sorted(registered)
    for name in names:
        if name not in known:
            raise ParameterError(unknown_pipeline(name, known))
    asked = names or ["__default__"]
    return len({node.name for name in asked for node in registered[name].nodes})


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H.%M.%S.%fZ")


def _item(call: _Call, identity: str) -> WorkItem:
    from mtcm_pipeline.fleet.work import WorkItem

    log = call.folder / "logs" / identity / "run.log"
    return WorkItem(identity, call.project, run_arguments(call.wish), log)


def _complete_versions(call: _Call, identities: Sequence[str]) -> dict[str, str]:
    """Identity -> version of the run that makes another one needless."""
    from mtcm_pipeline.fleet.work import Urgency
    from mtcm_pipeline.orchestration.completeness import AskedRun, Completeness

    wish = call.wish
    params = split_params(None, None, wish.params)
    env = wish.env or os.environ.get("KEDRO_ENV")
    completeness = Completeness(AskedRun(call.project, wish.pipelines, params, env))
    found = {}
    with call.console.status("looking for what is complete"):
        for identity in identities:
            if call.stop() > Urgency.NONE:
                break
            version = _or_none(completeness.complete_version, identity)
            if version is not None:
                found[identity] = version
    return found


def _or_none(ask: Callable[[str], str | None], identity: str) -> str | None:
    """None where the parameters are at fault: the run itself tells that best."""
    from omegaconf.errors import OmegaConfBaseException

    from mtcm_pipeline.errors import MtcmError

    try:
        return ask(identity)
    except (MtcmError, OmegaConfBaseException):
        return None


def _run(
    call: _Call, items: Sequence[WorkItem], complete: Mapping[str, str]
) -> list[Outcome]:
    from mtcm_pipeline.fleet.display import ProgressDisplay
    from mtcm_pipeline.fleet.outcome_file import OutcomeFile
    from mtcm_pipeline.fleet.run import run_all
    from mtcm_pipeline.fleet.work import Outcome, Status

    backend = _backend(call, len(items)) if items else None
    file = OutcomeFile(call.folder / "outcomes.csv", call.project)
    skipped = [
        Outcome(identity, Status.SKIPPED, message=_complete(call, identity, version))
        for identity, version in complete.items()
    ]
    total = len(items) + len(skipped)
    with ProgressDisplay(call.console, file, total, call.nodes) as display:
        for outcome in skipped:
            display.ended(outcome)
        return skipped + (run_all(items, backend, display) if backend else [])


def _complete(call: _Call, identity: str, version: str) -> str:
    from mtcm_pipeline.fleet.pose_doubts import pose_doubts

    doubts = pose_doubts(call.project, identity, version)
    return "; ".join(filter(None, [f"complete, version {version}", doubts]))


def _backend(call: _Call, count: int) -> Backend:
    from mtcm_pipeline.fleet.child import available_cores
    from mtcm_pipeline.fleet.cluster import DaskCluster
    from mtcm_pipeline.fleet.local import LocalProcesses

    wish = call.wish
    if wish.scheduler:
        stop_file = call.folder / "stop"
        return DaskCluster(wish.scheduler, wish.threads, call.stop, stop_file)
    # A run finds features in two processes of its own.
    workers = min(wish.workers or max(1, available_cores() // 2), count)
    share = max(1, available_cores() // workers)
    own = os.environ.get("OMP_NUM_THREADS", "")
    share = min(share, int(own)) if own.isdigit() and int(own) else share
    return LocalProcesses(workers, wish.threads or share, call.stop)


def _conclude(call: _Call, outcomes: Sequence[Outcome]) -> int:
    from mtcm_pipeline.fleet.display import count_line, outcome_table
    from mtcm_pipeline.fleet.work import GOOD, Status, Urgency

    console = call.console
    console.print(outcome_table(outcomes, call.folder))
    place = call.folder.relative_to(call.project)
    lines = [f"{count_line(outcomes)}. Logs and outcomes.csv: {place}"]
    good = all(outcome.status in GOOD for outcome in outcomes)
    if not good:
        lines.append("The same command with --resume does what is left.")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    interrupted = any(outcome.status is Status.INTERRUPTED for outcome in outcomes)
    if interrupted or (call.stop() > Urgency.NONE and not good):
        return _INTERRUPTED
    return 0 if good else 1


def _tell_plan(
    console: Console, items: Sequence[WorkItem], complete: Mapping[str, str]
) -> None:
    from mtcm_pipeline.orchestration.command_line import IDENTITY_VARIABLE

    lines = [
        f"would skip   {identity}: complete, version {version}"
        for identity, version in complete.items()
    ]
    for item in items:
        name = shlex.quote(item.identity)
        command = shlex.join(("python", *item.arguments))
        lines.append(f"would run    {IDENTITY_VARIABLE}={name} {command}")
    lines.append(f"{len(items)} to run, {len(complete)} to skip")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
