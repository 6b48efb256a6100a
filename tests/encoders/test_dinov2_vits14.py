"""The plain ViT-S/14: official names, the reference's arithmetic, both file kinds."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mtcm_pipeline.encoders.dinov2_keys import official_keys
from mtcm_pipeline.encoders.dinov2_vits14 import (
    Attention,
    Block,
    DinoV2ViTS14,
    VisionTransformer,
)
from mtcm_pipeline.errors import FileContentError

WIDTH, GRID = 384, 37


def official_shapes():
    """Names and shapes of the official file, written out by hand."""
    block = {
        "norm1.weight": (WIDTH,),
        "norm1.bias": (WIDTH,),
        "attn.qkv.weight": (3 * WIDTH, WIDTH),
        "attn.qkv.bias": (3 * WIDTH,),
        "attn.proj.weight": (WIDTH, WIDTH),
        "attn.proj.bias": (WIDTH,),
        "ls1.gamma": (WIDTH,),
        "norm2.weight": (WIDTH,),
        "norm2.bias": (WIDTH,),
        "mlp.fc1.weight": (4 * WIDTH, WIDTH),
        "mlp.fc1.bias": (4 * WIDTH,),
        "mlp.fc2.weight": (WIDTH, 4 * WIDTH),
        "mlp.fc2.bias": (WIDTH,),
        "ls2.gamma": (WIDTH,),
    }
    shapes = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, 1 + GRID * GRID, WIDTH),
        "mask_token": (1, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, 14, 14),
        "patch_embed.proj.bias": (WIDTH,),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
    }
    for index in range(12):
        shapes |= {f"blocks.{index}.{key}": shape for key, shape in block.items()}
    return shapes


@pytest.fixture(scope="module")
def weights():
    generator = torch.Generator().manual_seed(2)
    return {
        key: 0.05 * torch.randn(shape, generator=generator)
        for key, shape in official_shapes().items()
    }


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (40, 60, 3), dtype=np.uint8) for _ in range(3)]


def in_the_other_names(weights):
    """The same weights as the transformers checkpoint names them."""
    top = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "mask_token": "embeddings.mask_token",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "norm": "layernorm",
    }
    layer = {
        "attn.proj": "attention.output.dense",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
    }
    renamed = {}
    for key, value in weights.items():
        if not key.startswith("blocks."):
            stem = next(k for k in top if key == k or key.startswith(k + "."))
            renamed[top[stem] + key[len(stem) :]] = value
            continue
        _, index, rest = key.split(".", 2)
        start = f"encoder.layer.{index}."
        if rest.startswith("attn.qkv."):
            kind = rest.rsplit(".", 1)[1]
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed[f"{start}attention.attention.{part}.{kind}"] = rows.clone()
            continue
        for ours, theirs in layer.items():
            rest = rest.replace(ours, theirs)
        renamed[start + rest] = value
    return renamed


def test_names_and_shapes_are_the_official_ones():
    with torch.device("meta"):
        network = VisionTransformer()
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert shapes == official_shapes()
    assert sum(math.prod(s) for s in shapes.values()) * 4 < 88_283_115  # and headers


def test_pth_and_safetensors_and_both_namings_agree(tmp_path, weights, pictures):
    torch.save(weights, tmp_path / "official.pth")
    save_file(weights, tmp_path / "official.safetensors")
    save_file(in_the_other_names(weights), tmp_path / "model.safetensors")
    vectors = [
        DinoV2ViTS14.load(path).encode(pictures) for path in sorted(tmp_path.iterdir())
    ]
    assert vectors[0].shape == (3, WIDTH)
    assert np.allclose(np.linalg.norm(vectors[0], axis=1), 1.0, atol=1e-6)
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])


def test_renaming_is_undone_exactly(weights):
    restored = official_keys(in_the_other_names(weights))
    assert restored.keys() == weights.keys()
    assert all(torch.equal(restored[key], weights[key]) for key in weights)


def test_loading_is_strict(tmp_path, weights):
    path = tmp_path / "short.pth"
    torch.save({k: v for k, v in weights.items() if k != "blocks.3.ls1.gamma"}, path)
    with pytest.raises(FileContentError, match=r"blocks\.3\.ls1\.gamma"):
        DinoV2ViTS14.load(path)


def test_batch_size_does_not_matter(tmp_path, weights, pictures):
    torch.save(weights, tmp_path / "w.pth")
    encoder = DinoV2ViTS14.load(tmp_path / "w.pth")
    together = encoder.encode(pictures * 3)  # 9: more than one internal batch
    alone = np.concatenate([encoder.encode([picture]) for picture in pictures])
    assert np.allclose(together, np.tile(alone, (3, 1)), atol=1e-5)


def test_attention_equals_the_loop_over_heads_and_tokens():
    torch.manual_seed(0)
    width, heads, tokens = 24, 3, 5
    attention = Attention(width, heads).double()
    x = torch.randn(2, tokens, width, dtype=torch.float64)
    weight, bias = attention.qkv.weight, attention.qkv.bias
    size = width // heads
    expected = torch.zeros(2, tokens, width, dtype=torch.float64)
    for b in range(2):
        for h in range(heads):
            rows = [
                slice(part * width + h * size, part * width + (h + 1) * size)
                for part in range(3)
            ]
            q, k, v = (x[b] @ weight[r].T + bias[r] for r in rows)
            for t in range(tokens):
                scores = torch.stack(
                    [q[t] @ k[u] / math.sqrt(size) for u in range(tokens)]
                )
                share = torch.exp(scores) / torch.exp(scores).sum()
                expected[b, t, h * size : (h + 1) * size] = share @ v
    expected = expected @ attention.proj.weight.T + attention.proj.bias
    assert torch.allclose(attention(x), expected, atol=1e-10)


def test_a_block_with_layer_scale_zero_is_the_identity():
    torch.manual_seed(0)
    block = Block(24, 3)
    torch.nn.init.zeros_(block.ls1.gamma)
    torch.nn.init.zeros_(block.ls2.gamma)
    x = torch.randn(1, 4, 24)
    assert torch.equal(block(x), x)


def test_norms_use_the_reference_epsilon():
    norms = [
        m
        for m in VisionTransformer(24, 1, 3, 4).modules()
        if isinstance(m, torch.nn.LayerNorm)
    ]
    assert {norm.eps for norm in norms} == {1e-6}


def test_positions_at_the_native_size_are_the_weights():
    network = VisionTransformer(24, 1, 3, 4)
    torch.nn.init.normal_(network.pos_embed)
    assert torch.equal(network.positions(4, 4), network.pos_embed)


def cubic_weights(fraction):
    """Of the four neighbours, from the formula of cubic convolution with a = -0.75."""
    a = -0.75
    weights = []
    for distance in (1 + fraction, fraction, 1 - fraction, 2 - fraction):
        if distance <= 1:
            weights.append((a + 2) * distance**3 - (a + 3) * distance**2 + 1)
        else:
            weights.append(a * (distance**3 - 5 * distance**2 + 8 * distance - 4))
    return weights


def resampled(values, out_size, native):
    """(native, ...) to (out_size, ...) along the first axis, one output at a time.

    Output i lies at (i + .5) / ((out_size + .1) / native) - .5 of the native grid.
    """
    rows = []
    for i in range(out_size):
        place = (i + 0.5) * native / (out_size + 0.1) - 0.5
        first = math.floor(place)
        taps = [min(max(first + k, 0), native - 1) for k in (-1, 0, 1, 2)]
        weights = cubic_weights(place - first)
        rows.append(sum(w * values[t] for w, t in zip(weights, taps, strict=True)))
    return torch.stack(rows)


def test_positions_elsewhere_are_bicubic_with_the_offset_in_their_scale():
    native, grid_h, grid_w = 20, 9, 27
    network = VisionTransformer(6, 1, 3, native)
    torch.manual_seed(3)
    torch.nn.init.normal_(network.pos_embed)
    patches = network.pos_embed[0, 1:].detach().reshape(native, native, 6).double()
    by_rows = resampled(patches, grid_h, native)  # (grid_h, native, 6)
    expected = resampled(by_rows.transpose(0, 1), grid_w, native).transpose(0, 1)
    positions = network.positions(grid_h, grid_w).detach().double()
    assert torch.equal(positions[0, 0], network.pos_embed[0, 0].detach().double())
    grid = positions[0, 1:].reshape(grid_h, grid_w, 6)
    assert torch.allclose(grid, expected, atol=1e-4)
