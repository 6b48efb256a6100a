"""The page itself: everything a run found, in one self-contained HTML text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtcm_pipeline.report.cards import sort_frames
from mtcm_pipeline.report.pictures import CAMERAS_ID, plotly_markup, png_uri
from mtcm_pipeline.report.tables import mapping_view, table_view

_SCORE_COLUMNS = ("name", "fault_score", "faulty", "usable", "reason", "other")


@dataclass(frozen=True)
class ReportContent:
    """What the page shows.

    Attributes:
        identity: name of the capture, any text.
        summary: the numbers at the top, by their words, in order ('frames in': '60').
        frames: one row a frame with `name`.
        scores: of `score_frames`.
        selection: of `selection_table`.
        data_quality: any table; what was missing and what was wrong.
        thumbnails: uint8 pictures by frame name; each is put on the page.
        figures: matplotlib figures by title, in order.
        camera_plot: of `camera_plot`; None where no frame has a pose.
        parameters: how it was run; mappings inside are flattened.
        export_path: where the exports lie, as the user would type it.
        versions: of the software, by name.
    """

    identity: str
    summary: Mapping[str, str]
    frames: pd.DataFrame
    scores: pd.DataFrame
    selection: pd.DataFrame
    data_quality: pd.DataFrame
    thumbnails: Mapping[str, NDArray[np.uint8]]
    figures: Mapping[str, Figure]
    camera_plot: go.Figure | None
    parameters: Mapping[str, object]
    export_path: str
    versions: Mapping[str, str] = field(default_factory=dict)


def build_report(content: ReportContent) -> str:
    """The page as HTML; it loads nothing from anywhere.

    Names and reasons are text of the user's and are escaped wherever they stand.
    """
    cards = sort_frames(
        content.frames, content.scores, content.selection, content.thumbnails
    )
    plot = content.camera_plot
    return _template().render(
        style=Markup(_resource("style.css")),
        identity=content.identity,
        summary=list(content.summary.items()),
        cards=cards,
        cameras=None if plot is None else plotly_markup(plot),
        cameras_id=CAMERAS_ID,
        figures=[(title, png_uri(figure)) for title, figure in content.figures.items()],
        selection=table_view(_ranked_first(content.selection)),
        scores=table_view(content.scores, _SCORE_COLUMNS),
        data_quality=table_view(content.data_quality),
        parameters=mapping_view(content.parameters),
        versions=mapping_view(content.versions),
        export_path=content.export_path,
    )


def _ranked_first(selection: pd.DataFrame) -> pd.DataFrame:
    """Ranked frames by rank, then the others in capture order."""
    if "rank" not in selection:
        return selection
    rank = pd.to_numeric(selection["rank"], errors="coerce").astype("Float64")
    order = rank.fillna(np.inf).astype(float).argsort(kind="stable")
    return selection.iloc[order.to_numpy()]


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("template.html.j2"))


def _resource(name: str) -> str:
    """The text of a file that is part of this package."""
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
