"""`kedro clean-cache` on folders made by hand."""

import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from mtcm_pipeline import cli as commands
from mtcm_pipeline.clean_cache import KINDS, parsed_size, size_text
from mtcm_pipeline.orchestration.run_lock import RunLock

DAY_S = 86400.0


def put(project, relative, size=10, days_ago=0.0):
    path = project.project_path / "data" / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    then = time.time() - days_ago * DAY_S
    os.utime(path, (then, then))


@pytest.fixture
def project(tmp_path):
    project = SimpleNamespace(project_path=tmp_path)
    put(project, "raw_images/Ada/1.jpg")
    put(project, "outputs/Ada/ingest/frames.csv/2026/frames.csv")
    put(project, "outputs/Ada/ingest/cache/features-1", 3000, days_ago=40)
    put(project, "outputs/Ada/ingest/cache/pairs-2", 2000, days_ago=20)
    put(project, "outputs/Ada/ingest/structure_from_motion/images-7/000001.jpg", 500, 90)
    put(project, "outputs/Ada/ingest/structure_from_motion/job.json", 50, days_ago=1)
    put(project, "outputs/[Bo]/benchmark/cache/sweep", 1000, days_ago=10)
    put(project, "outputs/[Bo]/train/checkpoints/training", 400, days_ago=50)
    put(project, "outputs/[Bo]/benchmark/journals/cache.jsonl", days_ago=99)
    return project


def call(project, *arguments, **settings):
    arguments = ("clean-cache", *arguments)
    return CliRunner().invoke(commands.cli, arguments, obj=project, **settings)


def files(project):
    data = project.project_path / "data"
    found = {str(p.relative_to(data)) for p in data.rglob("*") if p.is_file()}
    return {name for name in found if not name.endswith("runs/.lock")}


def gone(project, *arguments, **settings):
    """What a call removed, as the last part of the paths."""
    before = files(project)
    done = call(project, *arguments, **settings)
    assert done.exit_code == 0, done.output
    assert files(project) <= before
    return {Path(name).name for name in before - files(project)}


SFM = {"000001.jpg", "job.json"}
ALL_CACHES = {"features-1", "pairs-2", "sweep", "training"} | SFM


def test_without_a_wish_it_only_shows(project):
    shown = call(project)
    assert shown.exit_code == 0, shown.output
    assert gone(project) == set()
    sizes = {line.split("  ")[0]: line for line in shown.output.splitlines()}
    assert "Ada" in sizes and "[Bo]" in sizes
    assert "5.0 kB" in shown.output  # 3000 + 2000 in Ada's cache
    assert "7.0 kB" in shown.output.splitlines()[-2]  # 6950 bytes in all
    assert "nothing is removed without" in shown.output


def test_all_takes_every_cache_and_nothing_else(project):
    assert gone(project, "--all", "--yes") == ALL_CACHES
    assert files(project) == {
        "raw_images/Ada/1.jpg",
        "outputs/Ada/ingest/frames.csv/2026/frames.csv",
        "outputs/[Bo]/benchmark/journals/cache.jsonl",
    }
    assert "no cache holds anything" in call(project).output


def test_it_asks_and_a_no_removes_nothing(project):
    before = files(project)
    refused = call(project, "--all", input="n\n")
    assert "Remove 5 entries?" in refused.output
    assert call(project, "--all", input="").exit_code == 1  # nobody there to ask
    assert files(project) == before
    assert gone(project, "--all", input="y\n") == ALL_CACHES


def test_age_counts_from_the_last_use_and_a_workspace_is_as_young_as_its_youngest(
    project,
):
    assert gone(project, "--older-than", "30", "--yes") == {"features-1", "training"}


def test_a_limit_takes_what_was_unused_for_longest_over_all_identities(project):
    # By age: training 400, features 3000, pairs 2000, sweep 1000, workspace 550.
    assert gone(project, "--keep", "3.55kB", "--yes") == {"training", "features-1"}
    assert gone(project, "--keep", "3.5 kB", "--yes") == {"pairs-2"}


def test_names_and_kinds_narrow_it(project):
    assert gone(project, "[Bo]", "--all", "--yes") == {"sweep", "training"}
    only_sfm = ("A*", "--kind", "structure_from_motion", "--all", "--yes")
    assert gone(project, *only_sfm) == SFM
    unknown = call(project, "Adda", "--all", "--yes")
    assert unknown.exit_code == 1 and "did you mean 'Ada'?" in unknown.output


def test_an_identity_at_work_is_left_alone(project):
    lock = RunLock(
        project.project_path / "data" / "outputs" / "Ada" / "runs" / ".lock", "Ada"
    )
    try:
        assert gone(project, "--all", "--yes") == {"sweep", "training"}
        assert "Ada: left alone" in call(project, "--all", "--yes").output
    finally:
        lock.release()


def test_links_are_not_followed(project, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_bytes(b"precious")
    outputs = project.project_path / "data" / "outputs"
    (outputs / "[Bo]" / "select").mkdir()
    (outputs / "[Bo]" / "select" / "cache").symlink_to(elsewhere)
    (outputs / "[Bo]" / "benchmark" / "cache" / "link").symlink_to(elsewhere / "mine")
    call(project, "--all", "--yes")
    assert (elsewhere / "mine").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("500MB", 500_000_000), ("1.5 gb", 1_500_000_000), ("12kB", 12_000)],
)
def test_sizes_are_read_and_shown(text, size):
    assert parsed_size(text) == size
    assert parsed_size(size_text(size)) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "2 giga"])
def test_what_is_no_size_is_refused(project, text):
    refused = call(project, f"--keep={text}")
    assert refused.exit_code == 2 and "is no size" in refused.output


def test_every_unversioned_folder_of_the_catalog_is_covered():
    root = Path(__file__).parents[1]
    catalog = (root / "conf" / "base" / "catalog.yml").read_text(encoding="utf-8")
    paths = re.findall(
        r"type: mtcm_pipeline\.datasets\.(?:checkpoints|workspace)\.\w+\n  path: (\S+)",
        catalog,
    )
    assert len(paths) >= 5
    for path in paths:
        assert re.fullmatch(rf"\$\{{_outputs\}}/\w+/({'|'.join(KINDS)})", path), path
