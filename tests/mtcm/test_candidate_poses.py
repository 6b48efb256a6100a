"""What a trained model says of poses where no picture was taken, on half an orbit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.mtcm.candidate_poses import picture_uncertainty, suggested_pose
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.training import train_mtcm
from mtcm_pipeline.tokens.build import build_tokens
from synthetic import frame_table, look_at, orbit_cameras, smooth_embeddings

SMALL = TrainOptions(d_model=16, layers=1, heads=2, epochs=2, tasks=4, init="none")


@pytest.fixture(scope="module")
def half_orbit():
    """Thirty frames over the first half of a turn; azimuth 0 to 180 degrees."""
    cameras = orbit_cameras(30, share=0.5)
    tokens, gauge = build_tokens(
        frame_table(cameras), smooth_embeddings(cameras), cameras
    )
    return train_mtcm(tokens, SMALL), tokens, gauge


def around(gauge, azimuths_deg):
    """(M, 4, 4) cameras at the orbit's distance and height, in the gauge."""
    poses = []
    for azimuth in np.radians(azimuths_deg):
        height = 0.3 * np.sin(3 * azimuth) + 0.2
        place = 3.0 * np.array(
            [
                np.cos(azimuth) * np.cos(height),
                np.sin(azimuth) * np.cos(height),
                np.sin(height),
            ]
        )
        poses.append(look_at(place, np.zeros(3), np.array([0.0, 0.0, 1.0])))
    return gauge.world_from_cam(np.array(poses))


def with_gate(trained, gate):
    gates = {**trained.prior.gates, "embedding": gate}
    return replace(trained, prior=replace(trained.prior, gates=gates))


def test_it_knows_less_of_the_side_that_nobody_photographed(half_orbit):
    trained, tokens, gauge = half_orbit
    everything = np.ones(len(tokens), dtype=bool)
    among, beyond = around(gauge, range(20, 160, 10)), around(gauge, range(220, 330, 10))
    known = picture_uncertainty(trained, tokens, everything, among)
    unknown = picture_uncertainty(trained, tokens, everything, beyond)
    assert known.shape == (14,) and (known > 0).all()
    assert known.max() < unknown.min()


def test_it_does_not_look_at_frames_that_are_not_shown(half_orbit):
    trained, tokens, gauge = half_orbit
    middle = around(gauge, [90.0])
    shown = np.ones(len(tokens), dtype=bool)
    whole = picture_uncertainty(trained, tokens, shown, middle)
    shown[8:22] = False  # 48 to 132 degrees
    assert picture_uncertainty(trained, tokens, shown, middle) > 1.2 * whole
    other = tokens.values.copy()
    other[8:22, :384] = 7.0
    changed = replace(tokens, values=other)
    np.testing.assert_allclose(
        picture_uncertainty(trained, changed, shown, middle),
        picture_uncertainty(trained, tokens, shown, middle),
    )


def test_it_is_the_variance_of_a_gaussian_process_over_poses(half_orbit):
    trained, tokens, gauge = half_orbit
    poses = around(gauge, np.linspace(0, 350, 120))
    said = picture_uncertainty(
        with_gate(trained, 0.0), tokens, np.ones(len(tokens), dtype=bool), poses
    )
    chosen = trained.prior.choices["embedding", ("pose",)]["plain"]
    stood = np.vstack([tokens.values[:, 384:387], poses[:, :3, 3]])
    turns = matrix_from_quat(tokens.values[:, 387:391])
    turned = np.vstack([turns.reshape(-1, 9), poses[:, :3, :3].reshape(-1, 9)])
    lengths = chosen.kernel.lengths
    apart = sum(
        cdist(points, points, "sqeuclidean") / lengths[name] ** 2
        for name, points in (("centre", stood), ("rotation", turned))
        if name in lengths
    )
    smooth = chosen.kernel.shape == "smooth"
    kernel = np.exp(-0.5 * apart) if smooth else np.exp(-np.sqrt(apart))
    kernel += 10.0  # the constant
    n = len(tokens)
    inner = np.linalg.inv(kernel[:n, :n] + chosen.noise * np.eye(n))
    across = kernel[n:, :n]
    variance = 11.0 - ((across @ inner) * across).sum(axis=1) + chosen.noise
    # The signal's size is the process's own, and robust noises differ a little.
    np.testing.assert_allclose(said / said.mean(), variance / variance.mean(), rtol=0.1)


def test_the_gate_lets_the_transformer_speak(half_orbit):
    trained, tokens, gauge = half_orbit
    shown, poses = np.ones(len(tokens), dtype=bool), around(gauge, [10, 90, 200, 270])
    head = trained.model.parts["embedding"].variance
    shut, open_ = with_gate(trained, 0.0), with_gate(trained, 1.0)
    before = head.bias.detach().clone()
    with torch.no_grad():
        head.bias.fill_(1.0)
        head.weight.zero_()
    try:
        ratio = picture_uncertainty(open_, tokens, shown, poses) / picture_uncertainty(
            shut, tokens, shown, poses
        )
    finally:
        with torch.no_grad():
            head.bias.copy_(before)
    np.testing.assert_allclose(ratio, np.e, rtol=1e-3)


def test_a_plain_model_answers_too(half_orbit):
    _, tokens, gauge = half_orbit
    trained = train_mtcm(tokens, replace(SMALL, model="plain"))
    shown = np.ones(len(tokens), dtype=bool)
    said = picture_uncertainty(trained, tokens, shown, around(gauge, [10, 90, 270]))
    assert said.shape == (3,) and (said > 0).all()


def test_with_too_few_frames_nothing_is_claimed(half_orbit):
    trained, tokens, gauge = half_orbit
    shown = np.arange(len(tokens)) < 3
    poses = around(gauge, [90.0, 270.0])
    assert picture_uncertainty(trained, tokens, shown, poses).tolist() == [1.0, 1.0]
    assert suggested_pose(trained, tokens, shown) is None


def test_the_suggested_pose_goes_on_from_the_last_frame(half_orbit):
    trained, tokens, _ = half_orbit
    shown = np.ones(len(tokens), dtype=bool)
    pose = suggested_pose(trained, tokens, shown)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-6)
    centres = tokens.values[:, 384:387]
    apart = np.linalg.norm(centres - pose[:3, 3], axis=1)
    assert apart.argmin() >= len(tokens) - 3
    assert apart.min() < 0.35  # median camera distances
