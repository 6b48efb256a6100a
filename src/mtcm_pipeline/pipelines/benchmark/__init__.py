"""The benchmark pipeline."""

from mtcm_pipeline.pipelines.benchmark.pipeline import create_pipeline

__all__ = ["create_pipeline"]
