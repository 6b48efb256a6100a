from dataclasses import replace

import numpy as np
import pytest

from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.regressors.ensemble import MEMBERS, choose_members, ensemble_of
from mtcm_pipeline.regressors.folds import like_the_hidden, one_by_one
from mtcm_pipeline.regressors.orbit import (
    aimed_axes,
    orbit_numbers,
    pose_from_orbit,
)
from mtcm_pipeline.regressors.plain import Mean, NearestFrames, TimeInterpolation
from mtcm_pipeline.regressors.problem import (
    field_problems,
    nearest_rotations,
    pose_numbers,
)
from mtcm_pipeline.regressors.registry import predictor, simple_predictors
from mtcm_pipeline.regressors.stack import stack_weights
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION
from synthetic import (
    frame_table,
    moved,
    orbit_cameras,
    random_similarity,
    smooth_embeddings,
)

N = 40


def capture(cameras=None):
    cameras = cameras or orbit_cameras(N)
    frames = frame_table(orbit_cameras(N))
    return build_tokens(frames, smooth_embeddings(orbit_cameras(N)), cameras)[0]


@pytest.fixture(scope="module")
def tokens():
    return capture()


def hide(tokens, rows, *fields):
    hidden = np.zeros_like(tokens.present)
    for field in fields:
        hidden[rows, FIELDS.index(field)] = True
    return hidden


def test_no_predictor_looks_at_what_is_hidden(tokens):
    rows = np.arange(4, 30, 5)
    hidden = hide(tokens, rows, "embedding", "pose")
    values = tokens.values.copy()
    values[rows, :384] = np.roll(values[rows, :384], 3, axis=1)
    values[rows, CENTRE] += 5.0
    changed = replace(tokens, values=values)
    for name in [*simple_predictors(), "kernel prior"]:
        here = predictor(name).predict(tokens, hidden)
        there = predictor(name).predict(changed, hidden)
        assert np.array_equal(here.values, there.values, equal_nan=True), name
        assert np.isfinite(here.values[rows, :391]).all(), name
        assert np.isnan(here.values[~np.isin(np.arange(N), rows)]).all(), name
        assert (here.variance[rows, :2] > 0).all(), name


def test_hidden_embeddings_say_nothing_of_the_poses_of_other_frames(tokens):
    """Poses are told from distances among the embeddings that are shown."""
    hidden = hide(tokens, np.arange(0, 20, 2), "embedding")
    hidden |= hide(tokens, np.arange(21, 40, 4), "pose")
    values = tokens.values.copy()
    values[:20:2, :384] = np.roll(values[:20:2, :384], 3, axis=1)
    changed = replace(tokens, values=values)
    for name in ("Gaussian process", "kernel prior"):
        here, there = (predictor(name).predict(t, hidden) for t in (tokens, changed))
        poses = here.values[21:40:4, 384:391]
        assert np.isfinite(poses).all()
        assert np.array_equal(poses, there.values[21:40:4, 384:391]), name


def test_a_similarity_transform_of_the_world_changes_no_error(tokens):
    elsewhere = capture(moved(orbit_cameras(N), random_similarity(7)))
    rows = np.arange(3, 40, 6)
    for field in ("embedding", "pose"):
        hidden = hide(tokens, rows, field)
        here, there = (
            predictor("kernel prior").predict(t, hidden) for t in (tokens, elsewhere)
        )
        assert np.allclose(
            here.values[rows], there.values[rows], atol=1e-5, equal_nan=True
        )


def test_every_predictor_beats_the_mean_on_a_smooth_orbit(tokens):
    rows = np.arange(2, 40, 5)
    hidden = hide(tokens, rows, "pose")
    errors = {}
    for name in [*simple_predictors(), "kernel prior"]:
        values = predictor(name).predict(tokens, hidden).values[rows]
        errors[name] = np.median(
            np.linalg.norm(values[:, CENTRE] - tokens.values[rows, CENTRE], axis=1)
        )
        angles = rotation_angle_deg(
            matrix_from_quat(values[:, QUATERNION]),
            matrix_from_quat(tokens.values[rows, QUATERNION]),
        )
        assert name == "mean" or np.median(angles) < 25
    assert all(error < 0.5 * errors["mean"] for n, error in errors.items() if n != "mean")


def test_the_plain_regressors_by_hand():
    tokens = capture()
    problem = field_problems(tokens, hide(tokens, [10], "timestamp"), "timestamp")[0]
    folds = one_by_one(N - 1)
    truth = tokens.field("timestamp")[:, 0]
    others = np.delete(truth, 10)
    assert Mean().estimate(problem, folds).asked[0, 0] == pytest.approx(others.mean())
    assert Mean().estimate(problem, folds).left_out[0, 0] == pytest.approx(
        others[1:].mean()
    )
    halfway = (truth[9] + truth[11]) / 2
    found = TimeInterpolation().estimate(problem, folds)
    assert found.asked[0, 0] == pytest.approx(halfway)
    assert found.left_out[0, 0] == pytest.approx(others[1])  # held before the first
    one = NearestFrames(neighbours=(1,)).estimate(problem, folds)
    assert one.asked[0, 0] in others


