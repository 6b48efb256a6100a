import numpy as np
import pytest
from fault_captures import orbit_photos

from mtcm_pipeline.errors import CaptureError, MtcmError
from mtcm_pipeline.faults import plans
from mtcm_pipeline.faults.assign import assign, far_pairs
from mtcm_pipeline.faults.plan import KINDS, SEVERITIES, Fault, FaultPlan


def test_every_kind_has_a_range_of_severities_in_both_strengths():
    for by_kind in SEVERITIES.values():
        assert tuple(by_kind) == KINDS
        assert all(low <= high for low, high in by_kind.values())


@pytest.mark.parametrize("frames", [12, 37, 50, 66, 100])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.45])
@pytest.mark.parametrize("seed", range(3))
def test_counts_sum_to_the_share_of_the_capture(frames, share, seed):
    plan = plans.gross(share)
    counts = plan.counts(frames, seed)
    swapped = plan.kinds.index("swapped")
    assert counts[swapped] % 2 == 0
    assert sum(counts) == max(round(share * frames), counts[swapped])
    wanted = share * frames / len(plan.faults)
    assert abs(counts[swapped] - wanted) < 2
    assert all(abs(count - wanted) <= 2 for count in counts)


def test_over_many_seeds_every_kind_gets_its_share():
    plan = plans.gross(0.1)  # 5 of 50 for eight kinds
    mean = np.mean([plan.counts(50, seed) for seed in range(2000)], axis=0)
    np.testing.assert_allclose(mean, 5 / 8, atol=0.08)


def test_bounds_hold_in_whole_groups():
    plan = FaultPlan(
        (
            Fault("rotation", 0.1, at_least=5, at_most=10),
            Fault("swapped", 0.1, at_least=5, at_most=10),
            Fault("intruder", 0.01, run=4, at_least=1),
        )
    )
    assert plan.counts(12)[0] == 5 and plan.counts(300)[0] == 10
    assert plan.counts(12)[1] == 6 and plan.counts(300)[1] == 10
    assert plan.counts(12)[2] == 4


def test_without_a_kind_the_others_take_over_its_frames():
    plan = plans.gross(0.4).without(["foreign", "swapped"])
    assert "foreign" not in plan.kinds and "swapped" not in plan.kinds
    assert sum(fault.share for fault in plan.faults) == pytest.approx(0.4)
    assert plan.name == "gross_40"
    assert plans.only("foreign").without(["foreign"]).faults == ()


def test_named_plans_are_what_they_are_called():
    names = "clean gross_10 gross_20 gross_30 gross_40 gross_45 subtle_20 subtle_30"
    names += " block_8 block_20 block_30 mixed_30"
    assert names.split() == list(plans.PLANS)
    for name in plans.PLANS:
        plan = plans.named(name)
        assert plan.name == name
        percent = float(name.split("_")[1]) if "_" in name else 0
        assert sum(f.share for f in plan.faults) == pytest.approx(percent / 100)
    assert {f.strength for f in plans.named("subtle_20").faults} == {"subtle"}
    assert plans.block(0.1, 12, 0.25).name == "block_10_12deg_offset"


def test_what_is_unknown_is_named_with_what_is_known():
    with pytest.raises(MtcmError, match=r"'rotated'; known: rotation, translation"):
        Fault("rotated")
    with pytest.raises(MtcmError, match=r"'gross_31'; known: clean, gross_10"):
        plans.named("gross_31")
    with pytest.raises(MtcmError, match="from 9 to 3: give the least first"):
        Fault("rotation", severity=(9, 3))


def test_a_frame_gets_one_fault_and_a_window_is_whole():
    photos = orbit_photos(60)
    plan = FaultPlan(
        (
            *plans.gross(0.3).without(["foreign"]).faults,
            Fault("block", 0.3),
            Fault("intruder", 0.15, run=3),
        )
    )
    for seed in range(20):
        jobs = assign(photos, plan, seed)
        rows = [row for job in jobs for row in job.rows]
        assert len(rows) == len(set(rows))
        for job in jobs:
            if job.fault.kind in ("block", "intruder"):
                assert job.rows == tuple(range(job.rows[0], job.rows[0] + len(job.rows)))


def rows_of(photos, plan, seed, kind):
    jobs = assign(photos, plan, seed)
    return [row for job in jobs if job.fault.kind == kind for row in job.rows]


def test_a_kind_draws_its_frames_by_itself():
    photos = orbit_photos(60)
    blur = Fault("motion_blur", at_least=6, at_most=6)
    other = Fault("exposure", at_least=6, at_most=6)
    for seed in range(10):
        alone = rows_of(photos, FaultPlan((blur,)), seed, "motion_blur")
        second = rows_of(photos, FaultPlan((other,)), seed, "exposure")
        both = FaultPlan((blur, other))
        assert rows_of(photos, both, seed, "motion_blur") == alone
        free = [row for row in second if row not in alone]
        assert rows_of(photos, both, seed, "exposure")[: len(free)] == free
        assert alone != second


def test_masks_are_damaged_only_where_there_are_some():
    photos = orbit_photos(40)
    masked = set(photos.names[::4])
    some = type(photos)(
        photos.identity,
        photos.cameras,
        photos.images,
        {name: photos.masks[name] for name in masked},
    )
    rows = rows_of(some, plans.only("mask", share=0.2), 0, "mask")
    assert len(rows) == 8 and {photos.names[row] for row in rows} <= masked


def test_captures_that_are_too_small_say_why():
    with pytest.raises(CaptureError, match="8 frames have a pose, faults need 12"):
        assign(orbit_photos(8), plans.only("rotation"), 0)
    crowded = FaultPlan((Fault("rotation", 0.7), Fault("exposure", 0.7)))
    with pytest.raises(CaptureError, match="to spoil 14 frames, but only 6 are left"):
        assign(orbit_photos(20), crowded, 0)
    together = np.tile([1.0, 0.0, 0.0], (20, 1))
    with pytest.raises(CaptureError, match="only 0 of 3 pairs"):
        far_pairs(
            together, np.ones(20, dtype=bool), 3, (10, 180), np.random.default_rng(0)
        )


def test_an_empty_plan_suits_any_capture():
    assert assign(orbit_photos(3), plans.clean(), 0) == []
