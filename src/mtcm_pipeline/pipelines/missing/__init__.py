"""The missing pipeline."""

from mtcm_pipeline.pipelines.missing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
