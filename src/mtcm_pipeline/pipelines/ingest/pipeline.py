"""ingest: whatever lies in the identity's folders becomes one table of frames."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.ingest.nodes import take_the_capture_in


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                take_the_capture_in,
                inputs=[
                    "raw_images",
                    "raw_masks",
                    "raw_embeddings",
                    "raw_poses",
                    "raw_exif",
                    "params:ingest",
                ],
                outputs=[
                    "frames",
                    "data_quality",
                    "embeddings",
                    "cameras",
                    "sparse_points",
                    "thumbnails",
                ],
                name="take_the_capture_in",
            )
        ]
    )