def test_folds_are_alone_for_scattered_frames_and_wide_for_a_sector(tokens):
    scattered = field_problems(tokens, hide(tokens, np.arange(0, 40, 6), "pose"), "pose")
    assert all(len(fold.out) == 1 for fold in like_the_hidden(scattered[0]))
    sector = field_problems(tokens, hide(tokens, np.arange(10, 22), "pose"), "pose")[0]
    folds = like_the_hidden(sector)
    assert np.mean([len(fold.out) for fold in folds]) > 5
    scored = np.sort(np.concatenate([fold.scored for fold in folds]))
    assert np.array_equal(scored, np.arange(28))


def test_left_out_predictions_of_the_ensemble_do_not_see_their_fold(tokens):
    hidden = hide(tokens, np.arange(10, 20), "embedding")
    problem = field_problems(tokens, hidden, "embedding")[0]
    folds = like_the_hidden(problem)
    chosen = choose_members(problem, folds)
    fold = folds[1]
    row = np.flatnonzero(problem.shown)[fold.scored[0]]
    target = problem.target.copy()
    target[row] = np.roll(target[row], 5)
    for robust_member in range(3):  # the processes reweigh frames, so by little
        base = ensemble_of(problem, folds, chosen).members[robust_member]
        other = ensemble_of(replace(problem, target=target), folds, chosen)
        moved_by = other.members[robust_member].left_out - base.left_out
        assert np.abs(moved_by[fold.scored[0]]).max() < 0.02
    assert len(ensemble_of(problem, folds, chosen).members) == len(MEMBERS["embedding"])


def test_orbit_numbers_come_back_and_turn_with_the_orbit(tokens):
    pose = pose_numbers(tokens)
    assert np.allclose(pose_from_orbit(orbit_numbers(pose)), pose, atol=1e-9)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = np.hstack(
        [
            pose[:, :3] @ turn.T,
            (turn @ pose[:, 3:].reshape(-1, 3, 3)).reshape(-1, 9),
        ]
    )
    here, there = orbit_numbers(pose), orbit_numbers(turned)
    assert np.allclose(here[:, 3:], there[:, 3:], atol=1e-9)


def test_the_nearest_rotation_is_the_nearest_of_many(tokens):
    rng = np.random.default_rng(0)
    noisy = pose_numbers(tokens)[:1, 3:] + 0.2 * rng.normal(size=(1, 9))
    found = nearest_rotations(noisy)[0]
    assert np.allclose(found @ found.T, np.eye(3)) and np.linalg.det(found) > 0
    own = np.linalg.norm(found.ravel() - noisy)
    for quat in rng.normal(size=(300, 4)) * 0.05 + [1, 0, 0, 0]:
        other = matrix_from_quat(quat) @ found
        assert np.linalg.norm(other.ravel() - noisy) >= own - 1e-12


def test_the_nearest_rotation_of_a_mirror_is_no_mirror():
    rng = np.random.default_rng(1)
    mirror = np.diag([1.0, 0.9, -0.3]) + 0.05 * rng.normal(size=(3, 3))
    found = nearest_rotations(mirror.reshape(1, 9))[0]
    assert np.linalg.det(found) == pytest.approx(1.0)
    own = np.linalg.norm(found - mirror)
    others = matrix_from_quat(rng.normal(size=(3000, 4)))
    assert np.linalg.norm(others - mirror, axis=(1, 2)).min() >= own - 1e-12


def test_stack_weights_are_what_a_grid_finds():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(400, 2))
    members = np.stack(
        [truth + 0.3 * rng.normal(size=truth.shape), truth + rng.normal(size=truth.shape)]
    )
    weights = stack_weights(members, truth)
    grid = np.linspace(0, 1, 101)
    errors = [
        np.linalg.norm(w * members[0] + (1 - w) * members[1] - truth, axis=1).mean()
        for w in grid
    ]
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    assert weights[0] == pytest.approx(grid[int(np.argmin(errors))], abs=0.03)


def test_a_faulty_frame_does_not_decide_whom_the_stack_believes():
    """The second member is worse everywhere but on the frame that is off by 10."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(40, 1))
    first = truth + 0.1 * rng.normal(size=truth.shape)
    second = truth + rng.normal(size=truth.shape)
    truth[7] += 10.0
    second[7] = truth[7]
    assert stack_weights(np.stack([first, second]), truth)[0] > 0.9


def test_aimed_cameras_look_at_the_origin_with_the_up_side_up():
    axes = aimed_axes(np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]]))
    right, down, forward = np.moveaxis(axes, 2, 0)
    assert np.allclose(forward, [[-1, 0, 0], [0, -0.6, -0.8]])
    assert np.allclose(right, [[0, 1, 0], [-1, 0, 0]])
    assert np.allclose(down, [[0, 0, -1], [0, 0.8, -0.6]])
    assert np.allclose(aimed_axes(np.array([[0.0, 0.0, 1.0]]))[0, :, 0], [1, 0, 0])


def test_an_unknown_regressor_is_named():
    with pytest.raises(ParameterError, match="'nearest'"):
        predictor("nearest")
