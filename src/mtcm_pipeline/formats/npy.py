"""A `.npy` file's content: one array without Python objects in it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray


def npy_bytes(array: NDArray[Any]) -> bytes:
    """What a `.npy` file of the array holds.

    Raises:
        ValueError: the array holds Python objects, which only a pickle could carry.
    """
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
