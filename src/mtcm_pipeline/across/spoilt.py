"""An identity spoilt once: what the judge sees of it, and the truth.

Dimension letters: N frames, F columns, P pairs, G pair columns.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import MtcmError
from mtcm_pipeline.judge.graphs import Case, case_of
from mtcm_pipeline.judge.observations import Observations
from mtcm_pipeline.judge.scenarios import Scenario

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

TRAIN, TEST = "train", "test"
_BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, MtcmError)


@dataclass(frozen=True)
class SpoiltIdentity:
    """Observations of one identity with one draw of faults.

    Attributes:
        identity: whose frames.
        role: `train` or `test`.
        plan: of the faults.
        seed: of the faults.
        names: (N) frames in order of time.
        columns: (F) names of the evidence.
        raw: (N, F) see `judge.observations.Observations`, as the next four.
        first: (P,).
        second: (P,).
        pairs: (P, G).
        agreement: (P,).
        kinds: (N) kind of each frame's fault, "" where sound.
        strengths: (N) `gross` or `subtle`, "" where sound.
    """

    identity: str
    role: str
    plan: str
    seed: int
    names: tuple[str, ...]
    columns: tuple[str, ...]
    raw: Float = field(repr=False)
    first: Index = field(repr=False)
    second: Index = field(repr=False)
    pairs: Float = field(repr=False)
    agreement: Float = field(repr=False)
    kinds: tuple[str, ...] = field(repr=False)
    strengths: tuple[str, ...] = field(repr=False)

    @property
    def seen(self) -> Observations:
        """As the judge takes it."""
        return Observations(
            self.names, self.columns, self.raw, self.first, self.second, self.pairs,
            self.agreement,
        )  # fmt: skip

    @property
    def case(self) -> Case:
        """As the training takes it."""
        return case_of(self.seen, self.kinds, self.identity)

    @property
    def faulty(self) -> Bool:
        """(N,) which frames are faulty."""
        return np.array([kind != "" for kind in self.kinds])

    @property
    def content(self) -> str:
        """Changes with everything that training or measuring looks at."""
        digest = hashlib.sha256()
        for each in fields(self):
            value = getattr(self, each.name)
            plain = value.tobytes() if isinstance(value, np.ndarray) else repr(value)
            digest.update(plain if isinstance(plain, bytes) else plain.encode())
        return digest.hexdigest()

    def to_bytes(self) -> bytes:
        """An `.npz` file."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            each.name: np.array(getattr(self, each.name)) for each in fields(self)
        }
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> SpoiltIdentity | None:
        """The inverse of `to_bytes`; None for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                values = {f.name: arrays[f.name] for f in fields(cls)}
        except _BROKEN:
            return None
        texts = ("names", "columns", "kinds", "strengths")
        values |= {name: tuple(values[name].tolist()) for name in texts}
        scalars = ("identity", "role", "plan", "seed")
        return cls(**{**values, **{name: values[name].item() for name in scalars}})


def spoilt_identity(scenario: Scenario, seen: Observations, role: str) -> SpoiltIdentity:
    """What is kept of a scenario once it is observed."""
    truth = scenario.truth
    return SpoiltIdentity(
        scenario.capture,
        role,
        scenario.plan,
        scenario.seed,
        seen.names,
        seen.columns,
        seen.raw,
        seen.first.astype(np.int64),
        seen.second.astype(np.int64),
        seen.pairs,
        seen.agreement,
        tuple(str(kind) for kind in truth["kind"]),
        tuple(str(how) for how in truth["strength"].fillna("")),
    )
