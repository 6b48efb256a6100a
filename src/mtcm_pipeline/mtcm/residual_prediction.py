"""Any hidden entries predicted by the prior and the gated residual over it.

Hyperparameters and gates are chosen on what is shown, so that nothing hidden is seen.

Dimension letters: N frames, D = 394 token width, F = 5 fields, A asked frames,
m numbers of a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mtcm_pipeline.mtcm.fold_prediction import gated, heard_residual
from mtcm_pipeline.mtcm.gate import gate_of
from mtcm_pipeline.mtcm.prior import PARTS, PriorView, prior_view
from mtcm_pipeline.mtcm.residual_model import ResidualMtcm, ResidualOutput
from mtcm_pipeline.mtcm.tasks import in_time_order, quat_pose, task_tensors
from mtcm_pipeline.regressors.folds import like_the_hidden
from mtcm_pipeline.regressors.problem import field_problems
from mtcm_pipeline.regressors.registry import Prediction
from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS, Tokens
from mtcm_pipeline.tokens.standardise import Standardiser

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Rounds of held-out frames that decide the gates.
_GATE_ROUNDS = 4


@dataclass(frozen=True)
class Question:
    """A window with some entries hidden, the prior's view, and the rounds of the gate.

    None of it depends on the transformer's weights.

    Attributes:
        tokens: N frames in order of time.
        hidden: (N, F).
        standardiser: fitted on what is shown.
        view: the prior's.
        rounds: the same with more frames hidden: (hidden, view, rows that count).
    """

    tokens: Tokens
    hidden: Bool
    standardiser: Standardiser
    view: PriorView
    rounds: tuple[tuple[Bool, PriorView, Bool], ...]


@dataclass(frozen=True)
class MtcmPredictor:
    """The MTCM as one of the predictors of `regressors.registry`.

    Attributes:
        model: the pretrained residual.
        name: in tables.
        gates: by part, instead of what held-out frames of the capture say.
    """

    model: ResidualMtcm
    name: str = "MTCM"
    gates: Mapping[str, float] | None = None

    def predict(self, tokens: Tokens, hidden: Bool) -> Prediction:
        """See `regressors.registry.Predictor`."""
        back = np.argsort(np.argsort(tokens.times, kind="stable"), kind="stable")
        order = np.argsort(tokens.times, kind="stable")
        found = self.answer(ask(in_time_order(tokens), hidden[order]))
        return Prediction(found.values[back], found.variance[back])

    def answer(self, question: Question) -> Prediction:
        """The gated prediction; rows as in the question's tokens."""
        gates = self.gates
        if gates is None:
            gates = gates_by_rounds(self.model, question)
        output = _forward(self.model, question, question.hidden, question.view)
        return _collected(question, output, gates)


def ask(tokens: Tokens, hidden: Bool) -> Question:
    """Ask the prior about hidden entries, and about shown ones in the gate's rounds.

    Args:
        tokens: N frames in order of time.
        hidden: (N, F) True = not shown.
    """
    hidden = hidden & tokens.present
    choices: dict = {}
    view = prior_view(tokens, hidden, keep=choices)
    rounds = []
    for extra in _gate_rows(tokens, hidden):
        more = hidden.copy()
        fields = hidden.any(axis=0)
        more[np.ix_(extra, fields)] = tokens.present[np.ix_(extra, fields)]
        rounds.append((more, prior_view(tokens, more, choices), extra))
    standardiser = Standardiser.fit(without(tokens, hidden))
    return Question(tokens, hidden, standardiser, view, tuple(rounds))


def without(tokens: Tokens, hidden: Bool) -> Tokens:
    """The tokens with the entries absent that are True in `hidden`, (N, F)."""
    values = tokens.values.copy()
    for column, where in enumerate(FIELD_SLICES.values()):
        values[hidden[:, column], where] = np.nan
    return Tokens(tokens.names, values, tokens.present & ~hidden, tokens.times)


def gates_by_rounds(model: ResidualMtcm, question: Question) -> dict[str, float]:
    """Gates by part from what the residual did on held-out shown frames."""
    found: dict[str, list[tuple[Float, Float]]] = {name: [] for name in PARTS}
    for hidden, view, counted in question.rounds:
        output = _forward(model, question, hidden, view)
        for part in view.parts:
            if part.name in output.residuals:
                rows = counted[part.asked]
                residual = heard_residual(part, output)[rows]
                found[part.name].append((residual, (part.truth - part.prior)[rows]))
    return {
        name: gate_of(*(np.concatenate(x) for x in zip(*pairs, strict=True)))
        if pairs
        else 0.0
        for name, pairs in found.items()
    }


def _collected(
    question: Question, output: ResidualOutput, gates: Mapping[str, float]
) -> Prediction:
    values = np.full_like(question.tokens.values, np.nan)
    variance = np.full(question.hidden.shape, np.nan)
    pose = np.full((len(values), 12), np.nan)
    for part in question.view.parts:
        predicted, expected = gated(part, output, gates[part.name])
        field, numbers = PARTS[part.name]
        column = FIELDS.index(field)
        if field == "pose":
            pose[part.asked, numbers] = predicted
            expected = expected + np.nan_to_num(variance[part.asked, column])
        else:
            values[part.asked, FIELD_SLICES[field]] = predicted
        variance[part.asked, column] = expected
    posed = np.isfinite(pose).all(axis=1)
    if posed.any():
        values[posed, FIELD_SLICES["pose"]] = quat_pose(pose[posed])
    return Prediction(values, variance)


def _forward(
    model: ResidualMtcm, question: Question, hidden: Bool, view: PriorView
) -> ResidualOutput:
    with torch.inference_mode():
        return model(task_tensors(question.tokens, question.standardiser, hidden, view))


def _gate_rows(tokens: Tokens, hidden: Bool) -> list[Bool]:
    """(N,) shown frames of each round: neighbourhoods as large as the hidden ones."""
    asked = [name for name in FIELDS if hidden[:, FIELDS.index(name)].any()]
    problems = [p for name in asked[:1] for p in field_problems(tokens, hidden, name)]
    if not problems:
        return []
    shown = np.flatnonzero(problems[0].shown)
    folds = like_the_hidden(problems[0])
    if all(len(fold.out) == 1 for fold in folds):
        groups = [shown[start::_GATE_ROUNDS] for start in range(_GATE_ROUNDS)]
    else:
        picked = np.linspace(0, len(folds) - 1, min(_GATE_ROUNDS, len(folds))).round()
        groups = [shown[folds[int(k)].out] for k in picked]
    rounds = []
    for rows in groups:
        extra = np.zeros(len(tokens), dtype=bool)
        extra[rows] = True
        rounds.append(extra)
    return rounds
