"""benchmark: which selections reconstruct best, over filters, pools and test splits."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.benchmark import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline; no stage of the default run."""
    return Pipeline(
        [
            Node(
                nodes.run_all_trials,
                inputs=[
                    "capture_folders",
                    "benchmark_journals",
                    "benchmark_cache",
                    "params:benchmark",
                    "parameters",
                ],
                outputs="benchmark_rows",
                name="run_all_trials",
            ),
            Node(
                nodes.sum_up_trials,
                inputs=["benchmark_rows", "params:benchmark", "parameters"],
                outputs=["benchmark_summary", "benchmark_page"],
                name="sum_up_trials",
            ),
        ]
    )
