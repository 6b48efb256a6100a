from kedro.pipeline import Pipeline, node

from toy import nodes


def create_pipeline():
    return Pipeline(
        [node(nodes.make_tokens, "frames", ["tokens", "token_names"], name="make_tokens")]
    )
