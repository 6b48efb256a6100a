"""The tokens pipeline."""

from mtcm_pipeline.pipelines.tokens.pipeline import create_pipeline

__all__ = ["create_pipeline"]
