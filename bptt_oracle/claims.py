"""What the document claims in prose, or leaves open: each claim with a verdict that running code gives.

The checks compute in GF(2^61 - 1), where f, f', exp and log are random oracles: an agreement holds for every
differentiable f, up to a probability of about 2^-61 times a degree. That y^ - y does *not* survive a change of g is
confirmed over balls with the real exp and log, whose enclosures are then disjoint.

A check is a function from the instances of one run to a `Result`. One that cannot run, or that decides nothing,
gives the verdict "unverified" with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import combinations, product
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


class CheckError(ValueError):
    """A check ran and decides nothing, for instance since its control fails or no candidate describes what it found."""


@dataclass(frozen=True)
class Result:
    """What a check finds: the verdict, a sentence for a reader, and the JSON-able evidence."""

    verdict: Verdict
    finding: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """One claim of the document, decided.

    Attributes
    ----------
    slug, section : its name here, and where it stands
    quote : the document's words
    verdict : "holds"; "holds in part": for some of what it speaks of; "incomplete": true where it is stated, but what
        it needs or covers is not all stated; "undefined": it uses what nothing defines; "fails"; "unverified"
    finding : a sentence for a reader, its numbers computed
    evidence : instances, seed and counts, JSON-able
    """

    slug: str
    section: str
    quote: str
    verdict: Verdict
    finding: str
    evidence: dict[str, Any]


# ------------------------------------------------------------------------------------------ functions in softmax's place


G = Callable[[Any], Any]

RECIPROCAL = Elementwise(lambda u: 1 / u, lambda u: -1 / (u * u))
HALF = Elementwise(lambda u: u / 2, lambda u: (u * 0 + 1) / 2)
SQUARE = Elementwise(lambda u: u * u, lambda u: u + u)


def substitutes(exp: Elementwise = EXP, log: Elementwise = LOG) -> dict[str, G]:
    """The functions of `reference.output.SUBSTITUTES` by the same names, for columns and for `Differential`."""

    def logistic(z: Any) -> Any:
        return RECIPROCAL(1 + exp(-z))

    def softplus(z: Any) -> Any:
        return log(1 + exp(z))

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
        "normalised softplus": lambda z: normalised(softplus(z)),
        "normalised logistic": lambda z: normalised(logistic(z)),
    }


def general_output_error(q: Quantities, t: int) -> Any:
    """delta^(n)(t) for any g, shape (|V|, 1): the transposed Jacobian of g, times -y / y^."""
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
        yield q.f_prime(q.z[l, t]) * (q.W[l + 1].T @ q.delta[l + 1, t, t])


GENERAL: Mapping[int, Function] = {6: _general_6, 7: _general_7, 26: _general_26, 42: _general_42}
"""The equations that say y^ - y, with the general error in its place; (6)'s second line is then that of -y^T log g(z)."""


# -------------------------------------------------------------------------------------------------------- instances


_WIDTHS = (2, 3, 1, 2)  # d_0, ..., d_{n-1}: unequal, so that a transpose shows
_CLASSES = 3
_BITS = 256


class Bench:
    """The networks that the checks of one run share, each made once.

    Parameters
    ----------
    seed
        Of every value in them.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._worlds: dict[tuple[Any, ...], World] = {}
        self._heads = {"softmax": output.SOFTMAX_ALGEBRAIC} | {
            name: output.with_g(g) for name, g in output.SUBSTITUTES.items()
        }

    def description(self, n: int, T: int, y: str = "one-hot", h0: str = "random") -> Description:
        """The small instance of depth n and length T."""
        return Description(n, T, (*_WIDTHS[:n], _CLASSES), y=y, h0=h0, seed=self.seed)

    def world(
        self, n: int = 3, T: int = 4, *, y: str = "one-hot", h0: str = "random", g: str = "softmax"
    ) -> World:
        """The instance over the field, with any g of `reference.output`; y may also be "doubled", with sums of 2."""
        key = ("field", n, T, y, h0, g)
        if key not in self._worlds:
            description = self.description(n, T, "soft" if y == "doubled" else y, h0)
            network, oracles = field_network(description)
            functions = network.functions
            network = replace(network, functions=replace(functions, g=self._g(g, functions.exp, functions.log)))
            if y == "doubled":
                network = replace(network, y={t: target + target for t, target in network.y.items()})
            with field.naming_division_by_zero():
                values = reference_values(
                    network, symbolic.f, self._heads[g], dict(oracles.functions()), field.element
                )
            self._worlds[key] = World("field", description, network, Truth(network, values), exactly_equal)
        return self._worlds[key]

    def ball_world(self, n: int, T: int, *, y: str, g: str) -> World:
        """The instance over balls, with the real exp and log; at the working precision."""
        instance = draw(self.description(n, T, y))
        functions = replace(instance.functions(), g=self._g(g, EXP, LOG))
        network = instance.network().over(balls.to_balls, functions)
        values = reference_values(network, reference_activation(instance), self._heads[g], None, balls.ball)
        return World("balls", instance.description, network, Truth(network, values), enclosures_overlap)

    def others(self) -> list[str]:
        """The names of the functions in softmax's place; CheckError unless both sides know the same ones."""
        manual, reference = set(substitutes()), set(output.SUBSTITUTES)
        if manual != reference:
            raise CheckError(f"one side alone knows {_listed(sorted(manual ^ reference))}")
        return list(output.SUBSTITUTES)

    @staticmethod
    def _g(name: str, exp: Elementwise, log: Elementwise) -> G:
        return softmax(exp, no_shift) if name == "softmax" else substitutes(exp, log)[name]

    def evidence(self, instances: Iterable[World | str], **found: Any) -> dict[str, Any]:
        """Evidence of the usual form: the seed, the instances, and what was found."""
        names = [w if isinstance(w, str) else f"{w.name}: {w.description}" for w in instances]
        return {"seed": self.seed, "instances": names, **found}


