import numpy as np
import pytest
import torch

from memory_store import MemoryStore
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prediction import (
    context_windows,
    predict_hidden,
    represent,
    spread_windows,
)
from mtcm_pipeline.mtcm.similarity import similarity_matrix
from mtcm_pipeline.mtcm.snapshots import take_snapshot, train_with_snapshots
from mtcm_pipeline.mtcm.training import train_mtcm
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import (
    frame_table,
    moved,
    orbit_cameras,
    random_similarity,
    smooth_embeddings,
)

OPTIONS = TrainOptions(
    d_model=32,
    layers=2,
    heads=4,
    epochs=30,
    tasks=4,
    init="none",
    snapshot_every=10,
    checkpoint_every=10,
)
PLAIN = TrainOptions(**{**OPTIONS.__dict__, "model": "plain"})


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def tokens():
    cameras = orbit_cameras(20)
    return build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)[0]


@pytest.fixture(scope="module")
def unbroken(tokens):
    """A training from beginning to end, and the checkpoint that it left."""
    store = MemoryStore()
    torch.manual_seed(1)
    return train_mtcm(tokens, OPTIONS, checkpoints=store), store


def weights_of(trained):
    return {k: v.clone() for k, v in trained.model.state_dict().items()}


def assert_same_weights(a, b):
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_the_seed_decides_everything_and_the_global_state_nothing(tokens, unbroken):
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = weights_of(train_mtcm(tokens, OPTIONS))
    assert torch.equal(state, torch.get_rng_state())
    assert_same_weights(weights_of(unbroken[0]), second)


def test_a_killed_run_resumes_to_the_same_weights(tokens, unbroken):
    store = MemoryStore()

    def kill(epoch, model):
        if epoch == 20:
            raise KilledError

    with pytest.raises(KilledError):
        train_mtcm(tokens, OPTIONS, checkpoints=store, on_snapshot=kill)
    assert store
    seen = []
    resumed = train_mtcm(
        tokens, OPTIONS, checkpoints=store, on_snapshot=lambda e, m: seen.append(e)
    )
    assert seen == [20, 30]
    assert_same_weights(weights_of(unbroken[0]), weights_of(resumed))
    assert unbroken[0].history.equals(resumed.history)


def test_a_checkpoint_of_other_options_or_garbage_is_not_used(tokens, unbroken):
    store = MemoryStore(unbroken[1])
    assert store
    other = TrainOptions(**{**OPTIONS.__dict__, "seed": 5})
    fresh = weights_of(train_mtcm(tokens, other))
    assert_same_weights(fresh, weights_of(train_mtcm(tokens, other, checkpoints=store)))
    store = MemoryStore(checkpoint=b"not a checkpoint")
    assert_same_weights(fresh, weights_of(train_mtcm(tokens, other, checkpoints=store)))


def test_learning_beats_guessing_the_mean(tokens):
    options = TrainOptions(
        model="plain",
        d_model=64,
        layers=2,
        heads=4,
        epochs=250,
        dropout=0.0,
        learning_rate=5e-4,
        patience=0,
    )
    trained = train_mtcm(tokens, options)
    error = predict_hidden(trained, tokens).squared_error
    truth = trained.standardiser.apply(tokens.values)
    guess = np.median(truth, axis=0)
    baseline = ((truth - guess)[:, 384:391] ** 2).mean()
    assert error[:, 1].mean() < 0.5 * baseline
    losses = trained.history["reconstruction"]
    assert losses.tail(20).mean() < 0.7 * losses.head(20).mean()


def test_a_similarity_transform_of_the_capture_changes_no_score():
    cameras = orbit_cameras(20)
    parts = frame_table(cameras), smooth_embeddings(cameras)
    here, _ = build_tokens(*parts, cameras)
    there, _ = build_tokens(*parts, moved(cameras, random_similarity(4)))
    predictions = [
        predict_hidden(train_mtcm(t, OPTIONS), t).squared_error for t in (here, there)
    ]
    assert np.allclose(*predictions, rtol=1e-3, atol=1e-4)


def test_results_come_in_capture_order_not_in_time_order():
    cameras = orbit_cameras(20)
    embeddings = smooth_embeddings(cameras)
    frames = frame_table(cameras)
    order = np.random.default_rng(0).permutation(20)
    names = [cameras.names[i] for i in order]
    # The same capture listed in another order: times, not rows, make the sequence.
    straight, _ = build_tokens(frames, embeddings, cameras)
    shuffled = type(straight)(
        tuple(names),
        straight.values[order],
        straight.present[order],
        straight.times[order],
    )
    trained = train_mtcm(straight, OPTIONS)
    a, b = represent(trained, straight), represent(trained, shuffled)
    assert np.allclose(a.latent[order], b.latent, atol=1e-5)
    assert np.allclose(a.attention[np.ix_(order, order)], b.attention, atol=1e-5)
    c, d = predict_hidden(trained, straight), predict_hidden(trained, shuffled)
    assert np.allclose(c.squared_error[order], d.squared_error, rtol=1e-4, atol=1e-5)


