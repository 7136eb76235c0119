"""Section 4: the deltas that gamma sums, the ranges of its recursion and the cases of its conclusion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..arithmetic import field
from ..catalogue import Variant, equation
from ..conditions import Condition
from ..manual import Network, Quantities, Undefined, notation
from ..manual.calculus import Array
from ..worlds import World
from .bench import Bench
from .comparisons import as_delta, asked, compared, failing, left_open, local, where_all_lines_hold
from .registry import CheckError, Checks, Found
from .wording import (
    EVERY_TIME,
    fitted,
    keyed,
    listed,
    listed_equations,
    mentions,
    points,
    times_where,
    what_fails,
)

CHECKS = Checks()


@CHECKS.add("delta-before-t", "4", r"now $\delta^{(l)(t)(i)} = \nabla_{z^{(l)(t)}} J^{(i)}$")
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
        f"delta^(l)(t)(i) with i < t is asked for by {listed_equations(asking)}, and no equation gives it. By the "
        f"footnote it is a gradient, that of an earlier loss in a later z, and so zero: {len(zero)} of the "
        f"{len(before)} that were asked for are. With zero for it, {what_fails(with_zero, 'every equation holds')}; "
        f"with random values, {what_fails(with_random, 'every equation holds as well')}.",
        bench.evidence(
            [world],
            asking=sorted(asking),
            open=[list(at) for at in truth],
            zero=len(zero),
            failing_with_zero=keyed(with_zero),
            failing_with_random_values=keyed(with_random),
        ),
    )


def _with_deltas(world: World, deltas: Mapping[tuple[int, ...], Array]) -> Quantities:
    """The reference's values with some deltas, and the rows dJ/dz that they are, replaced."""

    def patch(name: str, at: tuple[int, ...]) -> Any:
        if as_delta(name) != "delta" or at not in deltas:
            return None
        return deltas[at] if name == "delta" else deltas[at].T

    return local(world, patch)


_RANGES = ["t = 1", "t = T-1", "t = T"] + [
    f"{low} t {high}" for low in ("1 <=", "1 <") for high in ("<= T", "<= T-1", "< T-1")
]


def _stated_range(number: int, variant: Variant = "printed") -> str:
    """What is said of t: the last condition in which it occurs."""
    return [c.text for c in equation(number).reading(variant).where if mentions(c, "t")][-1]


def _range(number: int, bench: Bench) -> Found:
    worlds = [bench.world(3, T) for T in range(1, 6)] + [bench.world(4)]
    layers = [c.text for c in equation(number).printed.where if not mentions(c, "t")]
    printed = _stated_range(number)
    holds = {}
    for world in worlds:
        comparisons = compared(world, number, where=[*layers, EVERY_TIME])
        holds[world.network.n, world.network.T] = where_all_lines_hold(comparisons, "t")
    stated = {shape: times_where(printed, shape) for shape in holds}
    wrong = points({shape: stated[shape] - holds[shape] for shape in holds}, stated)
    left_out = points({shape: holds[shape] - stated[shape] for shape in holds}, holds)
    holds_on = fitted(("t",), _RANGES, holds, EVERY_TIME)
    return (
        "fails" if wrong else "incomplete" if left_out else "holds",
        _about_range(number, printed, holds_on, wrong, left_out),
        bench.evidence(
            worlds,
            equation=number,
            printed=printed,
            holds_on=holds_on,
            wrong_at=wrong,
            left_out=left_out,
            holds_at={f"n={n},T={T}": sorted(t for (t,) in at) for (n, T), at in sorted(holds.items())},
        ),
    )


def _about_range(number: int, printed: str, holds_on: str, wrong: list[str], left_out: list[str]) -> str:
    """In words: where it is printed for, and how that compares with where it holds."""
    if wrong:
        missed = f", and it leaves out {listed(left_out)}, where it holds" if left_out else ""
        return f"({number}) is printed for {printed}, but holds for {holds_on}: at {listed(wrong)} it is wrong{missed}."
    if left_out:
        return (
            f"({number}) is printed for {printed}, and holds there. But it holds for {holds_on}: the printed range "
            f"leaves out {listed(left_out)}, where the gammas are needed as well."
        )
    return f"({number}) is printed for {printed}, and that is where it holds: no time is wrong, and none is left out."


