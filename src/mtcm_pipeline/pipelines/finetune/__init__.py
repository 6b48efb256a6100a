"""finetune: view weights and camera poses, learned with the field in the loop."""

from mtcm_pipeline.pipelines.finetune.pipeline import create_pipeline

__all__ = ["create_pipeline"]
