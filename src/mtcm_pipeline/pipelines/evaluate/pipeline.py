"""evaluate: what the model thinks of every frame, and pictures of what it learned."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.evaluate import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.predict_hidden_fields,
                inputs=["mtcm_model", "tokens"],
                outputs="hidden_predictions",
                name="predict_hidden_fields",
            ),
            Node(
                nodes.represent_frames,
                inputs=["mtcm_model", "tokens"],
                outputs=["frame_representations", "similarity_matrix"],
                name="represent_frames",
            ),
            Node(
                nodes.score_every_frame,
                inputs=[
                    "tokens",
                    "hidden_predictions",
                    "frames",
                    "pose_evidence",
                    "image_pairs",
                    "cameras",
                    "raw_images",
                    "raw_masks",
                    "made_masks",
                    "content_cache",
                    "params:scores",
                ],
                outputs="scores",
                name="score_every_frame",
            ),
            Node(
                nodes.draw_snapshots,
                inputs=[
                    "training_snapshots",
                    "tokens",
                    "scores",
                    "thumbnails",
                    "params:select",
                ],
                outputs="snapshot_files",
                name="draw_snapshots",
            ),
            Node(
                nodes.draw_training,
                inputs="training_history",
                outputs="training_curves",
                name="draw_training",
            ),
            Node(
                nodes.draw_maps,
                inputs=["tokens", "hidden_predictions", "scores", "params:train"],
                outputs="token_maps",
                name="draw_maps",
            ),
        ]
    )
