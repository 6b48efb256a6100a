from kedro.pipeline import Pipeline, node

from toy import nodes
from toy.options import SelectOptions


def choose(scores, options: SelectOptions):
    return nodes.choose(scores, options)


def create_pipeline():
    return Pipeline(
        [node(choose, ["scores", "params:select"], "selection", name="choose")]
    )
