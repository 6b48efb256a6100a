"""Pictures inside a page: data URIs within a budget, and the plotly library."""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
import plotly.graph_objects as go
import plotly.io
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from plotly.offline import get_plotlyjs

from mtcm_pipeline.figures.style import png_bytes

THUMBNAIL_PX = 160
# All thumbnails of a page together, in bytes of the pictures; as text of a page they
# take a third more. With plotly's 5 MB and the figures it stays under 15 MB.
THUMBNAILS_BUDGET = 5_000_000
# Good enough to see blur on, at about 5 kB a photograph.
_QUALITY = 72
# Frames are still told apart at this size; none is made smaller.
_LEAST_PX = 40


def thumbnail_uri(pixels: NDArray[np.uint8], budget: int = THUMBNAILS_BUDGET) -> str:
    """A data URI of the picture as WebP, at most 160 px, within a budget.

    Args:
        pixels: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA.
        budget: bytes of the picture: it is made smaller until it fits, but never under
            40 px.
    """
    picture = Image.fromarray(pixels).convert("RGB")
    side = THUMBNAIL_PX
    content = _webp(picture, side)
    while len(content) > budget and side > _LEAST_PX:
        # Bytes grow with the area; a little less, so that the next one fits.
        side = max(_LEAST_PX, int(0.93 * side * (budget / len(content)) ** 0.5))
        content = _webp(picture, side)
    return _uri("image/webp", content)


def share_of_budget(pictures: int) -> int:
    """Bytes that one of so many pictures may take."""
    return THUMBNAILS_BUDGET // max(pictures, 1)


def png_uri(figure: Figure | bytes) -> str:
    """A data URI of a matplotlib figure, or of a PNG file's content."""
    return _uri("image/png", figure if isinstance(figure, bytes) else png_bytes(figure))


def plotly_json(figure: go.Figure) -> str:
    """The figure as JSON that may stand inside a `script` element."""
    text = plotly.io.to_json(figure, validate=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def plotly_library() -> str:
    """plotly's own code."""
    return str(get_plotlyjs())


def _webp(picture: Image.Image, side: int) -> bytes:
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=_QUALITY, method=2)
    return buffer.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
