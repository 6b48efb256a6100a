"""Errors that this package raises on purpose, told in their own words alone."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

import click

from mtcm_pipeline.errors import MtcmError

logger = logging.getLogger(__name__)


def find_own_error(error: BaseException | None) -> MtcmError | None:
    """The error of this package behind `error`, which Kedro may have wrapped."""
    while error is not None and not isinstance(error, MtcmError):
        error = error.__cause__
    return error


def tell_plainly() -> None:
    """From now on, this process ends on an own error with its message, not a traceback.

    The traceback goes to the log file; all other errors are shown as before.
    """
    previous = sys.excepthook
    if getattr(previous, "is_plain", False):
        return

    def show(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        own = find_own_error(error)
        if own is None:
            previous(kind, error, trace)
            return
        logger.debug("ended by an error", exc_info=(kind, error, trace))
        click.secho(f"Error: {own}", fg="red", err=True)

    show.is_plain = True  # type: ignore[attr-defined]
    sys.excepthook = show
