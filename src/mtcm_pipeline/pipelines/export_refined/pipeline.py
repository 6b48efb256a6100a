"""export_refined: the chosen views once more, with the poses that fine-tuning found.

Not a part of the default run: it needs a fine-tuning, which that is not part of either.
"""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.export.nodes import read_the_export_back
from mtcm_pipeline.pipelines.export_refined import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.gather_the_refined_export,
                inputs=[
                    "selection",
                    "cameras",
                    "refined_cameras",
                    "view_weights",
                    "sparse_points",
                    "frame_representations",
                    "final_scores",
                    "pose_labels",
                    "raw_images",
                    "raw_masks",
                    "made_masks",
                    "raw_trainer_keys",
                    "params:export",
                ],
                outputs="refined_export",
                name="gather_the_refined_export",
            ),
            Node(
                read_the_export_back,
                inputs=[
                    "refined_export",
                    "refined_cameras",
                    "selection",
                    "params:export",
                ],
                outputs="refined_export_check",
                name="read_the_refined_export_back",
            ),
        ]
    )
