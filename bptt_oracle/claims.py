"""What the document claims in prose, or leaves open: each claim with a verdict that running code gives.

The checks compute in GF(2^61 - 1), where f, f', exp and log are random oracles. What holds and what fails for
another g than softmax is confirmed over balls, with the real exp and log. A check that cannot run, or that
decides nothing, gives the verdict "unverified" with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import combinations
from typing import Any, Literal

import numpy as np

from .arithmetic import balls, field
from .catalogue import Equation, Reading, Variant, equation, equations
from .checking import FAILURES, Comparison, Function, Mode, Outcome, Sources, compare, function_of
from .conditions import Condition, indices_where
from .instances import Description, draw, random_description
from .jaxprs import evaluate
from .manual import (
    Elementwise,
    Gradients,
    Network,
    Quantities,
    Undefined,
    indices,
    no_shift,
    notation,
    one_pass,
    per_step_sum,
    softmax,
)
from .manual.calculus import Array, Differential, entry, jacobian, total
from .manual.functions import EXP, LOG
from .reference import output, quantities, symbolic
from .truth import Truth
from .worlds import (
    World,
    enclosures_overlap,
    exactly_equal,
    field_network,
    plain_arrays,
    reference_activation,
    reference_values,
)

Verdict = Literal["holds", "holds in part", "incomplete", "undefined", "fails", "unverified"]
Found = tuple[Verdict, str, dict[str, Any]]


class CheckError(ValueError):
    """A check decides nothing: its control fails, or no candidate describes what it observed."""


@dataclass(frozen=True)
class Claim:
    """One claim of the document, decided.

    Attributes
    ----------
    slug, section : its name here, and where it stands
    quote : the document's words
    verdict : "holds"; "holds in part": for some of what it speaks of; "incomplete": true, but not all that it
        needs or covers is stated; "undefined": it uses what nothing defines; "fails"; "unverified"
    finding : a sentence for a reader, its numbers computed
    evidence : instances, seed and counts, JSON-able
    """

    slug: str
    section: str
    quote: str
    verdict: Verdict
    finding: str
    evidence: dict[str, Any]


def claims(seed: int = 2016) -> list[Claim]:
    """All claims, decided, in the order of the document; one seed gives the same on every machine."""
    bench = Bench(seed)
    return [_decided(slug, bench) for slug in _CHECKS]


def claim(slug: str, seed: int = 2016) -> Claim:
    """One claim, decided; KeyError if there is none of that name."""
    return _decided(slug, Bench(seed))


def _decided(slug: str, bench: Bench) -> Claim:
    section, quote, check = _CHECKS[slug]
    try:
        return Claim(slug, section, quote, *check(bench))
    except CheckError as error:
        reason = f"The check decides nothing: {error}."
    except Exception as error:
        reason = f"The check could not run: {type(error).__name__}: {error}."
    return Claim(slug, section, quote, "unverified", reason, {"seed": bench.seed})


Check = Callable[["Bench"], Found]
_CHECKS: dict[str, tuple[str, str, Check]] = {}


def _claim(slug: str, section: str, quote: str) -> Callable[[Check], Check]:
    """Register a check; they stand in the order of the document."""

    def register(check: Check) -> Check:
        _CHECKS[slug] = (section, quote, check)
        return check

    return register


# ------------------------------------------------------------------------------- functions in softmax's place


G = Callable[[Any], Any]

RECIPROCAL = Elementwise(lambda u: 1 / u, lambda u: -1 / (u * u))
HALF = Elementwise(lambda u: u / 2, lambda u: (u * 0 + 1) / 2)
SQUARE = Elementwise(lambda u: u * u, lambda u: u + u)


def substitutes(exp: Elementwise = EXP, log: Elementwise = LOG) -> dict[str, G]:
    """The functions of `reference.output.SUBSTITUTES`, by the same names, for columns and `Differential`."""

    def logistic(z: Any) -> Any:
        return RECIPROCAL(1 + exp(-z))

    def normalised(column: Any) -> Any:
        return column / total(column)

    def shifted(z: Any) -> Any:
        value = z.value if isinstance(z, Differential) else z
        return z + np.arange(1, len(value) + 1).astype(value.dtype)[:, None]

    return {
        "elementwise logistic": logistic,
        "elementwise exponential": exp,
        "softmax at temperature 2": lambda z: normalised(exp(HALF(z))),
        "softmax of shifted logits": lambda z: normalised(exp(shifted(z))),
        "softmax of negated logits": lambda z: normalised(exp(-z)),
        "normalised squares": lambda z: normalised(SQUARE(z)),
        "normalised softplus": lambda z: normalised(log(1 + exp(z))),
        "normalised logistic": lambda z: normalised(logistic(z)),
    }


def general_output_error(q: Quantities, t: int) -> Any:
    """delta^(n)(t) for any g, shape (|V|, 1): the transposed Jacobian of g times -y / y^."""
    return jacobian(q.g, q.z[q.n, t]).T @ -(q.y[t] / q.y_hat[t])


def _general_6(q: Quantities, t: int) -> Iterator[Any]:
    z = q.z[q.n, t]
    yield jacobian(lambda z: -q.log(entry(q.g(z), q.k(t))), z)
    yield jacobian(lambda z: -(q.y[t].T @ q.log(q.g(z))), z)
    yield general_output_error(q, t).T


def _general_7(q: Quantities, t: int) -> Iterator[Any]:
    yield q.dJ_dz[q.n, t, t].T
    yield general_output_error(q, t)


def _general_26(q: Quantities, t: int) -> Iterator[Any]:
    yield general_output_error(q, t)


def _general_42(q: Quantities, l: int, t: int) -> Iterator[Any]:
    if l == q.n:
        yield general_output_error(q, t)
    else:
        yield from right(42)[2](q, l, t)


GENERAL: Mapping[int, Function] = {6: _general_6, 7: _general_7, 26: _general_26, 42: _general_42}
"""The equations that say y^ - y, with the error for any g, and -y^T log g(z) for (6)'s second line."""


