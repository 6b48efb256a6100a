"""Pairs of in-memory photographs: matched once, judged under any poses.

Which features two photographs share does not depend on the poses; only the agreement
with them does. So many faulty versions of one capture cost little more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.twoview.evidence import TwoViewEvidence, feature_cells
from mtcm_pipeline.twoview.features import Features, find_features
from mtcm_pipeline.twoview.frame_evidence import frame_evidence
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pairs import candidate_pairs
from mtcm_pipeline.twoview.rays import FrameRays, frame_rays
from mtcm_pipeline.twoview.table import pair_table
from mtcm_pipeline.twoview.verification import Rows, VerifiedPair, verify_pairs

Float = NDArray[np.float64]


@dataclass
class MatchMemory:
    """Features by photograph and matches by pair of photographs, while a process lives.

    Attributes:
        features: by content key of photograph and mask.
        pairs: by the content keys of both photographs and their cameras.
    """

    features: dict[str, Features] = field(default_factory=dict)
    pairs: dict[tuple[str, str], VerifiedPair] = field(default_factory=dict)


def match_photos(
    photos: PosedPhotos,
    embeddings: Float,
    keys: Mapping[str, str],
    memory: MatchMemory,
    options: TwoViewOptions,
) -> TwoViewEvidence:
    """As `twoview.evidence.two_view_evidence`, from photographs in memory.

    Args:
        photos: N posed photographs in order of time.
        embeddings: (N, E), rows as the frames.
        keys: content key of each photograph (`photo_facts.photo_key`) by frame name.
        memory: what is known already; it grows.
        options: parameters.
    """
    cameras = photos.cameras
    features = {name: _features(photos, name, keys[name], memory, options)
                for name in photos.names}  # fmt: skip
    rays: dict[int, FrameRays] = {
        row: frame_rays(features[name], cameras.camera_of(name))
        for row, name in enumerate(photos.names)
    }
    candidates = candidate_pairs(cameras, embeddings, options)
    ends = [f"{keys[name]}@{cameras.camera_of(name)}" for name in photos.names]
    unknown = [
        (pair.first, pair.second)
        for pair in candidates
        if (ends[pair.first], ends[pair.second]) not in memory.pairs
    ]
    for (i, j), pair in verify_pairs(unknown, rays, options).items():
        memory.pairs[ends[i], ends[j]] = pair
    verified: dict[Rows, VerifiedPair] = {
        (c.first, c.second): memory.pairs[ends[c.first], ends[c.second]]
        for c in candidates
    }
    pairs = pair_table(candidates, verified, cameras, options)
    frames = frame_evidence(pairs, cameras.names, options).assign(
        features=[len(features[name]) for name in photos.names],
        feature_cells=[feature_cells(features[name]) for name in photos.names],
    )
    return TwoViewEvidence(pairs, frames)


def _features(
    photos: PosedPhotos,
    name: str,
    key: str,
    memory: MatchMemory,
    options: TwoViewOptions,
) -> Features:
    if key not in memory.features:
        grey = np.array(Image.fromarray(photos.images[name]).convert("L"))
        mask = photos.masks.get(name)
        mask = mask if mask is not None and mask.any() else None
        memory.features[key] = find_features(grey, mask, options)
    return memory.features[key]