# ---------------------------------------------------------------------------------------- readings, asked more freely


Patch = Callable[[str, tuple[int, ...]], Any]


def local(world: World, patch: Patch) -> Quantities:
    """The reference's values, save where `patch(name, at)` gives another one."""

    def find(name: str, at: tuple[int, ...]) -> Any:
        patched = patch(name, at)
        return world.truth.find(name, at) if patched is None else patched

    return Quantities(world.network, find)


def right(number: int) -> tuple[Equation, Reading, Function]:
    """Equation `number`, its corrected reading where there is one and else the printed one, and the function of it."""
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
    *,
    q: Quantities | None = None,
    where: Sequence[str] | None = None,
    function: Function | None = None,
) -> list[Comparison]:
    """Every line of the right reading of an equation against autodiff, also those that speak of the class k.

    Parameters
    ----------
    q
        What the equation is evaluated on; the reference's values if left out.
    where
        Conditions in place of the equation's own.
    function
        A reading in place of the equation's own, with as many lines.
    """
    stated, reading, own = right(number)
    reading = replace(
        reading,
        lines=tuple(replace(line, one_hot=False) for line in reading.lines),
        where=reading.where if where is None else tuple(map(Condition.parse, where)),
    )
    return list(compare(world, stated, reading, function or own, "local", _Given(world, q or world.local())))


Lines = dict[int, list[int]]


def failing(
    world: World,
    *,
    q: Quantities | None = None,
    functions: Mapping[int, Function] | None = None,
    outcomes: Sequence[Outcome] = FAILURES,
) -> Lines:
    """The lines that have one of the outcomes somewhere, by equation; CheckError if an equation is nowhere met."""
    found: Lines = {}
    for number in equations():
        comparisons = compared(world, number, q=q, function=(functions or {}).get(number))
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


Quantity = tuple[str, tuple[int, ...]]
Asked = dict[Quantity, set[int]]


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


def given(world: World) -> set[Quantity]:
    """Each quantity on the left-hand side of some equation; a dJ/dz counts as the delta that it is."""
    found = set()
    for number in equations():
        stated, reading, function = right(number)
        for values in _indices_with_sizes(function, reading, world):
            found.add((_as_delta(stated.symbol), stated.left_hand_side(values)))
    return found


def left_open(world: World) -> Asked:
    """The values and deltas that some equation asks for and none gives, with the equations that ask."""
    known, found = given(world), Asked()
    for (name, at), numbers in asked(world).items():
        quantity = (_as_delta(name), at)
        if quantity[0] in ("J", "y_hat", "h", "z", "delta", "gamma") and quantity not in known:
            found.setdefault(quantity, set()).update(numbers)
    return found


def _as_delta(name: str) -> str:
    return "delta" if name == "dJ_dz" else name


def _indices_with_sizes(function: Function, reading: Reading, world: World) -> Iterator[dict[str, int]]:
    n, T = world.network.n, world.network.T
    for at in indices_where(indices(function), reading.where, n, T):
        yield dict(zip(indices(function), at, strict=True)) | {"n": n, "T": T}


Observed = Mapping[tuple[int, int], set[tuple[int, ...]]]


def fitted(symbols: tuple[str, ...], family: Iterable[str], observed: Observed, fixed: Sequence[str] = ()) -> str:
    """The one condition of a family that describes what was observed on every network.

    Parameters
    ----------
    symbols
        Names of the indices.
    family
        The conditions to choose from.
    observed
        The values of the indices, by (n, T).
    fixed
        Conditions that hold beside it.

    Raises
    ------
    CheckError
        If none fits, or several do.
    """
    fits = [
        text
        for text in family
        if all(at == _described(symbols, (*fixed, text), *shape) for shape, at in observed.items())
    ]
    if len(fits) != 1:
        raise CheckError(f"expected one range of {', '.join(symbols)} to describe what holds, but {len(fits)} do")
    return fits[0]


def _described(symbols: tuple[str, ...], conditions: Sequence[str], n: int, T: int) -> set[tuple[int, ...]]:
    return set(indices_where(symbols, tuple(map(Condition.parse, conditions)), n, T))


# --------------------------------------------------------------------------------------------------- the claims: doors


Check = Callable[[Bench], Result]
_CHECKS: dict[str, tuple[str, str, Check]] = {}


def _claim(slug: str, section: str, quote: str) -> Callable[[Check], Check]:
    """Register a check; they stand in the order of the document."""

    def register(check: Check) -> Check:
        _CHECKS[slug] = (section, quote, check)
        return check

    return register


