"""reconstruct: a radiance field from the chosen views, judged by frames held out.

Not a part of the default run: it answers a question that not every run asks.
"""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.reconstruct import nodes

_VIEWS = ["cameras", "gauge", "raw_images", "raw_masks", "made_masks"]


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.hold_frames_out,
                inputs=[
                    "selection",
                    "final_scores",
                    "cameras",
                    "gauge",
                    "params:reconstruct",
                ],
                outputs="reconstruction_split",
                name="hold_frames_out",
            ),
            Node(
                nodes.fit_the_field,
                inputs=[
                    "reconstruction_split",
                    *_VIEWS,
                    "sparse_points",
                    "params:reconstruct",
                ],
                outputs=[
                    "reconstruction_field",
                    "reconstruction_splats",
                    "reconstruction_curve",
                ],
                name="fit_the_field",
            ),
            Node(
                nodes.judge_the_field,
                inputs=[
                    "reconstruction_field",
                    "reconstruction_split",
                    *_VIEWS,
                    "params:reconstruct",
                ],
                outputs=["reconstruction_quality", "reconstruction_pictures"],
                name="judge_the_field",
            ),
        ]
    )
