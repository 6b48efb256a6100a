"""Made-up evidence for the judge's tests: an orbit of cameras and its pair table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.photo_facts import NUMBERS
from mtcm_pipeline.twoview.table import PairRow


def orbit(n: int) -> np.ndarray:
    """(n, 4, 4) world_from_cam on a ring of radius 1 that looks at the origin."""
    poses = np.tile(np.eye(4), (n, 1, 1))
    for row, angle in enumerate(np.linspace(0, 2 * np.pi, n, endpoint=False)):
        centre = np.array([np.cos(angle), np.sin(angle), 0.2])
        forward = -centre / np.linalg.norm(centre)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        poses[row, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        poses[row, :3, 3] = centre
    return poses


def agreeing_pairs(names, reach: int = 3) -> pd.DataFrame:
    """Every frame with the next ones, all in agreement with the poses."""
    n = len(names)
    rows = []
    for i in range(n):
        for j in range(i + 1, min(i + 1 + reach, n)):
            rows.append(
                PairRow(
                    names[i], names[j], "pose+time", 100, 80, True, 1.0, 0.9, 0.4, 0.38,
                    0.0, 0.2, 1.0, 8.0, 7.0 * (j - i), 0.1, -0.1, 0.05,
                    "#" + "f" * 16, "#" + "f" * 16,
                )
            )  # fmt: skip
    return pd.DataFrame([vars(row) for row in rows])


def evidence_of(n: int = 24, seed: int = 0, masks: bool = True) -> CaptureEvidence:
    """A sound capture whose numbers vary a little."""
    rng = np.random.default_rng(seed)
    names = tuple(f"f{row:03d}.jpg" for row in range(n))
    poses = orbit(n)
    directions = rng.normal(size=(3, 384))
    looks = poses[:, :3, 3] @ directions + 0.05 * rng.normal(size=(n, 384)) + 3.0
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    numbers = np.exp(rng.normal(-1.0, 0.05, (n, len(NUMBERS))))
    numbers[:, NUMBERS.index("detail_xy")] = 0.0
    cells = rng.uniform(0, 1, (n, 14, 14)) if masks else np.full((n, 14, 14), np.nan)
    patches = rng.normal(size=(14, 14, 152)) + 0.1 * rng.normal(size=(n, 14, 14, 152))
    patches /= np.linalg.norm(patches, axis=3, keepdims=True)
    return CaptureEvidence(
        names=names,
        world_from_cam=poses,
        times=np.arange(n) / (n - 1),
        numbers=numbers,
        small=rng.uniform(size=(n, 32, 32)),
        mask_cells=cells,
        embeddings=looks,
        patches=patches.astype(np.float16),
        pairs=agreeing_pairs(names),
        frames=pd.DataFrame(
            {"name": names, "features": 500.0, "feature_cells": "#" + "f" * 16}
        ),
    )
