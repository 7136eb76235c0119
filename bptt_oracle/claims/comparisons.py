"""The right readings of the equations, asked more freely: with other values, ranges or functions.

And what they look up while they run on one network, and what of it no equation gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..catalogue import Equation, Reading, equation, equations
from ..checking import FAILURES, Comparison, Function, Mode, Outcome, Sources, compare, function_of
from ..conditions import Condition, indices_where
from ..manual import Quantities, indices
from ..manual.calculus import Array
from ..worlds import World
from .registry import CheckError

Patch = Callable[[str, tuple[int, ...]], Any]
Lines = dict[int, list[int]]


def local(world: World, patch: Patch) -> Quantities:
    """The reference's values, save where `patch(name, at)` gives another one."""

    def find(name: str, at: tuple[int, ...]) -> Any:
        patched = patch(name, at)
        return world.truth.find(name, at) if patched is None else patched

    return Quantities(world.network, find)


def right(number: int) -> tuple[Equation, Reading, Function]:
    """Equation `number`, its corrected reading if there is one, else the printed one, and its function."""
    stated = equation(number)
    reading = stated.readings[-1]
    return stated, reading, function_of(number, reading.variant)


class _Given(Sources):
    """The same quantities for every equation."""

    def __init__(self, world: World, q: Quantities) -> None:
        super().__init__(world)
        self._q = q

    def of(self, number: int, mode: Mode) -> Quantities:
        return self._q


def compared(
    world: World,
    number: int,
    q: Quantities | None = None,
    where: Sequence[str] | None = None,
    function: Function | None = None,
) -> list[Comparison]:
    """Every line of the right reading of an equation against autodiff, also those that speak of the class k.

    Parameters
    ----------
    world
        The instance.
    number
        The equation.
    q
        What stands in for the reference's values.
    where
        What stands in for the equation's ranges.
    function
        What stands in for its own function.
    """
    stated, reading, own = right(number)
    lines = tuple(replace(line, one_hot=False) for line in reading.lines)
    conditions = reading.where if where is None else tuple(map(Condition.parse, where))
    reading = replace(reading, lines=lines, where=conditions)
    return list(compare(world, stated, reading, function or own, "local", _Given(world, q or world.local())))


def failing(
    world: World,
    q: Quantities | None = None,
    functions: Mapping[int, Function] | None = None,
    outcomes: Sequence[Outcome] = FAILURES,
    numbers: Iterable[int] | None = None,
) -> Lines:
    """The lines with one of the outcomes, by equation.

    Parameters
    ----------
    world
        The instance.
    q
        What stands in for the reference's values.
    functions
        What stands in for the functions of some equations.
    outcomes
        The outcomes.
    numbers
        The equations; all if left out.

    Raises
    ------
    CheckError
        If one of the equations is nowhere met by the instance.
    """
    found: Lines = {}
    for number in equations() if numbers is None else numbers:
        comparisons = compared(world, number, q, function=(functions or {}).get(number))
        if not comparisons:
            raise CheckError(f"equation ({number}) is nowhere met by {world.description}")
        if lines := {c.key.line for c in comparisons if c.outcome in outcomes}:
            found[number] = sorted(lines)
    return found


def where_all_lines_hold(comparisons: Iterable[Comparison], *names: str) -> set[tuple[int, ...]]:
    """The values of the indices `names` at which every line agrees, whatever the other indices."""
    agrees: dict[tuple[int, ...], bool] = {}
    for comparison in comparisons:
        at = tuple(comparison.at[name] for name in names)
        agrees[at] = agrees.get(at, True) and comparison.outcome == "agrees"
    return {at for at, all_agree in agrees.items() if all_agree}


# ---- what the equations look up


Asked = dict[tuple[str, tuple[int, ...]], set[int]]


class _Noted(dict[int, Array]):
    """Parameters by layer that note which layers are looked up."""

    def __init__(self, arrays: Mapping[int, Array], note: Callable[[int], None]) -> None:
        super().__init__(arrays)
        self._note = note

    def __getitem__(self, l: int) -> Array:
        self._note(l)
        return super().__getitem__(l)


def asked(world: World) -> Asked:
    """Each quantity and parameter that some equation looks up on one network, with the equations that do."""
    found: Asked = {}
    number = 0

    def note(name: str, at: tuple[int, ...]) -> None:
        found.setdefault((name, at), set()).add(number)

    q, network = local(world, note), world.network
    q.H = _Noted(network.H, lambda l: note("H", (l,)))
    q.W = _Noted(network.W, lambda l: note("W", (l,)))
    q.b = _Noted(network.b, lambda l: note("b", (l,)))
    for number in equations():
        _, reading, function = right(number)
        for at in indices_where(indices(function), reading.where, network.n, network.T):
            list(function(q, *at))
    return found


def left_open(world: World) -> Asked:
    """The values and deltas that some equation asks for and none gives, with the equations that ask."""
    n, T = world.network.n, world.network.T
    given = set()
    for number in equations():
        stated, reading, function = right(number)
        names = indices(function)
        for at in indices_where(names, reading.where, n, T):
            values = dict(zip(names, at, strict=True)) | {"n": n, "T": T}
            given.add((as_delta(stated.symbol), stated.left_hand_side(values)))
    found: Asked = {}
    for (name, at), numbers in asked(world).items():
        quantity = (as_delta(name), at)
        if quantity[0] in ("J", "y_hat", "h", "z", "delta", "gamma") and quantity not in given:
            found.setdefault(quantity, set()).update(numbers)
    return found


def as_delta(name: str) -> str:
    """The name of a quantity; for the row dJ/dz that of delta, which is its transpose."""
    return "delta" if name == "dJ_dz" else name
