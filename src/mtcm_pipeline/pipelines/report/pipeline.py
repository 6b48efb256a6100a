"""report: one page and the pictures that a person looks at."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.report import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.draw_the_cameras,
                inputs=[
                    "tokens",
                    "scene_points",
                    "scores",
                    "selection_table",
                    "proposed_views",
                    "params:labels",
                ],
                outputs="camera_plot",
                name="draw_the_cameras",
            ),
            Node(
                nodes.draw_the_choice,
                inputs=[
                    "tokens",
                    "scores",
                    "selection_table",
                    "selection",
                    "similarity_matrix",
                    "thumbnails",
                    "params:labels",
                ],
                outputs="report_figures",
                name="draw_the_choice",
            ),
            Node(
                nodes.doubt_the_poses_as_a_whole,
                inputs=[
                    "frames",
                    "cameras",
                    "sparse_points",
                    "image_pairs",
                    "params:two_view",
                ],
                outputs="pose_warnings",
                name="doubt_the_poses_as_a_whole",
            ),
            Node(
                nodes.write_the_report,
                inputs=[
                    "frames",
                    "data_quality",
                    "pose_warnings",
                    "scores",
                    "selection_table",
                    "pose_labels",
                    "pose_diversity",
                    "proposed_views",
                    "thumbnails",
                    "training_history",
                    "training_snapshots",
                    "token_maps",
                    "tokens",
                    "camera_plot",
                    "export",
                    "params:labels",
                    "parameters",
                ],
                outputs=["report", "run_summary"],
                name="write_the_report",
            ),
        ]
    )
