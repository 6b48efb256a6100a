"""Subjects of the generated captures that the judge is trained on, no two alike.

Heads and jars of `sample`, figures melted from balls, frames of thin bars; with rich or
poor paint, dull or glossy. A highlight moves over the surface with the camera, which is
what makes photographs of glossy things match badly.

Same frame as `sample.head` (x left, y up, z forward, metres). Dimension letter: P points.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.sample import shapes
from mtcm_pipeline.sample.head import random_head
from mtcm_pipeline.sample.noise import Noise3D, smoothstep
from mtcm_pipeline.sample.surface import LIGHT_TO, Solid, Surface, build_surface
from mtcm_pipeline.sample.vase import random_vase

Array = NDArray[np.floating[Any]]
Triple = tuple[float, float, float]

_LOWER, _UPPER = (-0.27, -0.408, -0.27), (0.27, 0.19, 0.27)


@dataclass(frozen=True)
class Part:
    """A bar with round ends, or a ball where both ends are one.

    Attributes:
        start: (3,) metres.
        end: (3,) metres.
        radius: metres.
        colour: linear reflectance.
    """

    start: Triple
    end: Triple
    radius: float
    colour: Triple

    def distance(self, points: Array) -> Array:
        """(P,) signed distance of (3, P) points."""
        if self.start == self.end:
            return shapes.ball(points, self.start, self.radius)
        return shapes.capsule(points, self.start, self.end, self.radius)


@dataclass(frozen=True)
class Assembly:
    """Parts that melt into each other, with spots and grain painted on.

    Attributes:
        parts: at least one.
        blend_m: within which they melt together.
        noise: of the paint.
        spots_m: size of the spots.
    """

    parts: tuple[Part, ...]
    blend_m: float
    noise: Noise3D
    spots_m: float
    lower: Triple = _LOWER
    upper: Triple = _UPPER

    def distance(self, points: Array) -> Array:
        """(P,) signed distance of (3, P) points, metres, negative inside."""
        solid = self.parts[0].distance(points)
        for part in self.parts[1:]:
            solid = shapes.union(solid, part.distance(points), self.blend_m)
        return solid

    def base_colour(self, points: Array) -> Array:
        """(3, P) linear reflectance of the nearest part."""
        nearest = np.stack([part.distance(points) for part in self.parts]).argmin(axis=0)
        return np.array([part.colour for part in self.parts])[nearest].T

    def detail(self, points: Array) -> Array:
        """(3, P) factors of fine paint: spots, cracks and grain."""
        spots = smoothstep(0.15, 0.3, self.noise(points, self.spots_m, 0))
        cracks = smoothstep(0.08, 0.0, np.abs(self.noise(points, 0.014, 1)))
        fine = 1.0 + 0.25 * self.noise(points, 0.006, 2) + 0.15 * self.noise(
            points, 0.0035, 3
        )  # fmt: skip
        tone = (1.0 - 0.45 * cracks) * fine
        return np.stack([tone * (1 + 0.9 * spots), tone, tone * (1 - 0.5 * spots)])


@dataclass(frozen=True)
class Repainted:
    """Another solid whose fine paint is weaker or stronger.

    Attributes:
        solid: the shape.
        strength: exponent of its paint; 0 is plain, 1 as it was.
    """

    solid: Solid
    strength: float

    @property
    def lower(self) -> Triple:
        """(3,) corner of a box that holds it, metres."""
        return self.solid.lower

    @property
    def upper(self) -> Triple:
        """(3,) opposite corner."""
        return self.solid.upper

    def distance(self, points: Array) -> Array:
        """(P,) signed distance."""
        return self.solid.distance(points)

    def base_colour(self, points: Array) -> Array:
        """(3, P) linear reflectance."""
        return self.solid.base_colour(points)

    def detail(self, points: Array) -> Array:
        """(3, P) factors of fine paint."""
        return np.maximum(self.solid.detail(points), 0.02) ** self.strength


@dataclass(frozen=True)
class GlossySurface(Surface):
    """A surface with a highlight (Blinn 1977), as seen from one place.

    Attributes:
        gloss: height of the highlight over white.
        hardness: exponent; the larger, the smaller the highlight.
        viewer: (3, 1) the camera's centre, metres.
        lamp: (3, 1) unit vector to the lamp that makes the highlight.
    """

    gloss: float = 0.0
    hardness: float = 30.0
    viewer: Array | None = None
    lamp: Array | None = None

    def colour(self, points: Array) -> Array:
        """(3, P) linear radiance at points of the surface."""
        matt = super().colour(points)
        if self.gloss <= 0.0 or self.viewer is None or points.shape[1] == 0:
            return matt
        to_viewer = _unit(self.viewer - points)
        lamp = LIGHT_TO.reshape(3, 1) if self.lamp is None else self.lamp
        half = _unit(to_viewer + lamp)
        facing = np.maximum((self.normals(points) * half).sum(axis=0), 0.0)
        return matt + self.gloss * facing**self.hardness

    def seen_from(self, centre: Array, *, lamp_at_camera: bool) -> GlossySurface:
        """The surface as a camera at (3,) `centre` sees it."""
        viewer = np.asarray(centre, dtype=np.float64).reshape(3, 1)
        lamp = _unit(viewer) if lamp_at_camera else None
        return replace(self, viewer=viewer, lamp=lamp)


def random_subject(rng: np.random.Generator, voxel_m: float) -> GlossySurface:
    """A subject of any family, paint and gloss."""
    draw = (random_head, random_vase, _random_figure, _random_frame)
    solid = draw[rng.choice(4, p=(0.25, 0.15, 0.35, 0.25))](rng)
    surface = build_surface(Repainted(solid, float(rng.uniform(0.25, 1.1))), voxel_m)
    known = {field.name: getattr(surface, field.name) for field in fields(surface)}
    gloss = float(rng.uniform(0.1, 0.9)) if rng.random() < 0.5 else 0.0
    return GlossySurface(
        **known, gloss=gloss, hardness=float(np.exp(rng.uniform(2.0, 4.5)))
    )


def _random_figure(rng: np.random.Generator) -> Assembly:
    """Balls and thick bars melted into one lump that stands on the pedestal."""
    place = np.array([0.0, -0.3, 0.0])
    parts = []
    for _ in range(int(rng.integers(5, 10))):
        end = place + rng.normal(0.0, (0.09, 0.08, 0.09))
        end = np.clip(end, (-0.17, -0.33, -0.17), (0.17, 0.1, 0.17))
        radius = float(rng.uniform(0.03, 0.075))
        parts.append(Part(_triple(place), _triple(end), radius, _random_colour(rng)))
        place = end if rng.random() < 0.6 else place
    return Assembly(
        tuple(parts),
        float(rng.uniform(0.005, 0.05)),
        Noise3D(int(rng.integers(2**31))),
        float(rng.uniform(0.012, 0.05)),
    )


def _random_frame(rng: np.random.Generator) -> Assembly:
    """Thin bars between the corners of a crooked box, like a chair or a lamp."""
    wide, deep = rng.uniform(0.1, 0.2, 2)
    levels = np.sort(rng.uniform(-0.38, 0.13, 3))
    corners = [(x, z) for x in (-wide, wide) for z in (-deep, deep)]
    colours = [_random_colour(rng) for _ in range(3)]
    radius = float(rng.uniform(0.009, 0.022))
    ends = []
    for x, z in corners:
        top = levels[int(rng.integers(1, 3))]
        ends.append(((x, levels[0], z), (x * rng.uniform(0.7, 1.1), top, z)))
    for level in levels[1:]:
        for one, other in ((0, 1), (1, 3), (3, 2), (2, 0), (0, 3)):
            (ax, az), (bx, bz) = corners[one], corners[other]
            if rng.random() < 0.8:
                ends.append(((ax, level, az), (bx, level, bz)))
    parts = [
        Part(
            _triple(np.array(a)),
            _triple(np.array(b)),
            radius,
            colours[int(rng.integers(3))],
        )
        for a, b in ends
    ]
    noise = Noise3D(int(rng.integers(2**31)))
    return Assembly(tuple(parts), 0.004, noise, float(rng.uniform(0.01, 0.03)))


def _random_colour(rng: np.random.Generator) -> Triple:
    colour = rng.uniform(0.06, 0.7, 3)
    return _triple(colour.mean() + rng.uniform(0.2, 1.0) * (colour - colour.mean()))


def _triple(values: Array) -> Triple:
    x, y, z = np.asarray(values, dtype=np.float64).tolist()
    return (x, y, z)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=0), 1e-9)
