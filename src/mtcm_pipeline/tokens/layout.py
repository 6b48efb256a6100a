"""The token: t = [e, p, s], 384 + 7 + 3 numbers, with a presence flag a field.

This is the one place that knows which number stands where.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError

EMBEDDING_WIDTH = 384
TOKEN_WIDTH = 394

FIELD_SLICES: dict[str, slice] = {
    "embedding": slice(0, 384),  # e: unit-length image embedding
    "pose": slice(384, 391),  # p: centre x, y, z and quaternion w, x, y, z
    "timestamp": slice(391, 392),  # s: seconds since the first frame
    "mask_area": slice(392, 393),  # s: foreground share of the image, 0..1
    "focal": slice(393, 394),  # s: focal length over the longer image side
}
FIELDS: tuple[str, ...] = tuple(FIELD_SLICES)
CENTRE = slice(384, 387)
QUATERNION = slice(387, 391)


@dataclass(frozen=True)
class Tokens:
    """Tokens of one capture in capture order, in the canonical gauge.

    Dimension letters: N frames, F = 5 fields, D = 394 token width.

    Attributes:
        names: (N) image file names.
        values: (N, D) float64; NaN exactly where a field is absent.
        present: (N, F) bool, columns as in `FIELDS`.
        times: (N,) position in the sequence scaled to 0..1 (by timestamp where every
            frame has one, else by order).
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    times: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.values.shape != (n, TOKEN_WIDTH):
            raise CaptureError(
                f"tokens are {self.values.shape}, not ({n}, {TOKEN_WIDTH})"
            )
        if self.present.shape != (n, len(FIELDS)) or self.times.shape != (n,):
            raise CaptureError("presence flags or times do not fit the tokens")
        for column, where in enumerate(FIELD_SLICES.values()):
            finite = np.isfinite(self.values[:, where])
            if not (finite.all(axis=1) == self.present[:, column]).all():
                raise CaptureError(
                    f"presence flags of field {FIELDS[column]!r} disagree with its values"
                )

    def __len__(self) -> int:
        return len(self.names)

    def field(self, name: str) -> NDArray[np.float64]:
        """(N, width) values of one field; NaN where absent."""
        return self.values[:, FIELD_SLICES[name]]

    def has(self, name: str) -> NDArray[np.bool_]:
        """(N,) presence of one field."""
        return self.present[:, FIELDS.index(name)]
