"""The MTCM: a BERT-style masked transformer over the frames of one capture.

Read from the bottom: `Mtcm.forward` is the method, the classes above it are its steps.
One sequence is one batch, so there is no batch dimension anywhere.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups,
E model width, H heads.

Polarity: True in `hidden` means not shown to the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtcm_pipeline.mtcm.masking import SWAP_GROUPS
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS, TOKEN_WIDTH

POSE_WIDTH = 7
_TIME_BANDS = 16
TIME_WIDTH = 4 * _TIME_BANDS


@dataclass(frozen=True)
class MtcmOutput:
    """What the model says about every frame.

    Attributes:
        tokens: (N, D) predicted standardised tokens.
        log_variance: (N, F) log of the predicted squared error a field (mean over the
            field's numbers, standardised units).
        swap_logits: (N, G) logit that the group belongs to another frame.
        next_pose: (N, 7) standardised pose that the sequence plausibly has there.
        latent: (N, E) the frames' representations.
        attention: (layers, H, N, N) weights, row i attends to column j; empty unless
            asked for.
    """

    tokens: Tensor
    log_variance: Tensor
    swap_logits: Tensor
    next_pose: Tensor
    latent: Tensor
    attention: Tensor


def time_features(times: Tensor, order: Tensor) -> Tensor:
    """Sines and cosines of a frame's time and of its place in the sequence.

    Args:
        times: (N,) position in the sequence scaled to 0..1.
        order: (N,) index in the sequence, 0, 1, 2 …

    Returns:
        (N, 4 * bands), after Vaswani et al. 2017, section 3.5, for two clocks: one that
        counts frames, one that runs from 0 to 1 whatever the capture's length.
    """
    bands = torch.arange(_TIME_BANDS, dtype=times.dtype, device=times.device)
    per_frame = torch.exp(-math.log(10_000.0) * bands / _TIME_BANDS)
    per_length = math.pi * 2.0 ** (bands / 2)
    phases = torch.cat([order[:, None] * per_frame, times[:, None] * per_length], dim=1)
    return torch.cat([phases.sin(), phases.cos()], dim=1)


class TokenEmbedding(nn.Module):
    """Linear projection of the token, field by field, with learned stand-ins.

    The sum of the fields' projections is the linear projection of the whole token. An
    absent field and a hidden field each have a learned vector of their own: "never
    measured" and "guess this" are different messages, and neither is a zero.
    """

    def __init__(self, d_model: int):
        super().__init__()
        widths = [where.stop - where.start for where in FIELD_SLICES.values()]
        self.project = nn.ModuleList([nn.Linear(width, d_model) for width in widths])
        self.absent = nn.Parameter(torch.randn(len(FIELDS), d_model) * 0.02)
        self.masked = nn.Parameter(torch.randn(len(FIELDS), d_model) * 0.02)

    def forward(self, tokens: Tensor, present: Tensor, hidden: Tensor) -> Tensor:
        """(N, D) tokens, (N, F) present, (N, F) hidden -> (N, E)."""
        embedded = tokens.new_zeros(len(tokens), self.absent.shape[1])
        for field, (where, project) in enumerate(
            zip(FIELD_SLICES.values(), self.project, strict=True)
        ):
            shown = (present[:, field] & ~hidden[:, field])[:, None]
            values = tokens[:, where].masked_fill(~shown, 0.0)
            stand_in = torch.where(
                hidden[:, field, None], self.masked[field], self.absent[field]
            )
            embedded = embedded + torch.where(shown, project(values), stand_in)
        return embedded


class SelfAttention(nn.Module):
    """Multi-head attention of every frame to every frame, with optional pair bias."""

    def __init__(self, d_model: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)

    def forward(
        self, x: Tensor, bias: Tensor | None, keep_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """(N, E) and (H, N, N) or None -> (N, E), weights (H, N, N) or None."""
        n, width = x.shape
        qkv = self.qkv(x).view(n, 3, self.heads, width // self.heads)  # (N, 3, H, E/H)
        q, k, v = qkv.permute(1, 2, 0, 3)  # (H, N, E/H) each
        weights = None
        if keep_weights:
            scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])  # (H, N, N)
            weights = (scores if bias is None else scores + bias).softmax(dim=-1)
            mixed = weights @ v
        else:
            drop = self.dropout if self.training else 0.0
            mixed = functional.scaled_dot_product_attention(
                q[None], k[None], v[None], attn_mask=bias, dropout_p=drop
            )[0]
        return self.out(mixed.transpose(0, 1).reshape(n, width)), weights


class EncoderLayer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, d_model: int, heads: int, dropout: float):
        super().__init__()
        self.norm_attention = nn.LayerNorm(d_model)
        self.attention = SelfAttention(d_model, heads, dropout)
        self.norm_mlp = nn.LayerNorm(d_model)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, 2 * d_model), nn.GELU(), nn.Linear(2 * d_model, d_model)
        )
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, bias: Tensor | None, keep_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """(N, E) -> (N, E), attention weights (H, N, N) or None."""
        mixed, weights = self.attention(self.norm_attention(x), bias, keep_weights)
        x = x + self.drop(mixed)
        return x + self.drop(self.mlp(self.norm_mlp(x))), weights


class Mtcm(nn.Module):
    """Embed the tokens, add time, let all frames attend to each other, read the heads."""

    def __init__(self, options: TrainOptions):
        super().__init__()
        width = options.d_model
        self.embed = TokenEmbedding(width)
        self.time = nn.Linear(TIME_WIDTH, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, options.heads, options.dropout)
            for _ in range(options.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.token_head = nn.Linear(width, TOKEN_WIDTH)
        self.variance_head = nn.Linear(width, len(FIELDS))
        self.swap_head = nn.Linear(width, len(SWAP_GROUPS))
        self.next_pose_head = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, POSE_WIDTH)
        )

    def forward(
        self,
        tokens: Tensor,
        present: Tensor,
        hidden: Tensor,
        times: Tensor,
        *,
        pair_bias: Tensor | None = None,
        keep_attention: bool = False,
    ) -> MtcmOutput:
        """One sequence through the model.

        Args:
            tokens: (N, D) standardised tokens; anything where absent or hidden.
            present: (N, F) bool, True = measured.
            hidden: (N, F) bool, True = not shown.
            times: (N,) position in the sequence scaled to 0..1.
            pair_bias: (H, N, N) added to the attention scores, or None.
            keep_attention: return the attention weights.
        """
        order = torch.arange(len(tokens), dtype=tokens.dtype, device=tokens.device)
        x = self.embed(tokens, present, hidden) + self.time(time_features(times, order))
        x, attention = self._encode(x, pair_bias, keep_attention)
        return MtcmOutput(
            tokens=self.token_head(x),
            log_variance=self.variance_head(x).clamp(-8.0, 8.0),
            swap_logits=self.swap_head(x),
            next_pose=self.next_pose_head(x),
            latent=x,
            attention=attention,
        )

    def _encode(
        self, x: Tensor, bias: Tensor | None, keep_attention: bool
    ) -> tuple[Tensor, Tensor]:
        """(N, E) -> (N, E), attention (layers, H, N, N) or empty."""
        kept = []
        for layer in self.layers:
            x, weights = layer(x, bias, keep_attention)
            if weights is not None:
                kept.append(weights)
        return self.norm(x), torch.stack(kept) if kept else x.new_zeros(0)
