"""The gate against brute force, and the weights that a training starts from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save

from mtcm_pipeline.errors import ParameterError
from mtcm_pipeline.mtcm.gate import gate_of
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
from mtcm_pipeline.mtcm.start import starting_weights

RNG = np.random.default_rng(5)


def test_a_residual_that_is_right_by_half_is_doubled_no_further_than_one():
    missing = RNG.normal(size=(50, 3))
    assert gate_of(0.5 * missing, missing) == 1.0
    assert gate_of(-missing, missing) == 0.0
    assert gate_of(np.zeros((50, 3)), missing) == 0.0


def test_the_gate_is_the_best_of_all_gates_less_a_bootstrapped_standard_error():
    truth = RNG.normal(size=(400, 2))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)  # lengths are alike
    residual = 1.5 * truth + 0.8 * RNG.normal(size=truth.shape)
    lengths = np.linalg.norm(truth - residual, axis=1)
    lengths = np.maximum(lengths, 1.0)
    weights = np.minimum(1.0, np.median(lengths) / lengths) ** 2

    def best(rows):
        gates = np.linspace(0.0, 1.0, 1001)[:, None, None]
        errors = ((truth[rows] - gates * residual[rows]) ** 2).sum(axis=2)
        return gates[np.argmin((weights[rows] * errors).sum(axis=1)), 0, 0]

    doubt = np.std([best(RNG.integers(400, size=400)) for _ in range(300)])
    assert gate_of(residual, truth) == pytest.approx(
        best(np.arange(400)) - doubt, abs=5e-3
    )


def test_a_residual_of_pure_noise_is_hardly_believed():
    gates = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        gates.append(gate_of(rng.normal(size=(30, 3)), rng.normal(size=(30, 3))))
    assert np.median(gates) == 0.0
    assert np.mean(gates) < 0.05


def test_one_faulty_frame_does_not_open_the_gate():
    rng = np.random.default_rng(1)
    residual, missing = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
    closed = gate_of(residual, missing)
    missing[0] = 1e4 * residual[0]
    assert gate_of(residual, missing) <= closed + 0.1


def test_too_few_held_out_frames_say_nothing():
    missing = RNG.normal(size=(3, 3))
    assert gate_of(missing, missing) == 0.0


def test_the_shipped_weights_fit_the_default_model():
    options = TrainOptions()
    weights = starting_weights(options)
    assert weights is not None
    ResidualMtcm(options).load_state_dict(weights)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_none_and_plain_start_from_nothing():
    assert starting_weights(TrainOptions(init="none")) is None
    assert starting_weights(TrainOptions(model="plain")) is None


def test_weights_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ParameterError, match=r"no file 'nowhere.safetensors'"):
        starting_weights(TrainOptions(init="nowhere.safetensors"))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x80\x04pickle")
    with pytest.raises(ParameterError, match="cannot be read"):
        starting_weights(TrainOptions(init=str(broken)))
    other = tmp_path / "other.safetensors"
    header = {"d_model": "64", "layers": "1", "heads": "2"}
    other.write_bytes(save({"x": torch.zeros(2)}, metadata=header))
    with pytest.raises(ParameterError, match="of a model with"):
        starting_weights(TrainOptions(init=str(other)))
