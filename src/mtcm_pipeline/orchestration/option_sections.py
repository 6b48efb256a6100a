"""Which options class checks which section of the parameters."""

from __future__ import annotations


def option_sections() -> dict[str, type]:
    """Section name -> options dataclass, imported when parameters are checked."""
    from mtcm_pipeline.across.options import AcrossOptions
    from mtcm_pipeline.consistency.options import ScoreOptions
    from mtcm_pipeline.export.options import ExportOptions
    from mtcm_pipeline.field.options import ReconstructOptions
    from mtcm_pipeline.ingest.options import IngestOptions
    from mtcm_pipeline.missing.options import MissingOptions
    from mtcm_pipeline.mtcm.hidden_token_options import HiddenTokenOptions
    from mtcm_pipeline.mtcm.options import TrainOptions
    from mtcm_pipeline.mtcm.pretrain_options import PretrainOptions
    from mtcm_pipeline.segmentation.options import MaskOptions
    from mtcm_pipeline.selection.options import SelectOptions
    from mtcm_pipeline.sfm.options import SfmOptions
    from mtcm_pipeline.trials.options import BenchmarkOptions
    from mtcm_pipeline.tuning.options import FinetuneOptions
    from mtcm_pipeline.twoview.options import TwoViewOptions
    from mtcm_pipeline.viewpoints.options import LabelOptions

    return {
        "ingest": IngestOptions,
        "sfm": SfmOptions,
        "masks": MaskOptions,
        "two_view": TwoViewOptions,
        "train": TrainOptions,
        "pretrain": PretrainOptions,
        "hidden_tokens": HiddenTokenOptions,
        "across": AcrossOptions,
        "scores": ScoreOptions,
        "select": SelectOptions,
        "labels": LabelOptions,
        "missing": MissingOptions,
        "export": ExportOptions,
        "benchmark": BenchmarkOptions,
        "reconstruct": ReconstructOptions,
        "finetune": FinetuneOptions,
    }
