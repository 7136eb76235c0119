"""One check of a gradient, by `bptt_oracle.check` and by others: how long it takes, in seconds and in gradients.

Checked is the plain loop, which is right, so that nothing ends early, on one network; as many sequences and steps as
the oracle takes by itself where it is told the widths. What each check lets through that is wrong is
counted by the oracle's own score, in `oracle.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from time import perf_counter
from typing import Any

from ..oracle.probes import Plan, draw
from ..oracle.verdict import check
from .agreement import DisagreementError
from .differences import SLOW, Point, libraries, numeric_gradients
from .machine import NOT_INSTALLED
from .plain import CONVENTIONS, plain
from .timing import Effort, alternate, digits, fitted, spread

SEED = 2016
PARAMETERS = (100, 1_000, 10_000, 100_000)
T, B = 20, 8
STEP = 1e-5

ONE, ORACLE, CENTRAL = "one gradient", "bptt_oracle.check", "central differences"
FOR_EACH_PARAMETER = (SLOW, CENTRAL)
"""The checks that ask f for every parameter: these alone can take too long."""

BUDGET = {True: 2.5, False: 20.0}
"""Seconds that one check may be expected to take, by whether it is to be quick: else it is extrapolated."""

ONCE = {True: 1.0, False: 5.0}
"""Seconds above which one check is expected to take too long for more than one round."""


@dataclass(frozen=True)
class Asked:
    """f with its calls counted and timed.

    Attributes
    ----------
    f : as it is
    """

    f: Callable[..., Any]

    def count(self, work: Callable[[Callable[..., Any]], Any]) -> tuple[int, float, float]:
        """Of some work with f: the calls of f, the seconds in them, and all seconds."""
        calls, inside = 0, 0.0

        def counting(params: Any, x: Any, y: Any, h0: Any) -> Any:
            nonlocal calls, inside
            start = perf_counter()
            try:
                return self.f(params, x, y, h0)
            finally:
                calls += 1
                inside += perf_counter() - start

        start = perf_counter()
        work(counting)
        return calls, inside, perf_counter() - start


def plan(parameters: int) -> Plan:
    """A network with one hidden layer, all widths different, and about so many parameters."""
    width = max(3, round((sqrt(1 + 3 * parameters) - 1) / 3))  # of d^2 + d (d - 1) + d (d + 1) weights
    return Plan(f"{parameters} parameters", (width - 1, width, width + 1), T=T, B=B)


def measure(threads: str, *, quick: bool, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """By number of parameters, every check: seconds, and times one gradient.

    A check that would take longer than its budget is not run: how many gradients it takes as long as is extrapolated,
    as the power of the number of parameters that fits those that were run, and said to be.

    Raises
    ------
    DisagreementError
        If a check rejects the plain loop, which is right.
    """
    sizes = []
    measured: dict[str, list[tuple[float, float]]] = {}
    for number, wanted in enumerate(PARAMETERS):
        sizes.append(_size(plan(wanted), measured, BUDGET[quick], ONCE[quick]))
        progress(number + 1, len(PARAMETERS))
    return {"T": T, "B": B, "step": STEP, "budget": BUDGET[quick], "sizes": sizes}


def _size(shape: Plan, measured: dict[str, list[tuple[float, float]]], budget: float, most: float) -> dict[str, Any]:
    point = Point.at(draw(shape, SEED), CONVENTIONS)
    leaves, at = point.leaves, point.of(plain)
    parameters = sum(leaf.size for leaf in leaves)

    def gradient() -> Any:
        return at(leaves)

    works: dict[str, Callable[[], Any] | None] = {ONE: gradient, ORACLE: lambda: _oracle(shape)}
    works |= {name: _passing(name, test, at, leaves) if test else None for name, test in libraries().items()}
    works[CENTRAL] = lambda: numeric_gradients(at, leaves, STEP)
    gradient()
    one = spread(alternate({ONE: gradient}, Effort(seconds=0.2))[ONE])["median"]
    found: dict[str, Any] = {}
    inside, once = {}, {}
    for name, work in works.items():
        if work is None:
            found[name] = NOT_INSTALLED
            continue
        expected = _expected(measured.get(name, []), parameters) * one if name in FOR_EACH_PARAMETER else 0.0
        if expected > budget and len(measured[name]) > 1:
            power = fitted(measured[name])
            found[name] = {
                "extrapolated": True,
                "times_one_gradient": digits(power(parameters)),
                "fit": {"factor": digits(power.factor), "exponent": digits(power.exponent)},
                "fitted_to": [[int(x), digits(times)] for x, times in measured[name]],
            }
        elif expected > most:
            once[name] = work
        else:
            work()
            inside[name] = work
    samples = alternate(inside, Effort(seconds=1.0, most=9))
    for name, work in once.items():
        start = perf_counter()
        work()
        samples[name] = [perf_counter() - start]
    one = spread(samples[ONE])["median"]
    for name, seconds in samples.items():
        found[name] = {"extrapolated": False, "seconds": spread(seconds)}
        found[name]["times_one_gradient"] = digits(found[name]["seconds"]["median"] / one)
        measured.setdefault(name, []).append((parameters, found[name]["times_one_gradient"]))
    calls, within, total = Asked(plain).count(lambda f: _oracle(shape, f))
    found[ORACLE] |= {"calls": calls, "times_its_gradients": digits(total / within)}
    return {"parameters": parameters, "widths": list(shape.d), "checks": {name: found[name] for name in works}}


def _expected(points: list[tuple[float, float]], parameters: int) -> float:
    """The gradients that a check is expected to take as long as: after one size, in proportion to the parameters."""
    if len(points) > 1:
        return fitted(points)(parameters)
    return sum(times * parameters / x for x, times in points)


def _oracle(shape: Plan, f: Callable[..., Any] = plain) -> None:
    result = check(f, widths=shape.d, T=shape.T, B=shape.B)
    if not result.ok:
        raise DisagreementError(f"{ORACLE}: expected the plain loop to be right, but got {result}")


def _passing(name: str, test: Callable[..., bool], at: Any, leaves: Any) -> Callable[[], None]:
    def work() -> None:
        if not test(at, leaves):
            raise DisagreementError(f"{name}: expected the plain loop to be let through, but it was rejected")

    return work
