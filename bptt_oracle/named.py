"""Every quantity that the document names, one by one: what the derivation works out against what JAX's program gives.

The equations compare what they state. Here everything is compared, at all indices where it exists: each
delta^(l)(t)(i), each summand |_(k), each Jacobian of a single step, the gradients of every J^(i) and those of J.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from .checking import Sources
from .worlds import World

At = tuple[int, ...]


@dataclass
class Count:
    """How many comparisons of one quantity there were, and how many failed."""

    comparisons: int = 0
    disagreements: int = 0


Counts = dict[str, Count]


def compare_named(world: World, sources: Sources) -> Counts:
    """Compare every quantity of one world, chained, with the reference's."""
    q = sources.of(1, "chained")
    counts: Counts = {}
    for name, at in named(world.network.n, world.network.T):
        count = counts.setdefault(name, Count())
        ours, theirs = getattr(q, name)[at], world.truth.find(name, at)
        count.comparisons += 1
        count.disagreements += not (ours.shape == theirs.shape and world.agree(ours, theirs))
    return counts


def merge_counts(into: Counts, counts: Mapping[str, Count]) -> None:
    """Add the counts of another world."""
    for name, count in counts.items():
        total = into.setdefault(name, Count())
        total.comparisons += count.comparisons
        total.disagreements += count.disagreements


def named(n: int, T: int) -> Iterator[tuple[str, At]]:
    """The names of all quantities, as `Quantities` has them, with all their indices."""
    times, layers, hidden = range(1, T + 1), range(1, n + 1), range(1, n)
    yield "J", ()
    for t in times:
        yield "J", (t,)
        yield "y_hat", (t,)
        yield "h", (0, t)
    for l, t in product(hidden, times):
        yield "h", (l, t)
        yield "gamma", (l, t)
        yield "dz_dz", (l + 1, t, l, t)
        if t < T:
            yield "dz_dz", (l, t + 1, l, t)
    for l, t in product(layers, times):
        yield "z", (l, t)
        for i in times:
            yield "dJ_dz", (l, t, i)
            yield "delta", (l, t, i)
    for parameter, of in (("H", hidden), ("W", layers), ("b", layers)):
        for l in of:
            yield f"grad_{parameter}", (l,)
            for t in times:
                yield f"dz_d{parameter}", (l, t)
                yield f"dJ_d{parameter}", (l, t)
                yield f"grad_{parameter}", (l, t)
                for i in times:
                    yield f"dJ_d{parameter}_summand", (l, t, i)
