"""report: one page and the pictures that a person looks at."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.report import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.draw_the_cameras,
                inputs=["tokens", "gauge", "sparse_points", "scores", "selection_table"],
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
                ],
                outputs="report_figures",
                name="draw_the_choice",
            ),
            Node(
                nodes.write_the_report,
                inputs=[
                    "frames",
                    "data_quality",
                    "scores",
                    "selection_table",
                    "thumbnails",
                    "training_history",
                    "training_snapshots",
                    "tokens",
                    "camera_plot",
                    "export",
                    "parameters",
                ],
                outputs=["report", "run_summary"],
                name="write_the_report",
            ),
        ]
    )