# -------------------------------------------------------------------------------------------------- instances


_WIDTHS = (2, 3, 1, 2)  # d_0, ..., d_{n-1}: unequal, so that a transpose shows
_CLASSES = 3
_BITS = 256
_HEADS = {"softmax": output.SOFTMAX_ALGEBRAIC} | {
    name: output.with_g(g) for name, g in output.SUBSTITUTES.items()
}


class Bench:
    """The networks that the checks of one run share, each made once; `seed` is that of all their values."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._worlds: dict[tuple[Any, ...], World] = {}

    def description(self, n: int, T: int, y: str = "one-hot", h0: str = "random") -> Description:
        """The small instance of depth n and length T."""
        return Description(n, T, (*_WIDTHS[:n], _CLASSES), y=y, h0=h0, seed=self.seed)

    def world(
        self, n: int = 3, T: int = 4, y: str = "one-hot", h0: str = "random", g: str = "softmax"
    ) -> World:
        """The instance over the field, with a g of both sides; for y "doubled", targets sum to 2."""
        key = (n, T, y, h0, g)
        if key not in self._worlds:
            description = self.description(n, T, "soft" if y == "doubled" else y, h0)
            network, oracles = field_network(description)
            if y == "doubled":
                network = replace(network, y={t: target + target for t, target in network.y.items()})
            network = _with_g(network, g)
            functions = dict(oracles.functions())
            with field.naming_division_by_zero():
                values = reference_values(network, symbolic.f, _HEADS[g], functions, field.element)
            self._worlds[key] = World("field", description, network, Truth(network, values), exactly_equal)
        return self._worlds[key]

    def ball_world(self, y: str, g: str) -> World:
        """The output layer alone, over balls of the working precision, with the real exp and log."""
        key = ("balls", y, g)
        if key not in self._worlds:
            instance = draw(self.description(1, 2, y))
            network = _with_g(instance.network().over(balls.to_balls, instance.functions()), g)
            values = reference_values(network, reference_activation(instance), _HEADS[g], None, balls.ball)
            truth = Truth(network, values)
            self._worlds[key] = World("balls", instance.description, network, truth, enclosures_overlap)
        return self._worlds[key]

    def evidence(self, instances: Iterable[World | Description], **found: Any) -> dict[str, Any]:
        """Evidence of the usual form: the seed, the instances, what was found."""
        names = [str(i.description) if isinstance(i, World) else str(i) for i in instances]
        return {"seed": self.seed, "instances": names, **found}


def _with_g(network: Network, g: str) -> Network:
    functions = network.functions
    exp, log = functions.exp, functions.log
    chosen = softmax(exp, no_shift) if g == "softmax" else substitutes(exp, log)[g]
    return replace(network, functions=replace(functions, g=chosen))


# ------------------------------------------------------------------------------- equations, asked more freely


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

    `q` stands in for the reference's values, `where` for the equation's ranges, `function` for its own.
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
    """The lines with one of the outcomes, by equation; CheckError for an equation that is nowhere met."""
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
            given.add((_as_delta(stated.symbol), stated.left_hand_side(values)))
    found: Asked = {}
    for (name, at), numbers in asked(world).items():
        quantity = (_as_delta(name), at)
        if quantity[0] in ("J", "y_hat", "h", "z", "delta", "gamma") and quantity not in given:
            found.setdefault(quantity, set()).update(numbers)
    return found


def _as_delta(name: str) -> str:
    return "delta" if name == "dJ_dz" else name


# -------------------------------------------------------------------- what was observed, in the print's terms


Shape = tuple[int, int]
Observed = Mapping[Shape, set[tuple[int, ...]]]

_POINTS = ("t = 1", "t = 2", "t = T-2", "t = T-1", "t = T")
_EVERY_TIME = "1 <= t <= T"


def fitted(symbols: tuple[str, ...], family: Iterable[str], observed: Observed, *fixed: str) -> str:
    """The one condition of a family that, with the fixed ones, describes what was observed at all (n, T)."""
    fits = [
        text
        for text in family
        if all(at == _indices(symbols, (*fixed, text), shape) for shape, at in observed.items())
    ]
    if len(fits) != 1:
        raise CheckError(
            f"expected one range of {_listed(symbols)} to describe what holds, but {len(fits)} do"
        )
    return fits[0]


def points(observed: Observed, universe: Observed) -> list[str]:
    """The fewest single times that make up what was observed within a universe, for every (n, T)."""

    def make_up(texts: tuple[str, ...], shape: Shape) -> set[tuple[int, ...]]:
        return universe[shape] & set().union(*(_times(text, shape) for text in texts))

    for count in range(len(_POINTS) + 1):
        fits = [
            texts
            for texts in combinations(_POINTS, count)
            if all(at == make_up(texts, shape) for shape, at in observed.items())
        ]
        if fits:
            break
    if len(fits) != 1:
        raise CheckError(f"expected one choice of single times to make up what is left, but {len(fits)} do")
    return list(fits[0])


def _indices(symbols: tuple[str, ...], conditions: Iterable[str], shape: Shape) -> set[tuple[int, ...]]:
    return set(indices_where(symbols, tuple(map(Condition.parse, conditions)), *shape))


def _times(text: str, shape: Shape) -> set[tuple[int, ...]]:
    return _indices(("t",), (_EVERY_TIME, text), shape)


def _mentions(condition: Condition, symbol: str) -> bool:
    return any(part == symbol for term in condition.terms for _, part in term.parts)


def _listed(words: Iterable[object]) -> str:
    """The words as "a, b and c"; "none"."""
    *first, last = [str(word) for word in words] or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def _numbers(numbers: Iterable[int]) -> str:
    return _listed(f"({number})" for number in sorted(numbers))


def _lines(lines: Lines) -> str:
    """The lines as "(6) in lines 2 and 3, (26)", without lines where the equation has but one."""

    def text(number: int) -> str:
        if len(equation(number).printed.lines) == 1:
            return f"({number})"
        return f"({number}) in line{'s' if lines[number][1:] else ''} {_listed(lines[number])}"

    return ", ".join(text(number) for number in sorted(lines)) or "none"


def _keyed(found: Mapping[int, Any]) -> dict[str, Any]:
    """With text for keys, as in JSON."""
    return {str(key): value for key, value in sorted(found.items())}


# ------------------------------------------------------------------------------------------- sections 1 and 2


@_claim("one-hot-targets", "1", r"J^{(t)} = -\log \hat{y}_k^{(t)}")
def _one_hot_targets(bench: Bench) -> Found:
    one_hot, soft, doubled = (bench.world(y=y) for y in ("one-hot", "soft", "doubled"))
    if wrong := failing(one_hot):
        raise CheckError(f"with one-hot targets there fail already {_lines(wrong)}")
    undefined = failing(soft, outcomes=("undefined",))
    wrong_soft = failing(soft, outcomes=("differs", "shape"))
    wrong_doubled = failing(doubled, outcomes=("differs", "shape"))
    return (
        "fails" if wrong_soft else "incomplete" if undefined or wrong_doubled else "holds",
        "The class k exists for one-hot targets, which are nowhere asked for; undefined for others: "
        f"{_lines(undefined)}. Of all other lines there fail, for soft targets that sum to 1: "
        f"{_lines(wrong_soft)}; for targets that sum to 2: {_lines(wrong_doubled)}.",
        bench.evidence(
            (one_hot, soft),
            undefined_for_soft_targets=_keyed(undefined),
            failing_for_soft_targets=_keyed(wrong_soft),
            failing_for_soft_targets_doubled=_keyed(wrong_doubled),
        ),
    )


@_claim("layers", "2", "Assume that we have a n+1 layer Recurrent Neural Network")
def _layers(bench: Bench) -> Found:
    worlds = [bench.world(n) for n in (1, 2, 3, 4)]
    layers: dict[str, dict[Shape, set[tuple[int, ...]]]] = {name: {} for name in "hzWbH"}
    for world in worlds:
        looked_up = asked(world)
        for name, found in layers.items():
            shape = (world.network.n, world.network.T)
            found[shape] = {at[:1] for asked_name, at in looked_up if asked_name == name}
    counts = {n: len(layers["h"][n, T] | layers["z"][n, T]) for n, T in layers["h"]}
    family = [f"{low} <= l <= {high}" for low in (0, 1, 2) for high in ("n-2", "n-1", "n")]
    ranges = {name: fitted(("l",), family, found) for name, found in layers.items()}
    return (
        "holds" if all(count == n + 1 for n, count in counts.items()) else "fails",
        f"For n = {_listed(counts)} the equations speak of {_listed(counts.values())} layers, the input "
        "counted as layer 0. They look up "
        + _listed(f"{name}^(l) for {text}" for name, text in ranges.items())
        + ".",
        bench.evidence(worlds, layers=_keyed(counts), ranges=ranges),
    )


@_claim("initial-state", "2", "H^{(l)}h^{(l)(t-1)}")
def _initial_state(bench: Bench) -> Found:
    world, from_zero = bench.world(), bench.world(h0="zero")
    states = {at: numbers for (name, at), numbers in left_open(world).items() if name == "h"}
    if any(t != 0 for _, t in states):
        raise CheckError(f"states of other times than 0 are open too: {sorted(states)}")
    asking = set().union(*states.values())
    rng = np.random.default_rng(bench.seed)
    others = {l: field.random_array(rng, world.network.h0[l].shape) for l, _ in sorted(states)}
    q = local(world, lambda name, at: others.get(at[0]) if name == "h" and at[1] == 0 else None)
    depending = set(failing(world, q))
    wrong = failing(world) | failing(from_zero)
    missing = {number: next(right(number)[2](world.local(), 1, 0)) for number in (4, 5)}
    if not all(isinstance(value, Undefined) for value in missing.values()):
        raise CheckError("(4) or (5) gives a value at t = 0")
    needs = _listed(f"({number}) would need {value.symbol}" for number, value in missing.items())
    return (
        "undefined" if states else "fails" if wrong else "holds",
        f"h^(l)(0) is asked for by {_numbers(asking)} and given by no equation: at t = 0 {needs}. It makes a "
        f"difference to {_numbers(depending)}; {_numbers(asking - depending)} only name it. There fail, with "
        f"h^(l)(0) = 0 or with a random one: {_lines(wrong)}.",
        bench.evidence(
            (world, from_zero), asking=sorted(asking), depending=sorted(depending), failing=_keyed(wrong)
        ),
    )


# -------------------------------------------------------------------------------------------------- section 3


_ANY_G = (
    "we will presume that g(x) here is the softmax function, which can be easily substituted with any other "
    "functions as needed"
)
_OUTPUT_ERRORS = {6: 3, 7: 2, 26: 1, 42: 1}  # the lines that say y^ - y
_TARGETS = ("one-hot", "soft")


def _failing_by_g(bench: Bench, functions: Mapping[int, Function] | None = None) -> dict[str, Lines]:
    """The lines that fail for each g in softmax's place, for one-hot or for soft targets.

    CheckError if the two sides' g are not the same, a line fails with softmax itself, or balls say otherwise.
    """
    if alone := set(substitutes()) ^ set(output.SUBSTITUTES):
        raise CheckError(f"one side alone knows {_listed(sorted(alone))}")

    def wrong(world_with: Callable[[str], World], numbers: Iterable[int]) -> Lines:
        one_hot = failing(world_with("one-hot"), functions=functions, numbers=numbers)
        others: tuple[Outcome, ...] = ("differs", "shape")
        soft = failing(world_with("soft"), functions=functions, numbers=numbers, outcomes=others)
        return {n: sorted({*one_hot.get(n, []), *soft.get(n, [])}) for n in sorted({*one_hot, *soft})}

    found = {}
    for g in ("softmax", *output.SUBSTITUTES):
        found[g] = wrong(lambda y, g=g: bench.world(y=y, g=g), equations())  # type: ignore[misc]
        if 3 in found[g]:
            raise CheckError(f"the two sides' {g} differ")
        with balls.precision(_BITS):
            over_balls = wrong(lambda y, g=g: bench.ball_world(y, g), GENERAL)  # type: ignore[misc]
        if over_balls != {number: lines for number, lines in found[g].items() if number in GENERAL}:
            raise CheckError(f"with {g} the field and the balls do not agree on what fails")
    if with_softmax := found.pop("softmax"):
        raise CheckError(f"with softmax itself there fail {_lines(with_softmax)}")
    return found


def _evidence_of_g(bench: Bench, **found: Any) -> dict[str, Any]:
    over_balls = [str(bench.description(1, 2, y)) for y in _TARGETS]
    return bench.evidence((bench.world(y=y) for y in _TARGETS), instances_over_balls=over_balls, **found)


@_claim("any-g-equations", "3", _ANY_G)
def _any_g_equations(bench: Bench) -> Found:
    found = _failing_by_g(bench)
    groups: dict[str, list[str]] = {}
    for g, wrong in found.items():
        groups.setdefault(_lines(wrong), []).append(g)
    holding = sorted(set(equations()) - set().union(*found.values()))
    return (
        "holds" if len(holding) == len(equations()) else "holds in part" if holding else "fails",
        f"With autodiff's values for their neighbours, {len(holding)} of the {len(equations())} equations "
        f"hold for each of {len(found)} functions in softmax's place. There fail "
        + "; ".join(f"{lines} for {_listed(names)}" for lines, names in groups.items())
        + ".",
        _evidence_of_g(bench, holding=holding, failing={g: _keyed(wrong) for g, wrong in found.items()}),
    )


@_claim("any-g-delta", "3", _ANY_G)
def _any_g_delta(bench: Bench) -> Found:
    factors: dict[str, Fraction | None] = {}
    for g, wrong in _failing_by_g(bench).items():
        factors[g] = _factor(bench, g)
        hold = {line not in wrong.get(number, []) for number, line in _OUTPUT_ERRORS.items()}
        if hold != {factors[g] == 1}:
            raise CheckError(
                f"with {g}, {_numbers(_OUTPUT_ERRORS)} are not all right where delta = y^ - y is"
            )
    keep = [g for g, factor in factors.items() if factor == 1]
    scaled = [f"{g} (times {factor})" for g, factor in factors.items() if factor not in (1, None)]
    none = [g for g, factor in factors.items() if factor is None]
    return (
        "holds" if len(keep) == len(factors) else "holds in part" if keep else "fails",
        f"delta^(n)(t) = y^ - y, as {_numbers(_OUTPUT_ERRORS)} have it, survives for {len(keep)} of "
        f"{len(factors)} functions: {_listed(keep)}. A multiple of it is right for {_listed(scaled)}. "
        f"Another Jacobian is needed for {_listed(none)}.",
        _evidence_of_g(
            bench, factors={g: None if factor is None else str(factor) for g, factor in factors.items()}
        ),
    )


def _factor(bench: Bench, g: str) -> Fraction | None:
    """The c with delta^(n)(t) = c (y^ - y), None if there is none: the same in the field and over balls."""
    small = [Fraction(p, q) for q in range(1, 9) for p in range(-8, 9)]
    in_field = {_ratio(bench.world(y=y, g=g)) for y in _TARGETS}
    factor = next((c for c in small if in_field == {field.element(c)}), None)
    if factor is None and in_field != {None}:
        raise CheckError(f"with {g}, delta / (y^ - y) is constant, but no fraction of small integers")
    with balls.precision(_BITS):
        over_balls = [_ratio(bench.ball_world(y, g)) for y in _TARGETS]
        if not all(r is None if factor is None else r.contains(balls.ball(factor)) for r in over_balls):
            raise CheckError(f"with {g} the field and the balls do not agree on delta / (y^ - y)")
    return factor


def _ratio(world: World) -> Any:
    """The common value of all entries of delta^(n)(t) / (y^ - y), None if two of them differ."""
    q = world.local()
    ratios = np.concatenate([q.delta[q.n, t, t] / (q.y_hat[t] - q.y[t]) for t in range(1, q.T + 1)])
    return ratios[0, 0] if world.agree(ratios, np.full_like(ratios, ratios[0, 0])) else None


@_claim("any-g-jacobian", "3", _ANY_G)
def _any_g_jacobian(bench: Bench) -> Found:
    found = _failing_by_g(bench, GENERAL)
    wrong = set().union(*found.values())
    return (
        "fails" if set(GENERAL) <= wrong else "holds in part" if wrong else "holds",
        f"With delta^(n)(t) = (dg/dz)^T (-y / y^) for y^ - y in {_numbers(GENERAL)}, and -y^T log g(z) in "
        f"(6)'s second line, {len(equations()) - len(wrong)} of the {len(equations())} equations hold for "
        f"softmax and for each of {len(found)} functions in its place.",
        _evidence_of_g(bench, failing={g: _keyed(lines) for g, lines in found.items()}),
    )


@_claim("c-at-least-1", "3.1.2", r"\delta^{(n-1)(t-c)} = \nabla_{z^{(n-1)(t-c)}} J^{(t)}")
def _c_at_least_1(bench: Bench) -> Found:
    worlds = [bench.world(3, T) for T in (3, 4)]
    numbers = [number for number in equations() if "c" in indices(right(number)[2])]
    times_exist = (_EVERY_TIME, "0 <= c < t", "t-c+1 <= T")
    holding: dict[Shape, set[tuple[int, ...]]] = {}
    at_0: dict[int, list[Comparison]] = {number: [] for number in numbers}
    for world in worlds:
        holds = []
        for number in numbers:
            layers = [
                c.text for c in right(number)[1].where if not _mentions(c, "t") and not _mentions(c, "c")
            ]
            comparisons = compared(world, number, where=[*layers, *times_exist])
            holds.append(where_all_lines_hold(comparisons, "t", "c"))
            at_0[number] += [c for c in comparisons if c.at["c"] == 0]
        holding[world.network.n, world.network.T] = set.intersection(*holds)
    range_of_c = fitted(("t", "c"), [f"{low} <= c < t" for low in (0, 1, 2)], holding, *times_exist)
    wrong = [number for number in numbers if any(c.outcome != "agrees" for c in at_0[number])]
    last = [
        c.value for number in wrong for c in at_0[number] if c.key.line == len(equation(number).printed.lines)
    ]
    value = "zero" if all((array == 0).all() for array in last) else "a wrong value"
    return (
        "incomplete" if wrong else "holds",
        f"No range of c is printed. Where the times t-c and t-c+1 exist, {_numbers(numbers)} all hold on "
        f"{range_of_c}. At c = 0 {_numbers(wrong)} give {value}, while "
        f"{_numbers(set(numbers) - set(wrong))} hold, with delta^(l)(t+1)(t) = 0.",
        bench.evidence(worlds, equations=numbers, hold_on=range_of_c, failing_at_0=wrong),
    )


# ---------------------------------------------------------------------------- section 4: the sum of the steps


@_claim(
    "sum-of-steps-correct",
    "4",
    r"instead of calculate $\nabla J^{(t)}$ for every time step and sum them up at last, which is correct",
)
def _sum_of_steps_correct(bench: Bench) -> Found:
    rng = np.random.default_rng(bench.seed)
    depth, steps, widths = range(1, 5), range(1, 7), range(1, 5)
    descriptions = [bench.description(1, 1), bench.description(2, 3)] + [
        random_description(rng, bench.seed + number, depth=depth, steps=steps, widths=widths)
        for number in range(8)
    ]
    entries, different = 0, []
    for description in descriptions:
        network, oracles = field_network(description)
        summed, passed = _arrays(per_step_sum(network)), _arrays(one_pass(network))
        for name, array in _gradients_by_autodiff(network, oracles).items():
            entries += array.size
            if not exactly_equal(array, summed[name]) or not exactly_equal(array, passed[name]):
                different.append(f"{name} of {description}")
    return (
        "fails" if different else "holds",
        f"On {len(descriptions)} networks the mean of the gradients of the steps, the one pass over gamma "
        f"and autodiff were compared in {entries} numbers, exactly: the gradients of J in H, W, b, h^(l)(0) "
        f"and x. Arrays that differ: {len(different)}.",
        bench.evidence(descriptions, entries=entries, different=different),
    )


def _gradients_by_autodiff(network: Network, oracles: field.Oracles) -> dict[str, Any]:
    arrays = plain_arrays(network)
    traced = quantities.trace(symbolic.f, *arrays, output.SOFTMAX_ALGEBRAIC, quantities.gradients)
    functions = dict(oracles.functions())
    with field.naming_division_by_zero():
        leaves = evaluate(
            traced.jaxpr, *traced.flatten(*arrays), functions=functions, constants=field.element
        )
    values = traced.unflatten(leaves)
    return _named(values["dJ"], values["dJ_dh0"], values["dJ_dx"])


def _arrays(gradients: Gradients) -> dict[str, Any]:
    h0, x = ([columns[at][:, 0] for at in sorted(columns)] for columns in (gradients.h0, gradients.x))
    return _named(gradients.as_params(), h0, np.stack(x))


def _named(params: Any, h0: Any, x: Any) -> dict[str, Any]:
    """The arrays of a gradient by what they are taken in."""
    layers = {f"{name}^({l})": array for l, layer in enumerate(params, 1) for name, array in layer.items()}
    return layers | {f"h^({l})(0)": array for l, array in enumerate(h0, 1)} | {"x": x}


_FORMULAS: Mapping[str, Callable[[int], int]] = {
    "1": lambda T: 1,
    "T": lambda T: T,
    "2T - 1": lambda T: 2 * T - 1,
    "T(T - 1)/2": lambda T: T * (T - 1) // 2,
    "T(T + 1)/2": lambda T: T * (T + 1) // 2,
    "T^2": lambda T: T * T,
}


@_claim("sum-of-steps-inefficient", "4", "but inefficient, we backprop only once")
def _sum_of_steps_inefficient(bench: Bench) -> Found:
    descriptions = [bench.description(3, T) for T in range(1, 11)]
    networks = {description.T: field_network(description)[0] for description in descriptions}
    summed = {T: _visits(network, per_step_sum) for T, network in networks.items()}
    once = {T: _visits(network, one_pass) for T, network in networks.items()}
    formulas = [
        name
        for counts in (summed, once)
        for name, formula in _FORMULAS.items()
        if counts == {T: formula(T) for T in counts}
    ]
    if len(formulas) != 2:
        raise CheckError(f"no formula, or more than one, describes {summed} or {once}")
    T = max(networks)
    return (
        "holds" if all(summed[T] > once[T] for T in networks if T > 1) else "fails",
        f"The sum of the steps visits each hidden layer {formulas[0]} times, one pass {formulas[1]} times, "
        f"counted by evaluations of f' for T = 1..{T}: {summed[T]} against {once[T]} at T = {T}.",
        bench.evidence(
            descriptions, formulas=formulas, visits={"sum": _keyed(summed), "one pass": _keyed(once)}
        ),
    )


def _visits(network: Network, algorithm: Callable[[Network], Gradients]) -> int:
    """The visits to each hidden layer, by evaluations of f'; CheckError if `.visits` says otherwise."""
    f, calls = network.functions.f, 0

    def counted(u: Array) -> Array:
        nonlocal calls
        calls += 1
        return f.derivative(u)

    functions = replace(network.functions, f=Elementwise(f.function, counted))
    reported = algorithm(replace(network, functions=functions)).visits
    if calls != reported * (network.n - 1):
        raise CheckError(
            f"{reported} visits are reported at T = {network.T}, but f' was evaluated {calls} times in "
            f"{network.n - 1} layers"
        )
    return reported


