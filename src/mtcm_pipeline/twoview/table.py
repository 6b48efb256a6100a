"""One row a pair: how well the given poses explain what the photographs show.

Dimension letters: M matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.rotations import rotation_angle_deg
from mtcm_pipeline.twoview.cells import cell_counts, cells_text, shares_of_rays
from mtcm_pipeline.twoview.epipolar import (
    angle_deg,
    parallax_deg,
    pose_errors,
    relative_pose,
    same_centre,
    seen_from_behind,
)
from mtcm_pipeline.twoview.options import TwoViewOptions
from mtcm_pipeline.twoview.pairs import CandidatePair
from mtcm_pipeline.twoview.verification import Rows, VerifiedPair

Float = NDArray[np.float64]

SOURCE_SEPARATOR = "+"
# Below this parallax the direction between two cameras and the side of a point are noise.
LEAST_PARALLAX_DEG = 1.0


@dataclass(frozen=True)
class PairRow:
    """What is known about two frames; NaN where it cannot be known.

    Attributes:
        name_a: the frame that is earlier in time.
        name_b: the later one.
        source: why the pair was compared, `pose`, `embedding`, `time` joined by `+`.
        matches: matches of their features.
        verified_inliers: matches that fit one essential matrix.
        connected: whether these are too many for chance: both show the same thing.
        epipolar_agreement: share of the verified matches that agree with the given
            poses; NaN unless connected.
        matches_agreement: share of all matches that do; NaN without matches.
        median_epipolar_error_px: median error of the verified matches under the given
            poses, in px of a 400 px photograph; NaN unless connected.
        fitted_epipolar_error_px: the same under the pair's own geometry: what an
            exact pose would leave.
        behind_share: share of the verified matches whose point would lie behind a camera
            under the given poses, which the epipolar error cannot tell; NaN unless
            connected.
        rotation_disagreement_deg: angle between the given relative rotation and the
            estimated one; NaN unless connected.
        direction_disagreement_deg: angle between the given direction from camera b to
            camera a and the estimated one; NaN unless connected, and where the parallax
            is too small or both cameras are given in one place.
        parallax_deg: median angle between the two rays of a match under the pair's own
            geometry; NaN unless connected.
        view_angle_deg: angle between the two optical axes as given.
        turn_x_deg, turn_y_deg, turn_z_deg: the rotation, as a vector in the world's
            axes, by which the given relative rotation must be turned to become the
            estimated one; equal for all pairs between frames that are right and frames
            that share one wrong turn; NaN unless connected.
        cells_a: where in the first photograph verified matches lie (`cells`).
        cells_b: where in the second.
    """

    name_a: str
    name_b: str
    source: str
    matches: int = 0
    verified_inliers: int = 0
    connected: bool = False
    epipolar_agreement: float = np.nan
    matches_agreement: float = np.nan
    median_epipolar_error_px: float = np.nan
    fitted_epipolar_error_px: float = np.nan
    behind_share: float = np.nan
    rotation_disagreement_deg: float = np.nan
    direction_disagreement_deg: float = np.nan
    parallax_deg: float = np.nan
    view_angle_deg: float = np.nan
    turn_x_deg: float = np.nan
    turn_y_deg: float = np.nan
    turn_z_deg: float = np.nan
    cells_a: str = ""
    cells_b: str = ""


def pair_table(
    candidates: Sequence[CandidatePair],
    verified: Mapping[Rows, VerifiedPair],
    cameras: PosedCameras,
    options: TwoViewOptions,
) -> pd.DataFrame:
    """One row a candidate pair, columns as in `PairRow`.

    Args:
        candidates: pairs of rows of `cameras`.
        verified: their matches; pairs without features are missing.
        cameras: the poses to be judged, in order of time.
        options: parameters.
    """
    centres = cameras.centres_xyz
    spread = float(np.linalg.norm(centres - np.median(centres, axis=0), axis=1).max())
    rows = []
    for candidate in candidates:
        pair = verified.get((candidate.first, candidate.second))
        rows.append(pair_row(candidate, pair, cameras, options, spread))
    columns = list(PairRow.__dataclass_fields__)
    return pd.DataFrame([asdict(row) for row in rows], columns=columns)


def pair_row(
    candidate: CandidatePair,
    pair: VerifiedPair | None,
    cameras: PosedCameras,
    options: TwoViewOptions,
    spread: float,
) -> PairRow:
    """What a pair says about the given poses; `spread` is the cameras' in world units."""
    i, j = candidate.first, candidate.second
    axes = cameras.viewing_directions[[i, j]]
    row = PairRow(
        cameras.names[i],
        cameras.names[j],
        SOURCE_SEPARATOR.join(candidate.sources),
        view_angle_deg=angle_deg(axes[0], axes[1]),
    )
    if pair is None or len(pair.inliers) == 0:
        return row
    b_from_a = relative_pose(cameras.cam_from_world[i], cameras.cam_from_world[j])
    errors_px, behind = judged_matches(pair, b_from_a, spread)
    agrees = (errors_px <= options.epipolar_px) & ~behind
    row = replace(
        row,
        matches=len(pair.inliers),
        verified_inliers=int(pair.inliers.sum()),
        connected=pair.connected,
        matches_agreement=float(agrees.mean()),
    )
    if not pair.connected:
        return row
    row = replace(
        row,
        epipolar_agreement=float(agrees[pair.inliers].mean()),
        median_epipolar_error_px=float(np.median(errors_px[pair.inliers])),
        behind_share=float(behind[pair.inliers].mean()),
    )
    row = _with_cells(row, pair, cameras)
    row = _with_turn(row, pair, cameras.cam_from_world[[i, j], :3, :3])
    return _with_own_geometry(row, pair, b_from_a, spread)


