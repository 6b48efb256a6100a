"""The subject: a painted bust with hair, ears, brow, nose, chin, neck and shoulders.

Subject frame, metres: x towards the subject's own left, y up, z forward (where the face
looks); right-handed. The origin lies between the ears.

Dimension letters: P points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sample import shapes
from mtcm_pipeline.sample.noise import Noise3D, smoothstep

Array = NDArray[np.floating[Any]]

LOWEST_Y = -0.40  # the socle's underside, where the pedestal begins
_BUST_CUT_Y = -0.325


@dataclass(frozen=True)
class Head:
    """One bust; its proportions and paint follow from a seed.

    Attributes:
        lower: (3,) corner of a box that holds the solid, metres.
        upper: (3,) opposite corner.
    """

    width: float
    jaw: float
    nose: float
    ears: float
    bun: float
    shoulders: float
    skin_rgb: tuple[float, float, float]
    hair_rgb: tuple[float, float, float]
    cloth_rgb: tuple[float, float, float]
    noise: Noise3D
    lower: tuple[float, float, float] = (-0.252, LOWEST_Y - 0.008, -0.192)
    upper: tuple[float, float, float] = (0.252, 0.176, 0.156)

    def distance(self, points: Array) -> Array:
        """(P,) signed distance of (3, P) points, metres, negative inside."""
        points = self._warped(points)
        half = shapes.mirrored(points)
        skin = self._carve_eyes(self._face(points, half), half)
        body = shapes.union(skin, self._bust(points, half), 0.022)
        return shapes.union(body, self._hair(points, half), 0.003)

    def base_colour(self, points: Array) -> Array:
        """(3, P) linear reflectance in large areas: skin, hair, cloth, lips."""
        warped = self._warped(points)
        half = shapes.mirrored(warped)
        hair = smoothstep(0.004, -0.001, self._hair(warped, half))
        cloth = smoothstep(
            0.001, -0.003, points[1] + 0.178 + 0.62 * np.maximum(points[2] + 0.02, 0.0)
        )
        lips = smoothstep(0.004, 0.000, self._lips(warped))
        flush = smoothstep(0.03, 0.0, shapes.ball(half, (0.046, -0.036, 0.062), 0.012))
        colour = _paint(np.array(self.skin_rgb), (0.52, 0.13, 0.09), 0.45 * flush)
        colour = _paint(colour, (0.42, 0.06, 0.05), 0.85 * lips)
        colour = _paint(colour, self.cloth_rgb, cloth)
        return _paint(colour, self.hair_rgb, hair)

    def detail(self, points: Array) -> Array:
        """(3, P) factors of fine paint: veins, blotches, freckles, a border, eyes."""
        noise = self.noise
        coarse = noise(points, 0.040, 0)
        middle = noise(points, 0.016, 1)
        fine = noise(points, 0.0075, 2)
        finest = noise(points, 0.0042, 3)
        tone = 1.0 + 0.20 * coarse + 0.16 * middle + 0.14 * finest
        factors = np.stack(
            [tone, tone * (1.0 - 0.08 * middle), tone * (1.0 - 0.14 * coarse)]
        )
        vein = smoothstep(0.075, 0.0, np.abs(coarse + 0.45 * middle))
        blotch = smoothstep(0.28, 0.46, fine + 0.25 * middle)
        freckle = smoothstep(0.36, 0.58, finest)
        chip = smoothstep(0.50, 0.64, middle - 0.3 * fine)
        factors *= 1.0 - vein * np.array([[0.38], [0.46], [0.48]])
        factors *= 1.0 - blotch * np.array([[0.30], [0.40], [0.44]])
        factors *= 1.0 - 0.45 * freckle
        factors += chip * np.array([[0.22], [0.26], [0.28]])
        return self._eyes(points, self._border(points, factors))

    def _warped(self, points: Array) -> Array:
        """No face is symmetric: bends of a few millimetres, and wider or narrower."""
        bend = 0.0035 * self.noise(points, 0.11, 8)
        scale = np.array([[self.width], [1.0], [1.0]], dtype=np.float32)
        near_head = smoothstep(-0.20, -0.10, points[1])
        return points / (1.0 + (scale - 1.0) * near_head) + bend * np.array(
            [[1], [0.6], [0]]
        )

    def _face(self, points: Array, half: Array) -> Array:
        solid = shapes.ellipsoid(points, (0, 0.035, -0.012), (0.077, 0.093, 0.098))
        lower = shapes.ellipsoid(points, (0, -0.042, 0.022), (0.060, 0.082, 0.068))
        solid = shapes.union(solid, lower, 0.030)
        jaw = shapes.capsule(
            half, (0.050, -0.070, 0.002), (0.012, -0.104, 0.062), 0.020, 0.020 * self.jaw
        )
        solid = shapes.union(solid, jaw, 0.030)
        chin = shapes.ellipsoid(
            points, (0, -0.106, 0.072), (0.020, 0.017, 0.018 * self.jaw)
        )
        solid = shapes.union(solid, chin, 0.018)
        cheek = shapes.ball(half, (0.044, -0.022, 0.056), 0.024)
        solid = shapes.union(solid, cheek, 0.022)
        brow = shapes.capsule(
            half, (0.010, 0.019, 0.080), (0.050, 0.021, 0.060), 0.011, 0.009
        )
        solid = shapes.union(solid, brow, 0.016)
        solid = shapes.union(solid, self._nose(points, half), 0.010)
        solid = shapes.union(solid, self._lips(points), 0.007)
        return shapes.union(solid, self._ear(half), 0.008)

    def _nose(self, points: Array, half: Array) -> Array:
        length = self.nose
        tip = (0.0, -0.040, 0.086 + 0.015 * length)
        ridge = shapes.capsule(points, (0, 0.016, 0.080), tip, 0.0085, 0.0125)
        wing = shapes.ball(half, (0.0125, -0.045, 0.080 + 0.008 * length), 0.0095)
        nostril = shapes.ball(half, (0.007, -0.0555, 0.084 + 0.009 * length), 0.0050)
        return shapes.without(shapes.union(ridge, wing, 0.008), nostril, 0.004)

    def _lips(self, points: Array) -> Array:
        upper = shapes.ellipsoid(points, (0, -0.0690, 0.0825), (0.025, 0.0062, 0.0120))
        under = shapes.ellipsoid(points, (0, -0.0812, 0.0800), (0.021, 0.0070, 0.0120))
        return shapes.union(upper, under)

    def _ear(self, half: Array) -> Array:
        out = 0.004 * self.ears
        tilt = half - np.array([[0.0], [0.0], [0.15]]) * (half[1] + 0.01)
        disc = shapes.ellipsoid(
            tilt, (0.078 + out, -0.008, -0.010), (0.011, 0.032 * self.ears, 0.020)
        )
        shell = shapes.ellipsoid(
            tilt, (0.090 + out, -0.005, -0.006), (0.009, 0.021, 0.011)
        )
        return shapes.without(disc, shell, 0.004)

    def _carve_eyes(self, solid: Array, half: Array) -> Array:
        socket = shapes.ellipsoid(half, (0.032, -0.004, 0.086), (0.021, 0.014, 0.021))
        carved = shapes.without(solid, socket, 0.012)
        eye = shapes.ball(half, (0.031, -0.005, 0.0590), 0.0135)
        lid = shapes.capsule(half, (0.018, 0.003, 0.069), (0.046, 0.001, 0.061), 0.0045)
        return shapes.union(shapes.union(carved, eye, 0.002), lid, 0.004)

    def _hair(self, points: Array, half: Array) -> Array:
        cap = shapes.ellipsoid(points, (0, 0.043, -0.022), (0.089, 0.101, 0.106))
        face = shapes.ellipsoid(points, (0, -0.040, 0.105), (0.074, 0.112, 0.100))
        temple = shapes.capsule(half, (0.085, -0.07, 0.012), (0.085, 0.004, 0.012), 0.036)
        solid = shapes.without(shapes.without(cap, face, 0.008), temple, 0.010)
        knot = shapes.ball(points, (0, 0.062 + 0.02 * self.bun, -0.135), 0.034 * self.bun)
        solid = shapes.union(solid, knot, 0.010)
        angle = np.arctan2(points[0], points[2] + 0.13)
        waves = np.sin(
            26.0 * angle + 55.0 * points[1] + 2.5 * self.noise(points, 0.03, 9)
        )
        return solid + 0.0022 * waves + 0.0012 * self.noise(points, 0.010, 10)

    def _bust(self, points: Array, half: Array) -> Array:
        wide = self.shoulders
        neck = shapes.capsule(
            points, (0, -0.06, -0.020), (0, -0.21, -0.036), 0.048, 0.056
        )
        throat = shapes.capsule(
            half, (0.036, -0.09, 0.004), (0.010, -0.188, 0.026), 0.011
        )
        slope = shapes.capsule(
            half, (0.030, -0.150, -0.036), (0.135 * wide, -0.218, -0.036), 0.030, 0.040
        )
        chest = shapes.ellipsoid(
            points, (0, -0.290, -0.014), (0.150 * wide, 0.115, 0.092)
        )
        arm = shapes.ellipsoid(
            half, (0.142 * wide, -0.262, -0.034), (0.056, 0.072, 0.064)
        )
        collar = shapes.capsule(
            half, (0.105 * wide, -0.186, -0.02), (0, -0.235, 0.066), 0.009
        )
        torso = shapes.union(shapes.union(chest, arm, 0.04), slope, 0.035)
        torso = np.maximum(shapes.union(torso, collar, 0.012), _BUST_CUT_Y - points[1])
        solid = shapes.union(shapes.union(neck, throat, 0.02), torso, 0.03)
        shaft = shapes.upright_cylinder(points, (0, -0.345, -0.02), 0.050, 0.030)
        plate = shapes.upright_cylinder(
            points, (0, LOWEST_Y + 0.016, -0.02), 0.083, 0.016
        )
        return shapes.union(solid, shapes.union(shaft, plate, 0.014), 0.010)

    def _border(self, points: Array, factors: Array) -> Array:
        """A painted zigzag border on the garment."""
        angle = np.arctan2(points[0], points[2] + 0.02)
        zigzag = np.abs((angle * 30 / np.pi) % 2.0 - 1.0) * 0.016 - 0.286
        band = smoothstep(0.006, 0.003, np.abs(points[1] - zigzag))
        lines = smoothstep(0.003, 0.0015, np.abs(np.abs(points[1] + 0.278) - 0.020))
        mark = np.maximum(band, lines) * (points[1] < -0.24)
        return factors * (1.0 - mark) + mark * factors * np.array([[2.3], [1.9], [1.1]])

    def _eyes(self, points: Array, factors: Array) -> Array:
        """Painted eyes: pale with a dark iris; brows as a dark stroke."""
        half = shapes.mirrored(points)
        ball = (shapes.ball(half, (0.031, -0.005, 0.0590), 0.0146) < 0) * (
            points[2] > 0.058
        )
        off = np.hypot(half[0] - 0.0305 * self.width, points[1] + 0.0055)
        iris = smoothstep(0.0068, 0.0055, off) * ball
        stroke = np.abs(points[1] - 0.0235 - 2.0 * (half[0] - 0.03) * (0.035 - half[0]))
        brow = smoothstep(0.0045, 0.002, stroke) * (half[0] > 0.012) * (half[0] < 0.052)
        brow = brow * (points[2] > 0.05)
        pale = factors * (1.0 - ball) + ball * np.array([[1.25], [1.6], [1.9]])
        return pale * (1.0 - 0.92 * iris) * (1.0 - 0.6 * brow)


def _paint(under: Array, colour: tuple[float, float, float], amount: Array) -> Array:
    """`colour` over `under` with the opacity `amount` (P,)."""
    under = under.reshape(3, -1)
    return under + (np.asarray(colour).reshape(3, 1) - under) * amount


_SKINS = ((0.56, 0.29, 0.19), (0.58, 0.35, 0.24), (0.42, 0.22, 0.14), (0.52, 0.40, 0.30))
_HAIRS = ((0.10, 0.055, 0.04), (0.20, 0.09, 0.04), (0.06, 0.06, 0.08), (0.34, 0.20, 0.08))
_CLOTHS = ((0.10, 0.20, 0.30), (0.11, 0.24, 0.15), (0.30, 0.09, 0.12), (0.30, 0.24, 0.12))


def random_head(rng: np.random.Generator) -> Head:
    """A bust with random proportions and colours."""
    return Head(
        width=rng.uniform(0.94, 1.06),
        jaw=rng.uniform(0.85, 1.15),
        nose=rng.uniform(0.8, 1.25),
        ears=rng.uniform(0.9, 1.15),
        bun=rng.uniform(0.6, 1.1),
        shoulders=rng.uniform(0.92, 1.06),
        skin_rgb=_SKINS[rng.integers(len(_SKINS))],
        hair_rgb=_HAIRS[rng.integers(len(_HAIRS))],
        cloth_rgb=_CLOTHS[rng.integers(len(_CLOTHS))],
        noise=Noise3D(int(rng.integers(2**31))),
    )
