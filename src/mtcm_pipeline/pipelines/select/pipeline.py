"""select: the best K views, ranked, each with its reason."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.select.nodes import (
    measure_the_views,
    select_views,
    take_the_users_word,
)


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                take_the_users_word,
                inputs=["scores", "frames", "params:select"],
                outputs="final_scores",
                name="take_the_users_word",
            ),
            Node(
                measure_the_views,
                inputs=[
                    "cameras",
                    "gauge",
                    "thumbnails",
                    "raw_masks",
                    "made_masks",
                    "final_scores",
                    "params:select",
                ],
                outputs="view_geometry",
                name="measure_the_views",
            ),
            Node(
                select_views,
                inputs=[
                    "tokens",
                    "similarity_matrix",
                    "final_scores",
                    "view_geometry",
                    "cameras",
                    "gauge",
                    "thumbnails",
                    "raw_masks",
                    "made_masks",
                    "params:select",
                ],
                outputs=["selection", "selection_table"],
                name="select_views",
            ),
        ]
    )
