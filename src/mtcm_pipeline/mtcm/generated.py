"""Generated captures as tokens: what pretraining learns from.

Dimension letters: N frames.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.files import stem_of
from mtcm_pipeline.formats.exif import focal_px, read_exif
from mtcm_pipeline.formats.images import decode_image
from mtcm_pipeline.formats.masks import decode_mask
from mtcm_pipeline.mtcm.pretrain_options import PretrainOptions
from mtcm_pipeline.mtcm.results import CheckpointStore
from mtcm_pipeline.progress import tracked
from mtcm_pipeline.sample.generate import SampleCapture, generate_sample
from mtcm_pipeline.sample.options import AzimuthGap, SampleOptions
from mtcm_pipeline.tokens.build import build_tokens
from mtcm_pipeline.tokens.layout import Tokens

Embed = Callable[[list[NDArray[np.uint8]]], NDArray[np.float32]]

# An encoder squeezes pictures to 224 px: larger ones cost time and teach nothing.
_WIDTH_PX = 180
_VOXEL_MM = 4.0  # a pixel of such a picture is about this large
_SUPERSAMPLE = 1


def varied_options(seed: int, *, frames: tuple[int, int] = (30, 60)) -> SampleOptions:
    """Options of the generated capture number `seed`: another subject, path and lens.

    Gaps, rings, frame counts and the picture's shape vary too, so that what is learned
    is not one walk by heart. Nothing is planted: `faults.inject` and the augmentation
    do that, anew in every step.
    """
    rng = np.random.default_rng([seed, 5])
    gaps: list[AzimuthGap] = [
        (float(rng.uniform(-180, 180)), float(rng.uniform(15, 70)))
        for _ in range(int(rng.integers(0, 4)))
    ]
    height = int(rng.choice([_WIDTH_PX * 4 // 3, _WIDTH_PX, _WIDTH_PX * 3 // 4]))
    return SampleOptions(
        seed=seed,
        frames=int(rng.integers(frames[0], frames[1] + 1)),
        width=_WIDTH_PX,
        height=height,
        gaps_deg=tuple(gaps),
        high_ring_share=float(rng.uniform(0.0, 0.6)),
        faults=False,
        voxel_mm=_VOXEL_MM,
        supersample=_SUPERSAMPLE,
    )


def generated_captures(
    options: PretrainOptions, embed: Embed, store: CheckpointStore | None = None
) -> dict[str, Tokens]:
    """Tokens of all captures to pretrain on, by name.

    Args:
        options: how many, and their first seed.
        embed: N pictures (H, W, 3) uint8 to (N, 384).
        store: keeps each capture's tokens, so that a killed run need not begin anew.
    """
    captures = {}
    seeds = range(options.first_seed, options.first_seed + options.captures)
    for seed in tracked(seeds, "generating captures"):
        key = f"generated_{seed}"
        stored = store.read(key) if store is not None else None
        if stored is None:
            tokens = generated_tokens(varied_options(seed), embed)
            if store is not None:
                store.write(key, _packed(tokens))
        else:
            tokens = _unpacked(stored)
        captures[key] = tokens
    return captures


def _packed(tokens: Tokens) -> bytes:
    buffer = io.BytesIO()
    arrays = {"names": np.array(tokens.names), "values": tokens.values}
    np.savez_compressed(
        buffer, allow_pickle=False, present=tokens.present, times=tokens.times, **arrays
    )
    return buffer.getvalue()


def _unpacked(content: bytes) -> Tokens:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return Tokens(
            tuple(stored["names"].tolist()),
            stored["values"],
            stored["present"],
            stored["times"],
        )


def generated_tokens(options: SampleOptions, embed: Embed) -> Tokens:
    """Tokens of one generated capture.

    Args:
        options: what to generate.
        embed: N pictures (H, W, 3) uint8 to (N, 384).
    """
    return tokens_of_sample(generate_sample(options), embed)


def tokens_of_sample(capture: SampleCapture, embed: Embed) -> Tokens:
    """Tokens of a generated capture from its files, as a user's would be made."""
    given = capture.truth.given
    files, masks = capture.parts["raw_images"], capture.parts["masks"]
    pictures = [decode_image(files[name], name).rgb for name in given.names]
    rows = []
    for name, picture in zip(given.names, pictures, strict=True):
        height, width = picture.shape[:2]
        facts = read_exif(files[name], name)
        mask = masks.get(f"{stem_of(name)}.png")
        area = np.nan
        if mask is not None:
            area = float(decode_mask(mask, name, size=(width, height))[0].mean())
        focal = focal_px(facts, width, height)
        rows.append((name, width, height, facts.timestamp_s, area, focal))
    columns = ["name", "width", "height", "timestamp_s", "mask_area", "focal_px"]
    frames = pd.DataFrame(rows, columns=columns)
    numbers = ["timestamp_s", "mask_area", "focal_px"]
    frames[numbers] = frames[numbers].astype(np.float64)
    return build_tokens(frames, embed(pictures), given)[0]
