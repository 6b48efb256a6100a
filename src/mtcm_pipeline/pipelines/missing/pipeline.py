"""missing: sectors that no kept frame covers, and the next poses to shoot."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.missing import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.propose_missing_views,
                inputs=[
                    "tokens",
                    "gauge",
                    "final_scores",
                    "mtcm_model",
                    "params:missing",
                    "params:labels",
                ],
                outputs=["suggested_poses", "proposed_views", "uncovered_sectors"],
                name="propose_missing_views",
            ),
            Node(
                nodes.draw_where_to_stand,
                inputs=[
                    "tokens",
                    "final_scores",
                    "proposed_views",
                    "thumbnails",
                    "params:labels",
                ],
                outputs="missing_views_map",
                name="draw_where_to_stand",
            ),
        ]
    )
