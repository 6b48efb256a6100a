"""The layers of docs/architecture.md, held against the code's own imports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from light_imports import assert_light

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mtcm_pipeline"
# `__main__` finds Kedro's run command, and `__init__` is below everything.
NOT_DRAWN = {"__main__", "__init__"}


def parts() -> tuple[str, str]:
    """What the document draws above and below the line, without the reasons."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = [line[:40] for line in text.split("```\n")[1].splitlines()]
    (line,) = [row for row, left in enumerate(drawn) if set(left) == {"-"}]
    return "\n".join(drawn[:line]), "\n".join(drawn[line + 1 :])


def layers(drawn: str) -> list[set[str]]:
    """Names of packages and modules from top to bottom, a set a line."""
    return [
        set(re.findall(r"(\w+)(?:/|\.py)", line.split("<")[0]))
        for line in drawn.splitlines()
    ]


ABOVE, LIBRARY = (layers(part) for part in parts())
LAYERS = [*ABOVE, *LIBRARY]


def files_of(name: str) -> list[Path]:
    module = PACKAGE / f"{name}.py"
    return [module] if module.is_file() else sorted((PACKAGE / name).rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    found = set(re.findall(r"(?:from|import) mtcm_pipeline\.(\w+)", text))
    for names in re.findall(r"from mtcm_pipeline import ([\w, ]+)", text):
        found |= set(re.findall(r"\w+", names))
    return found


def test_the_document_names_every_package_and_module():
    packages = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    modules = {p.stem for p in PACKAGE.glob("*.py")} - NOT_DRAWN
    assert set().union(*LAYERS) == packages | modules


@pytest.mark.parametrize("depth", range(len(LAYERS)))
def test_a_layer_imports_nothing_above_it(depth):
    above = set().union(*LAYERS[:depth])
    for name in LAYERS[depth]:
        for path in files_of(name):
            assert not imports_of(path) & above, path


def test_the_library_knows_no_kedro():
    for name in set().union(*LIBRARY):
        for path in files_of(name):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(?:from|import) kedro", text, re.MULTILINE), path


def test_importing_the_package_and_its_settings_is_light():
    heavy = {"torch", "pandas", "pycolmap", "matplotlib", "sklearn", "umap"}
    assert_light("mtcm_pipeline, mtcm_pipeline.settings", heavy)
