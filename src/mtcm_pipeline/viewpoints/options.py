"""What a user may say about the words for views."""

from __future__ import annotations

import difflib
from dataclasses import field

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from mtcm_pipeline.viewpoints.bins import ALL_BINS


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LabelOptions:
    """Options of the pose labels; each default with its reason.

    Attributes:
        front_frame: file name of a frame that shows the subject's front; its azimuth
            becomes 0. None: geometry alone cannot tell a face from a nape, so without
            this or the next setting no label claims a front.
        front_azimuth_deg: the front as an azimuth in degrees, counted as `pose_labels`
            counts it while no front is known: from the first frame with a pose, growing
            counter-clockwise as seen from above.
        names: other words for the standard ones ({'left profile': 'north side'}): a
            building has sides, a car has a bonnet. Those for sides wait for a front.
    """

    front_frame: str | None = None
    front_azimuth_deg: float | None = Field(default=None, ge=-360, le=360)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def front_known(self) -> bool:
        """Whether the user said where the front is."""
        return self.front_frame is not None or self.front_azimuth_deg is not None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> LabelOptions:
        if self.front_frame is not None and self.front_azimuth_deg is not None:
            raise ValueError(
                f"front_frame ({self.front_frame!r}) and front_azimuth_deg "
                f"({self.front_azimuth_deg:g}) both say where the front is: keep one"
            )
        known = [word for bins in ALL_BINS for word in bins.distinct]
        for word in self.names:
            if word not in known:
                close = difflib.get_close_matches(word, known, n=3) or known
                raise ValueError(
                    f"names has {word!r}, which is not a standard word; "
                    f"did you mean {', '.join(map(repr, close))}?"
                )
        return self
