"""What every section's tests assert of its equations: each "=" against autodiff, in three arithmetics.

Each is asked *locally*, with autodiff's values for everything on the right-hand side, so that a failure names one
equation, and *chained*, with the whole recursion worked out by the document's own equations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from strategies import PAIR, REGULAR, SHARE, Property, far_from_kinks, for_random_networks, some_nonzero

from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.errors import FieldZeroDivisionError, RefusalError, UndecidedError
from bptt_oracle.arithmetic.formats import FORMATS
from bptt_oracle.arithmetic.rounded import Rounded, truths, used
from bptt_oracle.catalogue import Equation, Reading, Variant, equation, equations
from bptt_oracle.checking import MODES, Comparison, Function, Key, Mode, Outcome, Sources, compare, function_of
from bptt_oracle.conditions import indices_where
from bptt_oracle.evidence import PRECISIONS
from bptt_oracle.failures import describe
from bptt_oracle.floating import BITS, _jax_values, _Pair, around
from bptt_oracle.instances import Description, draw
from bptt_oracle.manual import ROUTES, Derivation, Undefined, indices
from bptt_oracle.worlds import World, ball_world, field_network, field_world

UNDECIDED = "a comparison that rounding may decide either way"
TOO_WIDE = "enclosures too wide at every precision"


def numbers_in(module: str) -> list[int]:
    """The numbers of the equations that a module of `manual/` states."""
    return [n for n in equations() if function_of(n, "printed").__module__.rsplit(".", 1)[1] == module]


@dataclass(frozen=True)
class Claim:
    """A reading of an equation, and the function that states it: the document's own, or a wrong one."""

    equation: Equation
    reading: Reading
    function: Function

    @classmethod
    def printed(cls, number: int) -> "Claim":
        """Equation `number` as it is printed."""
        return cls._stated(number, "printed")

    @classmethod
    def right(cls, number: int) -> "Claim":
        """Equation `number` as corrected, where there is a correction, else as printed."""
        return cls._stated(number, "corrected" if equation(number).corrected else "printed")

    @classmethod
    def _stated(cls, number: int, variant: Variant) -> "Claim":
        return cls(equation(number), equation(number).reading(variant), function_of(number, variant))


Comparisons = Callable[[Claim, Description], list[Comparison] | str]
"""All comparisons of a claim on one network, or why there are none."""


def failing(comparisons: list[Comparison]) -> list[Comparison]:
    """Those that do not agree."""
    return [comparison for comparison in comparisons if comparison.outcome != "agrees"]


def holds(claim: Claim, comparisons: Comparisons) -> Property:
    """The property that a claim agrees with autodiff on a network."""

    def agrees(description: Description) -> bool | str:
        found = comparisons(claim, description)
        if isinstance(found, str):
            return found
        for comparison in failing(found):
            sides = ("manual", "autodiff") if comparison.key.line else ("jax", "enclosed")
            raise AssertionError(describe(comparison, str(description), sides))
        return any(some_nonzero(_known(comparison.truth)) for comparison in found)

    return agrees


def shown(number: int, comparisons: Comparisons) -> None:
    """Assert that the right reading of an equation agrees with autodiff on random networks, and on the regular ones."""
    law(holds(Claim.right(number), comparisons))()


def by_hand(description: Description, route: str = "3.1") -> Derivation:
    """All quantities by the document's own equations over the field, JAX having no part in it."""
    return Derivation(field_network(description)[0], ROUTES[route])


def law(holds: Property, share: int = SHARE) -> Callable[[], None]:
    """A test that asks a property of random networks and of the regular ones, each of which must have an answer."""

    def test() -> None:
        drawn = for_random_networks(holds, share=share)
        assert drawn.informative >= len(REGULAR), drawn

    return test


def fails_as_printed(number: int, comparisons: Comparisons) -> bool:
    """Whether the printed reading of an equation fails on a regular network."""
    found = [comparisons(Claim.printed(number), description) for description in REGULAR]
    return any(failing(comparisons) for comparisons in found if not isinstance(comparisons, str))


def _known(truth: Any) -> list[Any]:
    """The true values, but those around which no finite bound is proved."""
    if not isinstance(truth.flat[0], Rounded):
        return list(truth.flat)
    return [element.truth for element in truth.flat if element.is_finite()]


# -------------------------------------------------------------------------------------------- exactly, and in balls


