"""The layers of docs/architecture.md, held against the code's own imports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from light_imports import assert_light

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mtcm_pipeline"
ABOVE = {"pipelines", "fleet", "orchestration", "datasets", "benchmarks"}


def layers() -> list[set[str]]:
    """Library layers from top to bottom, as the document draws them."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = text.split("no Kedro below this line\n")[1].split("\nerrors.py")[0]
    return [set(re.findall(r"(\w+)/", line[:40])) for line in drawn.splitlines()]


def imports_of(path: Path) -> set[str]:
    return set(re.findall(r"from mtcm_pipeline\.(\w+)", path.read_text(encoding="utf-8")))


def test_the_document_names_every_package_of_the_library():
    packages = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert set().union(*layers()) == packages - ABOVE


@pytest.mark.parametrize("depth", range(len(layers())))
def test_a_layer_imports_nothing_above_it(depth):
    above = ABOVE.union(*layers()[:depth])
    for package in layers()[depth]:
        for path in (PACKAGE / package).rglob("*.py"):
            assert not imports_of(path) & above, path
            assert "import kedro" not in path.read_text(encoding="utf-8"), path


def test_importing_the_package_and_its_settings_is_light():
    heavy = {"torch", "pandas", "pycolmap", "matplotlib", "sklearn", "umap"}
    assert_light("mtcm_pipeline, mtcm_pipeline.settings", heavy)
