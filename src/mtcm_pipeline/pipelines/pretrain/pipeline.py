"""pretrain: weights that every capture's training starts from."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.pretrain import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.pretrain_hidden_tokens,
                inputs=["params:pretrain", "params:train", "pretraining_checkpoints"],
                outputs=["pretrained_weights", "pretraining_history", "pretraining_card"],
                name="pretrain_hidden_tokens",
            )
        ]
    )
