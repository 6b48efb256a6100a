"""The export_refined pipeline."""

from mtcm_pipeline.pipelines.export_refined.pipeline import create_pipeline

__all__ = ["create_pipeline"]
