"""What the benchmark measures, and how finely."""

from __future__ import annotations

from dataclasses import asdict, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class BenchmarkOptions:
    """Parameters under `benchmark`; each default with its reason.

    Attributes:
        preset: `quick` compares a handful of arms in minutes; `full` is every pool,
            filter and selector, which takes days of CPU time for several captures.
        captures: identities under data/raw_images; empty: the run's own.
        exclude: frames that are known to be faulty, as `identity/file name`; they are
            neither shown nor held out.
        arms: patterns `pool/filter/selector` with `*` for anything, of what is run in
            place of the preset's arms. The pool `unbalanced` stands for one of the
            unbalanced ones a split, taking turns.
        budgets: numbers of views; empty: the preset's.
        splits: test splits of each rule; 0: the preset's.
        random_draws: of the selector `random`: five show its spread.
        fit_seeds: trainings of one subset for the noise floor: three is the least that
            gives a spread and not a difference.
        seed: of splits, pools and draws.
        longer_side_px: of the views that are fitted; a fit costs with the square.
        gaussians: of a fit; more need more steps.
        steps: of a fit. With these three a fit takes under 3 CPU seconds, 2 less than
            with the field's own defaults, which rank selections alike.
        residual_steps: of the fit to all frames behind the residual filter, which sees
            more views than a selection's.
        encoder: of the embeddings that some selectors and filters look at.
        workers: processes that fit, one thread each; 0 fits in this process.
        resamples: of the bootstrap: the ends of a 95 % interval rest on 50 of 2,000.
    """

    preset: Literal["quick", "full"] = "quick"
    captures: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    budgets: list[Annotated[int, Field(ge=1)]] = field(default_factory=list)
    splits: int = Field(default=0, ge=0, le=100)
    random_draws: int = Field(default=5, ge=1)
    fit_seeds: int = Field(default=3, ge=1)
    seed: int = Field(default=0, ge=0)
    longer_side_px: int = Field(default=96, ge=32)
    gaussians: int = Field(default=2500, ge=100)
    steps: int = Field(default=200, ge=1)
    residual_steps: int = Field(default=300, ge=1)
    encoder: Literal["efficientnet_lite0", "dinov2_vits14", "clip"] = "efficientnet_lite0"
    workers: int = Field(default=2, ge=0)
    resamples: int = Field(default=2000, ge=100)

    @property
    def changed(self) -> dict[str, Any]:
        """The options that are not at their defaults, by name."""
        usual, own = asdict(type(self)()), asdict(self)
        return {name: value for name, value in own.items() if value != usual[name]}

    @field_validator("exclude")
    @classmethod
    def _of_an_identity(cls, exclude: list[str]) -> list[str]:
        for each in exclude:
            if not all(each.partition("/")):
                raise ValueError(
                    f"{each!r} does not say which capture it is of: write identity/file "
                    f"name"
                )
        return exclude
