"""Processes that train one network together, or one that trains it alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from torch import Tensor, nn

from mtcm_pipeline.errors import MtcmError


class ProcessGroupError(MtcmError):
    """Processes of one training did not find each other, or one was lost."""


@dataclass(frozen=True)
class Group:
    """Which of how many processes this is.

    Attributes:
        rank: 0 to world - 1.
        world: how many share the work.
    """

    rank: int = 0
    world: int = 1

    def mine(self, count: int) -> list[int]:
        """Those of `count` places of a step that are this process's."""
        return list(range(self.rank, count, self.world))

    def wrapped(self, module: nn.Module) -> nn.Module:
        """The module; with others, its gradients become the mean over all processes."""
        if self.world == 1:
            return module
        from torch.nn.parallel import DistributedDataParallel

        # Either loss leaves some weights alone.
        return DistributedDataParallel(module, find_unused_parameters=True)

    def everyones(self, mine: list[Tensor], count: int) -> list[Tensor]:
        """All `count` tensors of a step, in order; gradients flow into one's own only.

        Args:
            mine: (N_k, D) tensors at the places that `mine` gives.
            count: places of the step.
        """
        if self.world == 1:
            return mine
        from torch import distributed

        gathered: list[list[Tensor]] = [[] for _ in range(self.world)]
        distributed.all_gather_object(gathered, [each.detach() for each in mine])
        gathered[self.rank] = mine
        return [
            gathered[place % self.world][place // self.world] for place in range(count)
        ]


ALONE = Group()


@contextmanager
def joined(rank: int, world: int, folder: Path, timeout_s: float) -> Iterator[Group]:
    """Meet the other processes through a file in a folder of one's own.

    Args:
        rank: of this process.
        world: how many there are.
        folder: empty, the same for all; removed by who made it.
        timeout_s: after which waiting for the others ends.

    Raises:
        ProcessGroupError: they did not come, or one was lost on the way.
    """
    from torch import distributed

    try:
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{folder / 'rendezvous'}",
            rank=rank,
            world_size=world,
            timeout=timedelta(seconds=timeout_s),
        )
    except (RuntimeError, ValueError) as error:
        raise ProcessGroupError(
            f"process {rank} of {world} did not meet the others within {timeout_s:g} s "
            f"({_first_line(error)}): the machine may be short of memory or busy; train "
            f"with fewer across.processes, or raise across.timeout_s"
        ) from error
    try:
        yield Group(rank, world)
    except RuntimeError as error:
        if "gloo" not in str(error).lower():
            raise
        raise ProcessGroupError(
            f"process {rank} of {world} lost the others ({_first_line(error)}): see the "
            f"first error; train with fewer across.processes"
        ) from error
    finally:
        distributed.destroy_process_group()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
