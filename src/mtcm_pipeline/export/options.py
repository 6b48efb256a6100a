"""How a selection is written for trainers."""

from __future__ import annotations

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ExportOptions:
    """Options of the export; each default with its reason.

    Attributes:
        undistort: write the views as pinhole cameras would have taken them. Off, since
            trainers that know lens distortion should get the untouched pixels; those
            that know pinhole cameras only need it on.
    """

    undistort: bool = False
