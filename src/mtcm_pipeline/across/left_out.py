"""Each identity judged by a network that has never seen it, beside one of its own.

Four judges are compared on an identity's test versions:

    start            what training began with
    no regulariser   trained on all other identities, without the regulariser
    shared           trained on all other identities
    alone            trained on this identity's own training versions
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mtcm_pipeline.across.areas import ALONE, PLAIN, SHARED, START, area_rows, area_table
from mtcm_pipeline.across.options import AcrossOptions
from mtcm_pipeline.across.shared import trained_judge, without_regulariser
from mtcm_pipeline.across.spoilt import TEST, TRAIN, SpoiltIdentity
from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.identities import check_identity_exists
from mtcm_pipeline.judge.checkpoint import Judge

log = logging.getLogger(__name__)

LOGIT_COLUMNS = ("identity", "role", "plan", "seed", "name", "logit", "faulty")


@dataclass(frozen=True)
class LeftOut:
    """What was measured.

    Attributes:
        areas: `areas.area_table`.
        logits: `LOGIT_COLUMNS`: what `shared` says of every frame of every version of
            the identities that it has not seen.
    """

    areas: pd.DataFrame
    logits: pd.DataFrame


def judge_left_out(
    start: Judge,
    spoilt: Sequence[SpoiltIdentity],
    options: AcrossOptions,
    store: ContentStore,
) -> LeftOut:
    """Leave out one identity after another.

    Raises:
        IdentityError: `leave_out` names one that is not there.
    """
    names = list(dict.fromkeys(each.identity for each in spoilt))
    for name in options.leave_out:
        check_identity_exists(name, names)
    rows: list[tuple] = []
    logits: list[tuple] = []
    if options.evaluate and len(names) > 1:
        for name in options.leave_out or names:
            judges = _judges(name, start, spoilt, options, store)
            own = [each for each in spoilt if each.identity == name]
            tests = [each for each in own if each.role == TEST]
            for method, judge in judges.items():
                rows += area_rows(judge, method, tests)
            logits += _logit_rows(judges[SHARED], own)
            log.info("%s: left out, %d versions judged", name, len(own))
    table = pd.DataFrame(logits, columns=list(LOGIT_COLUMNS))
    return LeftOut(area_table(rows), table)


def _judges(
    name: str,
    start: Judge,
    spoilt: Sequence[SpoiltIdentity],
    options: AcrossOptions,
    store: ContentStore,
) -> dict[str, Judge]:
    training = [each for each in spoilt if each.role == TRAIN]
    others = [each for each in training if each.identity != name]
    own = [each for each in training if each.identity == name]
    plain = without_regulariser(options)
    return {
        START: start,
        PLAIN: trained_judge(start, others, plain, store, f"Without {name}, plain"),
        SHARED: trained_judge(start, others, options, store, f"Without {name}"),
        ALONE: trained_judge(start, own, plain, store, f"{name} alone"),
    }


def _logit_rows(judge: Judge, spoilt: Sequence[SpoiltIdentity]) -> list[tuple]:
    rows = []
    for each in spoilt:
        said = judge.logits(each.seen).faulty
        for name, logit, bad in zip(each.names, said, each.faulty, strict=True):
            about = (each.identity, each.role, each.plan, each.seed)
            rows.append((*about, name, float(logit), bool(bad)))
    return rows
