"""The page itself: everything a run found, in one self-contained HTML text."""

from __future__ import annotations

import shlex
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

from mtcm_pipeline.report.cards import frame_cards, reason_kinds, state_counts
from mtcm_pipeline.report.missing_section import MissingSection
from mtcm_pipeline.report.pictures import plotly_json, plotly_library, png_uri
from mtcm_pipeline.report.tables import (
    counts_and_remarks,
    diversity_view,
    mapping_view,
    table_view,
)

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
        warnings: what puts everything on the page in doubt; stands at its top.
        thumbnails: uint8 pictures by frame name; each is put on the page.
        figures: matplotlib figures or PNG contents by title, in order.
        camera_plot: of `camera_plot`; None where no frame has a pose.
        parameters: how it was run; mappings inside are flattened.
        export_path: where the exports lie, as the user would type it.
        versions: of the software, by name.
        coverage: narrow figures that stand side by side, by title.
        diversity: of `diversity_table`; empty where it was not measured.
        labels: of `pose_labels`; likewise.
        label_counts: of `label_counts`; likewise.
        azimuth_from: what azimuth 0 is, in words.
        label_warning: what is wrong with the words that were asked for; may be empty.
        missing: what is missing; None where nothing was sought, and the page then has no
            such section.
    """

    identity: str
    summary: Mapping[str, str]
    frames: pd.DataFrame
    scores: pd.DataFrame
    selection: pd.DataFrame
    data_quality: pd.DataFrame
    thumbnails: Mapping[str, NDArray[np.uint8]]
    figures: Mapping[str, Figure | bytes]
    camera_plot: go.Figure | None
    parameters: Mapping[str, object]
    export_path: str
    versions: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, Figure] = field(default_factory=dict)
    diversity: pd.DataFrame = field(default_factory=pd.DataFrame)
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    label_counts: pd.DataFrame = field(default_factory=pd.DataFrame)
    azimuth_from: str = ""
    label_warning: str = ""
    missing: MissingSection | None = None
    warnings: tuple[str, ...] = ()


def build_report(content: ReportContent) -> str:
    """The page as HTML; it loads nothing from anywhere.

    Names and reasons are text of the user's and are escaped wherever they stand.
    """
    cards = frame_cards(
        content.frames,
        content.scores,
        content.selection,
        content.labels,
        content.thumbnails,
    )
    plot = content.camera_plot
    missing = content.missing or MissingSection()
    counted, remarks = counts_and_remarks(content.data_quality)
    return _template().render(
        style=Markup(_resource("style.css")),
        script=Markup(_resource("report.js")),
        identity=content.identity,
        summary=list(content.summary.items()),
        cards=cards,
        states=state_counts(cards),
        reasons=reason_kinds(cards),
        cameras=None if plot is None else Markup(plotly_json(plot)),
        plotly=None if plot is None else Markup(plotly_library()),
        coverage=_pictures(content.coverage),
        diversity=diversity_view(content.diversity),
        labels=table_view(content.labels),
        label_counts=table_view(content.label_counts),
        azimuth_from=content.azimuth_from,
        label_warning=content.label_warning,
        missing=content.missing,
        proposals=table_view(missing.proposals),
        sectors=table_view(missing.sectors),
        where_to_stand=_pictures(_named("where to stand", missing.drawing)),
        figures=_pictures(content.figures),
        selection=table_view(_ranked_first(content.selection)),
        scores=table_view(content.scores, _SCORE_COLUMNS),
        warnings=content.warnings,
        data_quality=table_view(counted),
        remarks=remarks,
        parameters=mapping_view(content.parameters),
        versions=mapping_view(content.versions),
        export_path=content.export_path,
        typed_path=shlex.quote(content.export_path),
    )


def _named(title: str, figure: Figure | None) -> dict[str, Figure]:
    return {} if figure is None else {title: figure}


def _pictures(figures: Mapping[str, Figure] | Mapping[str, Figure | bytes]) -> list:
    return [(title, png_uri(figure)) for title, figure in figures.items()]


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
