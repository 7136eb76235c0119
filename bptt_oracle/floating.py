"""Floating-point evidence: each side's results against the true value, inside a bound that is derived for each entry.

The inputs of an instance are rounded to the format first: what the format holds is the problem, and its true answer is
known from balls. The manual side's bound comes from running the manual side over `Rounded` elements, JAX's from
running the program that JAX derived over them. Neither side's bound is chosen, and none rests on the other side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from .arithmetic import balls
from .arithmetic.arrays import elementwise
from .arithmetic.balls import upper_float
from .arithmetic.errors import UndecidedError
from .arithmetic.flint_types import arb
from .arithmetic.formats import FORMATS, Format
from .arithmetic.narrow import narrow
from .arithmetic.rounded import Rounded, errors, rounded, to_rounded, truths, used
from .catalogue import equations
from .checking import Mode, function_of, route_of
from .conditions import indices_where
from .instances import Description, Instance, draw
from .manual import ROUTES, Derivation, Network, Quantities, Undefined, indices
from .reference import output, padded, padding
from .reference.quantities import quantities_jit
from .truth import Truth
from .worlds import plain_arrays, reference_activation, reference_values

DTYPES: Mapping[str, Any] = {
    "float64": np.float64,
    "float32": np.float32,
    "bfloat16": ml_dtypes.bfloat16,
    "float16": np.float16,
}
IN_A_BOX = ("float64", "float32")
"""Formats in which JAX runs the padded program; the others cannot mask a class by a low logit, and are unrolled."""

SIDES = ("manual", "jax")


def network_in(instance: Instance, name: str) -> Network:
    """The network of an instance, its numbers rounded to a format, whose results stay in that format."""
    network = instance.network(DTYPES[name])
    return network.over(narrow, network.functions) if name == "bfloat16" else network


BITS = 256
"""Precision of the true values, far beyond that of any format."""


@dataclass
class Side:
    """How one side's entries lie to the true values.

    Attributes
    ----------
    entries : how many were compared
    outside : how many lay outside their bound
    unbounded : for how many no finite bound is proved
    largest_share : the largest part of its bound that an error took up
    ulps : for each entry whose true value is not 0, its error in ulps of the format
    """

    entries: int = 0
    outside: int = 0
    unbounded: int = 0
    largest_share: float = 0.0
    ulps: list[float] = field(default_factory=list)

    def add(self, other: Side) -> None:
        """Add the entries of another instance."""
        self.entries += other.entries
        self.outside += other.outside
        self.unbounded += other.unbounded
        self.largest_share = max(self.largest_share, other.largest_share)
        self.ulps += other.ulps

    def compare(self, computed: Any, bounds: Any, format: Format) -> None:
        """Add an array of results and its bounds."""
        shares = used(computed, bounds)
        self.entries += shares.size
        self.outside += int((shares > 1).sum())
        self.unbounded += int(np.isinf(errors(bounds)).sum())
        self.largest_share = max(self.largest_share, float(shares.max()))
        self.ulps += ulps(computed, truths(bounds), format)


@dataclass
class Floating:
    """What instances in one format say of one equation.

    Attributes
    ----------
    instances : how many met the equation
    undecided : in how many no bound could be worked out, because the program compares what rounding may swap
    sides : "manual" (all its lines, chained) and "jax" (its left-hand side)
    nearer : for how many entries of the last line the one side, the other or neither was nearer to the true value
    """

    instances: int = 0
    undecided: int = 0
    sides: dict[str, Side] = field(default_factory=lambda: {name: Side() for name in SIDES})
    nearer: Counter[str] = field(default_factory=Counter)

    def add(self, other: Floating) -> None:
        """Add what another instance says."""
        self.instances += other.instances
        self.undecided += other.undecided
        for name in SIDES:
            self.sides[name].add(other.sides[name])
        self.nearer += other.nearer

    @property
    def within(self) -> bool:
        """Whether every entry of both sides lies within its bound."""
        return all(side.entries > 0 and side.outside == 0 for side in self.sides.values())


def ulps(computed: Any, truth: Any, format: Format) -> list[float]:
    """The error of each entry whose true value is not 0, in ulps: spacings of the format at the true value."""
    result = []
    for number, true in zip(np.asarray(computed).flat, np.asarray(truth).flat, strict=True):
        size = abs(float(true.mid()))
        if size >= format.smallest_normal:
            spacing = 2.0 ** (np.floor(np.log2(size)) + 1) * format.u
            result.append(float(abs(arb(float(number)) - true).mid()) / spacing)
    return result


def floating_evidence(
    descriptions: Sequence[Description],
    name: str,
    numbers: Collection[int] | None = None,
    modes: Sequence[Mode] = ("chained",),
) -> dict[int, Floating]:
    """Equations, in their right reading, over instances in one format.

    Parameters
    ----------
    descriptions
        The instances; in a format of `IN_A_BOX` they must fit `reference.padding.Box`.
    name
        A format: a key of `DTYPES`.
    numbers
        The equations; all if left out.
    modes
        "chained": the document's own recursion in the format. "local": each line alone on JAX's results, whose
        own bounds its bound takes over.
    """
    gathered = {number: Floating() for number in (equations() if numbers is None else numbers)}
    instances = [draw(description) for description in descriptions]
    with balls.precision(BITS):
        for instance, values in zip(instances, _jax_values(instances, name), strict=True):
            try:
                found = {
                    number: _compared(number, pair, modes)
                    for pair in [_Pair(instance, values, name)]
                    for number in gathered
                }
            except UndecidedError:  # JAX's program branches on a comparison that its bounds do not settle
                for equation in gathered.values():
                    equation.undecided += 1
                continue
            for number, figures in found.items():
                gathered[number].add(figures)
    return gathered


class _Pair:
    """An instance in one format: both sides' results, and beside them the bounds of each."""

    def __init__(self, instance: Instance, values: Mapping[str, Any], name: str) -> None:
        self.format = FORMATS[name]
        self.one_hot = instance.description.y == "one-hot"
        self.network = network_in(instance, name)
        bounding = self.network.over(lambda array: to_rounded(np.asarray(array), self.format), instance.functions())
        program = reference_values(
            bounding,
            reference_activation(instance),
            output.SOFTMAX,
            None,
            lambda number: rounded(number, self.format),
        )
        self.jax, self.jax_bounds = Truth(self.network, values), Truth(bounding, program)
        self._made: dict[tuple[str, bool], Quantities] = {}
        self._bounding = bounding

    def of(self, number: int, mode: Mode, *, bounds: bool) -> Quantities:
        """The quantities that equation `number` is evaluated on: results, or `Rounded` elements."""
        source = route_of(number) if mode == "chained" else "local"
        key = (source, bounds)
        if key not in self._made:
            if mode == "local":
                self._made[key] = (self.jax_bounds if bounds else self.jax).quantities()
            else:
                self._made[key] = Derivation(self._bounding if bounds else self.network, ROUTES[source])
        return self._made[key]


