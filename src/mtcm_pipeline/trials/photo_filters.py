"""Filters that look at photographs and poses: simple checks, and the project's judge.

Dimension letters: N frames of the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.ingest.quality import relative_to_neighbours
from mtcm_pipeline.trials.filters import Verdict, keep_where
from mtcm_pipeline.trials.selectors import sharpness_by_name

if TYPE_CHECKING:
    from mtcm_pipeline.judge.matched import MatchMemory

Float = NDArray[np.float64]

_WRONG = "wrong"


def sharp_and_verified(
    photos: PosedPhotos, embeddings: Float, memory: MatchMemory
) -> Verdict:
    """Drop frames blurred beside their neighbours, and those with a wrong pose.

    Blurred is what `ScoreOptions.blur_limit` says, at its default.

    Args:
        photos: the pool, N frames in order of time.
        embeddings: (N, D), for candidate pairs.
        memory: matches that are known already; it grows.
    """
    from mtcm_pipeline.judge.matched import match_photos
    from mtcm_pipeline.judge.photo_facts import photo_key
    from mtcm_pipeline.twoview.options import TwoViewOptions

    keys = {n: photo_key(photos.images[n], photos.masks.get(n)) for n in photos.names}
    found = match_photos(photos, embeddings, keys, memory, TwoViewOptions(workers=0))
    frames = found.frames.set_index("name").reindex(photos.names)
    doubt = frames["pose_doubt"].to_numpy(dtype=np.float64)
    blurred = _log_sharpness(photos) < np.log(ScoreOptions().blur_limit)
    keep = ~blurred & (frames["pose_verdict"] != _WRONG).to_numpy()
    return keep_where(photos.names, keep.tolist(), np.where(keep, 1 - doubt, 0).tolist())


def judged_sound(
    photos: PosedPhotos, memory: MatchMemory, store: ContentStore | None
) -> Verdict:
    """What the project's own filter keeps, at its usual threshold.

    Args:
        photos: the pool, N frames in order of time.
        memory: matches that are known already; it grows.
        store: keeps what is known about photographs between runs.
    """
    from mtcm_pipeline.judge.capture_evidence import gather
    from mtcm_pipeline.judge.checkpoint import load_judge
    from mtcm_pipeline.judge.observations import observe
    from mtcm_pipeline.judge.verdicts import judged_frames

    options = ScoreOptions()
    evidence = gather(photos, memory, store=store)
    table = judged_frames(
        load_judge(options.judge), observe(evidence), evidence,
        options.max_good_lost_percent,
    ).set_index("name").reindex(photos.names)  # fmt: skip
    return keep_where(
        photos.names,
        (~table["faulty"].astype(bool)).tolist(),
        (1.0 - table["fault_probability"]).tolist(),
    )


def _log_sharpness(photos: PosedPhotos) -> Float:
    """(N) logarithm of sharpness over that of the pose neighbours; 0 where unknown."""
    sharpness = sharpness_by_name(photos)
    relative = relative_to_neighbours(
        np.array([sharpness[name] for name in photos.names]),
        photos.cameras.centres_xyz,
        photos.cameras.viewing_directions,
        np.arange(len(photos), dtype=np.float64),
    )
    return np.nan_to_num(relative)
