"""HEIC support of Pillow, switched on when the first image is opened."""

from __future__ import annotations

from functools import cache


@cache
def register_heif() -> None:
    """Let `PIL.Image.open` read HEIC and HEIF; further calls do nothing."""
    import pillow_heif

    pillow_heif.register_heif_opener()
