import math

import numpy as np
import pytest
import torch

from mtcm_pipeline.mtcm import losses
from mtcm_pipeline.mtcm.model import Mtcm, MtcmOutput, SelfAttention
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS, TOKEN_WIDTH

OPTIONS = TrainOptions(d_model=32, layers=2, heads=4, dropout=0.0)
N = 12


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Mtcm(OPTIONS).eval()


@pytest.fixture
def frames():
    generator = torch.Generator().manual_seed(1)
    return {
        "tokens": torch.randn(N, TOKEN_WIDTH, generator=generator),
        "present": torch.ones(N, len(FIELDS), dtype=torch.bool),
        "hidden": torch.zeros(N, len(FIELDS), dtype=torch.bool),
        "times": torch.linspace(0, 1, N),
    }


def test_attention_equals_the_formula_written_as_loops():
    torch.manual_seed(0)
    attention = SelfAttention(8, 2, 0.0).eval()
    x, bias = torch.randn(5, 8), torch.randn(2, 5, 5)
    fast, _ = attention(x, bias, False)
    kept, weights = attention(x, bias, True)
    q, k, v = attention.qkv(x).split(8, dim=1)
    mixed = torch.zeros(5, 8)
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        for i in range(5):
            scores = torch.stack(
                [
                    q[i, part] @ k[j, part] / math.sqrt(4) + bias[head, i, j]
                    for j in range(5)
                ]
            )
            shares = scores.exp() / scores.exp().sum()
            assert torch.allclose(shares, weights[head, i], atol=1e-6)
            mixed[i, part] = sum(shares[j] * v[j, part] for j in range(5))
    expected = attention.out(mixed)
    assert torch.allclose(fast, expected, atol=1e-5)
    assert torch.allclose(kept, expected, atol=1e-5)


def test_what_is_hidden_or_absent_cannot_be_seen(model, frames):
    hidden = frames["hidden"].clone()
    hidden[3] = True
    present = frames["present"].clone()
    present[5, 0] = False
    changed = frames["tokens"].clone()
    changed[3] = 100.0
    changed[5, FIELD_SLICES["embedding"]] = float("nan")
    base = model(frames["tokens"], present, hidden, frames["times"])
    other = model(changed, present, hidden, frames["times"])
    assert torch.equal(base.tokens, other.tokens)


def test_absent_and_hidden_are_different_messages(model, frames):
    hidden, absent = frames["hidden"].clone(), frames["present"].clone()
    hidden[3, 1], absent[3, 1] = True, False
    as_hidden = model(frames["tokens"], frames["present"], hidden, frames["times"])
    as_absent = model(frames["tokens"], absent, frames["hidden"], frames["times"])
    assert not torch.allclose(as_hidden.tokens, as_absent.tokens)


def test_time_is_seen(model, frames):
    forward = model(**frames)
    backward = model(**{**frames, "times": frames["times"].flip(0)})
    assert not torch.allclose(forward.tokens, backward.tokens)


def test_attention_rows_sum_to_one_and_do_not_change_the_answer(model, frames):
    kept = model(**frames, keep_attention=True)
    assert kept.attention.shape == (2, 4, N, N)
    assert torch.allclose(kept.attention.sum(-1), torch.ones(2, 4, N), atol=1e-5)
    assert torch.allclose(kept.tokens, model(**frames).tokens, atol=1e-5)


def test_losses_by_hand():
    truth = torch.zeros(2, TOKEN_WIDTH)
    predicted = torch.zeros(2, TOKEN_WIDTH)
    predicted[0, FIELD_SLICES["embedding"]] = 2.0
    predicted[1, FIELD_SLICES["focal"]] = 3.0
    errors = losses.field_errors(predicted, truth)
    assert errors[0].tolist() == [4, 0, 0, 0, 0] and errors[1].tolist() == [0, 0, 0, 0, 9]
    counted = torch.tensor([[True, False, False, False, True], [False] * 4 + [True]])
    # embedding: 4 over one entry; focal: (0 + 9) / 2; mean of the two fields
    assert losses.reconstruction_loss(errors, counted).item() == pytest.approx(4.25)
    nothing = torch.zeros(2, 5, dtype=torch.bool)
    assert losses.reconstruction_loss(errors, nothing).item() == 0.0


def test_variance_loss_is_least_at_the_true_error():
    errors = torch.full((1, 5), 0.25)
    counted = torch.ones(1, 5, dtype=torch.bool)
    grid = np.linspace(-4, 2, 601)
    values = [
        losses.variance_loss(torch.full((1, 5), float(v)), errors, counted).item()
        for v in grid
    ]
    assert grid[int(np.argmin(values))] == pytest.approx(math.log(0.25), abs=0.02)


def test_next_pose_loss_by_hand():
    zeros = torch.zeros(3, 1)
    output = MtcmOutput(zeros, zeros, zeros, torch.ones(3, 7), zeros, zeros)
    pose = torch.zeros(3, 7)
    pose[2, 0] = 3.0
    assert losses.next_pose_loss(output.next_pose, pose, 2).item() == pytest.approx(2 + 6)


def test_gradients_agree_with_finite_differences(frames):
    torch.manual_seed(0)
    options = TrainOptions(d_model=8, layers=1, heads=2, dropout=0.0)
    model = Mtcm(options).double().eval()
    inputs = {k: v.double() if v.is_floating_point() else v for k, v in frames.items()}
    inputs["hidden"][2] = True

    def loss():
        errors = losses.field_errors(model(**inputs).tokens, inputs["tokens"])
        return losses.reconstruction_loss(errors, inputs["hidden"])

    loss().backward()
    for name in ("embed.masked", "time.weight", "layers.0.attention.qkv.weight"):
        parameter = dict(model.named_parameters())[name]
        index = (2, 1)
        step = 1e-6
        with torch.no_grad():
            parameter[index] += step
            above = loss().item()
            parameter[index] -= 2 * step
            below = loss().item()
            parameter[index] += step
        numeric = (above - below) / (2 * step)
        assert parameter.grad[index].item() == pytest.approx(numeric, rel=1e-5, abs=1e-9)
