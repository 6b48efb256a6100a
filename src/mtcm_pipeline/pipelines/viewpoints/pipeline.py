"""viewpoints: words for every view, and how varied the views are before and after."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.viewpoints import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.label_the_poses,
                inputs=["tokens", "params:labels"],
                outputs="pose_labels",
                name="label_the_poses",
            ),
            Node(
                nodes.sketch_the_scene,
                inputs=[
                    "sparse_points",
                    "cameras",
                    "gauge",
                    "final_scores",
                    "thumbnails",
                ],
                outputs="scene_points",
                name="sketch_the_scene",
            ),
            Node(
                nodes.measure_the_diversity,
                inputs=["tokens", "final_scores", "selection_table", "params:labels"],
                outputs="pose_diversity",
                name="measure_the_diversity",
            ),
        ]
    )
