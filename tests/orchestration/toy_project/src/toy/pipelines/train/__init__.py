from kedro.pipeline import Pipeline, node

from toy import nodes
from toy.options import TrainOptions


def fit(batch, options: TrainOptions):
    return nodes.fit(batch, options)


def create_pipeline():
    return Pipeline(
        [
            node(nodes.make_batch, "tokens", "batch", name="make_batch"),
            node(fit, ["batch", "params:train"], ["model", "history"], name="fit"),
        ]
    )
