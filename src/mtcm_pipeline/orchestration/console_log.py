"""The log on the console, its lines whole where somebody will copy from them.

Kedro's handler folds every message into a column as wide as the terminal is thought to
be: 80 characters where there is none. A path that is folded cannot be copied.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from kedro.logging import RichHandler
from rich.text import Text


class WholeLineHandler(RichHandler):
    """As Kedro's, but a message is not folded where its output is not a terminal, and
    nowhere if it names a path; a terminal then wraps it and still copies it whole."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record."""
        if record.exc_info or hasattr(record, "rich_format"):
            super().emit(record)  # a traceback, or Kedro's own colours
            return
        try:
            message = self.format(record)
            if self.console.is_terminal and not _names_a_path(message):
                super().emit(record)
            else:
                self.console.print(self._line(record, message), soft_wrap=True)
        except Exception:
            self.handleError(record)

    def _line(self, record: logging.LogRecord, message: str) -> Text:
        """Time, level and message as in the usual columns; further lines below it."""
        told: Any = self.render_message(record, message)
        table: Any = self.render(record=record, traceback=None, message_renderable=told)
        line = Text()
        for column in table.columns[:-1]:
            line.append_text(Text.assemble(next(iter(column.cells)), style=column.style))
            line.append(" ")
        indent = Text("\n" + " " * line.cell_len)
        return line.append_text(indent.join(told.split("\n", allow_blank=True)))


def keep_lines_whole() -> None:
    """From now on, the handler that conf/logging.yml set up is one of these.

    Kedro refuses a class of a project's own in that file.
    """
    for handler in logging.getLogger().handlers:
        if type(handler) is RichHandler:
            handler.__class__ = WholeLineHandler


def _names_a_path(message: str) -> bool:
    return any(separator in message for separator in {"/", os.sep})
