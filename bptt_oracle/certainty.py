"""How certain an exact "holds" is: degrees of both sides of every line, and the chance that a false line passed.

`arithmetic.degree` proves the bound; here the derivation and JAX's program are run over `Degree` elements to get the
degrees. Degrees only grow with depth and length, because a larger network adds terms to sums and factors to products,
and every rule of `Degree` is monotone in both. They do not depend on the hidden widths: a wider sum adds terms of the
same degree over the same denominators, the softmax sums of each step. They do grow with |V| for soft targets, whose
loss divides by every y^_j. So one network as deep and as long as any, with as many classes and hidden width 2, bounds
all; only the number of oracle values grows with the hidden widths, and it is counted at the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, log2
from typing import Any

import numpy as np

from .arithmetic import degree
from .arithmetic.field import ORACLE_BIAS, PRIME
from .catalogue import equations
from .checking import MODES, Key, Sources, compare, function_of
from .instances import Description, draw
from .manual import Elementwise, Functions, Network, no_shift, softmax
from .reference import output, symbolic
from .truth import Truth
from .worlds import World, reference_values


@dataclass(frozen=True)
class Certainty:
    """Bounds for instances up to a largest shape.

    Attributes
    ----------
    degrees : for each claim, a bound on the degree of the numerator of the difference of its two sides
    collisions : a bound on the chance, times p, that two arguments of an oracle coincide in one instance
    values : how many oracle values one instance draws, at most
    """

    degrees: dict[Key, int]
    collisions: int
    values: int

    def chance(self, number: int) -> Fraction:
        """A bound on the chance that a line of equation `number` that is false for a shape passes an instance of it."""
        largest = max(bound for key, bound in self.degrees.items() if key.number == number)
        return Fraction(largest + self.collisions, PRIME) + self.values * ORACLE_BIAS

    def degree(self, number: int) -> int:
        """The largest degree met in equation `number`."""
        return max(bound for key, bound in self.degrees.items() if key.number == number)

    def bits(self, number: int) -> float:
        """The base-2 logarithm of `chance`, rounded up to a tenth."""
        return float(np.ceil(log2(self.chance(number)) * 10) / 10)


def certainty(descriptions: Sequence[Description]) -> Certainty:
    """Bounds that hold for every instance in `descriptions`."""
    n, T = max(d.n for d in descriptions), max(d.T for d in descriptions)
    units = max(sum(d.d[1:-1]) * d.T for d in descriptions)
    classes = max(d.d[-1] * d.T for d in descriptions)
    degrees: dict[Key, int] = {}
    largest = dict.fromkeys(("f", "f_prime", "exp", "log"), 0)
    widths = (2,) * n + (max(d.d[-1] for d in descriptions),)
    for y in ("one-hot", "soft"):
        world, oracles = degree_world(Description(n, T, widths, y=y))
        sources = Sources(world)
        for equation in equations().values():
            for reading in equation.readings:
                for mode in MODES:
                    for c in compare(
                        world, equation, reading, function_of(equation.number, reading.variant), mode, sources
                    ):
                        if c.outcome == "differs":  # always, over Degree elements, where both sides have a value
                            bound = degree.difference_degree(c.value, c.truth)
                            degrees[c.key] = max(degrees.get(c.key, 0), bound)
        for name, oracle in oracles.functions().items():
            largest[name] = max(largest[name], oracle.degree())
    # Both programs ask for the values: the manual one, and JAX's, whose copies of the forward pass are the same
    # functions of the inputs. Hence twice the number of units, or of classes, over all steps.
    asked = {"f": 2 * units, "f_prime": 2 * units, "exp": 2 * classes, "log": 2 * classes}
    collisions = sum(comb(asked[name], 2) * largest[name] for name in asked)
    return Certainty(degrees, collisions, sum(asked.values()))


def degree_world(description: Description) -> tuple[World, degree.DegreeOracles]:
    """A network over `Degree` elements, every number a variable of its own, and its oracles."""
    oracles = degree.DegreeOracles()
    exp = Elementwise(oracles.exp, oracles.exp)
    functions = Functions(
        f=Elementwise(oracles.f, oracles.f_prime),
        exp=exp,
        log=Elementwise(oracles.log, lambda u: 1 / u),
        shift=no_shift,
        g=softmax(exp, no_shift),
    )
    shape = draw(description).network()
    free = shape.over(lambda array: degree.variables(array.shape), functions)
    targets = shape.y if description.y == "one-hot" else free.y
    network = Network(free.H, free.W, free.b, free.x, {t: _summing(y) for t, y in targets.items()}, free.h0, functions)
    values = reference_values(network, symbolic.f, output.SOFTMAX_ALGEBRAIC, dict(oracles.functions()), degree.constant)
    return World("degrees", description, network, Truth(network, values), _never), oracles


def _summing(target: Any) -> Any:
    """A one-hot target as it is; otherwise its first entry made 1 minus the others."""
    if target.dtype != object:
        return degree.constants(target)
    first = 1 - target[1:].sum()
    return np.concatenate([np.array([[first]], dtype=object), target[1:]])


def _never(a: Any, b: Any) -> bool:
    """Degrees are no values: every pair is to be measured."""
    return False
