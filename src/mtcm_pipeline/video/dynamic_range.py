"""High dynamic range video (HLG, as phones record it, and PQ) to ordinary pictures.

Taken as they are, such values look grey and pale. They are brought to light by their
standard, to the colours of BT.709, and encoded as sRGB; what is brighter than white
paper is compressed into the last part of the range.

Dimension letters: H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Float = NDArray[np.floating]
Pixels = NDArray[np.uint8]

_LEVELS = 65536
# Code points of transfer characteristics and primaries, ITU-T H.273, tables 2 and 3.
_PQ, _HLG = 16, 18
_BT2020 = 9
# Brightness of white paper in graphics, cd/m2: ITU-R BT.2408, table 1.
_WHITE_NITS = 203.0
# Peak of the display for which HLG is shown, cd/m2; its system gamma is then 1.2.
_HLG_PEAK_NITS, _HLG_GAMMA = 1000.0, 1.2
# Linear light, BT.2020 to BT.709: ITU-R BT.2407, section 2.2 (inverse of BT.2087's).
_BT709_FROM_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    dtype=np.float32,
)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)  # BT.2020
# Light up to this share of white stays; above, it is compressed.
_KNEE = 0.7


def is_high_range(frame: VideoFrame) -> bool:
    """Whether its values are HLG or PQ."""
    return frame.color_trc in (_PQ, _HLG)


def ordinary_rgb(frame: VideoFrame) -> Pixels:
    """(H, W, 3) uint8 sRGB of a frame for which `is_high_range` is true."""
    coded = frame.to_ndarray(format="rgb48le")
    light = _light_of_codes(frame.color_trc)[coded]  # (H, W, 3), 1 is white paper
    if frame.color_trc == _HLG:
        # BT.2100, table 5: the display's gamma is on the luminance; the table held the
        # scene's light.
        luminance = light @ _LUMINANCE
        gain = _HLG_PEAK_NITS / _WHITE_NITS * luminance ** (_HLG_GAMMA - 1.0)
        light = light * gain[..., None]
    if frame.color_primaries == _BT2020:
        light = light @ _BT709_FROM_BT2020.T
    return srgb_of_light(compressed(np.maximum(light, 0.0)))


def compressed(light: Float) -> Float:
    """(H, W, 3) in 0..1: a smooth shoulder above the knee, the same for all three
    colours of a pixel, so that hues stay."""
    brightest = light.max(axis=-1, keepdims=True)
    room = 1.0 - _KNEE
    shoulder = _KNEE + room * np.tanh((brightest - _KNEE) / room)
    factor = np.where(brightest > _KNEE, shoulder / np.maximum(brightest, _KNEE), 1.0)
    return light * factor


def srgb_of_light(light: Float) -> Pixels:
    """uint8 of linear light in 0..1 (IEC 61966-2-1)."""
    bright = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    coded = np.where(light <= 0.0031308, 12.92 * light, bright)
    return np.round(np.clip(coded, 0.0, 1.0) * 255.0).astype(np.uint8)


def pq_light(coded: Float) -> Float:
    """cd/m2 of PQ values in 0..1 (SMPTE ST 2084, BT.2100 table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = coded ** (1 / m2)
    return 10000.0 * (np.maximum(power - c1, 0.0) / (c2 - c3 * power)) ** (1 / m1)


def hlg_scene_light(coded: Float) -> Float:
    """Light of the scene in 0..1 of HLG values in 0..1 (BT.2100 table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)


@cache
def _light_of_codes(transfer: int) -> NDArray[np.float32]:
    """(65536,) light of every 16-bit value: PQ's in units of white paper, HLG's scene."""
    coded = np.arange(_LEVELS) / (_LEVELS - 1)
    curve: Callable[[Float], Float] = pq_light if transfer == _PQ else hlg_scene_light
    scale = _WHITE_NITS if transfer == _PQ else 1.0
    return (curve(coded) / scale).astype(np.float32)
