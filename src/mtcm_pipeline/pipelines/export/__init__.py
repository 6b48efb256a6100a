"""The export pipeline."""

from mtcm_pipeline.pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
