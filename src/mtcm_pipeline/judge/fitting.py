"""A judge from spoilt captures: networks, calibrated on captures that they left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.judge.calibration import calibrated
from mtcm_pipeline.judge.checkpoint import Judge
from mtcm_pipeline.judge.graphs import Case, case_of
from mtcm_pipeline.judge.model import ModelOptions
from mtcm_pipeline.judge.observations import Observations, input_names
from mtcm_pipeline.judge.training import JudgeTrainOptions, train_judge

# Observations, the kind of each frame's fault ("" where sound), and the clean capture.
Labelled = tuple[Observations, Sequence[str], str]

_FOLDS = 2


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
    names = sorted({capture for _, _, capture in labelled})
    if len(names) < _FOLDS:
        raise CaptureError(
            f"a judge is calibrated on captures that it has not seen: {len(names)} "
            f"capture is not enough, give two or more"
        )
    columns = labelled[0][0].columns
    cases, inputs = cases_of(labelled), input_names(columns)

    def trained(chosen: Sequence[Case], seed: int) -> Judge:
        mine = replace(options, seed=options.seed + seed)
        return Judge((train_judge(chosen, inputs, mine, model_options),), columns)

    logits, truths, captures = [], [], []
    for fold in range(calibration_folds):
        held = set(names[fold::_FOLDS])
        judge = trained([case for case in cases if case.capture not in held], 100)
        for seen, kinds, capture in labelled:
            if capture in held:
                logits.append(judge.logits(seen).faulty)
                truths.append(np.array([kind != "" for kind in kinds]))
                captures.append(capture)
    models = tuple(trained(cases, member).models[0] for member in range(members))
    reading = calibrated(logits, truths, captures=captures) if logits else None
    return Judge(models, columns, reading, card)


def cases_of(labelled: Sequence[Labelled]) -> list[Case]:
    """The same as tensors."""
    return [case_of(seen, kinds, capture) for seen, kinds, capture in labelled]
