"""Section 3: what survives another g than softmax, and where the c of the recursion starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ..arithmetic import balls, field
from ..catalogue import equation, equations
from ..checking import Comparison, Function, Outcome
from ..manual import indices
from ..reference import output
from ..worlds import World
from .bench import BITS, Bench
from .comparisons import Lines, compared, failing, right, where_all_lines_hold
from .registry import CheckError, Checks, Found
from .substitutes import GENERAL, substitutes
from .wording import EVERY_TIME, Shape, fitted, keyed, listed, listed_equations, listed_lines, mentions, what_fails

CHECKS = Checks()


_ANY_G = (
    "we will presume that $g(x)$ here is the softmax function, which can be easily substituted with any other "
    "functions as needed"
)
_OUTPUT_ERRORS = {6: 3, 7: 2, 26: 1, 42: 1}  # the lines that say y^ - y
_TARGETS = ("one-hot", "soft")


def _failing_by_g(bench: Bench, functions: Mapping[int, Function] | None = None) -> dict[str, Lines]:
    """The lines that fail for each g in softmax's place, for one-hot or for soft targets.

    CheckError if the two sides' g are not the same, a line fails with softmax itself, or balls say otherwise.
    """
    if alone := set(substitutes()) ^ set(output.SUBSTITUTES):
        raise CheckError(f"one side alone knows {listed(sorted(alone))}")

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
        with balls.precision(BITS):
            over_balls = wrong(lambda y, g=g: bench.ball_world(y, g), GENERAL)  # type: ignore[misc]
        if over_balls != {number: lines for number, lines in found[g].items() if number in GENERAL}:
            raise CheckError(f"with {g} the field and the balls do not agree on what fails")
    if with_softmax := found.pop("softmax"):
        raise CheckError(f"with softmax itself there fail {listed_lines(with_softmax)}")
    return found


def _usually_failing_by_g(bench: Bench) -> dict[str, Lines]:
    return bench.once("failing by g", lambda: _failing_by_g(bench))


def _evidence_of_g(bench: Bench, **found: Any) -> dict[str, Any]:
    over_balls = [str(bench.description(1, 2, y)) for y in _TARGETS]
    return bench.evidence((bench.world(y=y) for y in _TARGETS), instances_over_balls=over_balls, **found)


@CHECKS.add("any-g-equations", "3", _ANY_G)
def _any_g_equations(bench: Bench) -> Found:
    found = _usually_failing_by_g(bench)
    groups: dict[str, list[str]] = {}
    for g, wrong in found.items():
        groups.setdefault(what_fails(wrong, "nothing fails"), []).append(g)
    holding = sorted(set(equations()) - set().union(*found.values()))
    return (
        "holds" if len(holding) == len(equations()) else "holds in part" if holding else "fails",
        f"{len(found)} other functions were put in softmax's place. With autodiff's values for all that stands on "
        f"their right-hand sides, {len(holding)} of the {len(equations())} equations hold for each of them. The "
        "others do not: for " + "; for ".join(f"{listed(names)}, {lines}" for lines, names in groups.items()) + ".",
        _evidence_of_g(bench, holding=holding, failing={g: keyed(wrong) for g, wrong in found.items()}),
    )


@CHECKS.add("any-g-delta", "3", _ANY_G)
def _any_g_delta(bench: Bench) -> Found:
    factors: dict[str, Fraction | None] = {}
    for g, wrong in _usually_failing_by_g(bench).items():
        factors[g] = _factor(bench, g)
        hold = {line not in wrong.get(number, []) for number, line in _OUTPUT_ERRORS.items()}
        if hold != {factors[g] == 1}:
            raise CheckError(f"with {g}, {listed_equations(_OUTPUT_ERRORS)} are not all right where delta = y^ - y is")
    keep = [g for g, factor in factors.items() if factor == 1]
    scaled = [f"{g} (times ${factor}$)" for g, factor in factors.items() if factor not in (1, None)]
    none = [g for g, factor in factors.items() if factor is None]
    return (
        "holds" if len(keep) == len(factors) else "holds in part" if keep else "fails",
        rf"{listed_equations(_OUTPUT_ERRORS)} say that $\delta^{{(n)(t)}} = \hat{{y}}^{{(t)}} - y^{{(t)}}$. With "
        f"another function in softmax's place this stays true for {len(keep)} of {len(factors)}: {listed(keep)}. A "
        f"multiple of it is right for {listed(scaled)}. For {listed(none)} no multiple is right: the Jacobian of g "
        "itself is needed.",
        _evidence_of_g(bench, factors={g: None if factor is None else str(factor) for g, factor in factors.items()}),
    )


def _factor(bench: Bench, g: str) -> Fraction | None:
    """The c with delta^(n)(t) = c (y^ - y), None if there is none: the same in the field and over balls."""
    small = [Fraction(p, q) for q in range(1, 9) for p in range(-8, 9)]
    in_field = {_ratio(bench.world(y=y, g=g)) for y in _TARGETS}
    factor = next((c for c in small if in_field == {field.element(c)}), None)
    if factor is None and in_field != {None}:
        raise CheckError(f"with {g}, delta / (y^ - y) is constant, but no fraction of small integers")
    with balls.precision(BITS):
        over_balls = [_ratio(bench.ball_world(y, g)) for y in _TARGETS]
        if not all(r is None if factor is None else r.contains(balls.ball(factor)) for r in over_balls):
            raise CheckError(f"with {g} the field and the balls do not agree on delta / (y^ - y)")
    return factor


def _ratio(world: World) -> Any:
    """The common value of all entries of delta^(n)(t) / (y^ - y), None if two of them differ."""
    q = world.local()
    ratios = np.concatenate([q.delta[q.n, t, t] / (q.y_hat[t] - q.y[t]) for t in range(1, q.T + 1)])
    return ratios[0, 0] if world.agree(ratios, np.full_like(ratios, ratios[0, 0])) else None


@CHECKS.add("any-g-jacobian", "3", _ANY_G)
def _any_g_jacobian(bench: Bench) -> Found:
    found = _failing_by_g(bench, GENERAL)
    wrong = set().union(*found.values())
    return (
        "fails" if set(GENERAL) <= wrong else "holds in part" if wrong else "holds",
        rf"Let {listed_equations(GENERAL)} say $(\partial g / \partial z)^T (-y / \hat{{y}})$, the division entry by "
        r"entry, where they say $\hat{y} - y$, and let line 2 of (6) say $-y^T \log g(z)$. Then "
        f"{len(equations()) - len(wrong)} of the {len(equations())} equations hold, for softmax and for each of "
        f"{len(found)} other functions in its place.",
        _evidence_of_g(bench, failing={g: keyed(lines) for g, lines in found.items()}),
    )


@CHECKS.add("c-at-least-1", "3.1.2", r"$\delta^{(n-1)(t-c)} = \nabla_{z^{(n-1)(t-c)}} J^{(t)}$")
def _c_at_least_1(bench: Bench) -> Found:
    worlds = [bench.world(3, T) for T in (3, 4)]
    numbers = [number for number in equations() if "c" in indices(right(number)[2])]
    times_exist = (EVERY_TIME, "0 <= c < t", "t-c+1 <= T")
    holding: dict[Shape, set[tuple[int, ...]]] = {}
    at_0: dict[int, list[Comparison]] = {number: [] for number in numbers}
    for world in worlds:
        holds = []
        for number in numbers:
            layers = [c.text for c in right(number)[1].where if not mentions(c, "t") and not mentions(c, "c")]
            comparisons = compared(world, number, where=[*layers, *times_exist])
            holds.append(where_all_lines_hold(comparisons, "t", "c"))
            at_0[number] += [c for c in comparisons if c.at["c"] == 0]
        holding[world.network.n, world.network.T] = set.intersection(*holds)
    range_of_c = fitted(("t", "c"), [f"{low} <= c < t" for low in (0, 1, 2)], holding, *times_exist)
    wrong = [number for number in numbers if any(c.outcome != "agrees" for c in at_0[number])]
    last = [c.value for number in wrong for c in at_0[number] if c.key.line == len(equation(number).printed.lines)]
    value = "zero, which is wrong" if all((array == 0).all() for array in last) else "a wrong value"
    return (
        "incomplete" if wrong else "holds",
        "The document does not say from where c runs. Where the times t-c and t-c+1 exist, "
        f"{listed_equations(numbers)} all hold for {range_of_c}. At c = 0 {listed_equations(wrong)} give {value}, "
        f"while {listed_equations(set(numbers) - set(wrong))} hold there too, if delta^(l)(t+1)(t) is taken to be "
        "zero.",
        bench.evidence(worlds, equations=numbers, hold_on=range_of_c, failing_at_0=wrong),
    )
