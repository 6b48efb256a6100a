"""Missing views of a capture: uncovered sectors and proposed poses, as tables.

Dimension letters: N frames, V usable frames with a pose, M directions of the band.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.capture.axes import invert_rigid
from mtcm_pipeline.capture.rotations import matrix_from_quat
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.missing.band import ViewBand, band_of, pose_towards
from mtcm_pipeline.missing.foresight import (
    Foresight,
    Uncertainty,
    bearing_of,
    relative_uncertainty,
)
from mtcm_pipeline.missing.options import MissingOptions
from mtcm_pipeline.missing.propose import Proposal, propose
from mtcm_pipeline.missing.sectors import Sector, uncovered_sectors
from mtcm_pipeline.missing.words import turn_from, way_from
from mtcm_pipeline.selection.viewing_sphere import faces_the_subject
from mtcm_pipeline.tokens.layout import CENTRE, QUATERNION, Tokens
from mtcm_pipeline.viewpoints.angles import Viewpoints, viewpoints_of
from mtcm_pipeline.viewpoints.bins import signed_deg
from mtcm_pipeline.viewpoints.labels import label_bins
from mtcm_pipeline.viewpoints.options import LabelOptions
from mtcm_pipeline.viewpoints.sphere import (
    angles_between_deg,
    azimuths_deg,
    elevations_deg,
)

Float = NDArray[np.float64]

# Two optical axes meet somewhere; one does not say how far away the subject is, nor
# whether there is one.
FEWEST_POSED = 2


@dataclass(frozen=True)
class MissingViews:
    """What a capture lacks.

    Attributes:
        proposals: one row a proposed pose, best first: `rank`, `label`, `from_frame`,
            `how`, `azimuth_deg`, `elevation_deg`, `distance` (NaN where cameras look
            outwards), `nearest_deg`, `gain`, `gain_db`, `plausibility`, `uncertainty`
            (of the model about what is seen there, 1 in the middle of the band),
            `suggested_deg` (angle to where the model expects the next picture); the
            last two NaN without a model.
        cam_from_world: (P, 4, 4) the proposed poses in the capture's own world.
        sectors: one row an uncovered sector, the largest first: `label`, `azimuth_deg`,
            `elevation_deg` (of its deepest point), `gap_deg`, `width_deg`,
            `lowest_deg`, `highest_deg`, `solid_angle_sr`.
    """

    proposals: pd.DataFrame
    cam_from_world: Float
    sectors: pd.DataFrame


@dataclass(frozen=True)
class _Usable:
    """The frames that count, in the level gauge; `inward` ones face a subject."""

    names: tuple[str, ...]
    centres_xyz: Float
    directions: Float
    views: Viewpoints
    inward: bool
    words: dict[str, str] = field(default_factory=dict)


def find_missing(
    tokens: Tokens,
    usable: NDArray[np.bool_],
    gauge: Similarity,
    options: MissingOptions,
    labels: LabelOptions,
    *,
    foresight: Foresight | None = None,
) -> MissingViews:
    """Uncovered sectors and proposals.

    Args:
        tokens: of the capture.
        usable: (N,) frames that are kept; those without a pose do not count.
        gauge: from the capture's own world to the tokens' gauge.
        options: how many proposals, reaches, angles.
        labels: where the front is, and other words.
        foresight: what a model of the capture says of places where nobody stood.

    Returns:
        Empty tables where no usable frame has a pose, and where the capture has fewer
        than `FEWEST_POSED` of them: from one alone nobody knows where the subject is.
    """
    views = viewpoints_of(tokens, labels)
    frames = _usable_frames(tokens, usable, views, labels)
    if not frames.names or tokens.has("pose").sum() < FEWEST_POSED:
        return MissingViews(_proposal_table([]), np.zeros((0, 4, 4)), _sector_table([]))
    suggested = _suggested(foresight, frames)
    band = band_of(frames.centres_xyz, frames.directions, options, suggested)
    known = None if foresight is None else _relative(foresight.uncertainty, band, frames)
    found = propose(band, options, known)
    poses = _poses([proposal.direction for proposal in found], frames)
    rows = [
        _proposal_row(rank, proposal, pose, frames, band)
        | _model_s_part(proposal, foresight, suggested)
        for rank, (proposal, pose) in enumerate(zip(found, poses, strict=True), start=1)
    ]
    sectors = uncovered_sectors(band.views, options)
    return MissingViews(
        _proposal_table(rows),
        _in_world(poses, gauge, views),
        _sector_table([_sector_row(sector, frames) for sector in sectors]),
    )


def suggested_poses(missing: MissingViews) -> list[dict[str, Any]]:
    """The proposals as plain values for `suggested_poses.json`, poses among them.

    What is not known is None.
    """
    return [
        {
            **{
                str(key): None if isinstance(value, float) and np.isnan(value) else value
                for key, value in row.items()
            },
            "cam_from_world": pose.tolist(),
        }
        for row, pose in zip(
            missing.proposals.to_dict("records"), missing.cam_from_world, strict=True
        )
    ]


def _usable_frames(
    tokens: Tokens, usable: NDArray[np.bool_], views: Viewpoints, labels: LabelOptions
) -> _Usable:
    rows = np.flatnonzero(usable & tokens.has("pose"))
    level = views.level_from_gauge
    centres = tokens.values[rows, CENTRE] @ level.T
    forward = matrix_from_quat(tokens.values[rows, QUATERNION])[:, :, 2] @ level.T
    return _Usable(
        tuple(tokens.names[row] for row in rows),
        centres,
        forward,
        views,
        faces_the_subject(centres, forward),
        labels.names,
    )


def _poses(directions: list[Float], frames: _Usable) -> Float:
    """(P, 4, 4) `world_from_cam` in the level gauge."""
    poses = [pose_towards(d, frames.centres_xyz, frames.directions) for d in directions]
    return np.array(poses).reshape(-1, 4, 4)


def _in_gauge(poses: Float, views: Viewpoints) -> Float:
    """(P, 4, 4) from the level gauge to the canonical one."""
    turned = np.array(poses)
    back = views.level_from_gauge.T
    turned[:, :3, :3] = back @ poses[:, :3, :3]
    turned[:, :3, 3] = poses[:, :3, 3] @ back.T
    return turned


def _in_world(poses: Float, gauge: Similarity, views: Viewpoints) -> Float:
    """(P, 4, 4) `cam_from_world` in the capture's own world."""
    return invert_rigid(gauge.inverse().world_from_cam(_in_gauge(poses, views)))


