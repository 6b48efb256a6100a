"""train_across: one judge for many identities, measured on those that it left out."""

from kedro.pipeline import Node, Pipeline

from mtcm_pipeline.pipelines.train_across import nodes


def create_pipeline(**_: object) -> Pipeline:
    """The pipeline; no stage of the default run."""
    return Pipeline(
        [
            Node(
                nodes.spoil_and_observe_every_identity,
                inputs=[
                    "capture_folders",
                    "across_cache",
                    "params:across",
                    "parameters",
                ],
                outputs="spoilt_identities",
                name="spoil_and_observe_every_identity",
            ),
            Node(
                nodes.leave_each_identity_out,
                inputs=["spoilt_identities", "across_cache", "params:across"],
                outputs=["left_out_areas", "left_out_logits"],
                name="leave_each_identity_out",
            ),
            Node(
                nodes.train_one_judge_over_all_identities,
                inputs=[
                    "spoilt_identities",
                    "left_out_logits",
                    "across_cache",
                    "params:across",
                ],
                outputs=["shared_judge", "shared_judge_card"],
                name="train_one_judge_over_all_identities",
            ),
            Node(
                nodes.probe_latents_for_the_identity,
                inputs=[
                    "shared_judge",
                    "spoilt_identities",
                    "across_cache",
                    "params:across",
                ],
                outputs="identity_probes",
                name="probe_latents_for_the_identity",
            ),
            Node(
                nodes.sum_up_what_training_across_gives,
                inputs="left_out_areas",
                outputs="across_summary",
                name="sum_up_what_training_across_gives",
            ),
        ]
    )
