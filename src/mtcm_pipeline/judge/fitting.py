"""A judge from spoilt captures: networks, calibrated on captures that they left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.judge.calibration import calibrated
from mtcm_pipeline.judge.checkpoint import Judge
from mtcm_pipeline.judge.graphs import Case, case_of
from mtcm_pipeline.judge.model import ModelOptions
from mtcm_pipeline.judge.observations import Observations, input_names
from mtcm_pipeline.judge.training import JudgeTrainOptions, train_judge

_FOLDS = 2


@dataclass(frozen=True)
class Labelled:
    """A spoilt capture with the truth.

    Attributes:
        seen: what is observed of it.
        kinds: (N) kind of each frame's fault, "" where sound.
        capture: name of the clean capture.
        calibrates: whether thresholds are read off it, if a network has not seen it; a
            version poorer than captures are is only learned from.
    """

    seen: Observations
    kinds: Sequence[str]
    capture: str
    calibrates: bool = True


def fitted_judge(
    labelled: Sequence[Labelled],
    options: JudgeTrainOptions | None = None,
    members: int = 2,
    model_options: ModelOptions | None = None,
    *,
    calibration_folds: int = _FOLDS,
    card: str = "",
) -> Judge:
    """Train on everything; calibrate by networks that left out every other capture.

    Args:
        labelled: spoilt captures with the truth, of at least two captures.
        options: of the training; member k has seed + k.
        members: networks that vote.
        model_options: size of the networks.
        calibration_folds: halves of the captures that are judged by a network that has
            seen the other half only; 0 leaves the judge uncalibrated.
        card: what it was trained on, for people.

    Raises:
        CaptureError: there are fewer than two captures.
    """
    options = options or JudgeTrainOptions()
    names = sorted({one.capture for one in labelled})
    if len(names) < _FOLDS:
        raise CaptureError(
            f"a judge is calibrated on captures that it has not seen: {len(names)} "
            f"capture is not enough, give two or more"
        )
    columns = labelled[0].seen.columns
    cases, inputs = cases_of(labelled), input_names(columns)

    def trained(chosen: Sequence[Case], seed: int) -> Judge:
        mine = replace(options, seed=options.seed + seed)
        return Judge((train_judge(chosen, inputs, mine, model_options),), columns)

    logits, truths, captures = [], [], []
    for fold in range(calibration_folds):
        held = set(names[fold::_FOLDS])
        judge = trained([case for case in cases if case.capture not in held], 100)
        for one in labelled:
            if one.capture in held and one.calibrates:
                logits.append(judge.logits(one.seen).faulty)
                truths.append(np.array([kind != "" for kind in one.kinds]))
                captures.append(one.capture)
    models = tuple(trained(cases, member).models[0] for member in range(members))
    reading = calibrated(logits, truths, captures=captures) if logits else None
    return Judge(models, columns, reading, card)


def cases_of(labelled: Sequence[Labelled]) -> list[Case]:
    """The same as tensors."""
    return [case_of(one.seen, one.kinds, one.capture) for one in labelled]
