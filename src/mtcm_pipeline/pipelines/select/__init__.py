"""The select pipeline."""

from mtcm_pipeline.pipelines.select.pipeline import create_pipeline

__all__ = ["create_pipeline"]