def claims(seed: int = 2016) -> list[Claim]:
    """All claims in prose, decided, in the order of the document; the same on every machine.

    Parameters
    ----------
    seed
        Of all instances.
    """
    bench = Bench(seed)
    return [_decided(slug, bench) for slug in _CHECKS]


def claim(slug: str, seed: int = 2016) -> Claim:
    """One claim, decided; KeyError if there is none of that name."""
    return _decided(slug, Bench(seed))


def _decided(slug: str, bench: Bench) -> Claim:
    section, quote, check = _CHECKS[slug]
    try:
        result = check(bench)
    except CheckError as error:
        result = Result("unverified", f"The check decides nothing: {error}.", {"seed": bench.seed})
    except Exception as error:
        reason = f"The check could not run: {type(error).__name__}: {error}."
        result = Result("unverified", reason, {"seed": bench.seed})
    return Claim(slug, section, quote, result.verdict, result.finding, result.evidence)


def _listed(words: Iterable[str], nothing: str = "none") -> str:
    """"a, b and c"."""
    *first, last = list(words) or [nothing]
    return f"{', '.join(first)} and {last}" if first else last


def _numbers(numbers: Iterable[int]) -> str:
    return _listed(f"({number})" for number in sorted(numbers))


def _lines(lines: Lines) -> str:
    """"(6) in lines 2 and 3, (26)"; no lines where the equation has but one."""

    def text(number: int) -> str:
        if len(equation(number).printed.lines) == 1:
            return f"({number})"
        return f"({number}) in line{'s'[: len(lines[number]) - 1]} {_listed(map(str, lines[number]))}"

    return _listed(text(number) for number in sorted(lines))


def _keyed(found: Mapping[int, Any]) -> dict[str, Any]:
    """With text for keys, as in JSON."""
    return {str(key): value for key, value in sorted(found.items())}


# ---------------------------------------------------------------------------------------------------- sections 1 and 2


@_claim("one-hot-targets", "1", r"J^{(t)} = -\log \hat{y}_k^{(t)}")
def _one_hot_targets(bench: Bench) -> Result:
    one_hot, soft, doubled = (bench.world(y=y) for y in ("one-hot", "soft", "doubled"))
    if wrong := failing(one_hot):
        raise CheckError(f"with one-hot targets {_lines(wrong)} fail already")
    undefined = failing(soft, outcomes=("undefined",))
    wrong_soft = failing(soft, outcomes=("differs", "shape"))
    wrong_doubled = failing(doubled, outcomes=("differs", "shape"))
    return Result(
        "fails" if wrong_soft else "incomplete" if undefined or wrong_doubled else "holds",
        f"The class k exists for one-hot targets, which are nowhere asked for; undefined for others: {_lines(undefined)}. "
        f"For soft targets that sum to 1, of the other lines fail: {_lines(wrong_soft)}. For targets that sum to 2: "
        f"{_lines(wrong_doubled)}.",
        bench.evidence(
            (one_hot, soft, f"field: {doubled.description}, the targets doubled"),
            undefined_unless_one_hot=_keyed(undefined),
            failing_for_soft_targets=_keyed(wrong_soft),
            failing_for_targets_that_sum_to_2=_keyed(wrong_doubled),
        ),
    )


_LAYERS = [f"{low} <= l <= {high}" for low in (0, 1, 2) for high in ("n-2", "n-1", "n")]


@_claim("layers", "2", "Assume that we have a n+1 layer Recurrent Neural Network")
def _layers(bench: Bench) -> Result:
    worlds = [bench.world(n) for n in (1, 2, 3, 4)]
    layers: dict[str, dict[tuple[int, int], set[tuple[int, ...]]]] = {name: {} for name in "HWbhz"}
    for world in worlds:
        quantities_asked = asked(world)
        for name, found in layers.items():
            found[world.network.n, world.network.T] = {at[:1] for asked_name, at in quantities_asked if asked_name == name}
    counts = {n: len(layers["h"][n, T] | layers["z"][n, T]) for n, T in layers["h"]}
    parameters = {n: len(layers["W"][n, T] | layers["b"][n, T]) for n, T in layers["h"]}
    ranges = {name: fitted(("l",), _LAYERS, found) for name, found in layers.items()}
    return Result(
        "holds" if all(count == n + 1 for n, count in counts.items()) else "fails",
        f"For n = {_listed(map(str, counts))} the equations speak of {_listed(map(str, counts.values()))} layers, the "
        f"input counted as layer 0: h^(l) for {ranges['h']}, z^(l) for {ranges['z']}. Parameters have "
        f"{_listed(map(str, parameters.values()))} of them: W^(l) for {ranges['W']}, b^(l) for {ranges['b']}, H^(l) for "
        f"{ranges['H']}.",
        bench.evidence(worlds, layers=_keyed(counts), with_parameters=_keyed(parameters), ranges=ranges),
    )


