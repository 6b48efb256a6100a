from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class TrainOptions:
    epochs: int = Field(3, ge=1)
    learning_rate: float = Field(0.1, gt=0)
    accident: str = ""


@dataclass(frozen=True, config=_STRICT)
class SelectOptions:
    budget: int = Field(2, ge=1)


SECTIONS = {"train": TrainOptions, "select": SelectOptions}
