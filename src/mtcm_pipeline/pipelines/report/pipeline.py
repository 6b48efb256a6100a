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
                    "final_scores",
                    "selection_table",
                    "suggested_poses",
                    "gauge",
                    "params:labels",
                ],
                outputs="camera_plot",
                name="draw_the_cameras",
            ),
            Node(
                nodes.draw_the_choice,
                inputs=[
                    "tokens",
                    "final_scores",
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
                nodes.summarise_the_run,
                inputs=[
                    "frames",
                    "final_scores",
                    "selection_table",
                    "pose_warnings",
                    "export",
                    "parameters",
                ],
                outputs="run_summary",
                name="summarise_the_run",
            ),
            Node(
                nodes.write_the_report,
                inputs=[
                    "frames",
                    "data_quality",
                    "pose_warnings",
                    "final_scores",
                    "selection_table",
                    "pose_labels",
                    "pose_diversity",
                    "proposed_views",
                    "uncovered_sectors",
                    "thumbnails",
                    "training_history",
                    "training_snapshots",
                    "token_maps",
                    "tokens",
                    "camera_plot",
                    "export",
                    "params:labels",
                    "params:missing",
                    "parameters",
                ],
                outputs="report",
                name="write_the_report",
            ),
        ]
    )