@_claim("initial-state", "2", "H^{(l)}h^{(l)(t-1)}")
def _initial_state(bench: Bench) -> Result:
    world, from_zero = bench.world(), bench.world(h0="zero")
    open_states = {at: numbers for (name, at), numbers in left_open(world).items() if name == "h"}
    asking = set().union(*open_states.values())
    if any(t != 0 for _, t in open_states):
        raise CheckError(f"states at other times than 0 are open too: {sorted(open_states)}")
    rng = np.random.default_rng(bench.seed)
    others = {l: field.random_array(rng, world.network.h0[l].shape) for l, _ in sorted(open_states)}
    q = local(world, lambda name, at: others.get(at[0]) if name == "h" and at[1] == 0 else None)
    depending = set(failing(world, q=q))
    wrong = failing(world) | failing(from_zero)
    at_zero = {number: next(right(number)[2](world.local(), 1, 0)) for number in (4, 5)}
    if not all(isinstance(value, Undefined) for value in at_zero.values()):
        raise CheckError("(4) or (5) gives a value at t = 0")
    needs = [f"({number}) at t = 0 needs {value.symbol}" for number, value in at_zero.items()]
    return Result(
        "undefined" if open_states else "holds",
        f"h^(l)(0) is asked for by {_numbers(asking)} and given by no equation: {_listed(needs)}. The values of "
        f"{_numbers(depending)} depend on it, those of {_numbers(asking - depending)} name it only. With h^(l)(0) = 0 and "
        f"with a random one, the equations that fail: {_lines(wrong)}.",
        bench.evidence(
            (world, from_zero), asking=sorted(asking), depending=sorted(depending), failing=_keyed(wrong)
        ),
    )


# ---------------------------------------------------------------------------------------------------------- section 3


_ANY_G = "g(x) here is the softmax function, which can be easily substituted with any other functions as needed"
_OUTPUT_ERRORS = {6: 3, 7: 2, 26: 1, 42: 1}  # the lines that say y^ - y


def _failing_by_g(bench: Bench, functions: Mapping[int, Function] | None = None) -> dict[str, Lines]:
    """The lines that fail for each g, softmax first; CheckError unless both sides have the same g."""
    found = {}
    for g in ("softmax", *bench.others()):
        wrong = failing(bench.world(g=g), functions=functions)
        for number, lines in failing(bench.world(y="soft", g=g), functions=functions, outcomes=("differs", "shape")).items():
            wrong[number] = sorted({*wrong.get(number, []), *lines})
        if 3 in wrong:
            raise CheckError(f"the two sides' {g} differ")
        found[g] = wrong
    if found["softmax"]:
        raise CheckError(f"with softmax itself {_lines(found['softmax'])} fail")
    return found


def _worlds_of(bench: Bench) -> list[World]:
    return [bench.world(y=y) for y in ("one-hot", "soft")]


@_claim("any-g-equations", "3", _ANY_G)
def _any_g_equations(bench: Bench) -> Result:
    found = _failing_by_g(bench)
    del found["softmax"]
    groups: dict[str, list[str]] = {}
    for g, wrong in found.items():
        groups.setdefault(_lines(wrong), []).append(g)
    wrong_somewhere = set().union(*found.values())
    held = len(equations()) - len(wrong_somewhere)
    return Result(
        "holds" if not wrong_somewhere else "holds in part" if held else "fails",
        f"Given autodiff's values of their neighbours, {held} of the {len(equations())} equations hold with each of "
        f"{len(found)} other functions in softmax's place. Failing are, for "
        + "; for ".join(f"{_listed(names)}: {lines}" for lines, names in groups.items())
        + ".",
        bench.evidence(
            _worlds_of(bench),
            holding=sorted(set(equations()) - wrong_somewhere),
            failing={g: _keyed(wrong) for g, wrong in found.items()},
        ),
    )


@_claim("any-g-delta", "3", _ANY_G)
def _any_g_delta(bench: Bench) -> Result:
    factors: dict[str, Fraction | None] = {}
    for g, wrong in _failing_by_g(bench).items():
        factors[g] = _factor(bench, g)
        stated = {line not in wrong.get(number, []) for number, line in _OUTPUT_ERRORS.items()}
        if stated != {factors[g] == 1}:
            raise CheckError(f"{_numbers(_OUTPUT_ERRORS)} do not all say of {g} what the entries of delta^(n)(t) say")
    del factors["softmax"]
    keep = [g for g, factor in factors.items() if factor == 1]
    scaled = [f"{g} (times {factor})" for g, factor in factors.items() if factor not in (1, None)]
    none = [g for g, factor in factors.items() if factor is None]
    return Result(
        "holds" if len(keep) == len(factors) else "holds in part" if keep else "fails",
        f"delta^(n)(t) = y^ - y, which {_numbers(_OUTPUT_ERRORS)} say, survives for {len(keep)} of {len(factors)} functions: "
        f"{_listed(keep)}. It is a multiple of y^ - y for {_listed(scaled)}; another Jacobian is needed for {_listed(none)}.",
        bench.evidence(
            [*_worlds_of(bench), *(f"balls: {bench.description(1, 2, y)}" for y in ("one-hot", "soft"))],
            delta_over_y_hat_minus_y={g: None if factor is None else str(factor) for g, factor in factors.items()},
        ),
    )


