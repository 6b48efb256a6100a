"""From logits to probabilities, and to the threshold that loses few good frames.

Both are read off captures that the model was not trained on, spoilt with known faults. A
capture whose sound frames all look a little odd, or differ much among themselves, would
lose many under a common threshold. The calmer half of its own frames tells: logits are
moved by where they lie and divided by how they spread. How much, is chosen by how well
the upper end of the sound frames is predicted over the captures (pinball loss: Koenker
and Bassett 1978).

Dimension letters: N frames, K knots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import ParameterError

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

LOSS_PERCENTS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
# The calmest quarter of a capture is sound as long as no more than three in four frames
# are spoilt.
_CALM_QUANTILE = 0.25
# The spread of a capture's calmer frames lies between these.
_SPREAD_QUANTILES = (0.1, 0.4)
_KNOTS = 24
_ADAPTATIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
_WIDENINGS = (0.0, 0.2, 0.4, 0.6, 0.8)
# Loss for which the adaptation is chosen: the default of the user's setting.
_CHOSEN_AT = 0.02
# No capture is to lose more than was asked plus this.
_MORE_PERCENT = 2.0
_LEAST_WIDTH = 0.4


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
        margin: logits by which captures to be judged look odder than those that were
            calibrated on: added to every threshold, taken off before a probability is
            read.
        spread: usual spread of a capture's calmer frames, in logits.
        widening: share of a capture's spread, relative to `spread`, that is divided by.
    """

    knots: tuple[float, ...]
    probabilities: tuple[float, ...]
    losses_percent: tuple[float, ...]
    thresholds: tuple[float, ...]
    calm: float
    adaptation: float
    margin: float = 0.0
    spread: float = 1.0
    widening: float = 0.0

    def adapted(self, logits: Float) -> Float:
        """(N,) logits of one capture, less what all of its frames share."""
        if len(logits) == 0:
            return logits
        calmest, spread = _calm_and_spread(logits)
        moved = logits - self.adaptation * (calmest - self.calm)
        return self.calm + (moved - self.calm) / self._width(spread)

    def _width(self, spread: float) -> float:
        return max(1.0 + self.widening * (spread / self.spread - 1.0), _LEAST_WIDTH)

    def probability(self, logits: Float) -> Float:
        """(N,) calibrated probability of a fault, of adapted logits."""
        return np.interp(logits - self.margin, self.knots, self.probabilities)

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
    logits: Sequence[Float],
    faulty: Sequence[Bool],
    adaptation: float | None = None,
    captures: Sequence[str] | None = None,
) -> Calibration:
    """Fit on spoilt captures that the model has not seen.

    Probabilities by isotonic regression, pulled off 0 and 1 by half a frame a knot.
    Thresholds so that the mean over captures of the sound frames lost is as wanted, and
    that no capture loses more than 2 percent more.

    Args:
        logits: one array a spoilt capture.
        faulty: likewise, the truth.
        adaptation: see `Calibration`; with the widening 0. Both are chosen when None.
        captures: name of the clean capture of each; all differ when None.
    """
    from sklearn.isotonic import IsotonicRegression

    names = [str(i) for i in range(len(logits))] if captures is None else list(captures)
    empty = _adapting(logits, faulty, names, adaptation)
    moved = [empty.adapted(values) for values in logits]
    every, truth = np.concatenate(moved), np.concatenate(faulty).astype(np.float64)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(every, truth)
    knots = np.unique(np.quantile(every, np.linspace(0.0, 1.0, _KNOTS)))
    margin = 0.5 * len(knots) / len(every)
    chances = np.clip(fitted.predict(knots), margin, 1.0 - margin)
    sound = _by_capture([m[~b] for m, b in zip(moved, faulty, strict=True)], names)
    return replace(
        empty,
        knots=tuple(knots.tolist()),
        probabilities=tuple(chances.tolist()),
        thresholds=tuple(_threshold(sound, percent) for percent in LOSS_PERCENTS),
    )


def _calm_and_spread(logits: Float) -> tuple[float, float]:
    low, calm, high = np.quantile(
        logits, [_SPREAD_QUANTILES[0], _CALM_QUANTILE, _SPREAD_QUANTILES[1]]
    )
    return float(calm), float(high - low)


def _adapting(
    logits: Sequence[Float],
    faulty: Sequence[Bool],
    names: Sequence[str],
    adaptation: float | None,
) -> Calibration:
    """A calibration without knots that predicts best where the sound frames end."""
    calm, spread = np.median([_calm_and_spread(v) for v in logits], axis=0)
    first = Calibration((), (), LOSS_PERCENTS, (), float(calm), 0.0,
                        spread=max(float(spread), 1e-6))  # fmt: skip
    if adaptation is not None:
        return replace(first, adaptation=adaptation)
    tried = [
        replace(first, adaptation=a, widening=w) for a in _ADAPTATIONS for w in _WIDENINGS
    ]
    return min(tried, key=lambda one: _pinball(one, logits, faulty, names))


def _pinball(
    reading: Calibration,
    logits: Sequence[Float],
    faulty: Sequence[Bool],
    names: Sequence[str],
) -> float:
    """Mean over captures of the pinball loss of where the sound frames end, in logits;
    each capture's end is predicted from the others."""
    moved = [reading.adapted(v)[~b] for v, b in zip(logits, faulty, strict=True)]
    every_width = [np.array([reading._width(_calm_and_spread(v)[1])]) for v in logits]
    widths = {k: float(v.mean()) for k, v in _by_capture(every_width, names).items()}
    by_capture, losses = _by_capture(moved, names), []
    for name, sound in by_capture.items():
        rest = {other: v for other, v in by_capture.items() if other != name}
        end = _mean_quantile(rest or by_capture, _CHOSEN_AT)
        over = (sound - end) * widths[name]
        loss = np.maximum((1 - _CHOSEN_AT) * over, -_CHOSEN_AT * over)
        losses.append(float(loss.mean()))
    return float(np.mean(losses))


def _by_capture(values: Sequence[Float], names: Sequence[str]) -> dict[str, Float]:
    """Values of all spoilt versions of each capture together."""
    return {
        name: np.concatenate([v for v, n in zip(values, names, strict=True) if n == name])
        for name in dict.fromkeys(names)
    }


def _threshold(sound: Mapping[str, Float], percent: float) -> float:
    """Where the mean loss is as wanted, or higher where a capture loses much more."""
    guard = [
        float(np.quantile(v, 1.0 - (percent + _MORE_PERCENT) / 100.0, method="higher"))
        for v in sound.values()
        if len(v)
    ]
    return max(_mean_quantile(sound, percent / 100.0), *guard)


def _mean_quantile(sound: Mapping[str, Float], loss: float) -> float:
    """Weighted quantile: every capture counts alike, however long."""
    some = [v for v in sound.values() if len(v)]
    values = np.concatenate(some)
    weights = np.concatenate([np.full(len(v), 1.0 / len(v)) for v in some])
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
