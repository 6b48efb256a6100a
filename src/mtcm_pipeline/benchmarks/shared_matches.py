"""Photographs whose poses are judged again and again: all that does not depend on poses
is computed once.

Dimension letters: N posed frames in order of their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.benchmarks.captures import loaders, read_reference
from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import match_to_images
from mtcm_pipeline.capture_import import FoundCapture
from mtcm_pipeline.encoders.preprocessing import squeeze_to_square
from mtcm_pipeline.encoders.registry import Encoder
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.progress import progress_shown
from mtcm_pipeline.twoview.evidence import time_order
from mtcm_pipeline.twoview.extraction import features_of_frames
from mtcm_pipeline.twoview.features import Features
from mtcm_pipeline.twoview.frame_evidence import frame_evidence
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pairs import candidate_pairs
from mtcm_pipeline.twoview.rays import frame_rays
from mtcm_pipeline.twoview.table import pair_table
from mtcm_pipeline.twoview.verification import verify_pairs

Float = NDArray[np.float64]


@dataclass(frozen=True)
class KnownPhotographs:
    """What the photographs of N frames show, whatever their poses.

    Attributes:
        cameras: the given poses, in order of the names.
        features: by image name.
        embeddings: (N, E), rows as the cameras; None goes without.
        feature_cpu_s: CPU s an image.
        embedding_cpu_s: CPU s an image.
    """

    cameras: PosedCameras
    features: dict[str, Features]
    embeddings: Float | None
    feature_cpu_s: float = np.nan
    embedding_cpu_s: float = np.nan


@dataclass(frozen=True)
class Judgement:
    """What was said of several sets of poses.

    Attributes:
        frames: a table as of `frame_evidence` for each set.
        pairs: pairs that were matched for all together.
        pair_cpu_s: CPU s a pair.
    """

    frames: tuple[pd.DataFrame, ...]
    pairs: int
    pair_cpu_s: float


def photographs_of(
    found: FoundCapture, encoder: Encoder, options: TwoViewOptions
) -> KnownPhotographs:
    """Features and embeddings of all frames that have a pose."""
    given = read_reference(found)
    cameras = given.subset([given.names[row] for row in time_order(given.names, None)])
    images, masks = loaders(found.images), loaders(found.masks)
    by_image = match_to_images(masks, tuple(images)).by_image
    sizes = {name: cameras.camera_of(name).size for name in cameras.names}
    begun = cpu_seconds()
    with progress_shown() as show:
        features = features_of_frames(
            cameras.names,
            images,
            {image: masks[name] for image, name in by_image.items()},
            sizes,
            options,
            on_progress=show,
        ).by_name
    found_features = cpu_seconds()
    embeddings = _embeddings(images, cameras, encoder)
    n = len(cameras)
    return KnownPhotographs(
        cameras,
        features,
        embeddings,
        (found_features - begun) / n,
        (cpu_seconds() - found_features) / n,
    )


def judge_all(
    known: KnownPhotographs, poses: Sequence[PosedCameras], options: TwoViewOptions
) -> Judgement:
    """What `twoview.evidence.judge_poses` says of each set, every pair matched once.

    Args:
        known: the photographs.
        poses: sets of poses of its frames, in its order.
        options: the settings.
    """
    rays = {
        row: frame_rays(known.features[name], known.cameras.camera_of(name))
        for row, name in enumerate(known.cameras.names)
        if name in known.features
    }
    candidates = [candidate_pairs(c, known.embeddings, options) for c in poses]
    needed = sorted({(p.first, p.second) for pairs in candidates for p in pairs})
    begun = cpu_seconds()
    with progress_shown() as show:
        verified = verify_pairs(needed, rays, options, on_progress=show)
    spent = cpu_seconds() - begun
    frames = tuple(
        frame_evidence(pair_table(pairs, verified, c, options), c.names, options)
        for pairs, c in zip(candidates, poses, strict=True)
    )
    return Judgement(frames, len(verified), spent / max(len(verified), 1))


def _embeddings(images: FileLoaders, cameras: PosedCameras, encoder: Encoder) -> Float:
    """(N, E), every photograph squeezed as soon as it is decoded."""
    squares = []
    for name in cameras.names:
        rgb = decode_image(images[name](), name, cameras.camera_of(name).size).rgb
        squares.append(squeeze_to_square(rgb, encoder.side_px))
    return np.asarray(encoder.encode(squares), dtype=np.float64)
