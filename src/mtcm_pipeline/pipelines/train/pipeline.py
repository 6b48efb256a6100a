"""train: the masked transformer learns the capture."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.train.nodes import train_the_mtcm


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                train_the_mtcm,
                inputs=["tokens", "params:train", "training_checkpoints"],
                outputs=["mtcm_model", "training_history", "training_snapshots"],
                name="train_the_mtcm",
            )
        ]
    )
