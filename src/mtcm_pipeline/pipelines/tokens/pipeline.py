"""tokens: one vector of 394 numbers a frame, poses in the canonical gauge."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.tokens.nodes import make_tokens


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                make_tokens,
                inputs=["frames", "embeddings", "cameras"],
                outputs=["tokens", "gauge"],
                name="make_tokens",
            )
        ]
    )
