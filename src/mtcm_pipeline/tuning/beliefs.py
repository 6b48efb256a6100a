"""What is believed of a pose: a place, and how sure it is in each direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.tuning.rigid import twist_from_rigid

Float = NDArray[np.float64]

# Median of chi squared with 6 degrees of freedom.
_MEDIAN_CHI2 = 5.348


@dataclass(frozen=True)
class PoseBelief:
    """A normal distribution of a pose, by twists on the camera's side.

    Attributes:
        cam_from_world: (4, 4) its middle.
        information: (6, 6) inverse covariance; twist as `rigid` has it, world units.
    """

    cam_from_world: Float
    information: Float

    def __post_init__(self) -> None:
        shapes = self.cam_from_world.shape, self.information.shape
        if shapes != ((4, 4), (6, 6)):
            raise CaptureError(f"pose belief: shapes are {shapes}, not (4, 4) and (6, 6)")

    def twist_to(self, cam_from_world: Float) -> Float:
        """(6,) from the middle to another pose."""
        return twist_from_rigid(cam_from_world @ np.linalg.inv(self.cam_from_world))

    def cost(self, cam_from_world: Float) -> float:
        """Half the squared Mahalanobis distance of a pose."""
        twist = self.twist_to(cam_from_world)
        return float(0.5 * twist @ self.information @ twist)


def isotropic_belief(
    cam_from_world: Float, angle_deg: float, distance: float
) -> PoseBelief:
    """A belief with standard deviations alike in all directions.

    Args:
        cam_from_world: (4, 4).
        angle_deg: of each rotation, in degrees.
        distance: of each shift, in world units.
    """
    sigmas = np.repeat([np.radians(angle_deg), distance], 3)
    return PoseBelief(cam_from_world, np.diag(1.0 / sigmas**2))


def calibration_factor(twists: Float, informations: Float) -> float:
    """The factor that makes information honest, from cameras whose poses are known.

    An estimate's own curvature says in which directions it is sure, not how sure: its
    residuals are no independent noise. The factor brings the median of the squared
    Mahalanobis distances to what six degrees of freedom have.

    Args:
        twists: (V, 6) from the known poses to the estimated ones.
        informations: (V, 6, 6) of the estimates, before calibration.
    """
    squares = np.einsum("vi,vij,vj->v", twists, informations, twists)
    middle = float(np.median(squares)) if len(squares) else 0.0
    return _MEDIAN_CHI2 / middle if middle > 0 else 1.0
