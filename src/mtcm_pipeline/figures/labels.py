"""Writing names beside data so that they can be read: fitted, thinned, pushed apart.

Dimension letters: M marks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import takewhile
from string import digits
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font, LoadFlags
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# The first is part of matplotlib; the others are used where the machine has them, for
# letters that the first lacks.
_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
)
_NO_GLYPH = "□"
_EM_PX = 100.0
_MARGIN = 1.04  # hinted glyphs on the pixel grid are a little wider than their outlines


def literal(**more: Any) -> dict[str, Any]:
    """Keywords for texts that hold names: `$` is not mathematics, letters are found."""
    return {"parse_math": False, "fontfamily": list(_families()), **more}


def drawable(text: str) -> str:
    """The text on one line; letters that no font at hand has become a box."""
    known = _characters()
    kept = (" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    return "".join(c if ord(c) in known else _NO_GLYPH for c in kept)


def width_pt(text: str, size_pt: float) -> float:
    """How wide a line of text is, in points."""
    return sum(_advance(ord(c)) for c in text) * size_pt * _MARGIN


def fitted(text: str, room_pt: float, size_pt: float) -> str:
    """The text, shortened in its middle until it fits.

    File names differ at their end and are recognised by their start, so both stay.
    """
    text = drawable(text)
    kept = len(text)
    shown = text
    while width_pt(shown, size_pt) > room_pt and kept > 2:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return shown


def told_apart(names: Sequence[str], room_pt: float, size_pt: float) -> list[str]:
    """The names so that each fits and they still differ.

    Where one is too long, what all have in common at the start and at the end becomes
    '…'; a number is kept whole.
    """
    shown = [drawable(name) for name in names]
    if all(width_pt(name, size_pt) <= room_pt for name in shown):
        return shown
    start = _common_start(shown).rstrip(digits)
    if len(set(names)) > 1:
        rest = [name[len(start) :] for name in shown]
        end = _common_start([name[::-1] for name in rest])[::-1].lstrip(digits)
        head, tail = "…" if start else "", "…" if end else ""
        shown = [f"{head}{name[: len(name) - len(end)]}{tail}" for name in rest]
    return [fitted(name, room_pt, size_pt) for name in shown]


def wrapped(text: str, room_pt: float, size_pt: float, lines: int) -> list[str]:
    """The text broken at spaces into at most `lines` lines; the last one is shortened."""
    words = drawable(text).split()
    broken: list[str] = []
    while words and len(broken) < lines - 1:
        taken = 1
        while taken < len(words) and (
            width_pt(" ".join(words[: taken + 1]), size_pt) <= room_pt
        ):
            taken += 1
        broken.append(fitted(" ".join(words[:taken]), room_pt, size_pt))
        words = words[taken:]
    return [*broken, fitted(" ".join(words), room_pt, size_pt)] if words else broken


def _common_start(texts: Sequence[str]) -> str:
    """The letters with which all texts begin."""
    low, high = min(texts), max(texts)  # in alphabetical order the two that differ first
    same = (a == b for a, b in zip(low, high, strict=False))
    return low[: sum(takewhile(bool, same))]


def thin_out(positions: Float, priority: Float, gap: float) -> Int:
    """Which of the marks to label so that no two labels are nearer than `gap`.

    Args:
        positions: (M,) along the axis.
        priority: (M,) the higher goes first; among equals the earlier mark.
        gap: least distance, in units of the positions.

    Returns:
        Indices in ascending order.
    """
    kept: list[int] = []
    for mark in np.argsort(-priority, kind="stable"):
        if all(abs(positions[mark] - positions[other]) >= gap for other in kept):
            kept.append(int(mark))
    return np.array(sorted(kept), dtype=np.int64)


def spread(positions: Float, gap: float, low: float, high: float) -> Float:
    """Places for labels: at least `gap` apart, in order, moved as little as can be.

    Least squares under an order: with i gaps taken off the i-th place it is isotonic
    regression (Barlow et al., 1972).

    Args:
        positions: (M,) ascending.
        gap: least distance of two places.
        low: least place.
        high: greatest place; `high - low >= (M - 1) * gap` or the last ones pass it.

    Returns:
        (M,) places in low..high.
    """
    if not len(positions):
        return np.empty(0)
    shifts = gap * np.arange(len(positions))
    free = isotonic_regression(np.asarray(positions, dtype=np.float64) - shifts).x
    return np.clip(free, low, max(low, high - shifts[-1])) + shifts


def label_room(axis_pt: float, label_pt: float) -> int:
    """How many labels fit side by side on an axis."""
    return max(1, int(axis_pt // label_pt))


def evenly(count: int, most: int) -> Int:
    """At most `most` indices of 0..count-1, equally far apart."""
    step = max(1, -(-count // max(most, 1)))
    return np.arange(0, count, step, dtype=np.int64)


def spaced(count: int, most: int) -> Int:
    """At most `most` indices of 0..count-1 from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


@cache
def _families() -> tuple[str, ...]:
    installed = set(font_manager.fontManager.get_font_names())
    return tuple(family for family in _FAMILIES if family in installed)


@cache
def _characters() -> dict[int, FT2Font]:
    """Code points that the families at hand can draw, each with the font that does."""
    fonts = [
        font_manager.get_font(font_manager.findfont(FontProperties(family=family)))
        for family in reversed(_families())
    ]
    return {code: font for font in fonts for code in font.get_charmap()}


@cache
def _advance(code: int) -> float:
    """Width of a letter in units of the font's size."""
    font = _characters().get(code) or _characters()[ord(_NO_GLYPH)]
    font.set_size(_EM_PX, 72)
    return (
        font.load_char(code, flags=LoadFlags.NO_HINTING).linearHoriAdvance
        / 65536
        / _EM_PX
    )
