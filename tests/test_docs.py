"""What README and docs name exists: links, make targets, commands, options, files.

Only names are checked here; figures are printed by the commands that stand beside them.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import click
import pytest
from kedro.framework.cli.cli import KedroCLI

from mtcm_pipeline.cli import cli
from mtcm_pipeline.orchestration.option_sections import option_sections

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mtcm_pipeline"
BENCHMARKS = sorted((PACKAGE / "benchmarks").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```[^`]*```|`[^`\n]+`|(?:^ {4}[^\n]+\n)+", re.MULTILINE)


def text_of(page: Path) -> str:
    """The page, with shell lines that go on in one line."""
    return page.read_text(encoding="utf-8").replace("\\\n", " ")


def code_of(page: Path) -> str:
    """All code of a page, a span or block a line or more."""
    return "\n".join(span.strip("`") for span in CODE.findall(text_of(page)))


def anchors_of(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in kept}


def options_of(command: click.Command) -> set[str]:
    return {
        name for p in command.params for name in (*p.opts, *p.secondary_opts)
    } | {"--help"}  # fmt: skip


def declared_options(file: Path) -> set[str]:
    """Options that a benchmark declares, or has in common with others; not imported."""
    found = set()
    for source in (file, file.with_name("command.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and str(node.value).startswith("--"):
                found |= set(str(node.value).split("/"))
    return found


def options_in(words: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", words))


@pytest.fixture(scope="module")
def kedro() -> dict[str, click.Command]:
    """Every command of `kedro` in this project."""
    own = KedroCLI(ROOT)
    context = click.Context(own)
    known = {name: own.get_command(context, name) for name in own.list_commands(context)}
    return {**{name: each for name, each in known.items() if each}, **cli.commands}


def test_code_is_found_in_spans_and_blocks():
    code = code_of(ROOT / "README.md")
    for known in ("make demo", "kedro run --pipeline", "select.budget=20", "poses.json"):
        assert known in code
    assert "python -m mtcm_pipeline.benchmarks" in code_of(PAGES[-1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), link
        assert not anchor or anchor in anchors_of(place), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", made, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", code_of(page))) <= targets


def test_modules_that_are_run_exist_and_take_these_options():
    """In the pages, and in the docstrings of the benchmarks."""
    texts = {page.name: code_of(page) for page in PAGES}
    for file in BENCHMARKS:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        texts[file.name] = docstring.replace("\\\n", " ")
    for name, text in texts.items():
        for module, words in re.findall(r"python -m mtcm_pipeline\.([\w.]*)(.*)", text):
            file = PACKAGE / f"{module.replace('.', '/')}.py"
            assert file.is_file(), (name, module)
            assert options_in(words) <= declared_options(file), (name, module, words)


def test_every_benchmark_is_listed_and_only_those():
    listed = re.findall(r"^\| `(\w+)` \|", text_of(ROOT / "docs/measurements.md"), re.M)
    commands = [f.stem for f in BENCHMARKS if "\ndef main(" in f.read_text("utf-8")]
    assert sorted(listed) == sorted(commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_kedro_commands_exist_and_take_these_options(page, kedro):
    for name, words in re.findall(r"\bkedro ([a-z][a-z-]*)\b(.*)", code_of(page)):
        assert name in kedro, name
        assert options_in(words) <= options_of(kedro[name]), (name, words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parameters_that_are_named_exist(page):
    sections = option_sections()
    named = rf"(?<![\w./])({'|'.join(sections)})\.([a-z]\w*)(?![\w(./])"
    for section, key in re.findall(named, code_of(page)):
        if key in {"py", "csv", "json", "md"}:
            continue
        keys = {each.name for each in dataclasses.fields(sections[section])}
        assert key in keys, f"{section}.{key}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_source_files_that_are_named_exist(page):
    for name in re.findall(r"(?<![\w/.<>-])([\w/]+\.py)\b", code_of(page)):
        bare = "/" not in name and any(PACKAGE.rglob(name))
        assert bare or (PACKAGE / name).exists() or (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_data_files_that_are_named_are_spelt_so_by_the_code(page):
    """Files that a command is told to write are the user's to name."""
    sources = [*PACKAGE.rglob("*.py"), ROOT / "conf/base/catalog.yml"]
    spelt = "\n".join(each.read_text(encoding="utf-8") for each in sources)
    words = re.sub(r"--[\w-]+ \S+", "", code_of(page))
    for name in re.findall(r"[\w.]+\.(?:csv|json|np[yz]|ply|html|safetensors)\b", words):
        stem, _, _ = name.partition("X.")  # epochX: a number in the file's name
        assert stem in spelt, name


@pytest.mark.parametrize(
    "file", (ROOT / "conf/base").glob("parameters_*.yml"), ids=lambda file: file.stem
)
def test_parameters_say_where_every_key_is_explained(file):
    named = re.findall(r"mtcm_pipeline/([\w/]+\.py)", file.read_text(encoding="utf-8"))
    assert named and all((PACKAGE / name).exists() for name in named)
