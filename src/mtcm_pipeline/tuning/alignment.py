"""One view against a field that stands still: its pose by direct image alignment.

Levenberg-Marquardt on the photometric difference. The change of the picture with the
pose comes from the rendered picture's gradient and the rendered depth, so that a step
costs one rendering (Lucas and Kanade 1981; Kerl et al. 2013, equations 7 to 14). Coarse
to fine: both pictures are blurred, first much, then little.

Dimension letters: H, W the view in px, P = H W.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mtcm_pipeline.field.arrays import GaussianArrays
from mtcm_pipeline.field.camera import camera_of
from mtcm_pipeline.field.gaussians import Gaussians
from mtcm_pipeline.field.raster import camera_arrays, forward
from mtcm_pipeline.scene.views import PinholeView
from mtcm_pipeline.tuning.beliefs import PoseBelief
from mtcm_pipeline.tuning.rigid import rigid_from_twist

Float = NDArray[np.float64]
Pixels = NDArray[np.float32]

# Where the field hides less than this, nothing is known of its depth.
_LEAST_ALPHA = 0.05
_LEAST_DEPTH = 1e-3
# 1.4826 times the median deviation is a normal standard deviation.
_MAD_TO_SIGMA = 1.4826
_LEAST_SCALE = 1e-3
_FIRST_DAMPING = 1e-3
_TRIES = 4
# A step shorter than this (radians, camera distances) ends a level.
_SETTLED = 2e-5
# Iterations a level; the coarse ones do the way, the fine ones the precision.
_ITERATIONS = 10
_WORTH_A_GAIN = 0.8


@dataclass(frozen=True)
class Aligned:
    """A view's pose after alignment.

    Attributes:
        cam_from_world: (4, 4).
        gain: brightness of the view relative to the field.
        misfit: robust mean difference at the finest level, 0.5 times squared colour.
        information: (6, 6) curvature there, in units of that misfit over the variance of
            its residuals; how sure that is must be calibrated.
        objective: what was minimised there: misfit over variance, and the belief's cost.
    """

    cam_from_world: Float
    gain: float
    misfit: float
    information: Float
    objective: float


@dataclass(frozen=True)
class AlignmentSettings:
    """How a view is aligned.

    Attributes:
        blurs_px: standard deviations of the blur, coarse to fine.
        background: grey behind field and masks.
        fit_gain: whether the view has a brightness of its own.
        sureness: how much the photometric term counts beside a belief
            (`beliefs.calibration_factor`).
    """

    blurs_px: Sequence[float]
    background: float
    fit_gain: bool = True
    sureness: float = 1.0


def field_arrays(gaussians: Gaussians) -> GaussianArrays:
    """The Gaussians as float32 for the kernels."""
    parts = (getattr(gaussians, each.name) for each in fields(gaussians))
    return GaussianArrays(*(np.ascontiguousarray(part, np.float32) for part in parts))


def align(
    field: GaussianArrays,
    view: PinholeView,
    start: Float,
    settings: AlignmentSettings,
    belief: PoseBelief | None = None,
) -> Aligned:
    """The pose from which the field looks most like the view.

    Args:
        field: float32, stays as it is.
        view: picture and intrinsics; its own pose is not looked at.
        start: (4, 4) cam_from_world.
        settings: levels and gain.
        belief: pulls towards another pose; None lets the picture decide alone.
    """
    pose, gain = start, 1.0
    level: _Level | None = None
    state: _State | None = None
    for blur_px in settings.blurs_px:
        level = _Level(field, view, blur_px, settings, belief)
        state = level.descend(pose, gain)
        pose, gain = state.pose, state.gain
    assert level is not None and state is not None
    return Aligned(
        pose, gain, state.misfit, level.pose_information(state), level.objective(state)
    )


def assessed(
    field: GaussianArrays, view: PinholeView, pose: Float, settings: AlignmentSettings
) -> tuple[float, float]:
    """How well a view fits where it stands: its gain and its misfit at the finest level.

    A field that does not know the view is off in brightness here and there: the view has
    a brightness of its own only where that takes a fifth of the misfit away.

    Args:
        field: float32.
        view: picture and intrinsics; its own pose is not looked at.
        pose: (4, 4) cam_from_world.
        settings: the last blur, and whether there is a gain.
    """
    level = _Level(field, view, settings.blurs_px[-1], settings, None)
    state = level.look(pose, 1.0)
    if not settings.fit_gain:
        return 1.0, state.misfit
    light, weights = state.light, state.weights[..., None]
    power = float((weights * light**2).sum())
    if power <= 0:
        return 1.0, state.misfit
    gain = 1.0 - float((weights * light * state.difference).sum()) / power
    misfit = level.look(pose, gain).misfit
    if misfit > _WORTH_A_GAIN * state.misfit:
        return 1.0, state.misfit
    return gain, misfit


@dataclass(frozen=True)
class _State:
    """A pose, and what the field looks like from there."""

    pose: Float
    gain: float
    difference: Pixels  # (H, W, 3)
    image: Pixels  # (H, W, 3) as shown, blurred
    light: Pixels  # (H, W, 3) of the field alone, without gain
    depth: Float  # (H, W)
    known: NDArray[np.bool_]  # (H, W) where there is a depth
    weights: Float  # (H, W) robust
    scale: float
    misfit: float


class _Level:
    """One step from coarse to fine."""

    def __init__(
        self,
        field: GaussianArrays,
        view: PinholeView,
        blur_px: float,
        settings: AlignmentSettings,
        belief: PoseBelief | None,
    ) -> None:
        self._field, self._camera, self._blur_px = field, camera_of(view), blur_px
        self._settings, self._belief = settings, belief
        truth = view.rgb
        if view.mask is not None:
            grey = np.float32(settings.background)
            truth = grey + view.mask[..., None] * (truth - grey)
        self._truth = self._blurred(truth)
        (fx, fy), (cx, cy) = view.focal_px, view.principal_px
        self._x = ((np.arange(view.width) + 0.5 - cx) / fx)[None, :]
        self._y = ((np.arange(view.height) + 0.5 - cy) / fy)[:, None]

    def _blurred(self, picture: Pixels) -> Pixels:
        if not self._blur_px:
            return picture
        sigmas = (self._blur_px, self._blur_px, *(0,) * (picture.ndim - 2))
        return np.asarray(gaussian_filter(picture, sigmas, truncate=3.0))

    def look(self, pose: Float, gain: float, scale: float | None = None) -> _State:
        """Render; residuals are weighed by `scale`, their own where it is None."""
        shown = forward(self._field, camera_arrays(self._camera, np.float32, pose))
        light, alpha = self._blurred(shown.image), self._blurred(1 - shown.transmittance)
        thick = np.maximum(alpha, _LEAST_ALPHA).astype(np.float64)
        depth = self._blurred(shown.depth) / thick
        behind = (1 - alpha)[..., None] * np.float32(self._settings.background)
        image = np.float32(gain) * light + behind
        difference = image - self._truth
        size = np.sqrt((difference**2).mean(axis=2))
        scale = scale or max(_MAD_TO_SIGMA * float(np.median(size)), _LEAST_SCALE)
        weights = np.minimum(1.0, scale / np.maximum(size, 1e-9))
        huber = np.where(size <= scale, 0.5 * size**2, scale * (size - 0.5 * scale))
        return _State(
            pose, gain, difference, image, light, depth, alpha > _LEAST_ALPHA,
            weights, scale, float(huber.mean()),
        )  # fmt: skip

    def objective(self, state: _State) -> float:
        """Misfit in units of its variance, and what the belief says against the pose."""
        photometric = self._settings.sureness * state.misfit / state.scale**2
        return photometric + (
            0.0 if self._belief is None else self._belief.cost(state.pose)
        )

    def descend(self, pose: Float, gain: float) -> _State:
        """Levenberg-Marquardt until it settles."""
        state, damping = self.look(pose, gain), _FIRST_DAMPING
        for _ in range(_ITERATIONS):
            curvature, slope = self._system(state)
            here = self.objective(state)
            for _ in range(_TRIES):
                damped = curvature + damping * np.diag(np.diag(curvature))
                solved = np.linalg.solve(damped + 1e-9 * np.eye(7), slope)
                step = np.asarray(-solved, np.float64)
                there = self.look(
                    rigid_from_twist(step[:6]) @ state.pose, gain=state.gain + step[6],
                    scale=state.scale,
                )  # fmt: skip
                if self.objective(there) < here:
                    break
                damping *= 10
            else:
                return state
            damping = max(0.2 * damping, 1e-5)
            state = there
            if np.linalg.norm(step[:6]) < _SETTLED:
                break
        return state

    def _system(self, state: _State) -> tuple[Float, Float]:
        """(7, 7) curvature and (7,) slope of the objective by twist and gain."""
        jacobian = self._jacobian(state)
        weights = np.repeat(state.weights.ravel(), 3) * self._settings.sureness
        weighted = jacobian * (weights / (len(weights) * state.scale**2))[:, None]
        curvature = weighted.T @ jacobian
        slope = weighted.T @ state.difference.ravel()
        if not self._settings.fit_gain:
            curvature[6], curvature[:, 6], slope[6] = 0.0, 0.0, 0.0
            curvature[6, 6] = 1.0
        if self._belief is not None:
            curvature[:6, :6] += self._belief.information
            slope[:6] += self._belief.information @ self._belief.twist_to(state.pose)
        return curvature, slope

    def pose_information(self, state: _State) -> Float:
        """(6, 6) photometric curvature by the twist, the gain left to itself."""
        jacobian = self._jacobian(state)
        weights = np.repeat(state.weights.ravel(), 3)
        weighted = jacobian * (weights / (len(weights) * state.scale**2))[:, None]
        full = weighted.T @ jacobian
        if not self._settings.fit_gain or full[6, 6] <= 0:
            return np.asarray(full[:6, :6])
        return np.asarray(full[:6, :6] - np.outer(full[:6, 6], full[6, :6]) / full[6, 6])

    def _jacobian(self, state: _State) -> Float:
        """(3 P, 7) change of the picture by twist and gain.

        A point at (x, y, 1) z that the twist (w, v) moves by w x X + v runs over the
        picture by `flow`; the picture there becomes what came from against the flow.
        """
        x, y = np.broadcast_arrays(self._x, self._y)
        near = np.where(state.known, 1.0 / np.maximum(state.depth, _LEAST_DEPTH), 0.0)
        zero = np.zeros_like(near)
        flow_x = np.stack([-x * y, 1 + x * x, -y, near, zero, -x * near], axis=2)
        flow_y = np.stack([-(1 + y * y), x * y, x, zero, near, -y * near], axis=2)
        by_row, by_column = map(np.asarray, np.gradient(state.image, axis=(0, 1)))
        fx, fy = self._camera.focal_px
        known = state.known[..., None, None]
        moved = -(
            (fx * by_column)[..., :, None] * flow_x[..., None, :]
            + (fy * by_row)[..., :, None] * flow_y[..., None, :]
        )
        parts = [np.where(known, moved, 0.0), state.light[..., None]]
        return np.concatenate(parts, axis=3).reshape(-1, 7)
