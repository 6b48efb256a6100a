"""The viewpoints pipeline."""

from mtcm_pipeline.pipelines.viewpoints.pipeline import create_pipeline

__all__ = ["create_pipeline"]
