"""One judge over two identities in Kedro: refusals, a whole run, its judge used."""

from __future__ import annotations

import pytest

from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.errors import IdentityError, MtcmError, ParameterError
from mtcm_pipeline.judge.checkpoint import load_judge
from mtcm_pipeline.sample.generate import generate_sample
from mtcm_pipeline.sample.options import SampleOptions
from project_copy import ProjectCopy

NAMES = ["Bronze Head", "Marble, Head"]
TINY = {"across": {"init": "none", "steps": 2, "members": 1, "batch": 2}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    copy = ProjectCopy(tmp_path_factory.mktemp("project"))
    for seed, identity in enumerate(NAMES, start=3):
        options = SampleOptions(
            frames=14, width=60, height=80, seed=seed, voxel_mm=12, supersample=1,
            faults=False,
        )  # fmt: skip
        copy.add(identity, generate_sample(options))
    return copy


def test_what_is_no_list_of_identities_is_refused_before_any_work(project):
    wrong = [[], "Bronze Head", [7], ["a/b"], ["Bronze Head", "Bronze Head"]]
    for identities in wrong:
        with pytest.raises(MtcmError, match=r"identit(y|ies)"):
            project.run("train_across", identity=NAMES[0], identities=identities)
    with pytest.raises(ParameterError, match="batch 1 is less than processes 2"):
        project.run("train_across", identities=NAMES, across={"batch": 1, "processes": 2})


def test_an_unknown_identity_is_named_with_those_that_are_meant(project):
    with pytest.raises(IdentityError, match=r"'Bronze Hed'.*'Bronze Head'"):
        project.run("train_across", identities=["Marble, Head", "Bronze Hed"], **TINY)


@pytest.mark.slow
def test_a_shared_judge_is_trained_measured_and_used(project, monkeypatch):
    project.run("train_across", identities=NAMES, **TINY)
    owner = {"identity": NAMES[0]}
    areas = project.load("left_out_areas", **owner)
    assert set(areas["identity"]) == set(NAMES)
    assert set(areas["method"]) == {"start", "no regulariser", "shared", "alone"}
    assert areas["area"].between(0, 1).all()
    probes = project.load("identity_probes", **owner).set_index("method")
    assert (probes["chance"] == 0.5).all()
    assert probes["accuracy"].between(0, 1).all()
    assert set(project.load("shared_judge_card", **owner)["trained on"]) == set(NAMES)
    # The file is a judge that `scores.judge` takes.
    file = next(project.outputs(NAMES[0]).glob("train_across/*/*/*.safetensors"))
    judge = load_judge(ScoreOptions(judge=str(file)).judge)
    spoilt = project.load("spoilt_identities", **owner)
    assert len(judge.logits(spoilt[0].seen).faulty) == len(spoilt[0].names)
    assert judge.calibration is not None
    # A second run observes nothing again and trains nothing again.
    from mtcm_pipeline.across import shared, spoiling

    monkeypatch.setattr(spoiling, "make_scenario", None)
    monkeypatch.setattr(shared, "train_together", None)
    project.run("train_across", identities=NAMES, **TINY)
    again = project.load("left_out_areas", **owner)
    assert again.equals(areas)
