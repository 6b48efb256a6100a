"""One training step: hide, swap, predict, compare.

Dimension letters: N frames, D = 394 token width, F = 5 fields, G = 3 swap groups.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from mtcm_pipeline.mtcm import losses
from mtcm_pipeline.mtcm.masking import SWAP_GROUPS, apply_swaps, draw_hidden, draw_swaps
from mtcm_pipeline.mtcm.model import Mtcm
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.sequence import FrameSequence, as_bool, as_float
from mtcm_pipeline.tokens.layout import FIELD_SLICES, FIELDS, TOKEN_WIDTH


def step_losses(
    model: Mtcm, window: FrameSequence, options: TrainOptions, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Hide, swap, predict, and compare: the losses of one step.

    Returns:
        Scalars `loss` (the weighted sum), `reconstruction`, `next_pose`, `variance` and
        `swap`.
    """
    hidden = draw_hidden(
        window.present,
        window.azimuths_rad,
        ratio=options.mask_ratio,
        modes=options.mask_modes,
        rng=rng,
    )
    last = _last_posed(window.present)
    if last is not None:
        hidden[last] = window.present[last]
    source = draw_swaps(window.present, hidden, ratio=options.swap_ratio, rng=rng)
    rows, present = apply_swaps(window.rows, window.present, source)
    truth = as_float(window.rows)
    output = model(
        as_float(rows),
        as_bool(present),
        as_bool(hidden & present),
        as_float(window.times),
    )
    errors = losses.field_errors(output.tokens, truth)
    counted = as_bool(hidden)
    terms = {
        "reconstruction": losses.reconstruction_loss(errors, counted),
        "variance": losses.variance_loss(output.log_variance, errors, counted),
        "swap": losses.swap_loss(
            output.swap_logits, *swap_targets(window.rows, window.present, hidden, source)
        ),
        "next_pose": errors.sum() * 0.0
        if last is None
        else losses.next_pose_loss(
            output.next_pose, truth[:, FIELD_SLICES["pose"]], last
        ),
    }
    total = losses.weighted_total(terms, options)
    return {"loss": total, **terms}


def _last_posed(present: np.ndarray) -> int | None:
    posed = np.flatnonzero(present[:, FIELDS.index("pose")])
    return int(posed[-1]) if len(posed) else None


def swap_targets(
    rows: np.ndarray, present: np.ndarray, hidden: np.ndarray, source: np.ndarray
) -> tuple[Tensor, Tensor]:
    """(N, G) swapped or not, and (N, G) whether the group was shown at all.

    Where the other frame's numbers are the same, nothing was swapped.

    Args:
        rows: (N, D) standardised tokens before the swaps.
        present: (N, F).
        hidden: (N, F).
        source: (N, G) frame that each group was taken from.
    """
    own = np.arange(len(rows))[:, None]
    judged = np.stack(
        [
            (present & ~hidden)[:, [FIELDS.index(name) for name in fields]].any(1)
            for fields in SWAP_GROUPS.values()
        ],
        axis=1,
    )
    changed = np.stack(
        [
            (rows[source[:, group]] != rows)[:, _numbers_of(fields)].any(1)
            for group, fields in enumerate(SWAP_GROUPS.values())
        ],
        axis=1,
    )
    return as_bool((source != own) & changed), as_bool(judged)


def _numbers_of(fields: tuple[str, ...]) -> np.ndarray:
    """Positions in the token of the numbers of some fields."""
    return np.concatenate([np.arange(TOKEN_WIDTH)[FIELD_SLICES[f]] for f in fields])
