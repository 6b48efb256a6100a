"""Nodes of the select pipeline."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from mtcm_pipeline.selection.assemble import assemble_problem
from mtcm_pipeline.selection.diagnostics import diversity_table
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.pool import apply_user_choices
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.selection.registry import select
from mtcm_pipeline.selection.table import selection_table
from mtcm_pipeline.tokens.layout import Tokens

log = logging.getLogger(__name__)


def select_views(
    tokens: Tokens, similarity: np.ndarray, scores: pd.DataFrame, options: SelectOptions
) -> tuple[Selection, pd.DataFrame, pd.DataFrame]:
    """The ranking, a row a frame that says why, and pose diversity before and after."""
    problem = assemble_problem(tokens, similarity, scores)
    selection = select(problem, options)
    problem = apply_user_choices(problem, options)
    log.info(
        "chose %d of %d usable frames (%d in the capture) by %s",
        len(selection.ranking),
        int(problem.eligible.sum()),
        len(tokens),
        options.strategy,
    )
    return (
        selection,
        selection_table(problem, selection, options.budget),
        diversity_table(problem, selection, options.budget),
    )
