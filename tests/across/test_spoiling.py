"""Every draw once: seeds apart, kept as it is made, and known again after a kill."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
import pytest
from across_cases import TINY, Memory, seen_of, with_options

from faults.fault_captures import orbit_photos
from mtcm_pipeline.across import spoiling
from mtcm_pipeline.across.spoiling import photos_digest, spoiling_jobs, spoilt_identities
from mtcm_pipeline.errors import CaptureError


@dataclass
class Kitchen:
    """Stands for the costly part; counts what is made, and can be killed."""

    made: list[tuple[str, str, int]]
    killed_after: int = 10**6

    def make(self, photos, plan, seed, *, others, memory, store):
        if len(self.made) >= self.killed_after:
            raise KeyboardInterrupt
        self.made.append((photos.identity, plan.name, seed))
        names = seen_of(20, 1).names
        truth = pd.DataFrame({"name": names, "kind": "", "strength": ""})
        truth.loc[0, ["kind", "strength"]] = ("foreign" if others else "mask", "gross")
        parts = {"capture": photos.identity, "plan": plan.name, "seed": seed}
        return type("Made", (), {**parts, "truth": truth, "evidence": None})()


@pytest.fixture
def kitchen(monkeypatch) -> Kitchen:
    made = Kitchen([])
    monkeypatch.setattr(spoiling, "make_scenario", made.make)
    monkeypatch.setattr(spoiling, "observe", lambda _: seen_of(20, 1))
    return made


def captures(*names: str):
    return {name: lambda name=name: orbit_photos(12, identity=name) for name in names}


def test_tests_have_seeds_of_their_own_in_every_run():
    for seed in range(3):
        jobs = spoiling_jobs(with_options(train_draws=3, test_draws=3, seed=seed))
        seeds = {role: {s for r, _, s in jobs if r == role} for role in ("train", "test")}
        assert len(seeds["train"]) == len(seeds["test"]) == 3
        assert not seeds["train"] & seeds["test"]
    first, other = (
        {s for _, _, s in spoiling_jobs(with_options(seed=seed))} for seed in (0, 1)
    )
    assert not first & other


def test_what_was_made_before_a_kill_is_not_made_again(kitchen):
    store, jobs = Memory(), len(spoiling_jobs(TINY))
    kitchen.killed_after = jobs + 2  # in the second identity
    with pytest.raises(KeyboardInterrupt):
        spoilt_identities(captures("A", "B"), TINY, store)
    assert len(store) == jobs + 2
    kitchen.killed_after = 10**6
    whole = spoilt_identities(captures("A", "B"), TINY, store)
    assert len(kitchen.made) == len(set(kitchen.made)) == 2 * jobs
    again = spoilt_identities(captures("A", "B"), TINY, store)
    assert len(kitchen.made) == 2 * jobs
    assert [each.content for each in again] == [each.content for each in whole]
    assert {each.identity for each in whole} == {"A", "B"}


def test_foreign_frames_come_from_others_and_one_alone_has_none(kitchen):
    (alone, *_) = spoilt_identities(captures("A"), TINY, Memory())
    (beside, *_) = spoilt_identities(captures("A", "B"), TINY, Memory())
    assert (alone.kinds[0], beside.kinds[0]) == ("mask", "foreign")


def test_an_identity_that_cannot_be_used_stops_whoever_named_it(kitchen):
    def broken():
        raise CaptureError("'B' has no poses")

    both = {**captures("A"), "B": broken}
    with pytest.raises(CaptureError, match="no poses"):
        spoilt_identities(both, TINY, Memory())
    found = spoilt_identities(both, TINY, Memory(), named=False)
    assert {each.identity for each in found} == {"A"}
    with pytest.raises(CaptureError, match="no identity can be trained on"):
        spoilt_identities({"B": broken}, TINY, Memory(), named=False)


def test_the_digest_changes_with_every_part_of_a_capture():
    photos = orbit_photos(12)
    first = photos.names[0]
    lens = replace(photos.cameras.cameras[1], params=(141.0, 140.0, 80.0, 60.0))
    poses = photos.cameras.cam_from_world.copy()
    poses[3, 0, 3] += 1e-9
    image = photos.images[first].copy()
    image[0, 0, 0] ^= 1
    changed = [
        photos,
        replace(photos, identity="other"),
        replace(photos, seconds={**photos.seconds, first: 0.5}),
        replace(photos, masks={}),
        replace(photos, images={**photos.images, first: image}),
        replace(photos, cameras=replace(photos.cameras, cameras={1: lens})),
        replace(photos, cameras=replace(photos.cameras, cam_from_world=poses)),
    ]
    assert len({photos_digest(each) for each in changed}) == len(changed)
    assert photos_digest(orbit_photos(12)) == photos_digest(photos)
