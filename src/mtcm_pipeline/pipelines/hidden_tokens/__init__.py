"""The hidden_tokens pipeline."""

from mtcm_pipeline.pipelines.hidden_tokens.pipeline import create_pipeline

__all__ = ["create_pipeline"]
