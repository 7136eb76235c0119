"""Evidence from many instances: jobs that are pure functions of a description, spread over processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing import get_context

import numpy as np

from .arithmetic import balls
from .arithmetic.errors import FieldZeroDivisionError, RefusalError
from .checking import Tallies, compare_all, merge, tally
from .instances import STATES, TARGETS, Description, draw, random_description
from .worlds import ball_world, field_world

PRECISIONS = (256, 4096)
"""Bits at which enclosures are tried, in turn, until they are narrow enough to decide."""


@dataclass(frozen=True)
class Plan:
    """How much evidence to gather; every instance follows from `seed`.

    Attributes
    ----------
    field, balls : how many random shapes in each arithmetic
    floating : how many random instances in floating point, for each format
    seed : of all draws
    """

    field: int = 200
    balls: int = 40
    floating: int = 64
    seed: int = 2016

    def descriptions(self, world: str) -> list[Description]:
        """The instances of one arithmetic: the corners, then as many random shapes as planned.

        Every line of every equation is met by each of the random shapes: n >= 3 and T >= 4, with one-hot targets.
        The corners, smaller and with soft targets, come on top of them.
        """
        counts = {"field": self.field, "balls": self.balls}
        rng = np.random.default_rng([self.seed, sorted(counts).index(world)])
        shapes = [(n, T) for n in (1, 2, 3) for T in (1, 2, 5)]
        corners = [
            Description(n, T, (2, 3, 1, 2)[: n + 1], y=y, h0=h0, seed=self.seed)
            for (n, T), y, h0 in zip(shapes, cycle(TARGETS), cycle(reversed(STATES)))
        ]
        drawn = (_shape_of_everything(rng, self.seed + number) for number in range(counts[world]))
        return [*corners, *drawn]


def _shape_of_everything(rng: np.random.Generator, seed: int) -> Description:
    """A random description with n = 3..6 and T = 4..10, the smaller the likelier, since traces cost T^2."""
    n = int(rng.choice([3, 4, 5, 6], p=[0.4, 0.3, 0.2, 0.1]))
    T = int(rng.choice(range(4, 11), p=np.array([16, 10, 5, 3, 2, 2, 2]) / 40))
    return random_description(rng, seed, depth=[n], steps=[T], targets=["one-hot"])


@dataclass
class Gathered:
    """What the instances of one arithmetic say.

    Attributes
    ----------
    tallies : by claim
    instances : how many instances took part
    undecided : the instances whose enclosures stayed too wide at every precision, or that were degenerate
    bits : the highest precision needed, for balls
    """

    tallies: Tallies = field(default_factory=dict)
    instances: int = 0
    undecided: list[str] = field(default_factory=list)
    bits: int = 0

    def add(self, other: Gathered) -> None:
        """Add what a later instance says."""
        merge(self.tallies, other.tallies)
        self.instances += other.instances
        self.undecided += other.undecided
        self.bits = max(self.bits, other.bits)


def field_evidence(description: Description) -> Gathered:
    """All readings over the finite field, for the instance that `description` names."""
    try:
        world = field_world(description)
        return Gathered(tally(world, compare_all(world)), instances=1)
    except FieldZeroDivisionError:
        return Gathered(undecided=[str(description)])


def ball_evidence(description: Description) -> Gathered:
    """All readings over balls, for the instance that `description` names."""
    for bits in PRECISIONS:
        with balls.precision(bits):
            try:
                world = ball_world(draw(description))
                return Gathered(tally(world, compare_all(world)), instances=1, bits=bits)
            except RefusalError:
                continue
    return Gathered(undecided=[str(description)])


JOBS: dict[str, Callable[[Description], Gathered]] = {"field": field_evidence, "balls": ball_evidence}


def workers() -> Executor:
    """A process for every core. They are started afresh, since JAX does not survive a fork."""
    return ProcessPoolExecutor(max_workers=len(os.sched_getaffinity(0)), mp_context=get_context("spawn"))


def gather(
    world: str, descriptions: Sequence[Description], executor: Executor | None = None
) -> Iterator[tuple[Description, Gathered]]:
    """The evidence of each instance, in the order of the descriptions, whichever process is done first."""
    job = JOBS[world]
    results: Iterable[Gathered] = map(job, descriptions) if executor is None else executor.map(job, descriptions)
    yield from zip(descriptions, results, strict=True)
