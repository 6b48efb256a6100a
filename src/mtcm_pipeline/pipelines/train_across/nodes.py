"""Nodes of the train_across pipeline."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.datasets.captures import CaptureFolders
from mtcm_pipeline.datasets.weights import Weights

log = logging.getLogger(__name__)


def spoil_and_observe_every_identity(
    captures: CaptureFolders,
    cache: ContentStore,
    options: AcrossOptions,
    parameters: dict[str, Any],
) -> list:
    """All identities that are asked for, each spoilt several times, as the judge sees it.

    What an earlier run observed of the same photographs is not observed again.
    """
    from mtcm_pipeline.across.spoiling import spoilt_identities

    named = parameters.get("identities")
    names = list(captures) if named is None else list(named)
    loaders = {name: captures[name] for name in names}
    return spoilt_identities(loaders, options, cache, named=named is not None)


def leave_each_identity_out(
    spoilt: list, cache: ContentStore, options: AcrossOptions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ROC areas of every method on identities left out, and the logits behind them."""
    from mtcm_pipeline.across.left_out import judge_left_out
    from mtcm_pipeline.across.start import starting_judge
    from mtcm_pipeline.math_threads import math_threads

    with math_threads(1):
        start = starting_judge(options, spoilt[0].columns)
        found = judge_left_out(start, spoilt, options, cache)
    return found.areas, found.logits


def train_one_judge_over_all_identities(
    spoilt: list, logits: pd.DataFrame, cache: ContentStore, options: AcrossOptions
) -> tuple[Weights, dict[str, Any]]:
    """The shared judge, read as those were that had left an identity out; its card."""
    from mtcm_pipeline.across.shared import shared_judge, weights_of_judge
    from mtcm_pipeline.math_threads import math_threads

    with math_threads(1):
        judge, card = shared_judge(spoilt, logits, options, cache)
    return Weights(*weights_of_judge(judge)), card


def probe_latents_for_the_identity(
    weights: Weights, spoilt: list, cache: ContentStore, options: AcrossOptions
) -> pd.DataFrame:
    """How well a linear probe tells whose frame it is, before and after training."""
    from mtcm_pipeline.across.probe import probes_before_and_after
    from mtcm_pipeline.across.shared import judge_of_weights
    from mtcm_pipeline.math_threads import math_threads

    with math_threads(1):
        judge = judge_of_weights(weights.tensors, weights.metadata)
        return probes_before_and_after(judge, spoilt, options, cache)


def sum_up_what_training_across_gives(areas: pd.DataFrame) -> pd.DataFrame:
    """Mean areas by kind of fault, a column a method."""
    from mtcm_pipeline.across.areas import by_identity, summed_up

    for name, means in by_identity(areas).items():
        words = ", ".join(f"{method} {area:.3f}" for method, area in means.items())
        log.info("%s, mean ROC area: %s", name, words)
    return summed_up(areas)
