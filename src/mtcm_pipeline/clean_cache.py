"""`kedro clean-cache`: what caches hold, and removing what is not needed any more.

Everything it may remove is made again by the next run that needs it. Results, the
user's files and everything else under data/ it does not touch.

Kedro imports this module for every command, so nothing heavy is imported at its top.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

    from mtcm_pipeline.datasets.cache_files import CacheEntry

# Folders of a stage, data/outputs/<identity>/<stage>/<kind>, and what they hold. The
# files of the first two stand for themselves; a workspace is of use as a whole only.
KINDS = {
    "cache": "embeddings, features, matched pairs, saliency; what benchmarks share",
    "checkpoints": "where interrupted training goes on",
    "structure_from_motion": "where interrupted structure from motion goes on",
}
_WHOLE = "structure_from_motion"
_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_DAY_S = 86400.0


@dataclass(frozen=True)
class CacheFolder:
    """One cache of one identity.

    Attributes:
        identity: its name.
        path: the folder.
        entries: what is in it.
    """

    identity: str
    path: Path
    entries: tuple[CacheEntry, ...]

    @property
    def place(self) -> str:
        """`<stage>/<kind>`."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def size_bytes(self) -> int:
        """Of all entries."""
        return sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True)
class Wish:
    """What is to go; nothing by default.

    Attributes:
        everything: all of it.
        unused_days: what was not used for so many days.
        keep_bytes: of the rest, what was not used for longest, down to this in total.
    """

    everything: bool = False
    unused_days: float | None = None
    keep_bytes: int | None = None

    def __bool__(self) -> bool:
        given = self.unused_days is not None or self.keep_bytes is not None
        return self.everything or given


def cache_folders(
    outputs: Path, identities: Iterable[str], kinds: Iterable[str]
) -> list[CacheFolder]:
    """The caches that hold something.

    Args:
        outputs: the project's data/outputs.
        identities: names of folders in it.
        kinds: of `KINDS`.
    """
    from mtcm_pipeline.datasets.cache_files import file_entries, folder_entry

    found = []
    for identity in identities:
        for kind in kinds:
            for path in sorted((outputs / identity).glob(f"*/{kind}")):
                if kind == _WHOLE:
                    whole = folder_entry(path)
                    entries = [] if whole is None else [whole]
                else:
                    entries = file_entries(path)
                if entries:
                    found.append(CacheFolder(identity, path, tuple(entries)))
    return found


def to_remove(folders: Sequence[CacheFolder], wish: Wish, now_s: float) -> set[Path]:
    """Paths of the entries that must go.

    Args:
        folders: all that the wish is about; a limit counts over them together.
        wish: what is to go.
        now_s: seconds since 1970.
    """
    from mtcm_pipeline.datasets.cache_files import least_recently_used

    entries = [entry for folder in folders for entry in folder.entries]
    if wish.everything:
        return {entry.path for entry in entries}
    going: list[CacheEntry] = []
    if wish.unused_days is not None:
        before_s = now_s - wish.unused_days * _DAY_S
        going = [entry for entry in entries if entry.used_s < before_s]
    if wish.keep_bytes is not None:
        rest = [entry for entry in entries if entry not in going]
        going += least_recently_used(rest, wish.keep_bytes)
    return {entry.path for entry in going}


def remove_entries(
    outputs: Path, folders: Sequence[CacheFolder], going: set[Path]
) -> tuple[int, list[str]]:
    """Remove entries, each identity's under the lock that its runs take.

    Returns:
        How many bytes are gone, and a line for every identity that was left alone.
    """
    from mtcm_pipeline.errors import VersionError
    from mtcm_pipeline.orchestration.run_lock import RunLock

    gone, left = 0, []
    for identity in sorted({folder.identity for folder in folders}):
        mine = [
            entry
            for folder in folders
            if folder.identity == identity
            for entry in folder.entries
            if entry.path in going
        ]
        if not mine:
            continue
        try:
            lock = RunLock(outputs / identity / "runs" / ".lock", identity)
        except VersionError as error:
            left.append(f"{identity}: left alone, {error}")
            continue
        try:
            gone += sum(_remove(entry) for entry in mine)
        finally:
            lock.release()
    return gone, left


def _remove(entry: CacheEntry) -> int:
    if entry.path.is_dir():
        shutil.rmtree(entry.path)
    else:
        entry.path.unlink(missing_ok=True)
    return entry.size_bytes


def parsed_size(text: str) -> int:
    """Bytes of `500MB`, `1.5 GB`, `0`; thousands, not 1024.

    Raises:
        ValueError: it is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", text, re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r} is no size: write it as 500MB or 2GB")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def size_text(size_bytes: int) -> str:
    """`12.3 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} B"


def listing(folders: Sequence[CacheFolder], going: set[Path], now_s: float) -> list[str]:
    """A line a cache: whose, which, entries, size, when last used, what would go."""
    rows = [("identity", "cache", "entries", "size", "last used", "to remove")]
    for folder in folders:
        days = (now_s - max(entry.used_s for entry in folder.entries)) / _DAY_S
        leaving = [entry for entry in folder.entries if entry.path in going]
        removed = size_text(sum(entry.size_bytes for entry in leaving))
        rows.append(
            (
                folder.identity,
                folder.place,
                str(len(folder.entries)),
                size_text(folder.size_bytes),
                "today" if days < 1 else f"{days:.0f} days ago",
                f"{len(leaving)} ({removed})" if leaving else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _size_option(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> int | None:
    try:
        return None if value is None else parsed_size(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("clean-cache")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Remove all of it.")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Remove what was not used for so many days.",
)
@click.option(
    "--keep",
    callback=_size_option,
    metavar="SIZE",
    help="Remove what was not used for longest, down to SIZE (500MB, 2GB) in total.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    help="Only such caches; several times for several.  [default: all]",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def clean_cache(
    project: ProjectMetadata,
    *,
    names: tuple[str, ...],
    everything: bool,
    older_than: float | None,
    keep: int | None,
    kinds: tuple[str, ...],
    yes: bool,
) -> None:
    """Show the caches of the identities NAMES (names, patterns; all by default), and
    remove from them what --all, --older-than or --keep says, after asking.

    Only what the next run makes again: results and your own files stay.
    """
    outputs = Path(project.project_path) / "data" / "outputs"
    folders = cache_folders(outputs, _identities(outputs, names), kinds or KINDS)
    wish = Wish(everything, older_than, keep)
    now_s = time.time()
    going = to_remove(folders, wish, now_s)
    if not folders:
        click.echo("no cache holds anything")
        return
    click.echo("\n".join(listing(folders, going, now_s)))
    click.echo(f"in all {size_text(sum(folder.size_bytes for folder in folders))}")
    if not wish:
        click.echo("nothing is removed without --all, --older-than or --keep")
    elif not going:
        click.echo("nothing to remove")
    elif yes or click.confirm(f"Remove {len(going)} entries?"):
        gone, left = remove_entries(outputs, folders, going)
        click.echo("\n".join([f"removed {size_text(gone)}", *left]))


def _identities(outputs: Path, names: tuple[str, ...]) -> list[str]:
    """Those with outputs, also where the photographs are gone."""
    from mtcm_pipeline.errors import IdentityError
    from mtcm_pipeline.fleet.choice import choose_identities

    known = [
        entry.name
        for entry in (outputs.iterdir() if outputs.is_dir() else ())
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
    ]
    if not names or not known:
        return sorted(known)
    try:
        return choose_identities(names, known)
    except IdentityError as error:
        raise click.ClickException(str(error)) from error
