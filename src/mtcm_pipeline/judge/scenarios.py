"""Spoilt captures with the truth, to train, calibrate and measure the judge on.

A generated capture is too good: its poses are exact and its light never changes. Before
faults are put in, it is made to look lived in: poses and focal length get the errors that
structure from motion leaves, and the light, colour and focus of its photographs vary as
an automatic camera's or a flash's.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.faults import plans
from mtcm_pipeline.faults.inject import inject
from mtcm_pipeline.faults.plan import Fault, FaultKind, FaultPlan, Strength
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence, gather
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.tokens.gauge import canonical_gauge

Float = NDArray[np.float64]

SINGLE_KINDS = (*plans.HARMFUL, *plans.SELDOM)
# A wrong place or time leaves the photographs as they are: spoiling costs nothing.
_PLACED_KINDS: tuple[FaultKind, ...] = ("rotation", "translation", "swapped", "timestamp")
# Standard deviations that are drawn from for a whole capture.
_POSE_NOISE_DEG = (0.005, 0.15)
_FOCAL_SHARE = (0.0, 0.004)
_CENTRE_PX = (0.0, 1.0)
_LIGHT_STOPS = (0.0, 0.15)
_FLASH_STOPS = (0.03, 0.25)
_TINT = (0.0, 0.04)
_FOCUS_PX = (0.0, 0.7)
_SHAKE_PX = (0.0, 0.8)
_GRAIN = (0.0, 4.0)
# Others, drawn evenly.
_DARK_CORNERS = (0.0, 0.5)  # light that is lost in the corners
_JPEG_QUALITY = (60, 97)
_HALF, _TAILS = 0.5, 4.0  # degrees of freedom of a frame's own share of the pose noise


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
    shares = rng.uniform([0.4, 0.25, 0.1, 0.3], [0.5, 0.4, 0.2, 0.45])
    more = [single_faults(round(s, 2), "subtle") for s in shares[:3]]
    placed = plans.evenly(_PLACED_KINDS, round(shares[3], 2), "subtle")
    name = f"placed_subtle_{100 * round(shares[3], 2):g}"
    return [plans.clean(), *gross, *subtle, *blocks, *more, FaultPlan(placed, name)]


def lived_in(photos: PosedPhotos, seed: int) -> PosedPhotos:
    """A generated capture as an automatic camera takes it.

    Light drifts; in half of the captures it also jumps from frame to frame, as a flash's
    does. Colour, focus and the hand's shake vary a little, corners are darker, and the
    pictures have grain and have been through a JPEG file. Focal length and principal
    point are a bit off for all.
    """
    rng = np.random.default_rng([seed, 1])
    ranges = (_LIGHT_STOPS, _FLASH_STOPS, _TINT, _FOCUS_PX, _SHAKE_PX, _GRAIN)
    stops, flash, tint, blur, shake, grain = (rng.uniform(*r) for r in ranges)
    flash *= rng.random() < _HALF
    corners, quality = rng.uniform(*_DARK_CORNERS), int(rng.integers(*_JPEG_QUALITY))
    images = {}
    drift = 0.0
    for name in photos.names:
        drift = 0.8 * drift + 0.6 * rng.normal(0.0, stops)
        light = 2.0 ** (drift + rng.normal(0.0, flash) + rng.normal(0.0, tint, 3))
        softness = np.hypot(rng.normal(0.0, blur), rng.normal(0.0, shake, 2) / 2)
        gain = light * _vignette(photos.images[name].shape, corners)
        aged = _aged(photos.images[name], gain, softness, grain, rng)
        images[name] = _through_jpeg(aged, quality)
    return replace(photos, images=images, cameras=_misjudged(photos.cameras, rng))


def with_pose_noise(photos: PosedPhotos, seed: int) -> PosedPhotos:
    """The capture with the errors of poses and lens from structure from motion.

    Camera centres and rotations move independently by the same angle as seen from the
    subject, with a standard deviation that is drawn once for the capture. Frames differ
    in how well they are tied (Student's t), and part of the error is common to frames
    that follow each other.
    """
    rng = np.random.default_rng([seed, 2])
    low, high = np.log(_POSE_NOISE_DEG)
    spread = np.radians(np.exp(rng.uniform(low, high)))
    common = rng.uniform(0.0, 0.8)
    n, gauge = len(photos), canonical_gauge(photos.cameras)
    noise = _along(rng, n, common) / np.sqrt(rng.chisquare(_TAILS, (n, 1)) / _TAILS)
    moved = np.array(photos.cameras.world_from_cam)
    turns = Rotation.from_rotvec(spread * noise[:, :3]).as_matrix()
    moved[:, :3, :3] = moved[:, :3, :3] @ turns
    moved[:, :3, 3] += spread / gauge.scale * noise[:, 3:]
    cameras = replace(photos.cameras, cam_from_world=invert_rigid(moved))
    return replace(photos, cameras=cameras)


def _along(rng: np.random.Generator, n: int, common: float) -> Float:
    """(n, 6) standard normal numbers, neighbouring rows correlated by `common`."""
    noise = rng.normal(size=(n, 6))
    for row in range(1, n):
        noise[row] = common * noise[row - 1] + np.sqrt(1 - common**2) * noise[row]
    return noise


def _misjudged(cameras: PosedCameras, rng: np.random.Generator) -> PosedCameras:
    """Pinhole cameras with a factor on their focal lengths and their centres shifted."""
    factor = 1.0 + rng.normal(0.0, rng.uniform(*_FOCAL_SHARE))
    shift_px = rng.normal(0.0, rng.uniform(*_CENTRE_PX), 2)
    lenses = dict(cameras.cameras)
    for number, camera in lenses.items():
        if camera.model == "PINHOLE":
            fx, fy, cx, cy = camera.params
            centre = (cx + shift_px[0], cy + shift_px[1])
            lenses[number] = replace(camera, params=(fx * factor, fy * factor, *centre))
    return replace(cameras, cameras=lenses)


def _vignette(shape: tuple[int, ...], corners: float) -> Float:
    """(H, W, 1) light that is left, 1 - corners in the corners."""
    rows, columns = (np.linspace(-1.0, 1.0, side) for side in shape[:2])
    return 1.0 - corners * ((rows[:, None] ** 2 + columns**2) / 2.0)[..., None]


def _aged(
    pixels: NDArray[np.uint8],
    gain: Float,
    softness_px: Float,
    grain: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Light and blur in linear values (gamma 2.2), noise in the picture's own.

    Args:
        pixels: (H, W, 3).
        gain: (H, W, 3) factor of the light.
        softness_px: (2,) blur down and across.
        grain: standard deviation of the noise in steps of 1/255.
        rng: of the noise.
    """
    linear = (pixels.astype(np.float32) / 255.0) ** 2.2
    if softness_px.max() > 0.1:
        linear = gaussian_filter(linear, (*softness_px, 0.0))
    values = 255.0 * np.clip(linear * gain, 0.0, 1.0) ** (1 / 2.2)
    noisy = values + rng.normal(0.0, grain, values.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _through_jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))
