"""How alike the model finds two frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def similarity_matrix(latent: NDArray[np.floating]) -> NDArray[np.float32]:
    """(N, N) cosine similarity of representations after taking their mean out."""
    centred = latent.astype(np.float64) - latent.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.maximum(lengths, 1e-12)
    similarity = (unit @ unit.T).astype(np.float32)
    similarity = np.clip((similarity + similarity.T) / 2, -1.0, 1.0)
    np.fill_diagonal(similarity, 1.0)
    return similarity
