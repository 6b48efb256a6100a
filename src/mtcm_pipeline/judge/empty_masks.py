"""Masks in which nothing is foreground, where most frames show a subject.

Such a mask is no evidence to weigh, it is wrong for certain: whoever trains with it sees
nothing of that frame. It is told apart from a frame without a mask.

Dimension letters: N frames.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.checkpoint import Logits
from mtcm_pipeline.judge.kinds import FAULT_KINDS, FIELDS

Bool = NDArray[np.bool_]


def subject_gone(evidence: CaptureEvidence) -> Bool:
    """(N,) frames with an empty mask, where more than half of all have another."""
    if "mask_empty" not in evidence.frames:  # gathered before this was known
        return np.zeros(len(evidence), dtype=bool)
    shown = np.isfinite(evidence.mask_cells).any(axis=(1, 2))
    empty = evidence.frames["mask_empty"].to_numpy(np.float64) == 1.0
    return empty & bool(2 * shown.sum() > len(evidence))


def called_bad(logits: Logits, rows: Bool) -> Logits:
    """The networks' word, but for the frames in `rows`, (N,): their mask is bad."""
    kinds, fields = logits.kinds.copy(), logits.fields.copy()
    kinds[rows] = np.eye(len(FAULT_KINDS))[FAULT_KINDS.index("mask")]
    fields[rows] = np.eye(len(FIELDS))[FIELDS.index("mask")]
    return replace(logits, kinds=kinds, fields=fields)
