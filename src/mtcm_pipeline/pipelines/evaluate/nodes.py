"""Nodes of the evaluate pipeline."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.files import FileLoaders, empty_where_unreadable
from mtcm_pipeline.consistency.evidence import gather_evidence
from mtcm_pipeline.consistency.options import ScoreOptions
from mtcm_pipeline.consistency.relative_quality import relative_quality
from mtcm_pipeline.consistency.scores import score_frames
from mtcm_pipeline.judge.pipeline_evidence import (
    CaptureFiles,
    CaptureTables,
    can_be_judged,
)
from mtcm_pipeline.judge.score_table import with_judgement
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.results import HiddenPrediction, TrainedMtcm, TrainingSnapshot
from mtcm_pipeline.mtcm.similarity import similarity_matrix
from mtcm_pipeline.selection.assemble import assemble_problem
from mtcm_pipeline.selection.options import SelectOptions
from mtcm_pipeline.selection.registry import STRATEGIES, select
from mtcm_pipeline.selection.user_word import final_scores, user_word
from mtcm_pipeline.tokens.layout import FIELD_SLICES, Tokens

log = logging.getLogger(__name__)

# More lines than these push all else off the console.
_TOLD_REFUSED = 20

# What the choices beside snapshots rest on. Which points of the scene a frame sees is
# measured once, in the select stage, and knows nothing of epochs: the final choice may
# differ from the last snapshot's for that alone.
_CHOSEN_FROM = {
    "chosen_from": [
        "poses",
        "embeddings",
        "times",
        "this epoch's similarity matrix",
        "the scores of the trained model",
    ],
    "not_used": ["which points each frame sees (select/view_geometry.npz)"],
}
# A strategy that fits fields would take minutes at each snapshot: this one stands in.
_WITHOUT_FIELDS = "view_coverage"


def predict_hidden_fields(model: TrainedMtcm, tokens: Tokens) -> HiddenPrediction:
    """What the model says of every field while it is hidden."""
    from mtcm_pipeline.math_threads import math_threads
    from mtcm_pipeline.mtcm.prediction import predict_hidden

    with math_threads(model.options.threads):
        return predict_hidden(model, tokens)


def represent_frames(model: TrainedMtcm, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """Pose embeddings (N, d_model) float32 and similarity matrix (N, N) float32."""
    from mtcm_pipeline.math_threads import math_threads
    from mtcm_pipeline.mtcm.prediction import represent

    with math_threads(model.options.threads):
        latent = represent(model, tokens).latent
    return latent.astype(np.float32), similarity_matrix(latent)


def score_every_frame(
    tokens: Tokens,
    prediction: HiddenPrediction,
    frames: pd.DataFrame,
    pose_evidence: pd.DataFrame,
    pairs: pd.DataFrame,
    cameras: PosedCameras,
    images: FileLoaders,
    masks: FileLoaders,
    made_masks: FileLoaders,
    cache: ContentStore,
    options: ScoreOptions,
) -> pd.DataFrame:
    """Fault score and reason of every frame: by the judge, by rules where it cannot."""
    evidence = gather_evidence(tokens, prediction, options.neighbours)
    quality = relative_quality(frames, tokens, pose_evidence, options.neighbours)
    presence = frames[["has_image", "has_pose"]]
    scores = score_frames(evidence, quality, presence, options)
    seen = CaptureTables(frames, tokens.times, cameras, pairs, pose_evidence)
    if options.judge != "none" and can_be_judged(seen):
        from mtcm_pipeline.judge.scoring import judge_capture

        usable = empty_where_unreadable({**made_masks, **masks})
        files = CaptureFiles(images, usable, cache)
        scores = with_judgement(scores, judge_capture(seen, files, options), options)
    _tell_refused(scores)
    return scores


def _tell_refused(scores: pd.DataFrame) -> None:
    """The frames that are not usable, and why; many of them only in the log file."""
    refused = scores.loc[~scores["usable"], ["name", "reason"]]
    for place, (name, reason) in enumerate(refused.itertuples(index=False)):
        level = logging.INFO if place < _TOLD_REFUSED else logging.DEBUG
        log.log(level, "not usable: %s (%s)", name, reason)
    if len(refused) > _TOLD_REFUSED:
        log.info(
            "not usable: %d more, named in scores.csv and in the report",
            len(refused) - _TOLD_REFUSED,
        )


def draw_snapshots(
    snapshots: list[TrainingSnapshot],
    tokens: Tokens,
    scores: pd.DataFrame,
    thumbnails: dict[str, np.ndarray],
    options: SelectOptions,
) -> dict[str, Any]:
    """Files of every snapshot: figures, matrices and the views it would choose.

    Where `options.strategy` fits fields, `view_coverage` chooses, and the file says so.
    """
    from mtcm_pipeline.figures.attention import attention_heatmap
    from mtcm_pipeline.figures.training import pose_deltas, recon_deltas

    files: dict[str, Any] = {}
    faulty = scores["faulty"].to_numpy(dtype=bool)
    final = final_scores(scores, user_word(options, tokens.names))
    quick, instead = _without_fields(options)
    for snapshot in snapshots:
        epoch = snapshot.epoch
        similarity = similarity_matrix(snapshot.latent)
        chosen = select(assemble_problem(tokens, similarity, final), quick)
        files |= {
            f"attention_heatmap_epoch{epoch}.png": attention_heatmap(
                snapshot, tokens.names, faulty, thumbnails
            ),
            f"pose_deltas_epoch{epoch}.png": pose_deltas(snapshot, tokens.names, faulty),
            f"recon_deltas_epoch{epoch}.png": recon_deltas(
                snapshot, tokens.names, faulty
            ),
            f"similarity_matrix_epoch{epoch}.npy": similarity,
            f"pose_embeddings_epoch{epoch}.npy": snapshot.latent,
            f"filtered_views_epoch{epoch}.json": {
                "epoch": epoch,
                "strategy": chosen.strategy,
                **instead,
                **_CHOSEN_FROM,
                "views": list(chosen.ranking),
            },
        }
    return files


def _without_fields(options: SelectOptions) -> tuple[SelectOptions, dict[str, str]]:
    """Options whose strategy fits no fields, and what a reader is told of it."""
    if not STRATEGIES[options.strategy].fits_fields:
        return options, {}
    return replace(options, strategy=_WITHOUT_FIELDS), {
        "instead_of": f"{options.strategy}, which fits fields: they are not fitted here"
    }


def draw_training(history: pd.DataFrame) -> Figure:
    """Losses by epoch."""
    from mtcm_pipeline.figures.training import training_curves

    return training_curves(history)


def draw_maps(
    tokens: Tokens,
    prediction: HiddenPrediction,
    scores: pd.DataFrame,
    options: TrainOptions,
) -> dict[str, Any]:
    """t-SNE and UMAP of tokens and of pose predictions, as pictures and coordinates."""
    from mtcm_pipeline.figures.maps import (
        token_and_pose_maps,
        token_vectors,
        tsne_points,
        umap_points,
    )
    from mtcm_pipeline.tokens.standardise import Standardiser

    vectors = token_vectors(Standardiser.fit(tokens).apply(tokens.values))
    poses = np.where(
        tokens.has("pose")[:, None], prediction.values[:, FIELD_SLICES["pose"]], np.nan
    )
    files: dict[str, Any] = {}
    for method, project in (("t-SNE", tsne_points), ("UMAP", umap_points)):
        of_tokens = project(vectors, options.seed)
        of_poses = project(poses, options.seed)
        key = method.lower().replace("-", "")
        files[f"{key}_embeddings.png"] = token_and_pose_maps(
            method,
            of_tokens,
            of_poses,
            tokens.times,
            scores["faulty"].to_numpy(dtype=bool),
            chosen=np.zeros(len(tokens), dtype=bool),
            names=tokens.names,
        )
        for what, xy in (("tokens", of_tokens), ("pose_predictions", of_poses)):
            if xy is not None:
                files[f"{key}_{what}.csv"] = pd.DataFrame(
                    {"name": tokens.names, "x": xy[:, 0], "y": xy[:, 1]}
                )
    return files