def _factor(bench: Bench, g: str) -> Fraction | None:
    """The one number c with delta^(n)(t) = c (y^ - y), or None: in the field, and the same over balls."""
    in_field = {_ratio(bench.world(y=y, g=g)) for y in ("one-hot", "soft")}
    factor = next((c for c in _SMALL if in_field == {field.element(c)}), None)
    if factor is None and in_field != {None}:
        raise CheckError(f"delta^(n)(t) / (y^ - y) of {g} is constant, but no fraction of small integers")
    with balls.precision(_BITS):
        for y in ("one-hot", "soft"):
            ratio = _ratio(bench.ball_world(1, 2, y=y, g=g))
            if (ratio is None) != (factor is None) or (ratio is not None and not ratio.contains(balls.ball(factor))):
                raise CheckError(f"the field and the balls disagree about {g}")
    return factor


_SMALL = sorted({Fraction(p, q) for p in range(-8, 9) for q in range(1, 9)})


def _ratio(world: World) -> Any:
    """The common value of all entries of delta^(n)(t) / (y^ - y), or None if two of them differ."""
    q = world.local()
    ratios = np.concatenate([q.delta[q.n, t, t] / (q.y_hat[t] - q.y[t]) for t in range(1, q.T + 1)])
    return ratios[0, 0] if world.agree(ratios, np.full_like(ratios, ratios[0, 0])) else None


@_claim("any-g-jacobian", "3", _ANY_G)
def _any_g_jacobian(bench: Bench) -> Result:
    found = _failing_by_g(bench, GENERAL)
    wrong = set().union(*found.values())
    held = len(equations()) - len(wrong)
    return Result(
        "holds" if not wrong else "fails" if wrong & set(GENERAL) == set(GENERAL) else "holds in part",
        f"With delta^(n)(t) = (dg/dz)^T (-y / y^) in the place of y^ - y in {_numbers(GENERAL)}, and -y^T log g(z) in the "
        f"place of (6)'s second line, {held} of the {len(equations())} equations hold for softmax and for each of the "
        f"{len(found) - 1} other functions.",
        bench.evidence(_worlds_of(bench), failing={g: _keyed(lines) for g, lines in found.items()}),
    )


@_claim("c-at-least-1", "3.1.2", r"\delta^{(n-1)(t-c)} = \nabla_{z^{(n-1)(t-c)}} J^{(t)}")
def _c_at_least_1(bench: Bench) -> Result:
    worlds = [bench.world(3, T) for T in (3, 4)]
    numbers = [number for number in equations() if "c" in indices(right(number)[2])]
    times_exist = ("1 <= t <= T", "0 <= c < t", "t-c+1 <= T")
    everywhere: dict[tuple[int, int], set[tuple[int, ...]]] = {}
    at_zero: dict[int, list[Comparison]] = {number: [] for number in numbers}
    for world in worlds:
        n, T = world.network.n, world.network.T
        holds = []
        for number in numbers:
            layers = [c.text for c in right(number)[1].where if not {"t", "c"} & _symbols(c)]
            comparisons = compared(world, number, where=[*layers, *times_exist])
            holds.append(where_all_lines_hold(comparisons, "t", "c"))
            at_zero[number] += [c for c in comparisons if c.at["c"] == 0]
        everywhere[n, T] = set.intersection(*holds)
    family = [f"{low} <= c < t" for low in (0, 1, 2)]
    range_of_c = fitted(("t", "c"), family, everywhere, times_exist)
    wrong = {number for number in numbers if any(c.outcome != "agrees" for c in at_zero[number])}
    last = [c for number in wrong for c in at_zero[number] if c.key.line == len(equation(number).printed.lines)]
    give = "zero" if all((c.value == 0).all() for c in last) else "another value"
    return Result(
        "incomplete" if wrong else "holds",
        f"No range of c is printed. Where the times t-c and t-c+1 exist, {_numbers(numbers)} all hold on {range_of_c}. At "
        f"c = 0, with delta^(l)(t+1)(t) = 0, {_numbers(wrong)} give {give} for a delta that is not, while "
        f"{_numbers(set(numbers) - wrong)} hold; at t = T and c = 0 the time t-c+1 does not exist, nor t-c at c = t.",
        bench.evidence(
            worlds,
            equations=numbers,
            holds_on=range_of_c,
            failing_at_0=sorted(wrong),
            comparisons_at_0=sum(map(len, at_zero.values())),
        ),
    )


def _symbols(condition: Condition) -> set[str]:
    return {part for term in condition.terms for _, part in term.parts}


# ---------------------------------------------------------------------------------------------------------- section 4


_STEPS = range(1, 11)


