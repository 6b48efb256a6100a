from kedro.pipeline import Pipeline, node

from toy import nodes


def create_pipeline():
    return Pipeline(
        [
            node(nodes.write_export, ["selection", "frames"], "export", name="write"),
            node(nodes.summarise, "selection", "run_summary", name="summarise"),
        ]
    )
