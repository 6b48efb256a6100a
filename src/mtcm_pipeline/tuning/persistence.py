"""The tuned head as tensors and texts, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from torch import Tensor

from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.tuning.head import WeightHead
from mtcm_pipeline.tuning.options import FinetuneOptions, TuningOptions


def head_tensors(
    head: WeightHead, names: Sequence[str], options: TuningOptions
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Weights, buffers included, and texts that say what they belong to."""
    about = {"names": json.dumps(list(names)), "options": json.dumps(asdict(options))}
    return dict(head.state_dict()), about


def head_from_tensors(
    tensors: Mapping[str, Tensor], about: Mapping[str, str]
) -> tuple[WeightHead, tuple[str, ...]]:
    """The inverse of `head_tensors`: the head and the names of its views.

    Raises:
        FileContentError: these are not the tensors of a head.
    """
    try:
        options = FinetuneOptions(**json.loads(about["options"]))
        names = tuple(json.loads(about["names"]))
        features = tensors["features"].numpy()
        head = WeightHead(np.full(len(names), 0.5), features, options, seed=0)
        head.load_state_dict(dict(tensors))
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise FileContentError(
            f"these are not the weights of a view-weight head: {error}"
        ) from error
    return head.eval(), names
