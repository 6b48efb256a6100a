"""A transformer over the graph of frames: faulty or not, which fault, which field.

A frame attends to the frames that it was compared with. What is known about the pair
enters twice, as a bias of the attention and as a message along the edge, since a
disagreement says nothing about either frame alone. Layers carry it on: a frame that
disagrees with frames that everybody else trusts is wrong. Cost grows with the number of
pairs, which is linear in the number of frames.

After "Attention is all you need" (Vaswani et al. 2017) with the edge terms of relational
attention (Diao and Loynd 2023, equations 3 to 6); pre-norm.

Dimension letters: N frames, F inputs a frame, E directed edges, G numbers an edge,
D width, H heads, L layers, B captures in a batch.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as options_dataclass
from torch import Tensor, nn

from mtcm_pipeline.judge.kinds import FAULT_KINDS, FIELDS


@options_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ModelOptions:
    """Size of the network.

    Attributes:
        width: D; 64 learned as much as 96 from a few hundred spoilt captures.
        layers: L; three hops reach through a block of consecutive frames.
        heads: H.
        dropout: of what the layers add, while training; of the evidence itself it cost
            area on captures left out.
        edges: whether pair evidence enters at all.
        messages: whether it enters along the edges, beside the attention's bias.
        projected: whether a linear map stands between the last layer and the latent; it
            is put there to take out of a latent what it must not tell
            (`across.erasure`).
    """

    width: int = Field(default=64, ge=8, le=512)
    layers: int = Field(default=3, ge=0, le=12)
    heads: int = Field(default=4, ge=1, le=16)
    dropout: float = Field(default=0.15, ge=0.0, lt=1.0)
    edges: bool = True
    messages: bool = True
    projected: bool = False


@dataclass(frozen=True)
class Graph:
    """Captures side by side, as tensors.

    Attributes:
        values: (N, F) evidence, 0 where absent.
        present: (N, F) 1.0 where it is.
        source: (E,) row of the frame that is looked at; every frame looks at itself too.
        target: (E,) row of the frame that looks.
        edges: (E, G) pair evidence; the last number marks a frame's edge to itself.
        capture: (N,) which capture a frame belongs to.
    """

    values: Tensor
    present: Tensor
    source: Tensor
    target: Tensor
    edges: Tensor
    capture: Tensor


@dataclass(frozen=True)
class Verdict:
    """Logits of a graph.

    Attributes:
        faulty: (N,).
        kinds: (N, len(FAULT_KINDS)) which fault, if one.
        fields: (N, len(FIELDS)) which field is wrong.
        attention: (L, E, H) shares that each frame gives its edges.
        latent: (N, D) what the logits are read off, beside the plain evidence.
    """

    faulty: Tensor
    kinds: Tensor
    fields: Tensor
    attention: Tensor
    latent: Tensor


class EdgeAttention(nn.Module):
    """Multi-head attention along edges, with pair evidence as bias and message."""

    def __init__(self, options: ModelOptions, edge_width: int) -> None:
        super().__init__()
        self.heads, self.options = options.heads, options
        self.query_key_value = nn.Linear(options.width, 3 * options.width)
        self.bias = nn.Linear(edge_width, options.heads)
        self.message = nn.Linear(edge_width, options.width)
        self.out = nn.Linear(options.width, options.width)

    def forward(self, hidden: Tensor, graph: Graph, edges: Tensor) -> tuple:
        """(N, D) what each frame hears, and (E, H) whom it listened to."""
        n, width = hidden.shape
        shape = (n, self.heads, width // self.heads)
        query, key, value = (
            part.reshape(shape) for part in self.query_key_value(hidden).chunk(3, dim=1)
        )  # (N, H, D / H)
        dots = (query[graph.target] * key[graph.source]).sum(dim=2) / shape[2] ** 0.5
        if self.options.edges:
            dots = dots + self.bias(edges)
        shares = softmax_by(dots, graph.target, n)  # (E, H)
        heard = value[graph.source]  # (E, H, D / H)
        if self.options.edges and self.options.messages:
            heard = heard + self.message(edges).reshape(-1, *shape[1:])
        total = torch.zeros(shape, dtype=hidden.dtype)
        total = total.index_add(0, graph.target, shares[..., None] * heard)
        return self.out(total.reshape(n, width)), shares


class Block(nn.Module):
    """Attention along edges, a word from the whole capture, and a feed-forward step."""

    def __init__(self, options: ModelOptions, edge_width: int) -> None:
        super().__init__()
        width = options.width
        self.norm_attention, self.norm_step = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = EdgeAttention(options, edge_width)
        self.whole = nn.Linear(width, width)
        self.step = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(options.dropout),
            nn.Linear(2 * width, width),
        )
        self.drop = nn.Dropout(options.dropout)

    def forward(self, hidden: Tensor, graph: Graph, edges: Tensor) -> tuple:
        """(N, D) and (E, H)."""
        normed = self.norm_attention(hidden)
        heard, shares = self.attention(normed, graph, edges)
        mean = mean_by(normed, graph.capture)[graph.capture]  # (N, D)
        hidden = hidden + self.drop(heard) + self.drop(self.whole(mean))
        return hidden + self.drop(self.step(self.norm_step(hidden))), shares


class JudgeModel(nn.Module):
    """Evidence in, logits out.

    Args:
        inputs: F.
        pair_inputs: G without the mark of self edges.
        options: size.
    """

    def __init__(self, inputs: int, pair_inputs: int, options: ModelOptions) -> None:
        super().__init__()
        width = options.width
        self.options, edge_width = options, max(width // 2, 8)
        self.take_in = nn.Linear(2 * inputs, width)
        self.take_edges_in = nn.Sequential(
            nn.Linear(pair_inputs + 1, edge_width), nn.GELU(), nn.LayerNorm(edge_width)
        )
        self.blocks = nn.ModuleList(
            [Block(options, edge_width) for _ in range(options.layers)]
        )
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, width) if options.projected else nn.Identity()
        outputs = 1 + len(FAULT_KINDS) + len(FIELDS)
        self.head = nn.Linear(width, outputs)
        self.straight = nn.Linear(2 * inputs, outputs)

    def forward(self, graph: Graph) -> Verdict:
        """Judge every frame of the graph."""
        evidence = torch.cat([graph.values, graph.present - 1.0], dim=1)  # (N, 2F)
        hidden = self.take_in(evidence)
        edges = self.take_edges_in(graph.edges)
        attention = []
        for block in self.blocks:
            hidden, shares = block(hidden, graph, edges)
            attention.append(shares)
        latent = self.project(self.norm(hidden))
        logits = self.head(latent) + self.straight(evidence)
        faulty, kinds, fields = logits.split([1, len(FAULT_KINDS), len(FIELDS)], dim=1)
        looks = torch.stack(attention) if attention else torch.zeros(0, 0, 0)
        return Verdict(faulty[:, 0], kinds, fields, looks, latent)

    def followed_by(self, matrix: Tensor, offset: Tensor) -> JudgeModel:
        """The same network with the latent x -> A x + b; this one is not changed.

        Args:
            matrix: A, (D, D).
            offset: b, (D).
        """
        result = copy.deepcopy(self)
        linear = nn.utils.skip_init(nn.Linear, len(offset), len(offset))
        with torch.no_grad():
            start = self.project
            if isinstance(start, nn.Linear):
                matrix, offset = matrix @ start.weight, matrix @ start.bias + offset
            linear.weight.copy_(matrix)
            linear.bias.copy_(offset)
        result.project = linear
        result.options = replace(self.options, projected=True)
        return result


def softmax_by(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(E, H) shares that add up to 1 within each group of rows."""
    index = group[:, None].expand_as(values)
    most = torch.full((groups, values.shape[1]), -torch.inf, dtype=values.dtype)
    most = most.scatter_reduce(0, index, values.detach(), "amax")
    weights = torch.exp(values - most[group])
    total = torch.zeros(groups, values.shape[1], dtype=values.dtype)
    total = total.index_add(0, group, weights)
    return weights / total[group]


def mean_by(values: Tensor, group: Tensor) -> Tensor:
    """(B, D) mean of (N, D) rows by group."""
    groups = int(group.max()) + 1 if len(group) else 0
    total = torch.zeros(groups, values.shape[1], dtype=values.dtype)
    counts = torch.zeros(groups, dtype=values.dtype)
    total = total.index_add(0, group, values)
    counts = counts.index_add(0, group, torch.ones(len(values), dtype=values.dtype))
    return total / counts[:, None]