# ------------------------------------------------------------------------------------------- section 4: gamma


@_claim("delta-before-t", "4", r"now $\delta^{(l)(t)(i)} = \nabla_{z^{(l)(t)}} J^{(i)}$")
def _delta_before_t(bench: Bench) -> Found:
    world = bench.world()
    before = {at: numbers for (name, at), numbers in left_open(world).items() if name == "delta"}
    if later := [at for at in sorted(before) if at[2] >= at[1]]:
        raise CheckError(f"deltas with i >= t are open too: {later}")
    asking = set().union(*before.values())
    truth = {at: world.truth.find("delta", at) for at in sorted(before)}
    zero = [at for at, delta in truth.items() if (delta == 0).all()]
    rng = np.random.default_rng(bench.seed)
    random = {at: field.random_array(rng, delta.shape) for at, delta in truth.items()}
    with_zero = failing(world, _with_deltas(world, {at: delta * 0 for at, delta in truth.items()}))
    with_random = failing(world, _with_deltas(world, random))
    return (
        "undefined" if with_zero or len(zero) < len(before) else "incomplete" if with_random else "holds",
        f"delta^(l)(t)(i) with i < t is asked for by {_numbers(asking)} and given by no equation. As the "
        f"gradient that the footnote makes it, it is zero: {len(zero)} of {len(before)} that are asked for. "
        f"There fail, with zero: {_lines(with_zero)}; with random values: {_lines(with_random)}.",
        bench.evidence(
            [world],
            asking=sorted(asking),
            open=[list(at) for at in truth],
            zero=len(zero),
            failing_with_zero=_keyed(with_zero),
            failing_with_random_values=_keyed(with_random),
        ),
    )