def _relative(uncertainty: Uncertainty, band: ViewBand, frames: _Usable) -> Float:
    """(M,) uncertainty over the band, 1 in the middle."""

    def ask(directions: Float) -> Float:
        return uncertainty(_in_gauge(_poses(list(directions), frames), frames.views))

    return relative_uncertainty(band.directions, ask)


def _suggested(foresight: Foresight | None, frames: _Usable) -> Float | None:
    """(3,) where the model expects the next picture, in the level gauge."""
    if foresight is None or foresight.suggested_pose is None:
        return None
    pose = foresight.suggested_pose.copy()
    level = frames.views.level_from_gauge
    pose[:3, :3], pose[:3, 3] = level @ pose[:3, :3], level @ pose[:3, 3]
    bearing = bearing_of(pose, frames.centres_xyz, frames.directions)
    return bearing if np.isfinite(bearing).all() else None


def _model_s_part(
    proposal: Proposal, foresight: Foresight | None, suggested: Float | None
) -> dict[str, float]:
    """What the model had to say of a proposal."""
    uncertainty, apart = np.nan, np.nan
    if foresight is not None:
        uncertainty = round(proposal.uncertainty, 3)
    if suggested is not None:
        angle = angles_between_deg(proposal.direction[None], suggested[None])[0, 0]
        apart = round(float(angle), 2)
    return {"uncertainty": uncertainty, "suggested_deg": apart}


def _words(direction: Float, frames: _Usable) -> tuple[str, float, float]:
    """Side and height in words, azimuth (NaN at the poles) and elevation in degrees."""
    azimuth, elevation = azimuths_deg(direction[None]), elevations_deg(direction[None])
    azimuth = signed_deg(azimuth - frames.views.zero_azimuth_deg)
    bins = label_bins(frames.views.front_known)
    standard = (
        *bins["side"].words_of(azimuth),
        *bins["height"].words_of(elevation),
    )
    phrase = ", ".join(frames.words.get(word, word) for word in standard if word)
    return phrase, float(azimuth[0]), float(elevation[0])


def _proposal_row(
    rank: int, proposal: Proposal, pose: Float, frames: _Usable, band: ViewBand
) -> dict[str, Any]:
    """What is said of a proposal; a distance only where there is a subject."""
    label, azimuth, elevation = _words(proposal.direction, frames)
    row = proposal.nearest_row
    view, start = proposal.direction, band.views[row]
    how, distance = turn_from(view, start), np.nan
    if frames.inward:
        distance = float(np.linalg.norm(pose[:3, 3]))
        start_distance = float(np.linalg.norm(frames.centres_xyz[row]))
        how = way_from(view, distance, start, start_distance)
    return {
        "rank": rank,
        "label": label,
        "from_frame": frames.names[row],
        "how": how,
        "azimuth_deg": round(azimuth, 2),
        "elevation_deg": round(elevation, 2),
        "distance": round(distance, 4),
        "nearest_deg": round(proposal.nearest_deg, 2),
        "gain": round(proposal.gain, 5),
        "gain_db": round(proposal.gain_db, 3),
        "plausibility": round(proposal.plausibility, 4),
    }


def _sector_row(sector: Sector, frames: _Usable) -> dict[str, Any]:
    label, azimuth, elevation = _words(sector.middle, frames)
    return {
        "label": label,
        "azimuth_deg": round(azimuth, 2),
        "elevation_deg": round(elevation, 2),
        "gap_deg": round(sector.gap_deg, 2),
        "width_deg": round(sector.width_deg, 1),
        "lowest_deg": round(sector.elevation_deg[0], 1),
        "highest_deg": round(sector.elevation_deg[1], 1),
        "solid_angle_sr": round(sector.solid_angle_sr, 4),
    }


def _proposal_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = "rank label from_frame how azimuth_deg elevation_deg distance nearest_deg"
    worth = "gain gain_db plausibility uncertainty suggested_deg"
    return pd.DataFrame(rows, columns=[*columns.split(), *worth.split()])


def _sector_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = "label azimuth_deg elevation_deg gap_deg width_deg lowest_deg highest_deg"
    return pd.DataFrame(rows, columns=[*columns.split(), "solid_angle_sr"])
