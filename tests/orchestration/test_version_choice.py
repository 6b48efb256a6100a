"""Choices of versions against brute force over small histories."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mtcm_pipeline.orchestration.manifest import ManifestIndex, NodeRecord, RunManifest
from mtcm_pipeline.orchestration.version_choice import (
    choose_with_pins,
    find_conflict,
    newest_versions,
    stale_datasets,
)

_GRAPH = {  # what each dataset is made from
    "frames": [],
    "tokens": ["frames"],
    "model": ["tokens"],
    "scores": ["model", "frames"],
    "selection": ["scores"],
}


def run(version, made, using):
    nodes = {
        name: NodeRecord(
            inputs={p: version if p in made else using.get(p) for p in _GRAPH[name]},
            outputs={name: version},
        )
        for name in made
    }
    return RunManifest(version, "Ada", [], {}, {}, None, {}, "", nodes=nodes)


def on_disk(*_):
    return True


def test_lineage_goes_through_values_in_memory():
    nodes = {
        "batch": NodeRecord({"tokens": "1"}, {"batch": None}),
        "fit": NodeRecord({"batch": None}, {"model": "2"}),
    }
    manifest = RunManifest("2", "Ada", [], {}, {}, None, {}, "", nodes=nodes)
    index = ManifestIndex([run("1", ["frames", "tokens"], {}), manifest])
    assert index.lineage("model", "2") == {
        "model": {"2"},
        "tokens": {"1"},
        "frames": {"1"},
    }


def test_conflict_names_both_sides():
    index = ManifestIndex([run("1", list(_GRAPH), {}), run("2", ["frames"], {})])
    conflict = find_conflict(index, {"frames": "2", "scores": "1"})
    assert conflict is not None
    assert (conflict.dataset, conflict.older, conflict.newer) == ("frames", "1", "2")
    assert conflict.older_via == ("scores", "1")
    assert conflict.newer_via == ("frames", "2")


def test_stale_is_what_is_older_than_its_sources():
    index = ManifestIndex(
        [run("1", list(_GRAPH), {}), run("2", ["frames", "tokens"], {})]
    )
    stale = stale_datasets(index, ["selection", "frames"], on_disk)
    assert stale == ["model", "scores", "selection"]


def history(rng):
    """Random partial runs, each reading a random whole version of what it needs."""
    manifests, whole = [], {}
    for version in map(str, range(1, 8)):
        start, stop = sorted(rng.integers(0, len(_GRAPH) + 1, 2))
        made = list(_GRAPH)[start:stop]
        needed = {p for name in made for p in _GRAPH[name]} - set(made)
        if not needed <= set(whole):
            made = list(_GRAPH)
        using = {p: str(rng.choice(whole[p])) for p in needed if p in whole}
        manifests.append(run(version, made, using))
        for name in made:
            whole.setdefault(name, []).append(version)
    return manifests, whole


def consistent(index, chosen):
    seen = {}
    for item in chosen.items():
        for name, versions in index.lineage(*item).items():
            seen.setdefault(name, set()).update(versions)
    return all(len(versions) == 1 for versions in seen.values())


@pytest.mark.parametrize("seed", range(30))
def test_choice_around_pins_exists_exactly_where_brute_force_finds_one(seed):
    rng = np.random.default_rng(seed)
    manifests, whole = history(rng)
    index = ManifestIndex(manifests)
    names = [n for n in whole if rng.random() < 0.7]
    pinned = str(rng.choice(list(whole)))
    pins = {pinned: str(rng.choice(whole[pinned]))}
    found = choose_with_pins(index, names, pins, on_disk)
    every = [
        dict(zip(names, versions, strict=True))
        for versions in itertools.product(*(whole[n] for n in names))
    ]
    good = [c for c in every if {**c, **pins}.items() >= c.items()]
    good = [c for c in good if consistent(index, {**c, **pins})]
    if found is None:
        assert not good
    else:
        assert found in good


@pytest.mark.parametrize("seed", range(30))
def test_conflict_is_found_exactly_where_the_set_is_mixed(seed):
    manifests, whole = history(np.random.default_rng(seed))
    index = ManifestIndex(manifests)
    chosen = newest_versions(index, list(whole), on_disk)
    assert chosen == {name: max(versions) for name, versions in whole.items()}
    assert (find_conflict(index, chosen) is None) == consistent(index, chosen)