def _with_deltas(world: World, deltas: Mapping[tuple[int, ...], Array]) -> Quantities:
    """The reference's values with some deltas, and the rows dJ/dz that they are, replaced."""

    def patch(name: str, at: tuple[int, ...]) -> Any:
        if _as_delta(name) != "delta" or at not in deltas:
            return None
        return deltas[at] if name == "delta" else deltas[at].T

    return local(world, patch)


_RANGES = ["t = 1", "t = T-1", "t = T"] + [
    f"{low} t {high}" for low in ("1 <=", "1 <") for high in ("<= T", "<= T-1", "< T-1")
]


def _stated_range(number: int, variant: Variant = "printed") -> str:
    """What is said of t: the last condition in which it occurs."""
    return [c.text for c in equation(number).reading(variant).where if _mentions(c, "t")][-1]


def _range(number: int, bench: Bench) -> Found:
    worlds = [bench.world(3, T) for T in range(1, 6)] + [bench.world(4)]
    layers = [c.text for c in equation(number).printed.where if not _mentions(c, "t")]
    printed = _stated_range(number)
    holds = {}
    for world in worlds:
        comparisons = compared(world, number, where=[*layers, _EVERY_TIME])
        holds[world.network.n, world.network.T] = where_all_lines_hold(comparisons, "t")
    stated = {shape: _times(printed, shape) for shape in holds}
    wrong = points({shape: stated[shape] - holds[shape] for shape in holds}, stated)
    left_out = points({shape: holds[shape] - stated[shape] for shape in holds}, holds)
    holds_on = fitted(("t",), _RANGES, holds, _EVERY_TIME)
    return (
        "fails" if wrong else "incomplete" if left_out else "holds",
        f"({number}) is printed for {printed} and holds on {holds_on}. Wrong at: {_listed(wrong)}; left out: "
        f"{_listed(left_out)}.",
        bench.evidence(
            worlds,
            printed=printed,
            holds_on=holds_on,
            holds_at={f"n={n},T={T}": sorted(t for (t,) in at) for (n, T), at in sorted(holds.items())},
        ),
    )


