"""Nodes of the report pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.consistency.neighbours import pose_features
from mtcm_pipeline.datasets.folder import FolderContents
from mtcm_pipeline.mtcm.results import TrainingSnapshot
from mtcm_pipeline.report.summary import summary_numbers, summary_text
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.tokens.build import sequence_times
from mtcm_pipeline.tokens.layout import Tokens
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pose_warnings import pose_warnings
from mtcm_pipeline.viewpoints.angles import viewpoints_of
from mtcm_pipeline.viewpoints.labels import label_counts
from mtcm_pipeline.viewpoints.options import LabelOptions

_MAPS = {
    "tsne_embeddings.png": "Map of tokens and pose predictions (t-SNE)",
    "umap_embeddings.png": "Map of tokens and pose predictions (UMAP)",
}
_SHOWN_OF_PROPOSALS = [
    "rank",
    "label",
    "from_frame",
    "how",
    "nearest_deg",
    "gain_db",
    "uncertainty",
]


def draw_the_cameras(
    tokens: Tokens,
    points: ScenePoints,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    proposed_views: pd.DataFrame,
    options: LabelOptions,
) -> go.Figure:
    """Cameras in 3D with z up and azimuth 0 at x, about the points of the scene."""
    from mtcm_pipeline.figures.cameras3d import camera_plot

    turn = viewpoints_of(tokens, options).front_from_gauge
    features = pose_features(tokens)
    proposed = _proposed_places(proposed_views)
    return camera_plot(
        [*tokens.names, *(f"proposal {rank}" for rank in proposed_views["rank"])],
        np.vstack([features[:, :3] @ turn.T, proposed]),
        np.vstack([features[:, 3:] @ turn.T, -_unit(proposed)]),
        [*_states(scores, selection_table), *["proposed"] * len(proposed)],
        [*selection_table["reason"], *_ways(proposed_views)],
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
    return pd.DataFrame({"warning": list(warnings)}, dtype=object)


def write_the_report(
    frames: pd.DataFrame,
    data_quality: pd.DataFrame,
    doubts: pd.DataFrame,
    scores: pd.DataFrame,
    selection_table: pd.DataFrame,
    pose_labels: pd.DataFrame,
    pose_diversity: pd.DataFrame,
    proposed_views: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
    training_history: pd.DataFrame,
    snapshots: list[TrainingSnapshot],
    token_maps: FolderContents,
    tokens: Tokens,
    cameras: go.Figure,
    export: FolderContents,
    options: LabelOptions,
    parameters: dict[str, Any],
) -> tuple[str, str]:
    """The page, and the summary that ends a run."""
    from mtcm_pipeline.figures.coverage import coverage_panels
    from mtcm_pipeline.figures.missing_views import missing_views_plot
    from mtcm_pipeline.report.page import ReportContent, build_report
    from mtcm_pipeline.report.software import software_versions

    identity = str(parameters["identity"])
    warnings = tuple(str(text) for text in doubts["warning"])
    exported_to = _as_typed(export.path)
    kept, chosen = scores["usable"].astype(bool), selection_table["chosen"].astype(bool)
    views = viewpoints_of(tokens, options)
    posed = bool(tokens.has("pose").any())
    content = ReportContent(
        identity=identity,
        summary=summary_numbers(frames, scores, selection_table),
        frames=frames,
        scores=scores,
        selection=selection_table,
        data_quality=data_quality,
        warnings=warnings,
        thumbnails=thumbnails,
        figures={
            **_learned_figures(training_history, snapshots, tokens, scores, thumbnails),
            **{_MAPS[name]: token_maps[name]() for name in _MAPS if name in token_maps},
        },
        camera_plot=cameras if posed else None,
        parameters=parameters,
        export_path=exported_to,
        versions=software_versions(),
        coverage=coverage_panels(
            views, kept.to_numpy(), chosen.to_numpy(), names=options.names
        )
        if posed
        else {},
        diversity=pose_diversity,
        labels=pose_labels,
        label_counts=label_counts(views, chosen, kept, options.names),
        azimuth_from=views.zero,
        suggested_poses=proposed_views[_SHOWN_OF_PROPOSALS],
        where_to_stand=missing_views_plot(
            views, kept.to_numpy(), proposed_views, thumbnails, names=options.names
        )
        if len(proposed_views)
        else None,
    )
    text = summary_text(
        identity, frames, scores, selection_table, exported_to, warnings=warnings
    )
    return build_report(content), text


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


def _proposed_places(proposed_views: pd.DataFrame) -> np.ndarray:
    """(P, 3) proposed camera centres, z up and azimuth 0 at x."""
    azimuth = np.radians(proposed_views["azimuth_deg"].to_numpy(np.float64))
    elevation = np.radians(proposed_views["elevation_deg"].to_numpy(np.float64))
    level = np.cos(elevation)
    bearings = np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=1
    )
    return bearings * proposed_views[["distance"]].to_numpy(np.float64)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _ways(proposed_views: pd.DataFrame) -> list[str]:
    """How to get to each proposed place."""
    return [
        f"from {start}: {how}"
        for start, how in zip(
            proposed_views["from_frame"], proposed_views["how"], strict=True
        )
    ]


def _states(scores: pd.DataFrame, selection_table: pd.DataFrame) -> list[str]:
    """`chosen`, `usable` or `faulty` (dropped), a word a frame."""
    return np.select(
        [selection_table["chosen"].astype(bool), scores["usable"].astype(bool)],
        ["chosen", "usable"],
        default="faulty",
    ).tolist()
