"""Nodes of the report pipeline."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.figure import Figure

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.consistency.neighbours import pose_features
from mtcm_pipeline.datasets.folder import FolderContents
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.mtcm.results import TrainingSnapshot
from mtcm_pipeline.report.missing_section import missing_section
from mtcm_pipeline.report.summary import (
    DROPPED_BY_YOU,
    dropped_by_user,
    summary_numbers,
    summary_text,
)
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.tokens.build import sequence_times
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pose_warnings import pose_warnings
from mtcm_pipeline.viewpoints.angles import Viewpoints, viewpoints_of
from mtcm_pipeline.viewpoints.labels import label_counts, unused_names
from mtcm_pipeline.viewpoints.options import LabelOptions

log = logging.getLogger(__name__)

_MAPS = {
    "tsne_embeddings.png": "Map of tokens and pose predictions (t-SNE)",
    "umap_embeddings.png": "Map of tokens and pose predictions (UMAP)",
}


def draw_the_cameras(
    tokens: Tokens,
    points: ScenePoints,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    suggested_poses: list[dict[str, Any]],
    gauge: Similarity,
    options: LabelOptions,
) -> go.Figure:
    """Cameras in 3D with z up and azimuth 0 at x, about the points of the scene."""
    from mtcm_pipeline.figures.cameras3d import camera_plot

    turn = viewpoints_of(tokens, options).front_from_gauge
    features = pose_features(tokens)
    proposed = _in_gauge(suggested_poses, gauge)
    return camera_plot(
        [*tokens.names, *(f"proposal {pose['rank']}" for pose in suggested_poses)],
        np.vstack([features[:, :3], proposed[:, :3, 3]]) @ turn.T,
        np.vstack([features[:, 3:], proposed[:, :3, 2]]) @ turn.T,
        [*_states(scores, selection_table), *["proposed"] * len(proposed)],
        [*selection_table["reason"], *_ways(suggested_poses)],
        points_xyz=points.xyz @ turn.T if len(points) else None,
        points_rgb=np.rint(255 * points.rgb).astype(np.uint8) if len(points) else None,
    )


def draw_the_choice(
    tokens: Tokens,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    selection: Selection,
    similarity: np.ndarray,
    thumbnails: dict[str, np.ndarray],
    options: LabelOptions,
) -> dict[str, Any]:
    """Contact sheet, coverage before and after, and the similarity matrix."""
    from mtcm_pipeline.figures.coverage import coverage_plot
    from mtcm_pipeline.figures.selection_sheet import selection_sheet
    from mtcm_pipeline.figures.similarity import similarity_image

    return {
        "contact_sheet.png": selection_sheet(thumbnails, selection, scores),
        "coverage.png": coverage_plot(
            viewpoints_of(tokens, options),
            scores["usable"].to_numpy(dtype=bool),
            selection_table["chosen"].to_numpy(dtype=bool),
            names=options.names,
        ),
        "similarity_matrix.png": similarity_image(
            similarity, tokens.names, scores["faulty"].to_numpy(dtype=bool), thumbnails
        ),
    }


def doubt_the_poses_as_a_whole(
    frames: pd.DataFrame,
    cameras: PosedCameras,
    points: SparsePoints,
    pairs: pd.DataFrame,
    options: TwoViewOptions,
) -> pd.DataFrame:
    """A row `warning` for each sign that large parts of the poses are wrong together."""
    warnings = pose_warnings(
        cameras,
        points,
        pairs,
        names=tuple(frames["name"]),
        sequence_times=sequence_times(frames["timestamp_s"].to_numpy(np.float64)),
        options=options,
    )
    for warning in warnings:
        log.warning(warning)
    return pd.DataFrame({"warning": list(warnings)}, dtype=object)


def summarise_the_run(
    frames: pd.DataFrame,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    doubts: pd.DataFrame,
    export: FolderContents,
    parameters: dict[str, Any],
) -> str:
    """The lines that end a run."""
    return summary_text(
        str(parameters["identity"]),
        frames,
        scores,
        selection_table,
        _as_typed(export.path),
        warnings=_texts(doubts),
    )


def write_the_report(
    frames: pd.DataFrame,
    data_quality: pd.DataFrame,
    doubts: pd.DataFrame,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    pose_labels: pd.DataFrame,
    pose_diversity: pd.DataFrame,
    proposed_views: pd.DataFrame,
    uncovered_sectors: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
    training_history: pd.DataFrame,
    snapshots: list[TrainingSnapshot],
    token_maps: FolderContents,
    tokens: Tokens,
    cameras: go.Figure,
    export: FolderContents,
    labels: LabelOptions,
    missing: MissingOptions,
    parameters: dict[str, Any],
) -> str:
    """The page."""
    from mtcm_pipeline.report.page import ReportContent, build_report
    from mtcm_pipeline.report.software import software_versions

    views = viewpoints_of(tokens, labels)
    kept, chosen = scores["usable"].astype(bool), selection_table["chosen"].astype(bool)
    posed = bool(tokens.has("pose").any())
    learned = _learned_figures(training_history, snapshots, tokens, scores, thumbnails)
    maps = {_MAPS[name]: token_maps[name]() for name in _MAPS if name in token_maps}
    where = _where_to_stand(views, kept, proposed_views, thumbnails, labels)
    content = ReportContent(
        identity=str(parameters["identity"]),
        summary=summary_numbers(frames, scores, selection_table),
        frames=frames,
        scores=scores,
        selection=selection_table,
        data_quality=data_quality,
        warnings=_texts(doubts),
        thumbnails=thumbnails,
        figures={**learned, **maps},
        camera_plot=cameras if posed else None,
        parameters=parameters,
        export_path=_as_typed(export.path),
        versions=software_versions(),
        coverage=_coverage(views, kept, chosen, labels) if posed else {},
        diversity=pose_diversity,
        labels=pose_labels,
        label_counts=label_counts(views, chosen, kept, labels.names),
        label_warning=unused_names(labels),
        azimuth_from=views.zero,
        missing=missing_section(
            views,
            kept.to_numpy(),
            proposed_views,
            uncovered_sectors,
            missing,
            drawing=where,
        ),
    )
    return build_report(content)


def _coverage(
    views: Viewpoints, kept: pd.Series, chosen: pd.Series, labels: LabelOptions
) -> dict[str, Figure]:
    """The panels of the captured, kept and chosen views."""
    from mtcm_pipeline.figures.coverage import coverage_panels

    rows = kept.to_numpy(), chosen.to_numpy()
    return coverage_panels(views, *rows, names=labels.names)


def _where_to_stand(
    views: Viewpoints,
    kept: pd.Series,
    proposed_views: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
    labels: LabelOptions,
) -> Figure | None:
    """The drawing to take along; None where nothing is proposed."""
    from mtcm_pipeline.figures.missing_views import missing_views_plot

    if proposed_views.empty:
        return None
    return missing_views_plot(
        views, kept.to_numpy(), proposed_views, thumbnails, names=labels.names
    )


def _learned_figures(
    history: pd.DataFrame,
    snapshots: list[TrainingSnapshot],
    tokens: Tokens,
    scores: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Losses by epoch, and the last snapshot's poses and attention."""
    from mtcm_pipeline.figures.attention import attention_heatmap
    from mtcm_pipeline.figures.training import pose_deltas, training_curves

    figures: dict[str, Any] = {"Training": training_curves(history)}
    if snapshots:
        last, faulty = snapshots[-1], scores["faulty"].to_numpy(dtype=bool)
        figures["Predicted against given poses"] = pose_deltas(last, tokens.names, faulty)
        figures["Attention"] = attention_heatmap(last, tokens.names, faulty, thumbnails)
    return figures


