"""The train_across pipeline."""

from mtcm_pipeline.pipelines.train_across.pipeline import create_pipeline

__all__ = ["create_pipeline"]