def _compared(number: int, pair: _Pair, modes: Sequence[Mode]) -> Floating:
    """One equation on one instance."""
    found, equation, network = Floating(), equations()[number], pair.network
    reading = equation.corrected or equation.printed
    function = function_of(number, reading.variant)
    for at in indices_where(indices(function), reading.where, network.n, network.T):
        found.instances = 1
        where = dict(zip(indices(function), at, strict=True)) | {"n": network.n, "T": network.T}
        left = equation.left_hand_side(where)
        left_value, left_bound = (
            pair.jax.find(equation.symbol, left),
            pair.jax_bounds.find(equation.symbol, left),
        )
        found.sides["jax"].compare(left_value, left_bound, pair.format)
        for mode in modes:
            with np.errstate(all="ignore"):  # what overflows lies outside its bound, or has none
                lines = list(function(pair.of(number, mode, bounds=False), *at))
                bounds = list(function(pair.of(number, mode, bounds=True), *at))
            for line, value, bound in zip(reading.lines, lines, bounds, strict=True):
                if not line.one_hot or pair.one_hot:
                    # Of the line's own run only the errors count: a wrong line is near to its own true value.
                    found.sides["manual"].compare(value, around(truths(left_bound), bound, pair.format), pair.format)
            if not isinstance(lines[-1], Undefined):
                found.nearer += nearer(lines[-1], left_value, truths(left_bound))
    return found


def around(truth: Any, bounds: Any, format: Format) -> Any:
    """True values, as balls, with the errors of `bounds` around them, to which the balls' diameters are added."""

    def element(true: Any, error: Any) -> Rounded:
        return Rounded(true, float(error) + 2 * upper_float(true.rad()), format)

    return elementwise(element, truth, errors(bounds))


def nearer(manual: Any, jax: Any, truth: Any) -> Counter[str]:
    """For how many entries "manual", "jax" or "neither" is nearer to the true value."""
    counts: Counter[str] = Counter()
    for ours, theirs, true in zip(np.asarray(manual).flat, np.asarray(jax).flat, truth.flat, strict=True):
        difference = abs(arb(float(ours)) - true) - abs(arb(float(theirs)) - true)
        counts["manual" if difference < 0 else "jax" if difference > 0 else "neither"] += 1
    return counts


def _jax_values(instances: Sequence[Instance], name: str) -> list[Mapping[str, Any]]:
    """Every quantity as JAX computes it in the format."""
    dtype = DTYPES[name]
    if name in IN_A_BOX:
        cases = [_reference_instance(instance, instance.network(dtype)) for instance in instances]
        return list(padding.unpad(padded.quantities(padding.pad(cases, dtype=dtype)), cases))
    return [_unrolled(instance, instance.network(dtype)) for instance in instances]


def _reference_instance(instance: Instance, network: Network) -> padding.Instance:
    return padding.Instance(instance.description.f, instance.coefficients, *plain_arrays(network))


def _unrolled(instance: Instance, network: Network) -> dict[str, Any]:
    params, x, y, h0 = plain_arrays(network)
    values = quantities_jit(reference_activation(instance), params, x, y, h0)
    return {key: _numpy(value) for key, value in values.items()}


def _numpy(value: Any) -> Any:
    if isinstance(value, list):
        return [_numpy(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _numpy(entry) for key, entry in value.items()}
    return np.asarray(value)
