"""The versions that one run loads, or the reason why it cannot start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtcm_pipeline.errors import VersionError
from mtcm_pipeline.orchestration.manifest import ManifestIndex
from mtcm_pipeline.orchestration.pinning import is_on_disk
from mtcm_pipeline.orchestration.remedies import Remedies
from mtcm_pipeline.orchestration.version_choice import (
    Conflict,
    choose_with_pins,
    find_conflict,
    newest_behind,
    newest_versions,
    stale_datasets,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionRequest:
    """What a run needs to load.

    Attributes:
        inputs: versioned datasets that the run reads and does not make itself.
        outputs: versioned datasets that the run makes.
        pins: dataset -> version given by `--load-versions`.
        files: versioned dataset -> its path without version, for the whole catalog.
    """

    inputs: Sequence[str]
    outputs: Collection[str]
    pins: Mapping[str, str]
    files: Mapping[str, Path]


def choose_versions(
    request: VersionRequest, index: ManifestIndex, remedies: Callable[[], Remedies]
) -> dict[str, str]:
    """Dataset -> version for all of the request's inputs.

    Args:
        request: what is needed.
        index: what there is.
        remedies: called only when there is something to put right.

    Raises:
        VersionError: an input has no whole version; a pin is not usable; the versions
            do not belong together, or, without pins, something that they were made
            from has a newer version by now.
    """
    _check_pins(request, index)
    chosen = newest_versions(index, request.inputs, _on_disk(request))
    chosen.update({k: v for k, v in request.pins.items() if k in request.inputs})
    missing = [name for name in request.inputs if name not in chosen]
    if missing:
        raise VersionError(_missing_message(missing, request, index, remedies()))
    if request.pins:
        chosen = _chosen_around_pins(request, index, chosen)
        _tell_of_newer(index, chosen, request)
        return chosen
    conflict = find_conflict(
        index, {**chosen, **newest_behind(index, chosen, _on_disk(request))}
    )
    if conflict:
        raise VersionError(_mixed_message(conflict, request, index, remedies()))
    return chosen


def _on_disk(request: VersionRequest) -> Callable[[str, str], bool]:
    files = request.files
    return lambda name, version: name in files and is_on_disk(files[name], version)


def _check_pins(request: VersionRequest, index: ManifestIndex) -> None:
    on_disk = _on_disk(request)
    for name, version in request.pins.items():
        if name not in request.files:
            raise VersionError(
                f"--load-versions={name}:{version}: {name} has no versions"
            )
        if name in request.outputs:
            raise VersionError(
                f"--load-versions={name}:{version}: this run makes {name} itself; pin "
                f"what it is made from, or run only the pipelines after it"
            )
        whole = [v for v in index.whole_versions(name) if on_disk(name, v)]
        if version not in whole:
            raise VersionError(
                f"--load-versions={name}:{version}: no finished save of that version; "
                f"there are: {', '.join(whole) or 'none'}"
            )


def _chosen_around_pins(
    request: VersionRequest, index: ManifestIndex, newest: Mapping[str, str]
) -> dict[str, str]:
    conflict = find_conflict(index, request.pins)
    chosen = choose_with_pins(index, request.inputs, request.pins, _on_disk(request))
    if chosen is not None:
        return chosen
    conflict = conflict or find_conflict(index, {**newest, **request.pins})
    detail = f": {_told(conflict, request.inputs)}" if conflict else ""
    raise VersionError(
        f"the versions given by --load-versions go with no whole set of versions of "
        f"{', '.join(request.inputs)}{detail}. Pin fewer datasets: what is left free "
        f"follows the pinned ones"
    )


def _missing_message(
    missing: Sequence[str],
    request: VersionRequest,
    index: ManifestIndex,
    remedies: Remedies,
) -> str:
    available = newest_versions(index, list(request.files), _on_disk(request))
    parts = []
    for name in missing:
        makers = " or ".join(remedies.makers(name)) or "no pipeline that is registered"
        parts.append(f"{name!r} (made by {makers})")
    command = remedies.make_missing(
        missing, lambda name: name not in request.files or name in available
    )
    return f"no whole version of {', '.join(parts)} exists yet; run: {command}"


def _mixed_message(
    conflict: Conflict,
    request: VersionRequest,
    index: ManifestIndex,
    remedies: Remedies,
) -> str:
    stale = stale_datasets(index, request.inputs, _on_disk(request))
    ways = []
    if stale:
        ways.append(f"to bring all up to date, run: {remedies.renew(stale)}")
    pin = dict([conflict.older_via])
    if choose_with_pins(index, request.inputs, pin, _on_disk(request)):
        ways.append(f"to use the older state on purpose, run: {remedies.choose(pin)}")
    return "\n".join(
        [
            f"this run would mix versions: {_told(conflict, request.inputs)}",
            *(f"- {w}" for w in ways),
        ]
    )


def _told(conflict: Conflict, loaded: Collection[str]) -> str:
    older = _source(conflict.older_via, conflict.dataset, loaded)
    newer = _source(conflict.newer_via, conflict.dataset, loaded)
    return (
        f"{newer} {conflict.dataset!r} version {conflict.newer}, but {older} "
        f"{conflict.dataset!r} version {conflict.older}"
    )


def _source(via: tuple[str, str], dataset: str, loaded: Collection[str]) -> str:
    name, version = via
    if name != dataset:
        return f"{name!r} version {version} was made from"
    return "it loads" if name in loaded else "there is"


def _tell_of_newer(
    index: ManifestIndex, chosen: Mapping[str, str], request: VersionRequest
) -> None:
    newest = newest_behind(index, chosen, _on_disk(request))
    older = sorted(
        {
            name
            for item in chosen.items()
            for name, versions in index.lineage(*item).items()
            if min(versions) < newest.get(name, "")
        }
    )
    if older:
        logger.warning(
            "this run stands on older versions of %s than the newest there are",
            ", ".join(older),
        )