_claim("range-36", "4", "It is easy to find that, when t = T - 1:")(partial(_range, 36))
_claim("range-37", "4", "when 1 < t < T - 1:")(partial(_range, 37))
_claim("range-38", "4", r"when $1 \le t \le T-1$ and $1 \le l \le n-2$:")(partial(_range, 38))


@_claim("ranges-together", "4", "when t = T - 1: ... when 1 < t < T - 1: ... when $1 \\le t \\le T-1$")
def _ranges_together(bench: Bench) -> Found:
    shapes = [(3, T) for T in range(3, 8)]
    every = {shape: _times(_EVERY_TIME, shape) for shape in shapes}

    def left(variant: Variant, number: int) -> list[str]:
        last, before = _stated_range(36, variant), _stated_range(number)
        return points({s: every[s] - _times(last, s) - _times(before, s) for s in shapes}, every)

    printed, corrected = ({37: left(v, 37), 38: left(v, 38)} for v in ("printed", "corrected"))
    return (
        "incomplete" if any(printed.values()) else "holds",
        f"Times of which nothing is said, as printed: {_listed(printed[37])} for l = n-1 by (36) and (37), "
        f"{_listed(printed[38])} for l <= n-2 by (36) and (38). With (36) at "
        f"{_stated_range(36, 'corrected')} there remain {_listed(corrected[37])} for l = n-1, "
        f"{_listed(corrected[38])} for l <= n-2.",
        bench.evidence((), T=[T for _, T in shapes], printed=_keyed(printed), corrected=_keyed(corrected)),
    )


