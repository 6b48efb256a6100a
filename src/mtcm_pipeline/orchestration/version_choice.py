"""Which versions a run loads: the newest whole ones, if they belong together.

Versions belong together when everything that they were made from, followed through
the manifests, has one version each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mtcm_pipeline.orchestration.manifest import ManifestIndex

OnDisk = Callable[[str, str], bool]
"""(dataset, version) -> whether its file is still there."""


@dataclass(frozen=True)
class Conflict:
    """Two versions of `dataset` behind one run.

    Attributes:
        dataset: what has two versions.
        older, newer: the two versions.
        older_via, newer_via: the loaded (dataset, version) that each lies behind.
    """

    dataset: str
    older: str
    newer: str
    older_via: tuple[str, str]
    newer_via: tuple[str, str]


def newest_versions(
    index: ManifestIndex, datasets: Sequence[str], on_disk: OnDisk
) -> dict[str, str]:
    """The newest whole version that is on the disk, for each dataset that has one."""
    chosen = {}
    for name in datasets:
        versions = (v for v in index.whole_versions(name) if on_disk(name, v))
        newest = next(versions, None)
        if newest is not None:
            chosen[name] = newest
    return chosen


def find_conflict(index: ManifestIndex, chosen: Mapping[str, str]) -> Conflict | None:
    """The first dataset of which `chosen` and all behind it hold two versions."""
    first: dict[str, tuple[str, tuple[str, str]]] = {}
    for item in chosen.items():
        for dataset, versions in index.lineage(*item).items():
            for version in sorted(versions):
                known, via = first.setdefault(dataset, (version, item))
                if known != version:
                    older, newer = sorted([(known, via), (version, item)])
                    return Conflict(dataset, older[0], newer[0], older[1], newer[1])
    return None


def newest_behind(
    index: ManifestIndex, chosen: Mapping[str, str], on_disk: OnDisk
) -> dict[str, str]:
    """The newest version of everything that `chosen` was made from, and of itself."""
    behind = {name for item in chosen.items() for name in index.lineage(*item)}
    return newest_versions(index, sorted(behind), on_disk)


def stale_datasets(
    index: ManifestIndex, datasets: Sequence[str], on_disk: OnDisk
) -> list[str]:
    """What lies behind `datasets`, or is one of them, and is older than its own sources.

    Each is looked at in its newest version; it is stale if anything behind that has a
    newer version by now.
    """
    loaded = newest_versions(index, datasets, on_disk)
    newest = newest_behind(index, loaded, on_disk)
    return sorted(
        name
        for name, version in newest.items()
        if any(
            min(versions) < newest.get(parent, "")
            for parent, versions in index.lineage(name, version).items()
        )
    )


def choose_with_pins(
    index: ManifestIndex,
    datasets: Sequence[str],
    pins: Mapping[str, str],
    on_disk: OnDisk,
) -> dict[str, str] | None:
    """The newest versions of `datasets` that belong together with all `pins`.

    A pin of a dataset that is not loaded itself still says what the loaded ones must
    be made from. Returns None where no such set exists.
    """
    fixed = _merged({}, [index.lineage(*pin) for pin in pins.items()])
    if fixed is None:
        return None
    options = {}
    for name in datasets:
        versions = [pins[name]] if name in pins else index.whole_versions(name)
        options[name] = [
            (version, behind)
            for version in versions
            if on_disk(name, version)
            and _merged(fixed, [behind := index.lineage(name, version)]) is not None
        ]
    # What is made from most comes first: its choice settles the others.
    order = sorted(
        datasets, key=lambda name: -max((len(b) for _, b in options[name]), default=0)
    )
    return _search(order, options, fixed)


_Fixed = dict[str, str]
_Options = Mapping[str, Sequence[tuple[str, Mapping[str, set[str]]]]]


def _search(order: Sequence[str], options: _Options, fixed: _Fixed) -> _Fixed | None:
    if not order:
        return {}
    name, *rest = order
    for version, behind in options[name]:
        merged = _merged(fixed, [behind])
        if merged is None:
            continue
        chosen = _search(rest, options, merged)
        if chosen is not None:
            return {name: version, **chosen}
    return None


def _merged(fixed: _Fixed, lineages: Sequence[Mapping[str, set[str]]]) -> _Fixed | None:
    """`fixed` with the lineages added; None if a dataset would have two versions."""
    merged = dict(fixed)
    for lineage in lineages:
        for dataset, versions in lineage.items():
            for version in versions:
                if merged.setdefault(dataset, version) != version:
                    return None
    return merged
