"""Nodes of the report pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.consistency.neighbours import pose_features
from mtcm_pipeline.datasets.folder import FolderContents
from mtcm_pipeline.mtcm.results import TrainingSnapshot
from mtcm_pipeline.report.summary import summary_numbers, summary_text
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.tokens.layout import CENTRE, Tokens


def draw_the_cameras(
    tokens: Tokens,
    gauge: Similarity,
    points: SparsePoints,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
) -> go.Figure:
    """Cameras in 3D in the canonical gauge, with the sparse points if there are any."""
    from mtcm_pipeline.figures.cameras3d import camera_plot

    return camera_plot(
        tokens.names,
        tokens.values[:, CENTRE],
        pose_features(tokens)[:, 3:],
        _states(scores, selection_table),
        list(selection_table["reason"]),
        points_xyz=gauge.points(points.xyz) if len(points) else None,
        points_rgb=points.rgb if len(points) else None,
    )


def draw_the_choice(
    tokens: Tokens,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    selection: Selection,
    similarity: np.ndarray,
    thumbnails: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Contact sheet, coverage before and after, and the similarity matrix."""
    from mtcm_pipeline.figures.coverage import coverage_plot
    from mtcm_pipeline.figures.selection_sheet import selection_sheet
    from mtcm_pipeline.figures.similarity import similarity_image

    features = pose_features(tokens)
    faulty = scores["faulty"].to_numpy(dtype=bool)
    return {
        "contact_sheet.png": selection_sheet(thumbnails, selection, scores),
        "coverage.png": coverage_plot(
            features[:, :3],
            features[:, 3:],
            scores["usable"].to_numpy(dtype=bool),
            selection_table["chosen"].to_numpy(dtype=bool),
        ),
        "similarity_matrix.png": similarity_image(
            similarity, tokens.names, faulty, thumbnails
        ),
    }


def write_the_report(
    frames: pd.DataFrame,
    data_quality: pd.DataFrame,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
    training_history: pd.DataFrame,
    snapshots: list[TrainingSnapshot],
    tokens: Tokens,
    cameras: go.Figure,
    export: FolderContents,
    parameters: dict[str, Any],
) -> tuple[str, str]:
    """The page, and the summary that ends a run."""
    from mtcm_pipeline.figures.attention import attention_heatmap
    from mtcm_pipeline.figures.coverage import coverage_plot
    from mtcm_pipeline.figures.training import pose_deltas, training_curves
    from mtcm_pipeline.report.page import ReportContent, build_report
    from mtcm_pipeline.report.software import software_versions

    identity = str(parameters["identity"])
    exported_to = _as_typed(export.path)
    faulty = scores["faulty"].to_numpy(dtype=bool)
    features = pose_features(tokens)
    figures: dict[str, Any] = {
        "Coverage of the viewing sphere": coverage_plot(
            features[:, :3],
            features[:, 3:],
            scores["usable"].to_numpy(dtype=bool),
            selection_table["chosen"].to_numpy(dtype=bool),
        ),
        "Training": training_curves(training_history),
    }
    if snapshots:
        last = snapshots[-1]
        figures["Predicted against given poses"] = pose_deltas(last, tokens.names, faulty)
        figures["Attention"] = attention_heatmap(last, tokens.names, faulty, thumbnails)
    content = ReportContent(
        identity=identity,
        summary=summary_numbers(frames, scores, selection_table),
        frames=frames,
        scores=scores,
        selection=selection_table,
        data_quality=data_quality,
        thumbnails=thumbnails,
        figures=figures,
        camera_plot=cameras if tokens.has("pose").any() else None,
        parameters=parameters,
        export_path=exported_to,
        versions=software_versions(),
    )
    text = summary_text(identity, frames, scores, selection_table, exported_to)
    return build_report(content), text


def _as_typed(path: Path) -> str:
    """The path as a user would type it: from where the run was started, if inside."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _states(scores: pd.DataFrame, selection_table: pd.DataFrame) -> list[str]:
    """`chosen`, `faulty` or `usable`, a word a frame."""
    return np.select(
        [selection_table["chosen"], scores["faulty"]],
        ["chosen", "faulty"],
        default="usable",
    ).tolist()
