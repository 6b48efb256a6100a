"""Errors told in words alone: this package's own, and those of the disk."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import click

from mtcm_pipeline.errors import MtcmError

logger = logging.getLogger(__name__)

_NO_RIGHT = "give yourself the right to read and write there, or move the project"
_NO_ROOM = (
    "make room and run again, what is finished is kept; `kedro clean-cache` removes what "
    "can be computed again"
)
_DISK = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
}


def find_own_error(error: BaseException | None) -> MtcmError | None:
    """The error of this package behind `error`, which Kedro may have wrapped."""
    while error is not None and not isinstance(error, MtcmError):
        error = error.__cause__
    return error


def in_plain_words(error: BaseException | None) -> str | None:
    """What to tell of an own error, or of a full disk or one that must not be written;
    None for all others, whose traceback is needed."""
    own = find_own_error(error)
    if own is not None:
        return str(own)
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK:
            place = "" if error.filename is None else f"{error.filename}: "
            return f"{place}{error.strerror}: {_DISK[error.errno]}"
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def told_plainly() -> Iterator[None]:
    """A command's work: errors that can be told in words end it with these alone.

    Its log is as that of a run (`console_log`).

    Raises:
        click.ClickException: with the words.
    """
    from mtcm_pipeline.orchestration.console_log import keep_lines_whole

    keep_lines_whole()
    try:
        yield
    except Exception as error:
        words = in_plain_words(error)
        if words is None:
            raise
        raise click.ClickException(words) from error


def tell_plainly() -> None:
    """From now on, this process ends on such an error with its words, not a traceback.

    The traceback goes to the log file; all other errors are shown as before.
    """
    previous = sys.excepthook
    if getattr(previous, "is_plain", False):
        return

    def show(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        words = in_plain_words(error)
        if words is None:
            previous(kind, error, trace)
            return
        logger.debug("ended by an error", exc_info=(kind, error, trace))
        click.secho(f"Error: {words}", fg="red", err=True)

    show.is_plain = True  # type: ignore[attr-defined]
    sys.excepthook = show
