"""How well a linear probe reads off a latent whose frame it is.

"Understanding intermediate layers using linear classifier probes" (Alain and Bengio
2016). Dimension letters: N frames, D width, I identities.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mtcm_pipeline.across.areas import PLAIN, SHARED, START
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.across.shared import trained_judge, without_regulariser
from mtcm_pipeline.across.spoilt import TEST, TRAIN, SpoiltIdentity
from mtcm_pipeline.across.start import starting_judge
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.judge.checkpoint import Judge
from mtcm_pipeline.judge.graphs import graph_of

Float = NDArray[np.float64]

log = logging.getLogger(__name__)

_FOLDS = 5
_STEPS = 2000


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Attributes:
        accuracy: mean over identities of the share of their held-out frames that the
            probe gives to them; NaN for fewer than two identities.
        chance: what a guess gives.
        frames: N.
    """

    accuracy: float
    chance: float
    frames: int


def probe_identity(
    latent: Float, identities: Sequence[str], frames: Sequence[str], seed: int = 0
) -> Probe:
    """Logistic regression on standardised latents, cross-validated by frame.

    A frame that was spoilt in several ways is held out with all of its versions.
    Identities count alike, however many frames they have.

    Args:
        latent: (N, D).
        identities: (N) whose.
        frames: (N) names; equal ones of one identity are one frame.
        seed: of the folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    owners = np.array(identities)
    count = len(np.unique(owners))
    if count < 2:
        return Probe(float("nan"), 1.0, len(owners))
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=_STEPS)
    )
    groups = [f"{who}/{frame}" for who, frame in zip(owners, frames, strict=True)]
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    told = cross_val_predict(probe, latent, owners, groups=groups, cv=folds)
    return Probe(float(balanced_accuracy_score(owners, told)), 1.0 / count, len(owners))


def probe_judge(judge: Judge, spoilt: Sequence[SpoiltIdentity], seed: int = 0) -> Probe:
    """The probe on all of a judge's networks side by side."""
    return probe_identity(
        np.vstack([latent_of(judge, each) for each in spoilt]),
        [each.identity for each in spoilt for _ in each.names],
        [name for each in spoilt for name in each.names],
        seed,
    )


def latent_of(judge: Judge, spoilt: SpoiltIdentity) -> Float:
    """(N, D of all networks) what the logits of each frame are read off."""
    graph = graph_of([spoilt.case])
    with torch.inference_mode():
        parts = [model(graph).latent.numpy() for model in judge.models]
    return np.hstack(parts).astype(np.float64)


def probes_before_and_after(
    judge: Judge,
    spoilt: Sequence[SpoiltIdentity],
    options: AcrossOptions,
    store: ContentStore,
) -> pd.DataFrame:
    """The probe on the start, on a training without the regulariser, and on the judge.

    Probed are the test versions, whose faults no training has seen.

    Args:
        judge: trained over all identities.
        spoilt: training and test versions.
        options: of its training.
        store: of trained networks.

    Returns:
        Columns `method` (as in `areas`), `accuracy`, `chance`, `frames`.
    """
    start = starting_judge(options, judge.columns)
    training = [each for each in spoilt if each.role == TRAIN]
    tests = [each for each in spoilt if each.role == TEST]
    plain = without_regulariser(options)
    judges = {
        START: start,
        PLAIN: trained_judge(start, training, plain, store, "All identities, plain"),
        SHARED: judge,
    }
    rows = []
    for method, each in judges.items():
        probe = probe_judge(each, tests, options.seed)
        log.info(
            "%s: a linear probe finds the identity of %.1f %% of the frames, %.1f %% by "
            "chance", method, 100 * probe.accuracy, 100 * probe.chance,
        )  # fmt: skip
        rows.append({"method": method, **asdict(probe)})
    return pd.DataFrame(rows)
