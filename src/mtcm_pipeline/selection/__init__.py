"""Choosing the best K views of a capture.

Example:
    selection = select(problem, SelectOptions(strategy="fvs", budget=20))
    selection.ranking  # file names, best first
"""

from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.problem import Selection, SelectionProblem
from mtcm_pipeline.selection.registry import STRATEGIES, select

__all__ = ["STRATEGIES", "SelectOptions", "Selection", "SelectionProblem", "select"]