@_claim(
    "sum-of-steps-correct",
    "4",
    r"instead of calculate $\nabla J^{(t)}$ for every time step and sum them up at last, which is correct",
)
def _sum_of_steps_correct(bench: Bench) -> Result:
    rng = np.random.default_rng(bench.seed)
    drawn = [
        random_description(rng, bench.seed + number, depth=range(1, 5), steps=range(1, 7), widths=range(1, 5))
        for number in range(8)
    ]
    descriptions = [bench.description(1, 1), bench.description(2, 3), *drawn]
    entries, different = 0, []
    for description in descriptions:
        network, oracles = field_network(description)
        reference = _gradients_by_autodiff(network, oracles)
        summed, passed = (_flat(algorithm(network)) for algorithm in (per_step_sum, one_pass))
        entries += sum(array.size for array in reference.values())
        for name, array in reference.items():
            if not all(name in other and exactly_equal(other[name], array) for other in (summed, passed)):
                different.append(f"{name} of {description}")
    return Result(
        "fails" if different else "holds",
        f"On {len(descriptions)} networks, the mean of the gradients of the steps, the one pass over gamma and autodiff "
        f"give the same {entries} numbers, exactly: the gradients of J in H, W, b, h^(l)(0) and x."
        if not different
        else f"The three differ in {len(different)} arrays, first in {different[0]}.",
        {
            "seed": bench.seed,
            "instances": [f"field: {description}" for description in descriptions],
            "entries": entries,
            "different": different,
        },
    )


def _gradients_by_autodiff(network: Network, oracles: field.Oracles) -> dict[str, Any]:
    arrays = plain_arrays(network)
    traced = quantities.trace(symbolic.f, *arrays, output.SOFTMAX_ALGEBRAIC, quantities.gradients)
    functions = dict(oracles.functions())
    with field.naming_division_by_zero():
        leaves = evaluate(traced.jaxpr, *traced.flatten(*arrays), functions=functions, constants=field.element)
    values = traced.unflatten(leaves)
    return _named(values["dJ"], values["dJ_dh0"], values["dJ_dx"])


def _flat(gradients: Gradients) -> dict[str, Any]:
    h0 = [gradients.h0[l][:, 0] for l in sorted(gradients.h0)]
    return _named(gradients.as_params(), h0, np.stack([gradients.x[t][:, 0] for t in sorted(gradients.x)]))


def _named(params: Any, h0: Any, x: Any) -> dict[str, Any]:
    """The arrays of a gradient by their names in the document."""
    layers = {f"{name}^({l})": array for l, layer in enumerate(params, start=1) for name, array in layer.items()}
    return layers | {f"h^({l})(0)": array for l, array in enumerate(h0, start=1)} | {"x": x}


@_claim("sum-of-steps-inefficient", "4", "but inefficient, we backprop only once")
def _sum_of_steps_inefficient(bench: Bench) -> Result:
    algorithms = {"sum of steps": per_step_sum, "one pass": one_pass}
    visits: dict[str, dict[int, int]] = {name: {} for name in algorithms}
    for T, (name, algorithm) in product(_STEPS, algorithms.items()):
        network, _ = field_network(bench.description(3, T))
        visits[name][T] = _visits(network, algorithm)
    formulas = {name: _polynomial(counts) for name, counts in visits.items()}
    summed, once = visits.values()
    dearer = summed[1] == once[1] and all(summed[T] > once[T] for T in _STEPS[1:])
    T = _STEPS[-1]
    return Result(
        "holds" if dearer else "fails",
        f"The sum of the steps visits each hidden layer {formulas['sum of steps']} times, one pass {formulas['one pass']} "
        f"times: {summed[T]} against {once[T]} at T = {T}, as counted by the evaluations of f' at T = 1..{T}.",
        {
            "seed": bench.seed,
            "instances": [f"field: {bench.description(3, T)}" for T in _STEPS],
            "visits": {name: _keyed(counts) for name, counts in visits.items()},
            "formulas": formulas,
        },
    )


def _visits(network: Network, algorithm: Callable[[Network], Gradients]) -> int:
    """How often each hidden layer is visited, counted by its calls of f'; CheckError if `.visits` says otherwise."""
    f, calls = network.functions.f, 0

    def counted(u: Array) -> Array:
        nonlocal calls
        calls += 1
        return f.derivative(u)

    functions = replace(network.functions, f=Elementwise(f.function, counted))
    reported = algorithm(replace(network, functions=functions)).visits
    if calls != reported * (network.n - 1):
        raise CheckError(
            f"{algorithm.__name__} reports {reported} visits at T = {network.T}, but evaluated f' {calls} times in "
            f"{network.n - 1} layers"
        )
    return reported


def _polynomial(counts: Mapping[int, int]) -> str:
    """The polynomial in T of degree 2 or less through all counts, which start at T = 1; CheckError if there is none."""
    first, second, third = (counts[T] for T in (1, 2, 3))
    square = Fraction(third - 2 * second + first, 2)
    linear = second - first - 3 * square
    constant = first - linear - square
    if any(square * T**2 + linear * T + constant != count for T, count in counts.items()):
        raise CheckError(f"no polynomial of degree 2 passes through {list(counts.values())}")
    common = np.lcm.reduce([c.denominator for c in (square, linear, constant)])
    parts = [
        (f"{factor} " if abs(factor) != 1 or not power else "-" if factor == -1 else "") + power
        for factor, power in zip((int(c * common) for c in (square, linear, constant)), ("T^2", "T", ""), strict=True)
        if factor
    ]
    text = " + ".join(part.strip() for part in parts) or "0"
    return text if common == 1 else f"({text}) / {common}"


