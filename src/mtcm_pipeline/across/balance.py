"""Which spoilt captures make up a step: every identity equally often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def balanced_batches(
    identities: Sequence[str], batch: int, seed: int
) -> Iterator[list[int]]:
    """Endless batches in which no identity is ever drawn twice more than another.

    Identities come in rounds, each round in an order of its own; an identity's cases
    take turns in the same way. How many cases an identity has, and how many frames a
    case has, changes nothing.

    Args:
        identities: of each case.
        batch: cases in a batch.
        seed: of all orders.

    Yields:
        `batch` places in `identities`.
    """
    rng = np.random.default_rng(seed)
    places: dict[str, list[int]] = {}
    for place, identity in enumerate(identities):
        places.setdefault(identity, []).append(place)
    decks = {name: _turns(inside, rng) for name, inside in places.items()}
    drawn = _turns(list(places), rng)
    while True:
        yield [next(decks[next(drawn)]) for _ in range(batch)]


def _turns(values: Sequence[T], rng: np.random.Generator) -> Iterator[T]:
    """All values in a random order, then in another, without an end."""
    while True:
        yield from (values[place] for place in rng.permutation(len(values)))
