"""The kinds of faults that the judge tells apart, and what they mean to a user."""

from __future__ import annotations

from mtcm_pipeline.faults.plan import KINDS

FAULT_KINDS: tuple[str, ...] = tuple(KINDS)
FIELDS: tuple[str, ...] = ("none", "embedding", "pose", "mask", "time")

FIELD_OF: dict[str, str] = {
    "rotation": "pose",
    "translation": "pose",
    "swapped": "pose",
    "block": "pose",
    "motion_blur": "embedding",
    "defocus": "embedding",
    "exposure": "embedding",
    "occluder": "embedding",
    "foreign": "embedding",
    "intruder": "embedding",
    "duplicate": "none",
    "mask": "mask",
    "timestamp": "time",
}

# What a user is told, and can do about it, is the same within a group.
GROUP_OF: dict[str, str] = {
    "rotation": "pose",
    "translation": "pose",
    "swapped": "pose",
    "block": "pose",
    "motion_blur": "blurred",
    "defocus": "blurred",
    "exposure": "exposure",
    "occluder": "covered",
    "intruder": "covered",
    "foreign": "foreign",
    "duplicate": "duplicate",
    "mask": "mask",
    "timestamp": "time",
}
