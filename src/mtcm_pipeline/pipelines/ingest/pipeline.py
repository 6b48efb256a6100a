"""ingest: whatever lies in the identity's folders becomes one table of frames."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.ingest import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.make_the_missing_masks,
                inputs=[
                    "raw_images",
                    "raw_masks",
                    "raw_poses",
                    "content_cache",
                    "params:masks",
                ],
                outputs=["made_masks", "mask_sources"],
                name="make_the_missing_masks",
            ),
            Node(
                nodes.take_the_capture_in,
                inputs=[
                    "raw_images",
                    "raw_masks",
                    "made_masks",
                    "raw_embeddings",
                    "raw_poses",
                    "raw_exif",
                    "content_cache",
                    "sfm_workspace",
                    "params:ingest",
                    "params:sfm",
                    "params:select",
                    "params:labels",
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
            ),
            Node(
                nodes.verify_the_geometry,
                inputs=[
                    "raw_images",
                    "raw_masks",
                    "made_masks",
                    "frames",
                    "cameras",
                    "embeddings",
                    "sparse_points",
                    "content_cache",
                    "params:two_view",
                ],
                outputs=["image_pairs", "pose_evidence"],
                name="verify_the_geometry",
            ),
            Node(
                nodes.shrink_the_cache,
                inputs=["image_pairs", "content_cache", "params:ingest"],
                outputs=None,
                name="shrink_the_cache",
            ),
        ]
    )
