"""finetune: view weights and camera poses, learned with the field in the loop.

Not a part of the default run: it answers a question that not every run asks.
"""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.finetune import nodes

_VIEWS = ["cameras", "gauge", "raw_images", "raw_masks", "made_masks"]


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                nodes.hold_test_frames_out,
                inputs=[
                    "selection",
                    "final_scores",
                    "cameras",
                    "gauge",
                    "params:finetune",
                ],
                outputs="finetune_split",
                name="hold_test_frames_out_of_fine_tuning",
            ),
            Node(
                nodes.learn_weights_and_poses,
                inputs=[
                    "finetune_split",
                    "final_scores",
                    *_VIEWS,
                    "image_pairs",
                    "tokens",
                    "hidden_predictions",
                    "frame_representations",
                    "content_cache",
                    "params:two_view",
                    "params:finetune",
                ],
                outputs=[
                    "view_weights",
                    "refined_cameras",
                    "tuned_head",
                    "tuned_field",
                    "finetune_curve",
                    "finetune_periods",
                ],
                name="learn_view_weights_and_poses_with_the_field",
            ),
            Node(
                nodes.compare_with_the_filter_alone,
                inputs=[
                    "tuned_field",
                    "finetune_split",
                    "final_scores",
                    *_VIEWS,
                    "params:finetune",
                ],
                outputs="finetune_quality",
                name="compare_the_tuned_field_with_the_filter_alone",
            ),
            Node(
                nodes.draw_fine_tuning,
                inputs=[
                    "view_weights",
                    "finetune_curve",
                    "finetune_periods",
                    "finetune_quality",
                ],
                outputs="finetune_curves",
                name="draw_how_weights_and_poses_were_learned",
            ),
        ]
    )
