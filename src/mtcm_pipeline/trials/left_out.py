"""What a benchmark had to leave out, and why: said at once, and kept for the end."""

from __future__ import annotations

import logging

from mtcm_pipeline.errors import MtcmError
from mtcm_pipeline.trials.plan import Trial

log = logging.getLogger(__name__)


class LeftOut:
    """Captures and cells that could not be measured; none of them stops the others."""

    def __init__(self) -> None:
        self._reasons: dict[str, dict[str, None]] = {}

    def capture(self, name: str, error: MtcmError) -> None:
        """A capture of which nothing can be measured."""
        log.warning("%s is left out of the benchmark: %s", name, error)
        self._keep(name, error)

    def cell(self, place: Trial, error: MtcmError) -> None:
        """A pool and split that this capture is too small for."""
        log.warning(
            "%s, pool %s, %s split %d is left out: %s",
            place.capture,
            place.pool,
            place.split_rule,
            place.split,
            error,
        )
        self._keep(place.capture, error)

    def in_words(self) -> str:
        """What to say where nothing is left: each capture with its reasons."""
        captures = [f"{name}: {' / '.join(why)}" for name, why in self._reasons.items()]
        return f"no trial could be done: {'; '.join(captures)}"

    def _keep(self, name: str, error: MtcmError) -> None:
        self._reasons.setdefault(name, {})[str(error)] = None
