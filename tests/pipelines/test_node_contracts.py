"""What every node and catalog entry of every pipeline must fulfil."""

from __future__ import annotations

import importlib
import pkgutil
import typing

import pytest
import yaml

import mtcm_pipeline.pipelines
from mtcm_pipeline.orchestration.option_sections import option_sections
from mtcm_pipeline.orchestration.stages import STAGES
from project_copy import ROOT

NAMES = [module.name for module in pkgutil.iter_modules(mtcm_pipeline.pipelines.__path__)]


@pytest.fixture(scope="module")
def catalog():
    text = (ROOT / "conf/base/catalog.yml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)
    return {name: entry for name, entry in entries.items() if name[0] != "_"}


def nodes_of(name: str):
    module = importlib.import_module(f"mtcm_pipeline.pipelines.{name}")
    return module.create_pipeline().nodes


def test_every_stage_is_a_pipeline():
    assert set(STAGES) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_type_hints_resolve_so_that_kedro_builds_the_options(name):
    """A name that it cannot resolve would leave the parameters raw."""
    sections = option_sections()
    for node in nodes_of(name):
        hints = typing.get_type_hints(node.func)
        arguments = [argument for argument in hints if argument != "return"]
        for dataset, argument in zip(node.inputs, arguments, strict=True):
            if dataset.startswith("params:"):
                assert hints[argument] is sections[dataset.removeprefix("params:")]


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_is_in_the_catalog_and_every_output_is_versioned(name, catalog):
    for node in nodes_of(name):
        for dataset in [*node.inputs, *node.outputs]:
            known = dataset in catalog or dataset.startswith("params:")
            assert known or dataset == "parameters", dataset
        for dataset in node.outputs:
            assert catalog[dataset].get("versioned"), dataset
            layer = catalog[dataset]["metadata"]["kedro-viz"]["layer"]
            assert layer == name, dataset


def test_parameters_are_at_their_defaults_but_for_one():
    """A default that is changed in the code would be undone by its twin in YAML."""
    changed = set()
    for file in sorted((ROOT / "conf/base").glob("parameters_*.yml")):
        for section, given in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            usual = option_sections()[section]()
            changed |= {
                f"{section}.{key}"
                for key, value in given.items()
                if value != getattr(usual, key)
            }
    assert changed == {"masks.segmenter"}


def test_every_dataset_has_a_layer_for_kedro_viz(catalog):
    assert all(entry["metadata"]["kedro-viz"]["layer"] for entry in catalog.values())
