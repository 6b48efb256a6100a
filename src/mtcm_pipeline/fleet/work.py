"""One identity's run to be done, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path


class Status(StrEnum):
    """How the work on one identity ended."""

    FINISHED = "finished"
    SKIPPED = "skipped"  # complete before, for the same parameters
    FAILED = "failed"
    LOCKED = "locked"  # another run of the identity was under way
    INTERRUPTED = "interrupted"  # stopped, or never begun, because the user said so


GOOD = frozenset({Status.FINISHED, Status.SKIPPED})
"""What leaves an identity as it was asked for."""


class Urgency(IntEnum):
    """How much of a hurry the user is in to stop."""

    NONE = 0
    STOP = 1  # let children clean up
    KILL = 2  # at once


UrgencyNow = Callable[[], Urgency]


@dataclass(frozen=True)
class WorkItem:
    """One identity's run.

    Attributes:
        identity: a checked name; the child gets it as MTCM_IDENTITY.
        project: the folder that the run starts in.
        arguments: what follows the Python interpreter on the child's command line.
        log: the file that takes all that the child says.
    """

    identity: str
    project: Path
    arguments: tuple[str, ...]
    log: Path


@dataclass(frozen=True)
class Outcome:
    """What became of one identity.

    Attributes:
        identity: whose.
        status: how it ended.
        seconds: from the child's start to its end; 0 where none was started.
        message: the error, warnings on the poses, or what else is to be said; may have
            many lines.
        log: the child's log file; None where none was started.
        host: the machine that it ran on; "" for none.
    """

    identity: str
    status: Status
    seconds: float = 0.0
    message: str = ""
    log: Path | None = None
    host: str = ""


@dataclass(frozen=True)
class Started:
    """The run of `identity` has begun."""

    identity: str


Event = Started | Outcome
