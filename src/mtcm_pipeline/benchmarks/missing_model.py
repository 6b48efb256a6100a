"""A model for each rest of a capture, at the price of a second: no weight is trained.

The prior's hyperparameters and the gates are those of the rest, the transformer's weights
the ones that every training starts from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.missing.foresight import Foresight
from mtcm_pipeline.missing.model_foresight import foresight_of
from mtcm_pipeline.mtcm.results import TrainedMtcm
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import Tokens

# Names of the frames that are left -> what a model of them foresees.
Foreseer = Callable[[tuple[str, ...]], Foresight]


def foreseer(photos: PosedPhotos) -> Foreseer:
    """Models of any part of a capture; the photographs are embedded once, when asked."""

    @cache
    def embeddings() -> NDArray[np.float64]:
        from mtcm_pipeline.encoders.registry import load_encoder

        images = [photos.images[name] for name in photos.names]
        encoder = load_encoder("efficientnet_lite0")
        return np.asarray(encoder.encode(images), dtype=np.float64)

    def foresee(names: tuple[str, ...]) -> Foresight:
        tokens = _tokens_of(photos, embeddings(), names)
        return foresight_of(
            untrained_model(tokens), tokens, np.ones(len(tokens), dtype=bool)
        )

    return foresee


def untrained_model(tokens: Tokens) -> TrainedMtcm:
    """The kernel prior of a capture under the weights that a training starts from."""
    from mtcm_pipeline.mtcm.fold_prediction import with_gates
    from mtcm_pipeline.mtcm.lessons import capture_choices
    from mtcm_pipeline.mtcm.options import TrainOptions
    from mtcm_pipeline.mtcm.prior import PARTS, FittedPrior
    from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
    from mtcm_pipeline.mtcm.start import starting_weights
    from mtcm_pipeline.tokens.standardise import Standardiser

    options = TrainOptions()
    model = ResidualMtcm(options)
    start = starting_weights(options)
    if start is not None:
        model.load_state_dict(start)
    prior = FittedPrior(capture_choices(tokens, options), dict.fromkeys(PARTS, 1.0))
    trained = TrainedMtcm(
        model.eval(), Standardiser.fit(tokens), options, pd.DataFrame(), prior
    )
    return with_gates(trained, tokens)


def _tokens_of(
    photos: PosedPhotos, embeddings: NDArray[np.float64], names: tuple[str, ...]
) -> Tokens:
    rows, kept = [], set(names)
    for name in photos.names:
        if name not in kept:
            continue
        camera = photos.cameras.camera_of(name)
        mask = photos.masks.get(name)
        rows.append(
            {
                "name": name,
                "width": camera.width,
                "height": camera.height,
                "timestamp_s": photos.seconds.get(name, np.nan),
                "mask_area": np.nan if mask is None else float(mask.mean()),
                "focal_px": camera.params[0],
            }
        )
    picked = [row for row, name in enumerate(photos.names) if name in kept]
    cameras = photos.cameras.subset([photos.names[row] for row in picked])
    return build_tokens(pd.DataFrame(rows), embeddings[picked], cameras)[0]