def test_the_prediction_of_a_hidden_field_ignores_its_value(tokens, unbroken):
    trained = unbroken[0]
    base = predict_hidden(trained, tokens)
    values = tokens.values.copy()
    values[9, :384] = np.roll(values[9, :384], 7)
    changed = type(tokens)(tokens.names, values, tokens.present, tokens.times)
    other = predict_hidden(trained, changed)
    assert np.allclose(base.values[9, :384], other.values[9, :384], atol=1e-6)


def test_missing_parts_and_long_captures_do_not_crash():
    cameras = orbit_cameras(50)
    frames = frame_table(cameras).assign(timestamp_s=np.nan, mask_area=np.nan)
    embeddings = smooth_embeddings(cameras)
    embeddings[3] = np.nan
    tokens, _ = build_tokens(frames, embeddings, cameras.subset(cameras.names[::2]))
    options = TrainOptions(
        d_model=16, layers=1, heads=2, epochs=3, tasks=3, context_frames=20
    )
    trained = train_mtcm(tokens, options)
    prediction = predict_hidden(trained, tokens)
    assert np.isnan(prediction.centre_error[1]) and np.isfinite(
        prediction.centre_error[0]
    )
    assert np.isnan(prediction.squared_error[3, 0])
    representation = represent(trained, tokens)
    assert np.isfinite(representation.latent).all()
    assert np.isclose(np.linalg.norm(representation.next_pose[3:]), 1)


def test_windows_cover_every_frame_once():
    for n, context in [(10, 20), (20, 20), (21, 20), (105, 20)]:
        windows = context_windows(n, context)
        assert [i for a, b in windows for i in range(a, b)] == list(range(n))
        assert max(b - a for a, b in windows) <= context


def test_spread_windows_cover_every_frame_once_and_each_the_whole_capture():
    for n, context in [(10, 20), (20, 20), (21, 20), (105, 20)]:
        windows = spread_windows(n, context)
        assert sorted(np.concatenate(windows).tolist()) == list(range(n))
        count = len(windows)
        assert max(len(rows) for rows in windows) <= context
        for rows in windows:
            assert rows[0] < count and rows[-1] >= n - count
            assert (np.diff(rows) == count).all()


def test_a_snapshot_of_a_long_capture_shows_the_attention_of_one_window():
    cameras = orbit_cameras(50)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    options = TrainOptions(
        d_model=16, layers=1, heads=2, epochs=0, tasks=1, init="none", context_frames=20
    )
    shot = take_snapshot(0, train_mtcm(tokens, options), tokens)
    assert shot.attention_rows.tolist() == list(range(0, 50, 3))  # three windows
    assert shot.attention.sum(axis=1) == pytest.approx(1.0, rel=1e-4)
    assert shot.latent.shape == (50, 16)


def test_gates_are_the_same_with_shared_views_and_when_a_training_was_over(tokens):
    options = TrainOptions(
        d_model=16, layers=1, heads=2, epochs=2, tasks=1, init="none", checkpoint_every=1
    )
    store = MemoryStore()
    shared, _ = train_with_snapshots(tokens, options, store)
    again, _ = train_with_snapshots(tokens, options, store)  # takes no snapshot any more
    alone = train_mtcm(tokens, options)
    gates = [dict(each.prior.gates) for each in (shared, again, alone)]
    assert gates[0] == gates[1] == gates[2]


def test_similarity_is_a_correlation():
    latent = np.random.default_rng(0).normal(size=(6, 9))
    centred = latent - latent.mean(0)
    by_hand = (
        centred[1] @ centred[4] / np.linalg.norm(centred[1]) / np.linalg.norm(centred[4])
    )
    similarity = similarity_matrix(latent)
    assert similarity[1, 4] == pytest.approx(by_hand, abs=1e-6)
    assert np.allclose(similarity, similarity.T) and np.allclose(np.diag(similarity), 1)


def test_three_frames_are_too_few():
    cameras = orbit_cameras(3)
    tokens, _ = build_tokens(frame_table(cameras), smooth_embeddings(cameras), cameras)
    with pytest.raises(CaptureError, match="3 frames"):
        train_mtcm(tokens, OPTIONS)
