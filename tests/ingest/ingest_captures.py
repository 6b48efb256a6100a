"""Small captures in memory: photographs, masks, embeddings and poses as bytes."""

from __future__ import annotations

import io

import numpy as np
from PIL import ExifTags, Image

from mtcm_pipeline.capture.cameras import Camera, PosedCameras
from mtcm_pipeline.encoders.preprocessing import squeeze_to_square
from mtcm_pipeline.formats.reading import PoseReading

WIDTH, HEIGHT = 96, 64


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3) uint8: coloured blocks of 8 px with a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (height // 8, width // 8, 3))
    full = np.kron(coarse, np.ones((8, 8, 1))) + rng.normal(0, 4, (height, width, 3))
    return np.clip(full, 0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def with_exif(pixels: np.ndarray, **tags) -> bytes:
    """A JPEG with these EXIF tags by PIL's names."""
    exif = Image.Exif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    for name, value in tags.items():
        where = exif if name in {"Orientation", "DateTime"} else inner
        where[ExifTags.Base[name]] = value
    return encoded(pixels, "JPEG", quality=95, subsampling=0, exif=exif)


def npy(array: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def loaders(contents: dict[str, bytes]) -> dict:
    return {name: (lambda data=data: data) for name, data in contents.items()}


def pictures(count: int) -> dict[str, bytes]:
    return {f"f_{i}.png": encoded(picture(i)) for i in range(count)}


def reading(
    names, *, width: int = WIDTH, height: int = HEIGHT, problems=None, points=None
) -> PoseReading:
    """Cameras on a line along x, looking along z; focal lengths 100 and 110 px."""
    poses = np.tile(np.eye(4), (len(names), 1, 1))
    poses[:, 0, 3] = -np.arange(len(names))
    params = (100.0, 110.0, width / 2, height / 2, 0.1, 0.0, 0.0, 0.0)
    camera = Camera("OPENCV", width, height, params)
    posed = PosedCameras(tuple(names), poses, (4,) * len(names), {4: camera}, "test.json")
    return PoseReading(posed, points, problems or {}, ())


class MeanColourEncoder:
    """An encoder that can be worked out by hand, and that counts its calls."""

    name = "mean_colour"
    side_px = 32

    def __init__(self, seed: int = 0) -> None:
        self.directions = np.random.default_rng(seed).normal(size=(3, 384))
        self.batches: list[int] = []

    def encode(self, images):
        self.batches.append(len(images))
        means = [squeeze_to_square(i, 32).reshape(-1, 3).mean(axis=0) for i in images]
        vectors = np.array(means) @ self.directions
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / lengths).astype(np.float32)
