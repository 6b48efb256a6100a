import csv

import numpy as np
from click.testing import CliRunner

from mtcm_pipeline.benchmarks import selection_benchmark
from mtcm_pipeline.benchmarks.selection_benchmark import orbit_problem
from mtcm_pipeline.selection.registry import STRATEGIES


def test_an_orbit_looks_at_its_subject_from_about_one_unit():
    problem = orbit_problem(40, seed=0)
    distance = np.linalg.norm(problem.centres_xyz, axis=1)
    assert (distance >= 0.9).all() and (distance <= 1.1).all()
    towards = -problem.centres_xyz / distance[:, None]
    assert (np.sum(towards * problem.directions, axis=1) > np.cos(np.radians(20))).all()
    for rows in (problem.directions, problem.embeddings):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0)
    np.testing.assert_allclose(np.diag(problem.similarity), 1.0)
    np.testing.assert_allclose(problem.similarity, problem.similarity.T)
    again, other = orbit_problem(40, seed=0), orbit_problem(40, seed=1)
    assert (again.embeddings == problem.embeddings).all()
    assert not np.allclose(other.embeddings, problem.embeddings)


def test_the_command_times_every_strategy(tmp_path):
    out = tmp_path / "table.csv"
    run = CliRunner().invoke(
        selection_benchmark.main,
        ["--frames", "30", "--frames", "12", "--budget", "5", "--out", str(out)],
    )
    assert run.exit_code == 0, run.output
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["strategy"] for row in rows] == [*STRATEGIES] * 2
    assert [row["frames"] for row in rows] == ["30"] * len(STRATEGIES) + ["12"] * len(
        STRATEGIES
    )
    assert all(row["repetitions"] == "3" and row["budget"] == "5" for row in rows)
    assert all(0 <= float(r["seconds"]) <= float(r["seconds_most"]) for r in rows)
    assert "N = 30" in run.output


def test_a_large_problem_is_not_repeated(monkeypatch):
    monkeypatch.setattr(selection_benchmark, "REPEATED_UP_TO", 20)
    row = selection_benchmark.benchmark_strategy("fvs", 21, 5)
    assert row.repetitions == 1 and row.seconds == row.seconds_most