def _as_typed(path: Path) -> str:
    """The path as a user would type it: from where the run was started, if inside."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _texts(doubts: pd.DataFrame) -> tuple[str, ...]:
    return tuple(str(text) for text in doubts["warning"])


def _in_gauge(suggested_poses: list[dict[str, Any]], gauge: Similarity) -> np.ndarray:
    """(P, 4, 4) `world_from_cam` of the proposals in the canonical gauge."""
    poses = np.array([pose["cam_from_world"] for pose in suggested_poses], np.float64)
    return gauge.world_from_cam(invert_rigid(poses.reshape(-1, 4, 4)))


def _ways(suggested_poses: list[dict[str, Any]]) -> list[str]:
    """How to get to each proposed place."""
    return [f"from {pose['from_frame']}: {pose['how']}" for pose in suggested_poses]


def _states(scores: pd.DataFrame, selection_table: pd.DataFrame) -> list[str]:
    """`chosen`, `usable`, `faulty` (dropped) or `dropped by you`, a word a frame."""
    conditions = {
        "chosen": selection_table["chosen"].astype(bool),
        DROPPED_BY_YOU: dropped_by_user(scores),
        "usable": scores["usable"].astype(bool),
    }
    return np.select(
        list(conditions.values()), list(conditions), default="faulty"
    ).tolist()
