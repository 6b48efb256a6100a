"""The pretrain pipeline."""

from mtcm_pipeline.pipelines.pretrain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
