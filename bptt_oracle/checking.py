"""Every line of every equation, compared with what autodiff gives, in one world.

An equation is judged twice: *locally*, with the reference's values for everything on its right-hand side, so that a
failure names this equation alone; and *chained*, with everything worked out by the document's own equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .arithmetic.errors import RefusalError
from .catalogue import Equation, Line, Reading, Variant, equations
from .conditions import indices_where
from .manual import CORRECTED, PRINTED, ROUTES, Derivation, Quantities, Undefined, indices

if TYPE_CHECKING:
    from .worlds import World

Outcome = Literal["agrees", "differs", "shape", "undefined"]
Mode = Literal["local", "chained"]
MODES: tuple[Mode, ...] = ("local", "chained")
FAILURES: tuple[Outcome, ...] = ("undefined", "shape", "differs")

Function = Callable[..., Iterator[Any]]


@dataclass(frozen=True)
class Key:
    """Which claim: a line of a reading, and a case of it, in one mode; `case` is 0 where a line has none."""

    number: int
    variant: Variant
    line: int
    case: int
    mode: Mode


@dataclass(frozen=True)
class Comparison:
    """One line of one equation at one set of indices.

    Attributes
    ----------
    key : the claim
    at : the indices by name, with n and T
    outcome : how it compares
    value : what the line gives; an `Undefined` or an error's text where it gives nothing
    truth : what autodiff gives for the left-hand side
    """

    key: Key
    at: Mapping[str, int]
    outcome: Outcome
    value: Any
    truth: Any


def function_of(number: int, variant: Variant) -> Function:
    """The function in `manual/` that states a reading of equation `number`."""
    return (PRINTED if variant == "printed" else CORRECTED)[number]


def route_of(number: int) -> str:
    """The section whose statement of the recursion equation `number` rests on when it is chained."""
    return "3.1" if number <= 25 else "3.3" if number <= 41 else "4"


class Sources:
    """The quantities that equations are evaluated on, in both modes, each made once for a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: dict[str, Quantities] = {}

    def uses(self) -> set[tuple[int, int]]:
        """The edges of the derivation that were recorded so far: (M, N) if equation (M) used a value of (N)."""
        derivations = [made for made in self._made.values() if isinstance(made, Derivation)]
        return set().union(*(derivation.uses for derivation in derivations))

    def of(self, number: int, mode: Mode) -> Quantities:
        """The quantities for equation `number`."""
        name = "local" if mode == "local" else route_of(number)
        if name not in self._made:
            self._made[name] = self._world.local() if mode == "local" else self._world.chained(ROUTES[name])
        return self._made[name]


def compare(
    world: World,
    equation: Equation,
    reading: Reading,
    function: Function,
    mode: Mode,
    sources: Sources,
) -> Iterator[Comparison]:
    """Each line of one reading at each of its indices, as far as the world's targets let it be asked."""
    q = sources.of(equation.number, mode)
    network = world.network
    for at in indices_where(indices(function), reading.where, network.n, network.T):
        values = dict(zip(indices(function), at, strict=True)) | {"n": network.n, "T": network.T}
        truth = world.truth.find(equation.symbol, equation.left_hand_side(values))
        for line, value in zip(
            reading.lines, _lines(q, equation.number, function, at, len(reading.lines)), strict=True
        ):
            if line.one_hot and world.description.y != "one-hot":
                continue
            key = Key(equation.number, reading.variant, line.number, _case(line, values), mode)
            yield Comparison(key, values, _outcome(world, value, truth), value, truth)


def compare_all(
    world: World,
    numbers: Iterable[int] | None = None,
    modes: Iterable[Mode] = MODES,
    sources: Sources | None = None,
) -> Iterator[Comparison]:
    """Every reading of the equations `numbers` (of all, if left out), in the modes given."""
    sources = Sources(world) if sources is None else sources
    for mode in modes:
        for number in equations() if numbers is None else numbers:
            equation = equations()[number]
            for reading in equation.readings:
                function = function_of(number, reading.variant)
                yield from compare(world, equation, reading, function, mode, sources)


def _lines(q: Quantities, number: int, function: Function, at: tuple[int, ...], count: int) -> list[Any]:
    """The values of `count` lines; an exception in place of a line that cannot be evaluated and of those after it."""
    values: list[Any] = []
    try:
        values.extend(q.evaluate(number, function, *at) if isinstance(q, Derivation) else function(q, *at))
    except RefusalError:
        raise  # the arithmetic cannot decide, which says nothing of the line
    except (ValueError, TypeError, IndexError) as error:
        values.extend([error] * (count - len(values)))
    return values


def _outcome(world: World, value: Any, truth: Any) -> Outcome:
    if isinstance(value, Undefined):
        return "undefined"
    if isinstance(value, Exception) or value.shape != truth.shape:
        return "shape"
    return "agrees" if world.agree(value, truth) else "differs"


def _case(line: Line, values: Mapping[str, int]) -> int:
    for number, conditions in enumerate(line.cases, start=1):
        if all(condition.holds(values) for condition in conditions):
            return number
    return 0


@dataclass
class Tally:
    """What a number of instances say of one claim.

    Attributes
    ----------
    instances : in how many instances the claim was met
    comparisons : how many comparisons that were
    failures : how many of them failed, by outcome
    first : for each failing outcome, the description and the indices of the first
    """

    instances: int = 0
    comparisons: int = 0
    failures: dict[Outcome, int] = field(default_factory=dict)
    first: dict[Outcome, tuple[str, dict[str, int]]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally, which came later."""
        self.instances += other.instances
        self.comparisons += other.comparisons
        for outcome, count in other.failures.items():
            self.failures[outcome] = self.failures.get(outcome, 0) + count
        for outcome, where in other.first.items():
            self.first.setdefault(outcome, where)

    @property
    def failed(self) -> int:
        """How many comparisons failed."""
        return sum(self.failures.values())


Tallies = dict[Key, Tally]


def tally(world: World, comparisons: Iterable[Comparison]) -> Tallies:
    """Count the comparisons of one world."""
    tallies: Tallies = {}
    for comparison in comparisons:
        counted = tallies.setdefault(comparison.key, Tally(instances=1))
        counted.comparisons += 1
        outcome = comparison.outcome
        if outcome != "agrees":
            counted.failures[outcome] = counted.failures.get(outcome, 0) + 1
            counted.first.setdefault(outcome, (str(world.description), dict(comparison.at)))
    return tallies


def merge(into: Tallies, tallies: Tallies) -> None:
    """Add the tallies of later instances to those of earlier ones."""
    for key, counted in tallies.items():
        into.setdefault(key, Tally()).add(counted)