_GAMMA_CASES = r"& t = T \\ ... & l = n - 1 \\ ... & l < n - 1"


def _fitting_cases(number: int, l: int, t: int, network: Network) -> list[int]:
    """Which cases of an equation fit at l and t, by the conditions in its LaTeX."""
    texts = re.findall(r"&([^&\\]+)(?=\\\\|\\end)", equation(number).printed.lines[0].latex)
    values = {"l": l, "t": t, "n": network.n, "T": network.T}
    return [case for case, text in enumerate(texts, 1) if Condition.parse(text.strip()).holds(values)]


@_claim("gamma-of-the-output-layer", "4", _GAMMA_CASES)
def _gamma_of_the_output_layer(bench: Bench) -> Found:
    world = bench.world()
    n, T = world.network.n, world.network.T
    cases = {
        (l, t): _fitting_cases(43, l, t, world.network) for l in range(1, n + 1) for t in range(1, T + 1)
    }
    without = [at for at, fitting in cases.items() if not fitting]
    if any(l != n for l, _ in without):
        raise CheckError(f"(43) has no case for some hidden layers: {without}")
    looked_up = asked(world)
    asking = set().union(*(looked_up.get(("gamma", at), set()) for at in without))
    find, times = world.truth.find, range(1, T + 1)
    is_delta = all(world.agree(find("gamma", (n, t)), find("delta", (n, t, t))) for t in times)
    top = {c.outcome for c in compared(world, 38, where=["l = n-1", "1 <= t <= T-1"])}
    serves = top == {"agrees"}
    return (
        "undefined" if asking else "incomplete" if without else "holds",
        f"(43) has no case for {len(without)} of {T} gamma^(n)(t). They are asked for by: "
        f"{_numbers(asking)}. As the sum of the deltas, gamma^(n)(t) {'is' if is_delta else 'is not'} "
        f"delta^(n)(t)(t); with it (38), and so the third case, {'holds' if serves else 'does not hold'} at "
        "l = n-1 too.",
        bench.evidence(
            [world],
            without_a_case=[list(at) for at in without],
            asking=sorted(asking),
            gamma_is_delta=is_delta,
            third_case_serves_the_second=serves,
        ),
    )


