"""export: the chosen views in the trainers' own formats, read back and checked."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.export import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.gather_the_export,
                inputs=[
                    "selection",
                    "cameras",
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
                outputs="export",
                name="gather_the_export",
            ),
            Node(
                nodes.read_the_export_back,
                inputs=["export", "cameras", "selection", "params:export"],
                outputs="export_check",
                name="read_the_export_back",
            ),
        ]
    )
