"""From logits to probabilities, and to the threshold that loses few good frames.

Both are read off captures that the model was not trained on, spoilt with known faults. A
capture whose sound frames all look a little odd would lose many under a common threshold,
so logits are first moved by how odd the capture's calmest frames look.

Dimension letters: N frames, K knots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import ParameterError

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

LOSS_PERCENTS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
# The calmest quarter of a capture is sound as long as no more than three in four frames
# are spoilt.
_CALM_QUANTILE = 0.25
_KNOTS = 24


@dataclass(frozen=True)
class Calibration:
    """How a checkpoint's logits are read.

    Attributes:
        knots: (K,) logits, increasing.
        probabilities: (K,) share of faulty frames there; linear between.
        losses_percent: sound frames lost, in percent.
        thresholds: adapted logit over which that share of sound frames lies.
        calm: usual logit of a capture's calmest frames.
        adaptation: share of a capture's distance from `calm` that is taken off.
        margin: logits added to every threshold, where the captures to be judged vary
            more than those that were calibrated on.
    """

    knots: tuple[float, ...]
    probabilities: tuple[float, ...]
    losses_percent: tuple[float, ...]
    thresholds: tuple[float, ...]
    calm: float
    adaptation: float
    margin: float = 0.0

    def adapted(self, logits: Float) -> Float:
        """(N,) logits of one capture, less what all of its frames share."""
        if len(logits) == 0:
            return logits
        calmest = float(np.quantile(logits, _CALM_QUANTILE))
        return logits - self.adaptation * (calmest - self.calm)

    def probability(self, logits: Float) -> Float:
        """(N,) calibrated probability of a fault, of adapted logits."""
        return np.interp(logits, self.knots, self.probabilities)

    def threshold(self, max_good_lost_percent: float) -> float:
        """Adapted logit above which at most that many of 100 sound frames lie.

        Raises:
            ParameterError: the percentage was not calibrated for.
        """
        least, most = self.losses_percent[0], self.losses_percent[-1]
        if not least <= max_good_lost_percent <= most:
            raise ParameterError(
                f"scores.max_good_lost_percent is {max_good_lost_percent:g}; the judge "
                f"is calibrated for {least:g} to {most:g} percent"
            )
        logs = np.log(self.losses_percent)
        asked = np.log(max_good_lost_percent)
        return float(np.interp(asked, logs, self.thresholds)) + self.margin

    def to_dict(self) -> dict:
        """Plain numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> Calibration:
        """The inverse of `to_dict`."""
        lists = ("knots", "probabilities", "losses_percent", "thresholds")
        return cls(**{**content, **{name: tuple(content[name]) for name in lists}})


def calibrated(
    logits: Sequence[Float], faulty: Sequence[Bool], adaptation: float = 0.5
) -> Calibration:
    """Fit on spoilt captures that the model has not seen.

    Probabilities by isotonic regression, pulled off 0 and 1 by half a frame a knot;
    thresholds so that the mean over captures of the sound frames lost is as wanted.

    Args:
        logits: one array a capture.
        faulty: likewise, the truth.
        adaptation: see `Calibration`.
    """
    from sklearn.isotonic import IsotonicRegression

    calm = float(np.median([np.quantile(values, _CALM_QUANTILE) for values in logits]))
    empty = Calibration((), (), LOSS_PERCENTS, (), calm, adaptation)
    moved = [empty.adapted(values) for values in logits]
    every, truth = np.concatenate(moved), np.concatenate(faulty).astype(np.float64)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(every, truth)
    knots = np.unique(np.quantile(every, np.linspace(0.0, 1.0, _KNOTS)))
    margin = 0.5 * len(knots) / len(every)
    chances = np.clip(fitted.predict(knots), margin, 1.0 - margin)
    thresholds = [
        _threshold([m[~bad] for m, bad in zip(moved, faulty, strict=True)], percent / 100)
        for percent in LOSS_PERCENTS
    ]
    return Calibration(
        tuple(knots.tolist()),
        tuple(chances.tolist()),
        LOSS_PERCENTS,
        tuple(thresholds),
        calm,
        adaptation,
    )


def _threshold(sound: Sequence[Float], loss: float) -> float:
    """Weighted quantile: every capture counts alike, however long."""
    values = np.concatenate(sound)
    weights = np.concatenate([np.full(len(s), 1.0 / max(len(s), 1)) for s in sound])
    order = np.argsort(values)
    share_above = 1.0 - np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.argmax(share_above <= loss + 1e-12)])


def reliability(
    probabilities: Float, faulty: Bool, bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean probability, share of faulty frames, frames) of equal bins of 0..1."""
    rows = []
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    for index in range(bins):
        inside = place == index
        if inside.any():
            rows.append(
                (
                    float(probabilities[inside].mean()),
                    float(faulty[inside].mean()),
                    int(inside.sum()),
                )
            )
    return rows
