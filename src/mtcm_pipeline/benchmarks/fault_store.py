"""Spoilt captures in a folder: made once, observed once as long as nobody changes how.

Dimension letters: N frames.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtcm_pipeline.judge.capture_evidence import CaptureEvidence
from mtcm_pipeline.judge.fitting import Labelled
from mtcm_pipeline.judge.observations import Observations, observe
from mtcm_pipeline.judge.scenarios import Scenario
from mtcm_pipeline.judge.thinning import POOR, SPARSE, thinned

# The code that observations depend on.
_OBSERVING = {
    "judge": ("thinning", "observations", "neighbourhoods", "consensus", "pair_evidence",
              "photo_evidence", "counterparts", "novelty_evidence", "content_light",
              "mask_evidence", "order_evidence", "repeats",
              "token_evidence"),
    "consistency": ("neighbours",),
    "regressors": ("folds", "gaussian", "kernels", "problem"),
    "twoview": ("frame_evidence", "cells"),
}  # fmt: skip
# Of `judge.thinning`: the version that is poorer than captures are.
SPARSE_VERSION = 2
_TABLES = ("raw", "first", "second", "pairs", "agreement")


@dataclass(frozen=True)
class SpoiltCapture:
    """A spoilt capture as the judge and its rivals see it.

    Attributes:
        capture: identity of the clean capture.
        plan: name of the plan of faults.
        seed: of the faults.
        truth: N rows as `seen.names`, see `faults.inject.FaultyCapture`.
        seen: what is observed of it.
        measured: whether it is a capture to be measured on, or one to train on only.
        file: where the evidence is.
        version: 0 is the capture itself, others are poorer (`judge.thinning`), and
            `SPARSE_VERSION` is poorer than captures are.
    """

    capture: str
    plan: str
    seed: int
    truth: pd.DataFrame = field(repr=False)
    seen: Observations = field(repr=False)
    measured: bool
    file: Path
    version: int = 0

    @property
    def name(self) -> str:
        """Of the scenario and its version."""
        return f"{self.file.stem}~{self.version}"

    @property
    def kinds(self) -> list[str]:
        """(N) kind of each frame's fault, "" where sound."""
        return list(self.truth["kind"])

    @property
    def faulty(self) -> NDArray[np.bool_]:
        """(N,) which frames are faulty."""
        return (self.truth["kind"] != "").to_numpy()

    @property
    def typical(self) -> bool:
        """Whether it is no poorer than captures can be."""
        return self.version != SPARSE_VERSION

    def labelled(self, withheld: tuple[str, ...] = ()) -> Labelled:
        """What is learned from, without the evidence whose names begin like that."""
        seen = self.seen.without(withheld) if withheld else self.seen
        return Labelled(seen, self.kinds, self.capture, calibrates=self.typical)

    def evidence(self) -> CaptureEvidence:
        """All that was gathered, read from the file."""
        return _scenario(self.file, self.version).evidence


def keep(scenario: Scenario, file: Path) -> None:
    """Write a scenario, whole or not at all."""
    _write(file, scenario.to_bytes())


def spoilt_capture(file: Path, *, measured: bool, version: int = 0) -> SpoiltCapture:
    """A kept scenario; its observations are kept beside it.

    Args:
        file: of the scenario.
        measured: whether it is measured on.
        version: see `SpoiltCapture`.
    """
    kept = file.with_suffix(f".{version}.{_how_observed()}.seen")
    if not kept.is_file():
        for old in file.parent.glob(f"{file.stem}.{version}.*.seen"):
            old.unlink()
        made = _scenario(file, version)
        _write(kept, _packed(observe(made.evidence), made))
    with np.load(io.BytesIO(kept.read_bytes()), allow_pickle=False) as arrays:
        capture, plan, seed = (str(part) for part in arrays["about"])
        missing = {"severity": [""]}
        truth = pd.read_csv(
            io.StringIO(str(arrays["truth"])), keep_default_na=False, na_values=missing
        )
        seen = Observations(
            tuple(str(name) for name in arrays["names"]),
            tuple(str(name) for name in arrays["columns"]),
            **{name: arrays[name] for name in _TABLES},
        )
    return SpoiltCapture(capture, plan, int(seed), truth, seen, measured, file, version)


def _scenario(file: Path, version: int) -> Scenario:
    scenario = Scenario.from_bytes(file.read_bytes())
    if not version:
        return scenario
    return thinned(scenario, version, SPARSE if version == SPARSE_VERSION else POOR)


@cache
def _how_observed() -> str:
    """Changes with the code that makes observations."""
    digest = hashlib.sha256()
    for package, modules in _OBSERVING.items():
        folder = resources.files(f"mtcm_pipeline.{package}")
        for module in modules:
            digest.update((folder / f"{module}.py").read_bytes())
    return digest.hexdigest()[:10]


def _packed(seen: Observations, scenario: Scenario) -> bytes:
    buffer = io.BytesIO()
    texts: dict[str, Any] = {
        "names": np.array(seen.names),
        "columns": np.array(seen.columns),
        "truth": np.array(scenario.truth.to_csv(index=False)),
        "about": np.array([scenario.capture, scenario.plan, str(scenario.seed)]),
    }
    tables: dict[str, Any] = {name: getattr(seen, name) for name in _TABLES}
    np.savez_compressed(buffer, **texts, **tables)
    return buffer.getvalue()


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(content)
    part.rename(file)
