"""The project's pipelines: one a folder of `pipelines/`, and all in order by default."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from mtcm_pipeline.orchestration.stages import STAGES


def register_pipelines() -> dict[str, Pipeline]:
    """Name -> pipeline; `__default__` is the sum of all stages.

    Raises:
        ImportError: a pipeline's module cannot be imported (never skipped unnoticed).
    """
    found = find_pipelines(raise_errors=True)
    if "__default__" in found:
        stages = [found[name] for name in STAGES if name in found]
        found["__default__"] = sum(stages, start=Pipeline([]))
    return found