def _with_cells(row: PairRow, pair: VerifiedPair, cameras: PosedCameras) -> PairRow:
    """The row with where the verified matches lie."""
    texts = [
        cells_text(cell_counts(shares_of_rays(xy[pair.inliers], camera)) > 0)
        for xy, camera in (
            (pair.xy_a, cameras.camera_of(row.name_a)),
            (pair.xy_b, cameras.camera_of(row.name_b)),
        )
    ]
    return replace(row, cells_a=texts[0], cells_b=texts[1])


def _with_turn(row: PairRow, pair: VerifiedPair, cam_from_world: Float) -> PairRow:
    """The row with the rotation between given and estimated pose, in the world's axes.

    If frame a's rotation is `R_a D` in truth, the estimate is `R_b (R_a D)'` and
    `R_b' estimate R_a = D'`, whichever b it is compared with.
    """
    assert pair.b_from_a is not None
    rotation_a, rotation_b = cam_from_world
    turn = rotation_b.T @ pair.b_from_a[:3, :3] @ rotation_a
    x, y, z = np.degrees(Rotation.from_matrix(turn).as_rotvec())
    return replace(row, turn_x_deg=float(x), turn_y_deg=float(y), turn_z_deg=float(z))


def judged_matches(
    pair: VerifiedPair, b_from_a: Float, spread: float
) -> tuple[Float, NDArray[np.bool_]]:
    """(M,) epipolar errors in px of a 400 px photograph, and which points lie behind."""
    errors = pose_errors(b_from_a, pair.xy_a, pair.xy_b, spread)
    behind = seen_from_behind(b_from_a, pair.xy_a, pair.xy_b, LEAST_PARALLAX_DEG)
    return errors * pair.reference_focal_px, behind


def _with_own_geometry(
    row: PairRow, pair: VerifiedPair, b_from_a: Float, spread: float
) -> PairRow:
    """The row with the columns that compare the given relative pose with the own one."""
    own = pair.b_from_a
    assert own is not None
    xy_a, xy_b = pair.xy_a[pair.inliers], pair.xy_b[pair.inliers]
    parallax = float(np.median(parallax_deg(own[:3, :3], xy_a, xy_b)))
    fitted = pose_errors(own, xy_a, xy_b, spread=1.0) * pair.reference_focal_px
    turned = rotation_angle_deg(own[:3, :3], b_from_a[:3, :3])
    given = b_from_a[:3, 3]
    tellable = parallax >= LEAST_PARALLAX_DEG and not same_centre(b_from_a, spread)
    return replace(
        row,
        fitted_epipolar_error_px=float(np.median(fitted)),
        rotation_disagreement_deg=float(turned),
        direction_disagreement_deg=angle_deg(given, own[:3, 3]) if tellable else np.nan,
        parallax_deg=parallax,
    )
