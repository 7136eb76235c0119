"""Evidence from many instances: jobs that are pure functions of a description."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Literal

import numpy as np

from .arithmetic import balls
from .arithmetic.errors import FieldZeroDivisionError, RefusalError
from .catalogue import equations
from .checking import Sources, Tallies, compare, compare_all, function_of, merge, tally
from .instances import SCALES, STATES, TARGETS, Description, draw, random_description
from .named import Counts, compare_named, merge_counts
from .worlds import ball_world, field_world

PRECISIONS = (256, 4096)
"""Bits at which enclosures are tried, in turn, until they are narrow enough to decide."""


@dataclass(frozen=True)
class Plan:
    """How much evidence to gather; every instance follows from `seed`.

    Attributes
    ----------
    field, balls : how many random shapes in each arithmetic, each of which meets every line
    floating : how many random instances in each format of floating point
    seed : of all draws
    """

    field: int = 200
    balls: int = 12
    floating: int = 4
    seed: int = 2016

    def descriptions(self, world: Literal["field", "balls"]) -> list[Description]:
        """The instances of one exact arithmetic: the corners, then as many random shapes as planned.

        Every line of every equation is met by each of the random shapes: n >= 3 and T >= 4, with one-hot targets.
        The corners, smaller and with soft targets, come on top of them.
        """
        count, stream = (self.field, 0) if world == "field" else (self.balls, 1)
        rng = np.random.default_rng([self.seed, stream])
        return [
            *_corners(self.seed),
            *(_shape_of_everything(rng, self.seed + number) for number in range(count)),
        ]

    def floating_descriptions(self, name: str) -> list[Description]:
        """The instances of one format: corners, then random ones.

        In the narrow formats an error bound soon exceeds the value, and then says nothing: there the networks are
        small, and their activations compare nothing. There the shape is one and the same, since JAX compiles it.
        """
        narrow = name in ("bfloat16", "float16")
        rng = np.random.default_rng([self.seed, 2])
        drawn = []
        for number in range(self.floating):
            widths, activations = (range(1, 4), SMOOTH[:2]) if narrow else (range(1, 5), SMOOTH)
            drawn.append(
                random_description(
                    rng,
                    self.seed + number,
                    depth=[3, 4],
                    steps=[4, 5, 6],
                    widths=widths,
                    activations=activations,
                    scales=["tiny"] if narrow else list(SCALES),
                    targets=["one-hot"],
                )
            )
        if narrow:
            return [replace(d, n=3, T=4, d=(2, 2, 3, 2), f="tanh") for d in drawn]
        return [*_corners(self.seed), *drawn]


SMOOTH = ("tanh", "sine", "identity", "softplus", "logistic", "mixture")
"""Activations of the floating instances: ReLU's kink is a question of the derivative, not of rounding."""


def _corners(seed: int) -> list[Description]:
    shapes = [(n, T) for n in (1, 2, 3) for T in (1, 2, 5)]
    return [
        Description(n, T, (2, 3, 1, 2)[: n + 1], y=y, h0=h0, seed=seed)
        for (n, T), y, h0 in zip(shapes, cycle(TARGETS), cycle(reversed(STATES)))
    ]


def _shape_of_everything(rng: np.random.Generator, seed: int) -> Description:
    """A random description with n = 3..6 and T = 4..10, the smaller the likelier, since traces cost T^2."""
    n = int(rng.choice([3, 4, 5, 6], p=[0.6, 0.25, 0.1, 0.05]))
    T = int(rng.choice(range(4, 11), p=[0.74, 0.12, 0.05, 0.03, 0.02, 0.02, 0.02]))
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
    descriptions : the instances that took part
    named : of every quantity that the document names, how many were compared; over the field
    """

    tallies: Tallies = field(default_factory=dict)
    instances: int = 0
    undecided: list[str] = field(default_factory=list)
    bits: int = 0
    descriptions: list[str] = field(default_factory=list)
    named: Counts = field(default_factory=dict)

    def add(self, other: Gathered) -> None:
        """Add what a later instance says."""
        merge(self.tallies, other.tallies)
        self.instances += other.instances
        self.undecided += other.undecided
        self.bits = max(self.bits, other.bits)
        self.descriptions += other.descriptions
        merge_counts(self.named, other.named)


def field_evidence(description: Description, numbers: Collection[int] | None = None) -> Gathered:
    """The readings of the equations `numbers`, or of all, over the finite field, for the instance of `description`."""
    try:
        world = field_world(description)
        sources = Sources(world)
        return Gathered(
            tallies=tally(world, compare_all(world, numbers, sources=sources)),
            instances=1,
            descriptions=[str(description)],
            named=compare_named(world, sources),
        )
    except FieldZeroDivisionError:
        return Gathered(undecided=[str(description)])


def ball_evidence(description: Description) -> Gathered:
    """All readings over balls, for the instance that `description` names."""
    for bits in PRECISIONS:
        with balls.precision(bits):
            try:
                world = ball_world(draw(description))
                return Gathered(
                    tally(world, compare_all(world)), instances=1, bits=bits, descriptions=[str(description)]
                )
            except RefusalError:
                continue
    return Gathered(undecided=[str(description)])


def recorded_uses(description: Description) -> frozenset[tuple[int, int]]:
    """The edges of the derivation, recorded while the right readings ran chained on one instance over the field."""
    world = field_world(description)
    sources = Sources(world)
    for equation in equations().values():
        reading = equation.corrected or equation.printed
        for _ in compare(world, equation, reading, function_of(equation.number, reading.variant), "chained", sources):
            pass
    return frozenset(sources.uses())
