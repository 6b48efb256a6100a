"""What to type when a run's inputs are missing or do not belong together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from kedro.pipeline import Pipeline

from mtcm_pipeline.orchestration.command_line import run_command
from mtcm_pipeline.orchestration.stages import STAGES

_DEFAULT = "__default__"


class Remedies:
    """Commands for one identity and the pipelines that its user asked for."""

    def __init__(
        self, identity: str, requested: Sequence[str], pipelines: Mapping[str, Pipeline]
    ) -> None:
        self._identity = identity
        self._requested = [name for name in requested if name != _DEFAULT]
        self._pipelines = {k: v for k, v in pipelines.items() if k != _DEFAULT}

    def makers(self, dataset: str) -> list[str]:
        """The pipelines that make `dataset`."""
        return [k for k, v in self._pipelines.items() if dataset in v.all_outputs()]

    def make_missing(self, missing: Iterable[str], has: Callable[[str], bool]) -> str:
        """The command that makes `missing` and all that they need in turn."""
        needed: set[str] = set()
        todo = list(missing)
        while todo:
            for name in self.makers(todo.pop()):
                if name not in needed:
                    needed.add(name)
                    inputs = self._pipelines[name].inputs()
                    todo += [
                        each for each in inputs if self.makers(each) and not has(each)
                    ]
        return self._command(needed)

    def renew(self, stale: Collection[str]) -> str:
        """The command that makes `stale` again from the newest versions."""
        return self._command(name for dataset in stale for name in self.makers(dataset))

    def choose(self, pins: Mapping[str, str]) -> str:
        """The command asked for, with versions chosen by hand."""
        versions = [f"{name}:{version}" for name, version in pins.items()]
        return run_command(self._requested, self._identity, versions)

    def _command(self, names: Iterable[str]) -> str:
        wanted = {*names, *self._requested}
        stages = [name for name in STAGES if name in wanted]
        return run_command(stages + sorted(wanted - set(STAGES)), self._identity)


def all_pipelines() -> dict[str, Pipeline]:
    """Every registered pipeline, also when the run loaded only those it was asked for."""
    from kedro.framework.project import pipelines

    pipelines.set_requested(None)
    return dict(pipelines)
