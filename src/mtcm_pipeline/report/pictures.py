"""Pictures inside a page: data URIs, and the plotly figure with its library."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
import plotly.graph_objects as go
import plotly.io
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.figures.style import png_bytes

THUMBNAIL_PX = 160
_JPEG_QUALITY = 82
CAMERAS_ID = "cameras-3d"


def jpeg_uri(pixels: NDArray[np.uint8], longest_px: int = THUMBNAIL_PX) -> str:
    """A data URI of the picture, shrunk to at most `longest_px` on its longest side.

    Args:
        pixels: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA.
        longest_px: of the longest side.
    """
    picture = Image.fromarray(pixels).convert("RGB")
    picture.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_JPEG_QUALITY)
    return _uri("image/jpeg", buffer.getvalue())


def png_uri(figure: Figure) -> str:
    """A data URI of a matplotlib figure."""
    return _uri("image/png", png_bytes(figure))


def plotly_markup(figure: go.Figure) -> Markup:
    """The figure as a `div` and scripts, plotly's own code included."""
    return Markup(
        plotly.io.to_html(
            figure,
            full_html=False,
            include_plotlyjs=True,
            include_mathjax=False,
            div_id=escape(CAMERAS_ID),
            default_width="100%",
            default_height="100%",
            config={"responsive": True, "displaylogo": False},
        )
    )


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
