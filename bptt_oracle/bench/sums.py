"""The sum over steps, "correct but inefficient", against one pass: times and visits by length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..manual import Elementwise, Gradients, Network, network, one_pass, per_step_sum
from .agreement import Found, bounds, compare, sizes
from .contenders import one_pass as batched
from .networks import Data, Size, draw
from .timing import Effort, alternate, digits, fitted, spread

SEED = 2016
WAYS: dict[str, Callable[[Network], Gradients]] = {"sum": per_step_sum, "one pass": one_pass}
FORMULAS: dict[str, Callable[[int], int]] = {"sum": lambda T: T * (T + 1) // 2, "one pass": lambda T: T}
LENGTHS = {True: (8, 16, 32, 64, 128, 256), False: (8, 16, 32, 64, 128, 256, 512, 1024)}
"""By whether it is to be quick."""

FITTED_FROM = 64
WIDTH = 32


class VisitsError(ValueError):
    """A layer that was visited more or less often than the document says."""


def measure(threads: str, *, quick: bool, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Seconds and visits by way and length, and the exponents of T that fit.

    All lengths have their turns in the same rounds: a machine that is slow for a while is so at all of them.
    """
    visits: dict[str, dict[str, int]] = {way: {} for way in WAYS}
    works: dict[tuple[str, str], Callable[[], Gradients]] = {}
    for T in LENGTHS[quick]:
        data = draw(Size(1, WIDTH, T, 1, WIDTH, "float64"), SEED)
        for way, count in counted(data).items():
            visits[way][str(T)] = count
            works[way, str(T)] = partial(WAYS[way], as_network(data))
    effort = Effort(seconds=4) if quick else Effort(seconds=60, least=5, sample=0.3)
    samples = alternate(works, effort, progress=progress)
    seconds = {way: {T: spread(samples[way, T]) for T in visits[way]} for way in WAYS}
    return {
        "network": {"layers": 1, "width": WIDTH, "B": 1, "classes": WIDTH, "dtype": "float64"},
        "seconds": seconds,
        "visits": visits,
        "fitted_from": FITTED_FROM,
        "exponents": {way: exponent(found) for way, found in seconds.items()},
    }


def exponent(seconds: dict[str, Any]) -> float:
    """The exponent of T that fits the medians from `FITTED_FROM` on."""
    points = [(int(T), found["median"]) for T, found in seconds.items() if int(T) >= FITTED_FROM]
    return digits(fitted(points).exponent)


def as_network(data: Data) -> Network:
    """The one sequence of a network of the benchmarks as the derivation has it."""
    return network(data.params, data.x[:, 0], data.y[:, 0], [state[0] for state in data.h0])


def counted(data: Data, ways: dict[str, Callable[[Network], Gradients]] = WAYS) -> dict[str, int]:
    """How often each way visits each hidden layer, counted by what evaluates f', once a visit.

    Raises
    ------
    VisitsError
        If that is not what the document says, or what the way itself says.
    DisagreementError
        If the ways compute different things.
    """
    calls = [0]

    def derivative(z: Any) -> Any:
        calls[0] += 1
        return f.derivative(z)

    net = as_network(data)
    f = net.functions.f
    counting = replace(net, functions=replace(net.functions, f=Elementwise(f.function, derivative)))
    found, results, T = {}, {}, data.size.T
    for way, run in ways.items():
        calls[0] = 0
        gradients = run(counting)
        each, rest = divmod(calls[0], data.size.layers)
        if rest or not each == gradients.visits == FORMULAS[way](T):
            raise VisitsError(
                f"{way}: T = {T}: expected {FORMULAS[way](T)} visits to each hidden layer, but f' was evaluated "
                f"{calls[0]} times in {data.size.layers} of them, and {gradients.visits} visits are reported"
            )
        found[way], results[way] = each, _found(gradients)
    right = batched(data)
    # losses are summed one by one, twice T additions, and their deltas may cancel: what they are at most counts
    allowed = bounds(data, sizes(data), additions=2 * T)
    compare(data, right.result(right.work()), results, allowed)
    return found


def _found(gradients: Gradients) -> Found:
    h0 = [gradients.h0[l].T for l in sorted(gradients.h0)]
    return Found(gradients.as_params(), h0, np.stack([gradients.x[t].T for t in sorted(gradients.x)]))
