"""Spoilt captures with the truth, to train, calibrate and measure the judge on.

A generated capture is too good: its poses are exact and its light never changes. Before
faults are put in, it is made to look lived in: poses get the errors that structure from
motion leaves, and the light and focus of its photographs vary as an automatic camera's.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.faults import plans
from mtcm_pipeline.faults.inject import inject
from mtcm_pipeline.faults.plan import Fault, FaultPlan, Strength
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence, gather
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.tokens.gauge import canonical_gauge

SINGLE_KINDS = (*plans.HARMFUL, *plans.SELDOM)
# Standard deviations that are drawn from for a whole capture.
_POSE_NOISE_DEG = (0.005, 0.15)
_LIGHT_STOPS = (0.0, 0.15)
_FOCUS_PX = (0.0, 0.7)
_GRAIN = (0.0, 4.0)


@dataclass(frozen=True)
class Scenario:
    """A spoilt capture as the judge gets it, and what is wrong with it.

    Attributes:
        capture: identity of the clean capture.
        plan: name of the plan of faults.
        seed: of the faults.
        evidence: of the spoilt capture.
        truth: rows as the evidence's names, columns as `faults.inject.FaultyCapture`.
    """

    capture: str
    plan: str
    seed: int
    evidence: CaptureEvidence
    truth: pd.DataFrame

    def to_bytes(self) -> bytes:
        """An `.npz` file."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            evidence=np.frombuffer(self.evidence.to_bytes(), dtype=np.uint8),
            truth=np.array(self.truth.to_csv(index=False)),
            about=np.array([self.capture, self.plan, str(self.seed)]),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Scenario:
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            evidence = CaptureEvidence.from_bytes(arrays["evidence"].tobytes())
            capture, plan, seed = (str(part) for part in arrays["about"])
            text = io.StringIO(str(arrays["truth"]))
        truth = pd.read_csv(text, keep_default_na=False, na_values={"severity": [""]})
        return cls(capture, plan, int(seed), evidence, truth)


def make_scenario(
    photos: PosedPhotos,
    plan: FaultPlan,
    seed: int,
    *,
    others: Sequence[PosedPhotos],
    memory: MatchMemory,
    store: ContentStore | None = None,
) -> Scenario:
    """Spoil a capture and gather the evidence.

    Args:
        photos: a capture that counts as sound.
        plan: what to spoil; kinds for which the material lacks are left out.
        seed: which frames and how.
        others: captures that foreign frames and intruders come from.
        memory: matches that are known already; it grows.
        store: keeps what is known about photographs between runs.
    """
    faulty = inject(photos, plans.possible(plan, photos, others), seed, others=others)
    evidence = gather(faulty.photos, memory, store=store)
    truth = faulty.truth.set_index("name").loc[list(evidence.names)].reset_index()
    return Scenario(photos.identity, plan.name, seed, evidence, truth)


def single_faults(share: float, strength: Strength) -> FaultPlan:
    """A share of the frames, evenly of all kinds that befall single frames."""
    name = f"all_{strength}_{100 * share:g}"
    return FaultPlan(plans.evenly(SINGLE_KINDS, share, strength), name)


def block_of(share: float, strength: Strength, beside: float = 0.0) -> FaultPlan:
    """A block of frames with one common pose error, and other faults beside it."""
    block = Fault("block", share, strength)
    rest = plans.evenly(SINGLE_KINDS, beside, "gross") if beside else ()
    name = f"block_{strength}_{100 * share:g}"
    return FaultPlan((block, *rest), f"{name}_and_{100 * beside:g}" if beside else name)


def training_plans(rng: np.random.Generator) -> list[FaultPlan]:
    """One draw of the plans that a capture is spoilt by for training."""
    shares = rng.uniform([0.08, 0.2, 0.4, 0.08, 0.2], [0.2, 0.4, 0.5, 0.25, 0.45])
    gross = [single_faults(round(s, 2), "gross") for s in shares[:3]]
    subtle = [single_faults(round(s, 2), "subtle") for s in shares[3:]]
    small, large = rng.uniform(0.08, 0.18), rng.uniform(0.2, 0.3)
    blocks = [
        block_of(round(small, 2), "gross", 0.1),
        block_of(round(small, 2), "subtle"),
        block_of(round(large, 2), "gross"),
        block_of(round(large, 2), "subtle", 0.1),
    ]
    return [plans.clean(), *gross, *subtle, *blocks]


def lived_in(photos: PosedPhotos, seed: int) -> PosedPhotos:
    """A generated capture with an automatic camera's light and focus, and its grain."""
    rng = np.random.default_rng([seed, 1])
    stops, blur, grain = (rng.uniform(*r) for r in (_LIGHT_STOPS, _FOCUS_PX, _GRAIN))
    images = {}
    drift = 0.0
    for name in photos.names:
        drift = 0.8 * drift + 0.6 * rng.normal(0.0, stops)
        softness = abs(rng.normal(0.0, blur))
        images[name] = _aged(photos.images[name], 2.0**drift, softness, grain, rng)
    return replace(photos, images=images)


def with_pose_noise(photos: PosedPhotos, seed: int) -> PosedPhotos:
    """The capture with the errors of poses from structure from motion.

    Camera centres and rotations move independently by the same angle as seen from the
    subject, with a standard deviation that is drawn once for the capture.
    """
    rng = np.random.default_rng([seed, 2])
    low, high = np.log(_POSE_NOISE_DEG)
    spread = np.radians(np.exp(rng.uniform(low, high)))
    gauge = canonical_gauge(photos.cameras)
    moved = np.array(photos.cameras.world_from_cam)
    turns = Rotation.from_rotvec(rng.normal(0.0, spread, (len(photos), 3))).as_matrix()
    moved[:, :3, :3] = moved[:, :3, :3] @ turns
    moved[:, :3, 3] += rng.normal(0.0, spread / gauge.scale, (len(photos), 3))
    cameras = replace(photos.cameras, cam_from_world=invert_rigid(moved))
    return replace(photos, cameras=cameras)


def _aged(
    pixels: NDArray[np.uint8],
    gain: float,
    softness: float,
    grain: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Light and blur in linear values (gamma 2.2), noise in the picture's own."""
    linear = (pixels.astype(np.float32) / 255.0) ** 2.2
    if softness > 0.1:
        linear = gaussian_filter(linear, (softness, softness, 0.0))
    values = 255.0 * np.clip(linear * gain, 0.0, 1.0) ** (1 / 2.2)
    noisy = values + rng.normal(0.0, grain, values.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)
