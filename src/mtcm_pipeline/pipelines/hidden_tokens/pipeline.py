"""hidden_tokens: does the MTCM predict what is hidden better than simple regressors?"""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.hidden_tokens import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline; no stage of the default run."""
    return Pipeline(
        [
            Node(
                nodes.hide_tokens_and_predict_them,
                inputs=["capture_folders", "params:hidden_tokens", "parameters"],
                outputs="hidden_token_rows",
                name="hide_tokens_and_predict_them",
            ),
            Node(
                nodes.compare_predictions_of_hidden_tokens,
                inputs="hidden_token_rows",
                outputs=["hidden_token_comparison", "hidden_token_picture"],
                name="compare_predictions_of_hidden_tokens",
            ),
        ]
    )
