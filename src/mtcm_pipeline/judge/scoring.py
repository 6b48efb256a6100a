"""A capture of the pipeline, judged."""

from __future__ import annotations

import logging

import pandas as pd

from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.judge.checkpoint import load_judge
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.pipeline_evidence import (
    CaptureFiles,
    CaptureTables,
    evidence_of_capture,
)
from mtcm_pipeline.judge.verdicts import judged_frames

log = logging.getLogger(__name__)


def judge_capture(
    tables: CaptureTables, files: CaptureFiles, options: ScoreOptions
) -> pd.DataFrame:
    """The judge's word on every frame with photograph and pose.

    Args:
        tables: what earlier stages know.
        files: the photographs.
        options: which judge, and how many good frames it may lose.

    Returns:
        See `verdicts.judged_frames`.
    """
    judge = load_judge(options.judge)
    evidence = evidence_of_capture(tables, files)
    table = judged_frames(
        judge, observe(evidence), evidence, options.max_good_lost_percent
    )
    log.info(
        "the judge found %d of %d frames faulty", int(table["faulty"].sum()), len(table)
    )
    return table
