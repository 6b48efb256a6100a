"""The reconstruct pipeline."""

from mtcm_pipeline.pipelines.reconstruct.pipeline import create_pipeline

__all__ = ["create_pipeline"]
