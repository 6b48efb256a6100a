"""The report pipeline."""

from mtcm_pipeline.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
