"""Networks trained once and kept by what they came out of; the judge that they make."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
from torch import Tensor

from mtcm_pipeline.across.code_digest import TRAINING, code_digest
from mtcm_pipeline.across.erasure import without_identities
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.across.processes import train_together
from mtcm_pipeline.across.spoilt import TRAIN, SpoiltIdentity
from mtcm_pipeline.across.start import starting_judge
from mtcm_pipeline.capture.content_store import ContentStore, content_key
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.judge.calibration import Calibration, calibrated
from mtcm_pipeline.judge.checkpoint import Judge, judge_from_bytes, judge_to_bytes
from mtcm_pipeline.judge.observations import input_names

log = logging.getLogger(__name__)

# Options that change no network.
_NOT_IN_KEY = (
    "init", "members", "train_draws", "test_draws", "leave_out", "evaluate", "processes",
    "timeout_s",
)  # fmt: skip


def trained_judge(
    start: Judge,
    spoilt: Sequence[SpoiltIdentity],
    options: AcrossOptions,
    store: ContentStore,
    name: str,
) -> Judge:
    """Every network of the start trained on the spoilt identities.

    Where a regulariser is at work, what is left of identities in the latent of a trained
    network is taken out (`erasure`).

    A judge that the store holds is not trained again, and a new one goes into it at once.
    Weights are rounded to half precision, as they persist.

    Args:
        start: where networks begin; its calibration stays with the result.
        spoilt: with the truth; in equal numbers of draws for each identity or not.
        options: of the training.
        store: outlives a kill.
        name: what is trained, for the bar of progress and the log.
    """
    key = _key(start, spoilt, options)
    stored = store.read(key)
    if stored is not None:
        try:
            return judge_from_bytes(stored)
        except FileContentError:
            log.warning("%s: what was kept of it is broken, training again", name)
    cases = [each.case for each in spoilt]
    inputs = input_names(start.columns)
    models = []
    for member, model in enumerate(start.models):
        words = f"{name}, network {member + 1} of {len(start.models)}"
        trained = train_together(
            model, cases, inputs, options, member=member, description=words
        )
        if options.regularised:
            trained = without_identities(trained, spoilt)
        models.append(trained)
    content = judge_to_bytes(replace(start, models=tuple(models)))
    store.write(key, content)
    return judge_from_bytes(content)


def shared_judge(
    spoilt: Sequence[SpoiltIdentity],
    logits: pd.DataFrame,
    options: AcrossOptions,
    store: ContentStore,
) -> tuple[Judge, dict]:
    """The judge trained on the training versions of all identities, and its card.

    Args:
        spoilt: training versions and others.
        logits: of `left_out.LeftOut`, from which the judge's reading is taken.
        options: of the training.
        store: outlives a kill.
    """
    start = starting_judge(options, spoilt[0].columns)
    training = [each for each in spoilt if each.role == TRAIN]
    trained = trained_judge(start, training, options, store, "All identities")
    card = card_of(start, training, options)
    text = json.dumps(card, ensure_ascii=False)
    reading = calibration_of(logits, start)
    return replace(trained, calibration=reading, card=text), card


def calibration_of(logits: pd.DataFrame, start: Judge) -> Calibration | None:
    """How a judge over all identities is read: as those that had left one out.

    Args:
        logits: columns of `left_out.LOGIT_COLUMNS`. Fewer than two identities leave the
            judge to be read as its start.
        start: where training began.
    """
    if logits["identity"].nunique() < 2:
        return start.calibration
    groups = [each for _, each in logits.groupby(["identity", "role", "plan", "seed"])]
    return calibrated(
        [each["logit"].to_numpy(np.float64) for each in groups],
        [each["faulty"].to_numpy(bool) for each in groups],
        captures=[str(each["identity"].iloc[0]) for each in groups],
    )


def weights_of_judge(judge: Judge) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and texts of the safetensors file that `judge_to_bytes` gives."""
    from safetensors.torch import load

    content = judge_to_bytes(judge)
    length = int.from_bytes(content[:8], "little")
    return load(content), json.loads(content[8 : 8 + length])["__metadata__"]


def judge_of_weights(tensors: dict[str, Tensor], texts: dict[str, str]) -> Judge:
    """The inverse of `weights_of_judge`."""
    from safetensors.torch import save

    return judge_from_bytes(save(tensors, metadata=texts))


def without_regulariser(options: AcrossOptions) -> AcrossOptions:
    """The same training, without what keeps the latent from telling identities."""
    return replace(options, regulariser="none", weight=0.0)


def card_of(
    start: Judge, spoilt: Sequence[SpoiltIdentity], options: AcrossOptions
) -> dict:
    """What a judge was trained on, for people."""
    kinds = [kind for each in spoilt for kind in each.kinds if kind]
    frames = {each.identity: len(set(each.names)) for each in spoilt}
    return {
        "what": "judge of faulty frames, one for many identities; see "
        "docs/many_identities.md",
        "trained on": {name: f"{count} frames" for name, count in frames.items()},
        "spoilt versions": len(spoilt),
        "faulty frames": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "training": asdict(options),
        "started from": _plain(start.card),
    }


def _plain(card: str) -> object:
    """The start's own card, as JSON where it is."""
    try:
        return json.loads(card)
    except ValueError:
        return card


def _key(start: Judge, spoilt: Sequence[SpoiltIdentity], options: AcrossOptions) -> str:
    kept = {k: v for k, v in asdict(options).items() if k not in _NOT_IN_KEY}
    return content_key(
        "networks",
        code_digest(TRAINING),
        _digest(start),
        json.dumps(kept, sort_keys=True),
        *[each.content for each in spoilt],
    )


def _digest(judge: Judge) -> str:
    """Changes with weights, size, evidence, calibration and card."""
    digest = hashlib.sha256()
    for model in judge.models:
        digest.update(repr(model.options).encode())
        for name, tensor in model.state_dict().items():
            digest.update(name.encode() + tensor.numpy().tobytes())
    digest.update(repr((judge.columns, judge.calibration, judge.card)).encode())
    return digest.hexdigest()
