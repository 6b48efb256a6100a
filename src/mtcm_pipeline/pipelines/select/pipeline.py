"""select: the best K views, ranked, each with its reason."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.select.nodes import select_views


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                select_views,
                inputs=["tokens", "similarity_matrix", "scores", "params:select"],
                outputs=["selection", "selection_table", "pose_diversity"],
                name="select_views",
            )
        ]
    )
