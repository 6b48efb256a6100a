"""How the MTCM is built and trained."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class TrainOptions:
    """Parameters under `train`; each default with its reason.

    Attributes:
        model: `residual`: weights over the members of a kernel prior and over its own
            misses, gated by what held-out frames show; never worse than the prior.
            `plain`: the masked transformer alone, the reference of the ablation.
        init: where training starts: `shipped` (the pretrained weights of the package, if
            they fit the model's size), `none`, or the path of a safetensors file.
            A capture's 50 to 500 tokens cannot train a transformer by themselves.
        d_model: width of the latent; 256 by the method's definition.
        layers: encoder layers; with the prior's evidence on every frame two are enough,
            and weights for them fit the package. The plain model wants four.
        heads: attention heads.
        dropout: share of activations dropped while training; one capture is small.
        mask_ratio: share of the entries hidden in a step; 0.3, as BERT-style masking
            of few tokens needs more than BERT's 0.15.
        mask_modes: how entries are hidden, drawn anew each step. Frames and fields at
            random, contiguous spans (else the neighbouring video frame gives the answer
            away) and viewing sectors (likewise for the neighbouring orbit).
        swap_ratio: share of visible entries that are replaced by another frame's, so
            that the swap head learns what a frame that does not belong looks like.
        epochs: passes over the sequence; from pretrained weights early stopping ends
            most trainings before.
        patience: epochs without a better held-out loss after which training stops, and
            the best weights are kept; 0 trains to the end and keeps the last.
        tasks: draws of hidden entries that the prior is asked about once and that are
            then trained on in turn (`residual` only): asking costs more than a step.
        learning_rate: peak of the one-cycle schedule; small, so that pretrained weights
            are tuned and not forgotten.
        warmup_share: share of the epochs in which the rate rises.
        weight_decay: AdamW's.
        clip_norm: gradients longer than this are shortened.
        pose_weight: weight of the next-pose loss (L1) beside the masked one.
        swap_weight: weight of the swapped-field loss.
        variance_weight: weight of the predictive-variance loss.
        context_frames: frames that attend to each other at once; longer captures are
            seen through windows, so that cost grows linearly. The prior's cost grows with
            the cube of a window: twice as many frames would take four times as long.
        snapshot_every: epochs between two snapshots; the last epoch always has one.
        checkpoint_every: epochs between two checkpoints that a killed run resumes from.
        folds: a frame is scored while one of `folds` interleaved shares is hidden.
        seed: of weights, masks and dropout.
        threads: of torch and BLAS while training. One by default: on matrices this small
            more gain little, cost ten times the time where another job is running, and
            would make the result depend on the machine. 0 leaves torch's own choice.
    """

    model: Literal["residual", "plain"] = Field(default="residual")
    init: str = Field(default="shipped", min_length=1)
    d_model: int = Field(default=256, ge=8)
    layers: int = Field(default=2, ge=1, le=24)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    mask_ratio: float = Field(default=0.3, gt=0.0, lt=1.0)
    mask_modes: tuple[Literal["frame", "field", "span", "sector"], ...] = Field(
        default=("frame", "field", "span", "sector"), min_length=1
    )
    swap_ratio: float = Field(default=0.1, ge=0.0, lt=1.0)
    epochs: int = Field(default=300, ge=0)
    patience: int = Field(default=100, ge=0)
    tasks: int = Field(default=40, ge=1)
    learning_rate: float = Field(default=3e-4, gt=0.0)
    warmup_share: float = Field(default=0.1, ge=0.0, le=0.9)
    weight_decay: float = Field(default=0.02, ge=0.0)
    clip_norm: float = Field(default=1.0, gt=0.0)
    pose_weight: float = Field(default=0.5, ge=0.0)
    swap_weight: float = Field(default=0.1, ge=0.0)
    variance_weight: float = Field(default=0.1, ge=0.0)
    context_frames: int = Field(default=256, ge=4)
    snapshot_every: int = Field(default=100, ge=1)
    checkpoint_every: int = Field(default=50, ge=1)
    folds: int = Field(default=5, ge=2)
    seed: int = Field(default=0, ge=0)
    threads: int = Field(default=1, ge=0)

    def __post_init__(self) -> None:
        if self.d_model % self.heads:
            raise ValueError(
                f"d_model {self.d_model} is not divisible by heads {self.heads}"
            )
