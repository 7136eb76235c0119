"""How long the oracle takes, in seconds of a processor: facts of a machine, in a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from time import process_time
from typing import Any

from bptt_oracle.bench.machine import confine
from bptt_oracle.oracle.inquiry import forget
from bptt_oracle.oracle.verdict import check

from .alarms import Chunk
from .mutation import Judged
from .programs import PROGRAMS, load

ROUNDS = 25


def verdicts() -> dict[str, Any]:
    """For every program, the seconds of a verdict at the default settings, and how many of them are its own.

    Of a first check, which has to work out what is right, and of later ones, which have the networks and truths of the
    first; in a process of its own, kept to one core: what it costs to wake a thread on another core is the machine's.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=confine) as alone:
        return dict(zip(PROGRAMS, alone.map(_verdict, PROGRAMS), strict=True))


def _verdict(name: str) -> dict[str, float]:
    program = PROGRAMS[name]
    f, inside = load(program.source, program.name), [0.0]

    def timed(params: Any, x: Any, y: Any, **keywords: Any) -> Any:
        start = process_time()
        try:
            return f(params, x, y, **keywords)
        finally:
            inside[0] += process_time() - start

    def without_h0(params: Any, x: Any, y: Any) -> Any:
        return timed(params, x, y)

    def with_h0(params: Any, x: Any, y: Any, h0: Any) -> Any:
        return timed(params, x, y, h0=h0)

    asked = with_h0 if program.conventions.h0 else without_h0
    first, later = [], []
    for rounds in [first, later] * ROUNDS:
        if rounds is first:
            forget()
        inside[0] = 0.0
        start = process_time()
        check(asked, layers=program.hidden)
        rounds.append((process_time() - start, inside[0]))
    return _told(later) | {f"first check, {name}": value for name, value in _told(first).items()}


def _told(rounds: Sequence[tuple[float, float]]) -> dict[str, float]:
    """The medians of all seconds and of those in f."""
    total, own = median(total for total, _ in rounds), median(own for _, own in rounds)
    return {"seconds": round(total, 4), "seconds in f": round(own, 4), "times the cost of f": round(total / own, 2)}


def diagnoses(found: Sequence[Judged]) -> dict[str, float]:
    """Of checks of wrong mutants, by the seconds they took."""
    return spread([each.seconds for each in found if each.population == "wrong"])


def trials(chunks: Sequence[Chunk]) -> dict[str, float]:
    """Of checks of right backprops without diagnosis."""
    return spread([seconds for chunk in chunks for seconds in chunk.seconds])


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """How many, the median, the longest but for 1 in 20, the longest."""
    ordered = sorted(seconds)
    return {
        "checks": len(ordered),
        "median": round(median(ordered), 4),
        "95 of 100 below": round(ordered[int(0.95 * (len(ordered) - 1))], 4),
        "longest": round(ordered[-1], 4),
    }
