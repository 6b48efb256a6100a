from kedro.pipeline import Pipeline, node

from toy import nodes


def create_pipeline():
    return Pipeline([node(nodes.score, ["model", "frames"], "scores", name="score")])