CHECKS.add("range-36", "4", "It is easy to find that, when $t = T - 1$:")(partial(_range, 36))
CHECKS.add("range-37", "4", "when $1 < t < T - 1$:")(partial(_range, 37))
CHECKS.add("range-38", "4", r"when $1 \le t \le T-1$ and $1 \le l \le n-2$:")(partial(_range, 38))


@CHECKS.add("ranges-together", "4", r"when $t = T - 1$: ... when $1 < t < T - 1$: ... when $1 \le t \le T-1$")
def _ranges_together(bench: Bench) -> Found:
    shapes = [(3, T) for T in range(3, 8)]
    every = {shape: times_where(EVERY_TIME, shape) for shape in shapes}

    def left(variant: Variant, number: int) -> list[str]:
        last, before = _stated_range(36, variant), _stated_range(number)
        return points({s: every[s] - times_where(last, s) - times_where(before, s) for s in shapes}, every)

    printed, corrected = ({37: left(v, 37), 38: left(v, 38)} for v in ("printed", "corrected"))
    return (
        "incomplete" if any(printed.values()) else "holds",
        f"As printed, the ranges leave times of which nothing is said: (36) and (37) leave out {listed(printed[37])} "
        f"for l = n-1, (36) and (38) leave out {listed(printed[38])} for l <= n-2. With (36) read at "
        f"{_stated_range(36, 'corrected')}, as corrected, there remain {listed(corrected[37])} for l = n-1, and "
        f"{listed(corrected[38])} for l <= n-2.",
        bench.evidence((), T=[T for _, T in shapes], printed=keyed(printed), corrected=keyed(corrected)),
    )


_READS = {
    "undefined": "is undefined",
    "shape": "does not fit together",
    "differs": "gives another value",
    "agrees": "gives the right value",
}
"""What a case of (43) does, by its outcome: the worst first, which stands for all layers."""

_GAMMA_CASES = "$t = T$ ... $l = n - 1$ ... $l < n - 1$"


def _fitting_cases(number: int, l: int, t: int, network: Network) -> list[int]:
    """Which cases of an equation fit at l and t, by the conditions in its LaTeX."""
    texts = re.findall(r"&([^&\\]+)(?=\\\\|\\end)", equation(number).printed.lines[0].latex)
    values = {"l": l, "t": t, "n": network.n, "T": network.T}
    return [case for case, text in enumerate(texts, 1) if Condition.parse(text.strip()).holds(values)]


@CHECKS.add("gamma-of-the-output-layer", "4", _GAMMA_CASES)
def _gamma_of_the_output_layer(bench: Bench) -> Found:
    world = bench.world()
    n, T = world.network.n, world.network.T
    cases = {(l, t): _fitting_cases(43, l, t, world.network) for l in range(1, n + 1) for t in range(1, T + 1)}
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
        f"At T = {T}, (43) has no case for {len(without)} of the {T} gamma^(n)(t) of the output layer. "
        f"{f'{listed_equations(asking)} ask' if asking else 'No equation asks'} for them. As the sum of the deltas, "
        f"gamma^(n)(t) {'is' if is_delta else 'is not'} delta^(n)(t)(t); with it (38), and so the third case of (43), "
        f"{'holds' if serves else 'does not hold'} at l = n-1 too.",
        bench.evidence(
            [world],
            without_a_case=[list(at) for at in without],
            asking=sorted(asking),
            gamma_is_delta=is_delta,
            third_case_serves_the_second=serves,
        ),
    )


@CHECKS.add("order-of-the-cases-of-gamma", "4", _GAMMA_CASES)
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
        outcomes = {c.outcome for c in compared(world, 43, q, ["1 <= l <= n-1", "t = T"])}
        return next((outcome for outcome in _READS if outcome in outcomes), "agrees")

    first = last_step(None)
    last = last_step(lambda at: Undefined(notation("gamma", at)))
    with_zero = last_step(lambda at: world.network.b[at[0]] * 0)
    return (
        "fails" if first != "agrees" else "incomplete" if several and last != "agrees" else "holds",
        f"At t = T two cases of (43) apply, in {len(several)} of {n - 1} hidden layers, and the document does not say "
        f"which one to take. The first {_READS[first]}; the last, which asks for gamma^(l)(T+1), {_READS[last]}; with "
        f"zero for gamma^(l)(T+1) the last {_READS[with_zero]}.",
        bench.evidence(
            [world],
            overlaps=[{"l": l, "t": t, "cases": cases[l, t]} for l, t in several],
            first_that_fits=first,
            last_that_fits=last,
            last_that_fits_with_zero=with_zero,
        ),
    )
