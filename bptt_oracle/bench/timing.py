"""Contenders timed in turn, and what is said of the times."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, log
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any, TypeVar

Clock = Callable[[], float]
Work = Callable[[], Any]
Name = TypeVar("Name", bound=Hashable)

DIGITS = 4
"""How many digits of a measured number are kept."""

LEAST = 1e-6
"""Seconds below which nothing is timed: the clock's own."""


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    seconds : for all rounds of a cell, about
    least, most : rounds
    sample : seconds that one sample is to last; quicker work is repeated within it
    """

    seconds: float
    least: int = 3
    most: int = 15
    sample: float = 0.02


def in_turn(names: Sequence[Name], rounds: int) -> Iterable[Sequence[Name]]:
    """The contenders in the order of every round: each begins in turn, and every other round runs backwards."""
    for number in range(rounds):
        start = (number // 2) % len(names)
        order = [*names[start:], *names[:start]]
        yield order if number % 2 == 0 else order[::-1]


def alternate(
    contenders: Mapping[Name, Work],
    effort: Effort,
    clock: Clock = perf_counter,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[Name, list[float]]:
    """Seconds of one call of each contender, a sample for each round; in every round each has its turn.

    Each has been called before, so that nothing is done for the first time. Work that is quick is repeated within a
    sample, after one call that does not count: caches hold what the contender before has left there.
    """
    calls = dict.fromkeys(contenders, 1)
    samples: dict[Name, list[float]] = {name: [] for name in contenders}
    for name, work in contenders.items():
        one = _timed(work, 1, clock)
        if one < effort.sample:
            calls[name] = ceil(effort.sample / max(_timed(work, 1, clock), LEAST))
            one = _sample(work, calls[name], clock)
        samples[name].append(one)
    round_seconds = sum(samples[name][0] * calls[name] for name in contenders)
    rounds = min(effort.most, max(effort.least, int(effort.seconds / max(round_seconds, LEAST))))
    for number, order in enumerate(in_turn(list(contenders), rounds)):
        if number > 0:  # the first round is done
            for name in order:
                samples[name].append(_sample(contenders[name], calls[name], clock))
        progress(number + 1, rounds)
    return samples


def busy(work: Work) -> tuple[Any, float]:
    """What some work gives, and how many processors it keeps busy meanwhile: its processor time over its time."""
    start, started = process_time(), perf_counter()
    found = work()
    used = process_time() - start
    return found, used / max(perf_counter() - started, LEAST)


def _sample(work: Work, calls: int, clock: Clock) -> float:
    if calls > 1:
        work()
    return _timed(work, calls, clock) / calls


def _timed(work: Work, calls: int, clock: Clock) -> float:
    start = clock()
    for _ in range(calls):
        work()
    return clock() - start


def digits(value: float) -> float:
    """A measured number with the digits that are kept."""
    return float(f"{value:.{DIGITS}g}")


def spread(values: Sequence[float]) -> dict[str, Any]:
    """How many, the median, the quartiles, the least and the largest."""
    lower, _, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    found = {"median": median(values), "lower": lower, "upper": upper, "least": min(values), "largest": max(values)}
    return {"count": len(values)} | {name: digits(value) for name, value in found.items()}


def ratios(over: Sequence[float], under: Sequence[float]) -> dict[str, Any]:
    """The spread of one contender's time over another's, round by round."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


@dataclass(frozen=True)
class Power:
    """The c x^p that is nearest to points (x, value) in logarithms, by least squares."""

    factor: float
    exponent: float

    def __call__(self, x: float) -> float:
        """Its value."""
        return float(self.factor * x**self.exponent)


def fitted(points: Iterable[tuple[float, float]]) -> Power:
    """The power that fits.

    Raises
    ------
    ValueError
        If there are fewer than two different x.
    """
    logs = [(log(x), log(value)) for x, value in points]
    count = len(logs)
    if len({x for x, _ in logs}) < 2:
        raise ValueError(f"a power: expected points at two different x or more, but got {count} points")
    middle_x, middle = (sum(column) / count for column in zip(*logs, strict=True))
    slope = sum((x - middle_x) * (value - middle) for x, value in logs) / sum((x - middle_x) ** 2 for x, _ in logs)
    return Power(exp(middle - slope * middle_x), slope)


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of numbers above 0."""
    return exp(sum(map(log, values)) / len(values))
