"""Hidden fields predicted by the MTCM and by simple regressors.

    python -m mtcm_pipeline.benchmarks.hidden_token_benchmark CAPTURE_FOLDER... \
        --out table.csv

20 % of a capture's frames are hidden, at random or as one viewing sector, in one field
at a time or whole; every method predicts them from the rest. Captures are measured in
their order and with their times shuffled, as a pile of photographs without any. The
generated sample, without its planted faults, is measured too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtcm_pipeline.benchmarks.captures import load_photos, sample_photos
from mtcm_pipeline.benchmarks.rows import write_as_known
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.rotations import matrix_from_quat, rotation_angle_deg
from mtcm_pipeline.regressors.registry import Prediction, simple_predictors
from mtcm_pipeline.sample.options import SampleOptions
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import CENTRE, FIELDS, QUATERNION, Tokens

log = logging.getLogger(__name__)

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
# Measures that are better when larger; the others are errors.
_LARGER = ("embedding R2", "embedding cosine")
_UNITS = {
    "position": "median camera distances, median",
    "rotation": "degrees, median",
    "timestamp": "standard deviations of the shown, median",
    "mask_area": "standard deviations of the shown, median",
    "focal": "standard deviations of the shown, median",
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
    values[:, -3], present[:, FIELDS.index("timestamp")] = np.nan, False
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
            predicted = found.values[:, 391 + column - 2]
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
    wanted, predicted = truth[rows] - middle, found.values[rows, :384] - middle
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


def benchmark_rows(
    captures: Mapping[str, Tokens], seeds: int, weights: str
) -> Iterator[HiddenTokenRow]:
    """Every method on every capture, mask and seed.

    Args:
        captures: tokens by name.
        seeds: masks of each kind.
        weights: of the residual, as `train.init`.
    """
    methods = _methods(weights)
    for seed in range(seeds):
        for name, tokens in captures.items():
            for ordered in (True, False):
                known = tokens if ordered else without_order(tokens, seed)
                for mask, kind, hidden in _settings(known, seed):
                    setting = (name, ordered, mask, seed, kind)
                    for method, of in _solved(methods, known, hidden):
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
    methods: Mapping[str, object], tokens: Tokens, hidden: Bool
) -> Iterator[tuple[str, dict[str, float]]]:
    """The measures of every method; the MTCM and its prior share their question."""
    from mtcm_pipeline.mtcm.residual_prediction import MtcmPredictor, ask
    from mtcm_pipeline.mtcm.tasks import take

    order = np.argsort(tokens.times, kind="stable")
    ordered, hidden = take(tokens, order), hidden[order]
    question = ask(ordered, hidden)
    for name, method in methods.items():
        if isinstance(method, MtcmPredictor):
            found = method.answer(question)
        else:
            found = method.predict(ordered, hidden)  # type: ignore[attr-defined]
        yield name, measures(ordered, hidden, found)


def _methods(weights: str) -> dict[str, object]:
    """Predictors by name: the simple ones, the prior, and the MTCM on it."""
    from mtcm_pipeline.mtcm.options import TrainOptions
    from mtcm_pipeline.mtcm.prior import PARTS
    from mtcm_pipeline.mtcm.residual_model import ResidualMtcm
    from mtcm_pipeline.mtcm.residual_prediction import MtcmPredictor
    from mtcm_pipeline.mtcm.start import starting_weights

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


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over captures and seeds, and the MTCM against the best simple regressor.

    Returns:
        One row a setting and measure: every method's mean; `best`, the simple method
        with the best mean; `gain`, how much better the MTCM is (positive is better), and
        `noise`, the standard error of that difference over captures.
    """
    simple = [name for name in rows["method"].unique() if name in simple_predictors()]
    keys = ["ordered", "mask", "hidden", "measure"]
    table = []
    for key, group in rows.groupby(keys, sort=False):
        sign = 1.0 if key[3] in _LARGER else -1.0
        by_capture = group.pivot_table(values="value", index="capture", columns="method")
        means = by_capture.mean()
        best = max(simple, key=lambda name: sign * means[name])
        gains = sign * (by_capture[MTCM] - by_capture[best])
        noise = (
            float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else np.nan
        )
        table.append(
            {
                **dict(zip(keys, key, strict=True)),
                **means,
                "best": best,
                "gain": float(gains.mean()),
                "noise": noise,
            }
        )
    return pd.DataFrame(table)


def printed(table: pd.DataFrame) -> Table:
    """The summary for people."""
    plain = ["ordered", "mask", "hidden", "measure", "best", "gain", "noise"]
    methods = [name for name in table.columns if name not in plain]
    shown = Table("setting", *methods, "gain over the best simple", title="hidden tokens")
    for _, row in table.iterrows():
        order = "in order" if row["ordered"] else "no order"
        measure = row["measure"]
        unit = f" ({_UNITS[measure]})" if measure in _UNITS else ""
        shown.add_row(
            f"{order}, {row['mask']}, {row['hidden']} hidden: {measure}{unit}",
            *[f"{row[name]:.3f}" for name in methods],
            f"{row['gain']:+.3f} ± {row['noise']:.3f} ({row['best']})",
        )
    return shown


def load_captures(folders: Sequence[Path], sample: bool) -> dict[str, Tokens]:
    """Tokens of capture folders, and of the generated sample."""
    from mtcm_pipeline.encoders.registry import load_encoder

    encoder = load_encoder("efficientnet_lite0")
    photos = [load_photos(folder) for folder in folders]
    if sample:
        photos.append(sample_photos(SampleOptions()))
    return {p.identity: tokens_of_photos(p, encoder.encode) for p in photos}


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="CSV of rows."
)
@click.option("--seeds", default=5, show_default=True, help="Masks of each kind.")
@click.option("--sample/--no-sample", default=True, help="Also the generated sample.")
@click.option("--weights", default="shipped", show_default=True, help="As train.init.")
def main(
    folders: tuple[Path, ...], out: Path, seeds: int, sample: bool, weights: str
) -> None:
    """Hidden fields predicted by the MTCM and by simple regressors."""
    from mtcm_pipeline.mtcm.threads import torch_threads

    with torch_threads(1):
        captures = load_captures(folders, sample)
        rows = write_as_known(
            benchmark_rows(captures, seeds, weights), HiddenTokenRow, out
        )
    table = summary(pd.DataFrame([vars(row) for row in rows]))
    table.to_csv(out.with_name(f"{out.stem}_summary.csv"), index=False)
    Console(width=240).print(printed(table))


if __name__ == "__main__":
    main()
