"""The warnings on poses in the table of outcomes, from files as a run leaves them."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from fake_runs import item

from mtcm_pipeline.each import _complete
from mtcm_pipeline.fleet.child import run_item
from mtcm_pipeline.fleet.display import outcome_table
from mtcm_pipeline.fleet.pose_doubts import pose_doubts
from mtcm_pipeline.fleet.work import Outcome, Status, Urgency
from mtcm_pipeline.orchestration.manifest import NodeRecord, RunManifest
from mtcm_pipeline.orchestration.project_layout import outputs_folder, runs_folder

NAME = "ok, 銅 [1]"
CATALOG = Path(__file__).parents[2] / "conf" / "base" / "catalog.yml"


def put_run(project: Path, version: str, warnings: list[str] | None) -> None:
    """Manifest and table of a run; None is a run without the report."""
    outputs = {} if warnings is None else {"pose_warnings": version}
    manifest = RunManifest(
        version, NAME, [], {}, {}, None, {}, "2026-01-01T00:00:00Z",
        nodes={"doubt": NodeRecord({}, outputs)},
    )  # fmt: skip
    runs_folder(project, NAME).mkdir(parents=True, exist_ok=True)
    manifest.write(runs_folder(project, NAME))
    if warnings is not None:
        pattern = yaml.safe_load(CATALOG.read_text())["pose_warnings"]["filepath"]
        inside = pattern.removeprefix("${_outputs}/")
        file = outputs_folder(project, NAME) / inside / version / Path(inside).name
        file.parent.mkdir(parents=True)
        pd.DataFrame({"warning": warnings}, dtype=object).to_csv(file, index=False)


@pytest.mark.parametrize(
    ("warnings", "told"),
    [
        ([], ""),
        (["torn, in two\nlines"], "1 warning on its poses: see the report"),
        (["torn", "seams"], "2 warnings on its poses: see the report"),
        (None, ""),
    ],
)
def test_the_newest_run_is_the_one_that_counts(tmp_path, warnings, told):
    assert pose_doubts(tmp_path, NAME) == ""
    put_run(tmp_path, "v1", ["old", "old", "old"])
    put_run(tmp_path, "v2", warnings)
    assert pose_doubts(tmp_path, NAME) == told
    assert pose_doubts(tmp_path, NAME, "v1").startswith("3 warnings")


def test_a_finished_and_a_skipped_identity_show_it(tmp_path):
    put_run(tmp_path, "v1", ["torn"])
    outcome = run_item(item(tmp_path, NAME), threads=1, urgency=lambda: Urgency.NONE)
    assert outcome.status is Status.FINISHED
    assert outcome.message == "1 warning on its poses: see the report"

    class Call:
        project = tmp_path

    skipped = _complete(Call, NAME, "v1")
    assert skipped == "complete, version v1; 1 warning on its poses: see the report"
    rows = [outcome, Outcome("other", Status.SKIPPED, message=skipped)]
    told = list(outcome_table(rows, tmp_path).columns[3].cells)
    assert all("1 warning on its poses" in cell for cell in told)


def test_a_broken_manifest_or_a_table_that_is_gone_says_nothing(tmp_path):
    put_run(tmp_path, "v1", ["torn"])
    file = (
        outputs_folder(tmp_path, NAME) / "report/pose_warnings.csv/v1/pose_warnings.csv"
    )
    file.unlink()
    assert pose_doubts(tmp_path, NAME) == ""
    (runs_folder(tmp_path, NAME) / "v1.json").write_text("{")
    assert pose_doubts(tmp_path, NAME) == ""