@lru_cache(maxsize=64)
def _exact(description: Description) -> tuple[World, Sources]:
    world = field_world(description)
    return world, Sources(world)


@lru_cache(maxsize=64)
def _enclosing(description: Description, bits: int) -> tuple[World, Sources]:
    world = ball_world(draw(description))
    return world, Sources(world)


def _in_world(claim: Claim, world: World, sources: Sources) -> list[Comparison]:
    return [c for mode in MODES for c in compare(world, claim.equation, claim.reading, claim.function, mode, sources)]


def exactly(claim: Claim, description: Description) -> list[Comparison] | str:
    """Every line over the finite field."""
    try:
        return _in_world(claim, *_exact(description))
    except FieldZeroDivisionError:
        return "a division by the field's zero"


def enclosed(claim: Claim, description: Description) -> list[Comparison] | str:
    """Every line over balls, at the first precision at which all enclosures are narrow."""
    if not far_from_kinks(description, FORMATS["float64"]):
        return UNDECIDED
    for bits in PRECISIONS:
        with balls.precision(bits):
            try:
                return _in_world(claim, *_enclosing(description, bits))
            except RefusalError:
                continue
    return TOO_WIDE


# ---------------------------------------------------------------------------------------------------------- in floats


@lru_cache(maxsize=64)
def _pair(description: Description, name: str) -> _Pair | str:
    instance = draw(description)
    try:
        return _Pair(instance, _jax_values([instance] * PAIR, name)[0], name)
    except UndecidedError:
        return UNDECIDED


def in_float64(claim: Claim, description: Description) -> list[Comparison] | str:
    """Every line in float64: both sides around autodiff's true value, each within its own bound."""
    if not far_from_kinks(description, FORMATS["float64"]):
        return UNDECIDED
    with balls.precision(BITS), np.errstate(all="ignore"):  # what overflows has no bound, or breaks it
        pair = _pair(description, "float64")
        return pair if isinstance(pair, str) else [c for mode in MODES for c in _rounded(claim, pair, mode)]


METHODS: tuple[Comparisons, ...] = (exactly, enclosed, in_float64)


def _rounded(claim: Claim, pair: _Pair, mode: Mode) -> Iterator[Comparison]:
    """The comparisons of a claim: `value` in floats, `truth` autodiff's true value with the bound of what gave `value`.

    The bound of the manual side is that of the line itself, run over `Rounded` elements; its true value is not: a
    wrong line would be near to its own.
    """
    symbol, function, reading = claim.equation.symbol, claim.function, claim.reading
    n, T = pair.network.n, pair.network.T
    for at in indices_where(indices(function), reading.where, n, T):
        where = dict(zip(indices(function), at, strict=True)) | {"n": n, "T": T}
        left = claim.equation.left_hand_side(where)
        truth = pair.jax_bounds.find(symbol, left)
        lines = _lines(claim, pair, mode, at, bounds=False)
        for line, value, bound in zip(reading.lines, lines, _lines(claim, pair, mode, at, bounds=True), strict=True):
            if not line.one_hot or pair.one_hot:
                key = Key(claim.equation.number, reading.variant, line.number, 0, mode)
                yield _judged(key, where, value, bound, truth, pair)
        if mode == "local":  # line 0: JAX's own result
            key = Key(claim.equation.number, reading.variant, 0, 0, mode)
            yield _judged(key, where, pair.jax.find(symbol, left), truth, truth, pair)


def _lines(claim: Claim, pair: _Pair, mode: Mode, at: tuple[int, ...], *, bounds: bool) -> list[Any]:
    count = len(claim.reading.lines)
    values: list[Any] = []
    try:
        values.extend(claim.function(pair.of(claim.equation.number, mode, bounds=bounds), *at))
    except RefusalError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        values.extend([error] * (count - len(values)))
    return values


def _judged(key: Key, where: dict[str, int], value: Any, bound: Any, truth: Any, pair: _Pair) -> Comparison:
    if isinstance(value, Undefined):
        return Comparison(key, where, "undefined", value, truth)
    if isinstance(value, Exception) or value.shape != truth.shape:
        return Comparison(key, where, "shape", value, truth)
    truth = around(truths(truth), bound, pair.format)
    outcome: Outcome = "agrees" if (used(value, truth) <= 1).all() else "differs"
    return Comparison(key, where, outcome, value, truth)
