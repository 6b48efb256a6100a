"""Which options class checks which section of the parameters."""

from __future__ import annotations


def option_sections() -> dict[str, type]:
    """Section name -> options dataclass, imported when parameters are checked."""
    from mtcm_pipeline.consistency.options import ScoreOptions
    from mtcm_pipeline.export.options import ExportOptions
    from mtcm_pipeline.ingest.options import IngestOptions
    from mtcm_pipeline.mtcm.options import TrainOptions
    from mtcm_pipeline.segmentation.options import MaskOptions
    from mtcm_pipeline.selection.options import SelectOptions
    from mtcm_pipeline.sfm.options import SfmOptions
    from mtcm_pipeline.twoview.options import TwoViewOptions

    return {
        "ingest": IngestOptions,
        "sfm": SfmOptions,
        "masks": MaskOptions,
        "two_view": TwoViewOptions,
        "train": TrainOptions,
        "scores": ScoreOptions,
        "select": SelectOptions,
        "export": ExportOptions,
    }