@_claim("delta-before-t", "4", r"now $\delta^{(l)(t)(i)} = \nabla_{z^{(l)(t)}} J^{(i)}$")
def _delta_before_t(bench: Bench) -> Result:
    world = bench.world()
    before = {at: numbers for (name, at), numbers in left_open(world).items() if name == "delta"}
    asking = set().union(*before.values())
    if any(i >= t for _, t, i in before):
        raise CheckError(f"deltas with i >= t are open too: {sorted(at for at in before if at[2] >= at[1])}")
    truth = {at: world.truth.find("delta", at) for at in sorted(before)}
    zero = [at for at, delta in truth.items() if (delta == 0).all()]
    rng = np.random.default_rng(bench.seed)
    random = {at: field.random_array(rng, delta.shape) for at, delta in truth.items()}
    with_zero = failing(world, q=_with_deltas(world, {at: delta * 0 for at, delta in truth.items()}))
    with_random = failing(world, q=_with_deltas(world, random))
    return Result(
        "undefined" if with_zero or len(zero) < len(before) else "incomplete" if with_random else "holds",
        f"delta^(l)(t)(i) with i < t is asked for by {_numbers(asking)} and given by no equation. As the gradient that the "
        f"footnote makes it, it is zero: {len(zero)} of the {len(before)} asked for. With zero fail: {_lines(with_zero)}; "
        f"with random values: {_lines(with_random)}.",
        bench.evidence(
            [world],
            asking=sorted(asking),
            asked_for=len(before),
            zero_by_definition=len(zero),
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


_TIMES = ["t = 1", "t = T-1", "t = T"] + [
    f"{low} t {high}" for low in ("1 <=", "1 <") for high in ("<= T", "<= T-1", "< T-1")
]
_POINTS = ("t = 1", "t = 2", "t = T-2", "t = T-1", "t = T")
_GAMMA = ("1 <= t <= T",)


def _printed_range(number: int, variant: Variant = "printed") -> str:
    """What the catalogue has the document say of t: the last condition in which t occurs."""
    return [c.text for c in equation(number).reading(variant).where if "t" in _symbols(c)][-1]


def _points(observed: Observed, universe: Observed) -> tuple[str, ...]:
    """The fewest single times that make up what was observed within a universe, on every network.

    Raises
    ------
    CheckError
        If none do, or several choices of as many.
    """

    def make_up(texts: tuple[str, ...]) -> bool:
        return all(
            at == universe[shape] & set().union(*(_times(text, *shape) for text in texts))
            for shape, at in observed.items()
        )

    for count in range(len(_POINTS) + 1):
        fits = [texts for texts in combinations(_POINTS, count) if make_up(texts)]
        if len(fits) == 1:
            return fits[0]
        if fits:
            break
    raise CheckError("expected one choice of single times to make up what is left over")


def _times(text: str, n: int, T: int) -> set[tuple[int, ...]]:
    return _described(("t",), (*_GAMMA, text), n, T)


def _range(number: int, bench: Bench) -> Result:
    """The printed range of t of (36), (37) or (38), against that on which all of its lines hold."""
    worlds = [bench.world(3, T) for T in range(1, 7)] + [bench.world(4, 4)]
    layers = [c.text for c in equation(number).printed.where if "t" not in _symbols(c)]
    printed = _printed_range(number)
    holds = {
        (w.network.n, w.network.T): where_all_lines_hold(compared(w, number, where=[*layers, *_GAMMA]), "t") for w in worlds
    }
    stated = {shape: _times(printed, *shape) for shape in holds}
    holds_on = fitted(("t",), _TIMES, holds, _GAMMA)
    wrong = {shape: stated[shape] - holds[shape] for shape in holds}
    left_out = {shape: holds[shape] - stated[shape] for shape in holds}
    if any(wrong.values()):
        verdict: Verdict = "fails"
        consequence = f"not true at {_listed(_points(wrong, stated))}"
    elif any(left_out.values()):
        verdict = "incomplete"
        consequence = f"true where printed, but left out: {_listed(_points(left_out, holds))}"
    else:
        verdict, consequence = "holds", "nothing left out, nothing too much"
    return Result(
        verdict,
        f"({number}) printed: {printed}; holds on: {holds_on}; {consequence}.",
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


@_claim(
    "ranges-together",
    "4",
    r"when t = T - 1: ... when 1 < t < T - 1: ... when $1 \le t \le T-1$ and $1 \le l \le n-2$:",
)
def _ranges_together(bench: Bench) -> Result:
    shapes = [(3, T) for T in range(3, 8)]
    every = {shape: _times("1 <= t", *shape) for shape in shapes}
    missing: dict[str, list[str]] = {}
    twice: dict[str, list[str]] = {}
    variants: tuple[Variant, ...] = ("printed", "corrected")
    for variant, (number, layers) in product(variants, ((37, "l = n-1"), (38, "l <= n-2"))):
        last, before = _printed_range(36, variant), _printed_range(number)
        name = f"(36) at {last} and ({number}), {layers}"
        both = {shape: (_times(last, *shape), _times(before, *shape)) for shape in shapes}
        missing[name] = list(_points({shape: every[shape] - a - b for shape, (a, b) in both.items()}, every))
        twice[name] = list(_points({shape: a & b for shape, (a, b) in both.items()}, every))
    sentences = [f"{name}: {_listed(missing[name])} ({_listed(twice[name])})" for name in missing]
    return Result(
        "incomplete" if any(missing.values()) else "holds",
        f"Times for which no gamma is given (times for which two are), from T = {shapes[0][1]} on. "
        f"As printed, {'; '.join(sentences[:2])}. As corrected, {'; '.join(sentences[2:])}.",
        {"seed": bench.seed, "T": [T for _, T in shapes], "missing": missing, "given_twice": twice},
    )


_GAMMA_CASES = r"& t = T \\ ... & l = n - 1 \\ ... & l < n - 1"


def _cases(number: int) -> list[Condition]:
    """The conditions of an equation's cases, as its LaTeX prints them."""
    latex = equation(number).printed.lines[0].latex
    return [Condition.parse(text.strip()) for text in re.findall(r"&([^&\\]+)(?=\\\\|\\end)", latex)]


def _fitting(number: int, l: int, t: int, n: int, T: int) -> list[int]:
    values = {"l": l, "t": t, "n": n, "T": T}
    return [case for case, condition in enumerate(_cases(number), start=1) if condition.holds(values)]


@_claim("gamma-of-the-output-layer", "4", _GAMMA_CASES)
def _gamma_of_the_output_layer(bench: Bench) -> Result:
    world = bench.world()
    n, T = world.network.n, world.network.T
    without = {(l, t) for l in range(1, n + 1) for t in range(1, T + 1) if not _fitting(43, l, t, n, T)}
    if any(l != n for l, _ in without):
        raise CheckError(f"(43) has no case for some hidden layers: {sorted(without)}")
    asking = {number for (name, at), numbers in asked(world).items() if name == "gamma" and at in without for number in numbers}
    as_sum = all(
        world.agree(world.truth.find("gamma", (n, t)), world.truth.find("delta", (n, t, t))) for t in range(1, T + 1)
    )
    top = compared(world, 38, where=["l = n-1", "1 <= t <= T-1"])
    third_serves = all(c.outcome == "agrees" for c in top)
    return Result(
        "holds" if not without else "undefined" if asking else "incomplete",
        f"(43) has no case for {len(without)} of the {T} gamma^(n)(t) at T = {T}; asked for by: {_numbers(asking)}. As the sum "
        f"of delta^(n)(t)(i) it {'is' if as_sum else 'is not'} delta^(n)(t)(t), with which (38), and so the third case, "
        f"{'holds' if third_serves else 'does not hold'} for l = n-1 too.",
        bench.evidence(
            [world],
            without_a_case=[list(at) for at in sorted(without)],
            asking=sorted(asking),
            third_case_serves_the_second=third_serves,
        ),
    )


@_claim("order-of-the-cases-of-gamma", "4", _GAMMA_CASES)
def _order_of_the_cases_of_gamma(bench: Bench) -> Result:
    world = bench.world()
    n, T = world.network.n, world.network.T
    fitting = {(l, t): _fitting(43, l, t, n, T) for l in range(1, n) for t in range(1, T + 1)}
    several = {at: cases for at, cases in fitting.items() if len(cases) > 1}
    times = {t for _, t in several}
    if times - {T} or any(cases[0] != 1 for cases in several.values()):
        raise CheckError(f"the cases overlap at other places than t = T: {several}")

    def at_T(q: Quantities | None) -> list[Comparison]:
        return compared(world, 43, q=q, where=["1 <= l <= n-1", "t = T"])

    def passing_over_the_first(gamma: Callable[[tuple[int, ...]], Any]) -> Quantities:
        """The quantities of a network that goes on after T, with gamma as given there."""
        q = local(world, lambda name, at: gamma(at) if name == "gamma" and at[1] > T else None)
        q.T = T + 1
        return q

    first = at_T(None)
    last = at_T(passing_over_the_first(lambda at: Undefined(notation("gamma", at))))
    last_with_zero = at_T(passing_over_the_first(lambda at: world.network.b[at[0]] * 0))
    found = {
        "first that fits": _outcomes(first),
        "last that fits": _outcomes(last),
        "last that fits, with gamma^(l)(T+1) = 0": _outcomes(last_with_zero),
    }
    needs = sorted({c.value.symbol for c in last if isinstance(c.value, Undefined)})
    if found["first that fits"] != ["agrees"]:
        verdict: Verdict = "fails"
    else:
        verdict = "incomplete" if several and found["last that fits"] != ["agrees"] else "holds"
    return Result(
        verdict,
        f"At t = T two cases of (43) fit, for {len(several)} of {n - 1} hidden layers. Compared with autodiff by the "
        + "; by the ".join(f"{reading}: {_listed(outcomes)}" for reading, outcomes in found.items())
        + f". At T = {T} the last that fits asks for {_listed(needs)}.",
        bench.evidence(
            [world],
            overlaps=[{"l": l, "t": t, "cases": cases} for (l, t), cases in sorted(several.items())],
            outcomes=found,
        ),
    )


def _outcomes(comparisons: Iterable[Comparison]) -> list[str]:
    return sorted({c.outcome for c in comparisons})