@_claim("order-of-the-cases-of-gamma", "4", _GAMMA_CASES)
def _order_of_the_cases_of_gamma(bench: Bench) -> Found:
    world = bench.world()
    n, T = world.network.n, world.network.T
    cases = {(l, t): _fitting_cases(43, l, t, world.network) for l in range(1, n) for t in range(1, T + 1)}
    several = [at for at, fitting in cases.items() if len(fitting) > 1]
    if any(t != T or cases[l, t][0] != 1 for l, t in several):
        raise CheckError(f"the cases overlap elsewhere than in the first and at t = T: {several}")

    def last_step(gamma_after: Callable[[tuple[int, ...]], Any] | None) -> str:
        """How (43) compares at t = T, passing over its first case if gamma has values after T."""
        q = world.local()
        if gamma_after is not None:
            q = local(world, lambda name, at: gamma_after(at) if name == "gamma" and at[1] > T else None)
            q.T = T + 1
        return _listed(sorted({c.outcome for c in compared(world, 43, q, ["1 <= l <= n-1", "t = T"])}))

    first = last_step(None)
    last = last_step(lambda at: Undefined(notation("gamma", at)))
    with_zero = last_step(lambda at: world.network.b[at[0]] * 0)
    return (
        "fails" if first != "agrees" else "incomplete" if several and last != "agrees" else "holds",
        f"At t = T two cases of (43) fit, in {len(several)} of {n - 1} hidden layers. The first that fits: "
        f"{first}; the last, which asks for gamma^(l)(T+1): {last}; the last, with gamma^(l)(T+1) = 0: "
        f"{with_zero}.",
        bench.evidence(
            [world],
            overlaps=[{"l": l, "t": t, "cases": cases[l, t]} for l, t in several],
            first_that_fits=first,
            last_that_fits=last,
            last_that_fits_with_zero=with_zero,
        ),
    )
