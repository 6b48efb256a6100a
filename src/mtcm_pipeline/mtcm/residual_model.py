"""The MTCM that stands on a kernel prior and predicts the residual over it.

Read from the bottom: `ResidualMtcm.forward` is the method. What is predicted of an asked
frame is

    prior + sum_k mix_k (member_k - prior) + gain * sum_j weight_j residual_j

with j over the shown frames and residual_j what the prior was wrong by while j was left
out. The transformer answers with mix, gain and weight alone, so its answer turns with the
world, mirrors with it, and does not know in which basis embeddings are written. Heads
start at zero: an untrained model is the prior.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups, E model
width, H heads, L layers, K members, A asked frames, S shown frames, m numbers of a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtcm_pipeline.mtcm.masking import SWAP_GROUPS
from mtcm_pipeline.mtcm.model import (
    POSE_WIDTH,
    TIME_WIDTH,
    EncoderLayer,
    TokenEmbedding,
    time_features,
)
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prior import FEATURE_WIDTH, PAIR_WIDTH, PARTS
from mtcm_pipeline.regressors.ensemble import MEMBERS

_PAIR_HIDDEN = 32
_KEY_WIDTH = 16
_EVIDENCE_HIDDEN = 96
# The token's own numbers say little that holds for another capture; the evidence does.
_TOKEN_SHARE = 0.1


@dataclass(frozen=True)
class PartTensors:
    """A part of the prior as tensors; see `prior.PartPrior`.

    Attributes:
        asked: (A,) rows that are predicted.
        shown: (S,) rows whose truth is known.
        prior: (A, m).
        spread: (K, A, m).
        residual: (S, m).
        truth: (A, m); only the loss looks at it.
        log_variance: (A,) of the squared error, summed over the numbers.
        size: typical distance of the truth from its mean.
    """

    asked: Tensor
    shown: Tensor
    prior: Tensor
    spread: Tensor
    residual: Tensor
    truth: Tensor
    log_variance: Tensor
    size: float


@dataclass(frozen=True)
class TaskTensors:
    """A sequence with some entries hidden, and what the prior says of it.

    Attributes:
        tokens: (N, D) standardised; 0 where hidden or absent.
        present: (N, F) bool.
        hidden: (N, F) bool.
        times: (N,) 0..1.
        features: (N, `FEATURE_WIDTH`).
        pairs: (N, N, `PAIR_WIDTH`).
        pose: (N, 7) standardised pose as the prior has it without the frame.
        parts: by name.
    """

    tokens: Tensor
    present: Tensor
    hidden: Tensor
    times: Tensor
    features: Tensor
    pairs: Tensor
    pose: Tensor
    parts: Mapping[str, PartTensors]


@dataclass(frozen=True)
class ResidualOutput:
    """What the model says.

    Attributes:
        residuals: by part, (A, m) to be added to the prior.
        log_variances: by part, (A,) of the squared error with the residual.
        swap_logits: (N, G) logit that the group belongs to another frame.
        next_pose: (N, 7) standardised pose that the sequence plausibly has there.
        latent: (N, E) the frames' representations.
        attention: (L, H, N, N); empty unless asked for.
    """

    residuals: dict[str, Tensor]
    log_variances: dict[str, Tensor]
    swap_logits: Tensor
    next_pose: Tensor
    latent: Tensor
    attention: Tensor


class ResidualHead(nn.Module):
    """Weights over the members and over the shown frames' residuals, for one part."""

    def __init__(self, width: int, members: int):
        super().__init__()
        self.mix = _zero(nn.Linear(width, members))
        self.gain = _zero(nn.Linear(width, 1))
        self.variance = _zero(nn.Linear(width, 1))
        self.query = nn.Linear(width, _KEY_WIDTH)
        self.key = nn.Linear(width, _KEY_WIDTH)

    def forward(
        self, x: Tensor, bias: Tensor, part: PartTensors
    ) -> tuple[Tensor, Tensor]:
        """(N, E) and (N, N) -> (A, m) residual, (A,) log variance."""
        asked = x[part.asked]
        logits = self.query(asked) @ self.key(x[part.shown]).T / _KEY_WIDTH**0.5
        logits = logits + bias[part.asked][:, part.shown]  # (A, S)
        carried = logits.softmax(dim=1) @ part.residual  # (A, m)
        mixed = torch.einsum("ak,kam->am", self.mix(asked), part.spread)
        change = self.variance(asked)[:, 0].clamp(-3.0, 3.0)
        return mixed + self.gain(asked) * carried, part.log_variance + change


class ResidualMtcm(nn.Module):
    """Embed tokens and the prior's evidence, let all frames attend, weigh the members."""

    def __init__(self, options: TrainOptions):
        super().__init__()
        width = options.d_model
        self.embed = TokenEmbedding(width)
        self.time = nn.Linear(TIME_WIDTH, width)
        self.evidence = nn.Sequential(
            nn.Linear(FEATURE_WIDTH, _EVIDENCE_HIDDEN),
            nn.GELU(),
            nn.Linear(_EVIDENCE_HIDDEN, width),
        )
        self.pair = nn.Sequential(
            nn.Linear(PAIR_WIDTH, _PAIR_HIDDEN),
            nn.GELU(),
            nn.Linear(_PAIR_HIDDEN, options.layers * options.heads + len(PARTS)),
        )
        self.layers = nn.ModuleList(
            EncoderLayer(width, options.heads, options.dropout)
            for _ in range(options.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.heads = options.heads
        self.parts = nn.ModuleDict(
            {
                name: ResidualHead(width, len(MEMBERS[field]))
                for name, (field, _) in PARTS.items()
            }
        )
        self.swap_head = nn.Linear(width, len(SWAP_GROUPS))
        self.next_pose_head = _zero(nn.Linear(width, POSE_WIDTH))

    def forward(
        self, task: TaskTensors, *, keep_attention: bool = False
    ) -> ResidualOutput:
        """One sequence through the model."""
        order = torch.arange(len(task.times), dtype=task.times.dtype)
        x = self.embed(task.tokens, task.present, task.hidden)
        x = _TOKEN_SHARE * (x + self.time(time_features(task.times, order)))
        x = x + self.evidence(task.features)
        biases = self.pair(task.pairs).permute(2, 0, 1)  # (L * H + Q, N, N)
        x, attention = self._encode(x, biases, keep_attention)
        residuals, log_variances = self._predict(x, biases[-len(PARTS) :], task)
        return ResidualOutput(
            residuals,
            log_variances,
            swap_logits=self.swap_head(x),
            next_pose=task.pose + self.next_pose_head(x),
            latent=x,
            attention=attention,
        )

    def _encode(
        self, x: Tensor, biases: Tensor, keep_attention: bool
    ) -> tuple[Tensor, Tensor]:
        """(N, E) -> (N, E), attention (L, H, N, N) or empty."""
        kept = []
        for index, layer in enumerate(self.layers):
            of_layer = biases[index * self.heads : (index + 1) * self.heads]  # (H, N, N)
            x, weights = layer(x, of_layer, keep_attention)
            if weights is not None:
                kept.append(weights)
        return self.norm(x), torch.stack(kept) if kept else x.new_zeros(0)

    def _predict(
        self, x: Tensor, biases: Tensor, task: TaskTensors
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        residuals, log_variances = {}, {}
        for bias, (name, head) in zip(biases, self.parts.items(), strict=True):
            if name in task.parts and len(task.parts[name].asked):
                residuals[name], log_variances[name] = head(x, bias, task.parts[name])
        return residuals, log_variances


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
