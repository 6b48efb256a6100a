"""Hidden fields predicted by the MTCM and by simple regressors, measured.

A fifth of a capture's frames is hidden, at random or as one viewing sector, in one field
at a time or whole; every method predicts them from the rest. Captures are taken in their
order and with their times shuffled, as a pile of photographs without any.

Dimension letters: N frames, F = 5 fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import PARTS
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
from mtcm_pipeline.mtcm.residual_prediction import MtcmPredictor, ask
from mtcm_pipeline.mtcm.start import starting_weights
from mtcm_pipeline.mtcm.tasks import take
from mtcm_pipeline.mtcm.trained_alone import PlainAlone, ResidualAlone
from mtcm_pipeline.regressors.registry import Prediction, Predictor, simple_predictors
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import (
    CENTRE,
    FIELD_SLICES,
    FIELDS,
    QUATERNION,
    Tokens,
)

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Embed = Callable[[list[NDArray[np.uint8]]], NDArray[np.float32]]

HIDDEN_SHARE = 0.2
PRIOR, MTCM = "kernel prior", "MTCM"
# Fields hidden together: one at a time, and whole frames.
KINDS: dict[str, tuple[str, ...]] = {
    "embedding": ("embedding",),
    "pose": ("pose",),
    "scalars": ("timestamp", "mask_area", "focal"),
    "frame": FIELDS,
}


@dataclass(frozen=True)
class HiddenTokenRow:
    """One measure of one prediction.

    Attributes:
        capture: its name.
        ordered: whether the frames' order was known.
        mask: `random` or `sector`.
        seed: of the mask, and of the shuffled times.
        hidden: which fields were hidden, a key of `KINDS`.
        method: that predicted.
        measure: embedding R2 or cosine, position, rotation, or a scalar.
        value: of the measure.
    """

    capture: str
    ordered: bool
    mask: str
    seed: int
    hidden: str
    method: str
    measure: str
    value: float


def tokens_of_photos(photos: PosedPhotos, embed: Embed) -> Tokens:
    """Tokens of a posed capture, embedded from its photographs."""
    rows = []
    for name in photos.names:
        camera = photos.cameras.camera_of(name)
        mask = photos.masks.get(name)
        area = np.nan if mask is None else float(mask.mean())
        seconds = photos.seconds.get(name, np.nan)
        focal = camera.params[0]
        rows.append((name, camera.width, camera.height, seconds, area, focal))
    columns = ["name", "width", "height", "timestamp_s", "mask_area", "focal_px"]
    frames = pd.DataFrame(rows, columns=columns)
    embeddings = embed([photos.images[name] for name in photos.names])
    return build_tokens(frames, embeddings, photos.cameras)[0]


def without_order(tokens: Tokens, seed: int) -> Tokens:
    """The frames as a pile: times drawn at random, timestamps absent."""
    rng = np.random.default_rng([seed, 11])
    values, present = tokens.values.copy(), tokens.present.copy()
    values[:, FIELD_SLICES["timestamp"]] = np.nan
    present[:, FIELDS.index("timestamp")] = False
    times = rng.permutation(len(tokens)) / max(len(tokens) - 1, 1)
    return Tokens(tokens.names, values, present, times)


def hidden_frames(tokens: Tokens, mask: str, seed: int) -> Bool:
    """(N,) a fifth of the frames: at random, or neighbours in azimuth."""
    rng = np.random.default_rng(seed)
    n, count = len(tokens), round(HIDDEN_SHARE * len(tokens))
    hidden = np.zeros(n, dtype=bool)
    if mask == "random":
        hidden[rng.choice(n, count, replace=False)] = True
    else:
        centres = tokens.values[:, CENTRE]
        around = np.argsort(np.arctan2(centres[:, 1], centres[:, 0]), kind="stable")
        hidden[np.roll(around, -int(rng.integers(n)))[:count]] = True
    return hidden


def measures(tokens: Tokens, hidden: Bool, found: Prediction) -> dict[str, float]:
    """What a prediction is worth, field by field.

    Args:
        tokens: the truth.
        hidden: (N, F).
        found: the prediction.
    """
    of: dict[str, float] = {}
    hidden = hidden & tokens.present
    for column, field in enumerate(FIELDS):
        rows = hidden[:, column]
        shown = tokens.present[:, column] & ~rows
        if not rows.any() or not shown.any():
            continue
        if field == "embedding":
            of |= _of_embeddings(tokens, rows, shown, found)
        elif field == "pose":
            of |= _of_poses(tokens, rows, found)
        else:
            values = tokens.field(field)[:, 0]
            predicted = found.values[:, FIELD_SLICES[field]][:, 0]
            unit = float(values[shown].std())
            if unit > 1e-3 * abs(float(values[shown].mean())):
                missed = np.abs(predicted - values)[rows]
                of[field] = float(np.median(missed)) / unit
    return of


def _of_embeddings(
    tokens: Tokens, rows: Bool, shown: Bool, found: Prediction
) -> dict[str, float]:
    """R2 and cosine about the mean of the shown: what the mean says counts as nothing."""
    truth = tokens.field("embedding")
    middle = truth[shown].mean(axis=0)
    predicted = found.values[rows, FIELD_SLICES["embedding"]] - middle
    wanted = truth[rows] - middle
    missed = ((wanted - predicted) ** 2).sum()
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(predicted, axis=1)
    cosines = (wanted * predicted).sum(axis=1) / np.maximum(lengths, 1e-12)
    return {
        "embedding R2": float(1.0 - missed / (wanted**2).sum()),
        "embedding cosine": float(cosines.mean()),
    }


def _of_poses(tokens: Tokens, rows: Bool, found: Prediction) -> dict[str, float]:
    apart = found.values[rows, CENTRE] - tokens.values[rows, CENTRE]
    angles = rotation_angle_deg(
        matrix_from_quat(found.values[rows, QUATERNION]),
        matrix_from_quat(tokens.values[rows, QUATERNION]),
    )
    return {
        "position": float(np.median(np.linalg.norm(apart, axis=1))),
        "rotation": float(np.median(angles)),
    }


def evaluation_rows(
    captures: Mapping[str, Tokens], seeds: int, weights: str, *, alone: bool = False
) -> Iterator[HiddenTokenRow]:
    """Every method on every capture, mask and seed.

    Args:
        captures: tokens by name.
        seeds: masks of each kind.
        weights: of the residual, as `train.init`.
        alone: also transformers that are trained on nothing but what is shown of the
            capture, half a minute a question; in order, one field hidden, only.
    """
    methods = _methods(weights)
    also = {each.name: each for each in _trained_alone()} if alone else {}
    for seed, name, ordered in product(range(seeds), captures, (True, False)):
        tokens = captures[name] if ordered else without_order(captures[name], seed)
        for mask, kind, hidden in _settings(tokens, seed):
            setting = (name, ordered, mask, seed, kind)
            asked = ordered and kind in ("embedding", "pose")
            used = methods | also if asked else methods
            for method, of in _solved(used, tokens, hidden):
                for measure, value in of.items():
                    yield HiddenTokenRow(*setting, method, measure, value)


def _settings(tokens: Tokens, seed: int) -> Iterator[tuple[str, str, Bool]]:
    """Every mask, what is hidden by it, and the (N, F) hidden entries."""
    for mask in ("random", "sector"):
        frames = hidden_frames(tokens, mask, seed)
        for kind, fields in KINDS.items():
            hidden = np.zeros_like(tokens.present)
            columns = np.array([FIELDS.index(field) for field in fields])
            hidden[np.ix_(frames, columns)] = True
            if (hidden & tokens.present).any():
                yield mask, kind, hidden


def _solved(
    methods: Mapping[str, Predictor], tokens: Tokens, hidden: Bool
) -> Iterator[tuple[str, dict[str, float]]]:
    """The measures of every method; the MTCM and its prior share their question."""
    order = np.argsort(tokens.times, kind="stable")
    ordered, hidden = take(tokens, order), hidden[order]
    question = ask(ordered, hidden)
    for name, method in methods.items():
        if isinstance(method, MtcmPredictor):
            found = method.answer(question)
        else:
            found = method.predict(ordered, hidden)
        yield name, measures(ordered, hidden, found)


def _trained_alone() -> list[Predictor]:
    return [PlainAlone(TrainOptions()), ResidualAlone(TrainOptions())]


def _methods(weights: str) -> dict[str, Predictor]:
    """Predictors by name: the simple ones, the prior, and the MTCM on it."""
    options = TrainOptions(init=weights)
    model = ResidualMtcm(options)
    start = starting_weights(options)
    if start is not None:
        model.load_state_dict(start)
    closed, open_ = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 1.0)
    return {
        **simple_predictors(),
        PRIOR: MtcmPredictor(model.eval(), PRIOR, closed),
        MTCM: MtcmPredictor(model),
        "MTCM, no gate": MtcmPredictor(model, "MTCM, no gate", open_),
    }
