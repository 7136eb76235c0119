"""How many random networks of mixed shapes are verified a second, in each way, on all cores."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from ..batches import REFUSED
from . import ways
from .agreement import DisagreementError
from .machine import confine, cores
from .timing import digits, in_turn, spread

ROUNDS = {True: 1, False: 5}
"""By whether it is to be quick."""


@dataclass(frozen=True)
class Share:
    """What one process did in one round: networks by how they were verified, and processor seconds by part."""

    counts: Counter[str]
    seconds: float
    parts: dict[str, float]


@dataclass(frozen=True)
class Way:
    """One way to verify networks.

    Attributes
    ----------
    verify : some networks, by a seed: how many were verified in which manner
    times : how often a process does that in one round
    rest : what the time is for that is counted under no other name
    title : what it is
    """

    verify: Callable[[int], Counter[str]]
    times: int
    rest: str
    title: str


WAYS = {
    "padded": Way(ways.verify_padded, 4, "other", "one program for all shapes, a padded box"),
    "jit": Way(ways.verify_jit, 1, "all", "a program for each shape"),
    "vmap": Way(ways.verify_vmap, 1, "all", f"a program for each shape, mapped over {ways.MAPPED} networks"),
    "field": Way(ways.verify_field, 1, "compare", "exact evidence of every line, over the finite field"),
    "balls": Way(ways.verify_balls, 1, "compare", "the same, enclosed, over balls"),
}


def work(way: str, seed: int) -> Share:
    """One process's share of a round."""
    ways.Clock.running = ways.Clock()
    chosen = WAYS[way]
    start = time.process_time()
    counts: Counter[str] = Counter()
    for number in range(chosen.times):
        counts += chosen.verify(100 * seed + number)
    seconds, parts = time.process_time() - start, ways.Clock.running.seconds
    return Share(counts, seconds, {**parts, chosen.rest: seconds - sum(parts.values())})


Everywhere = Callable[..., list[Any]]


@contextmanager
def processes(count: int) -> Iterator[Everywhere]:
    """Has a function done in as many processes, each with a core and a seed of its own."""
    spawn = get_context("spawn")
    executors = [ProcessPoolExecutor(1, spawn, initializer=confine, initargs=(i,)) for i in range(count)]

    def everywhere(function: Callable[..., Any], *given: Any, seed: int) -> list[Any]:
        jobs = [each.submit(function, *given, count * seed + i) for i, each in enumerate(executors)]
        return [job.result() for job in jobs]

    try:
        yield everywhere
    finally:
        for each in executors:
            each.shutdown(cancel_futures=True)


def measure(threads: str, *, quick: bool, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """By way, networks a second, by the clock on the wall and by that of the processor, and what the time is for.

    Raises
    ------
    DisagreementError
        If a difference lies outside its bounds, limits above the full bounds, or a planted error is not found.
    """
    rounds = ROUNDS[quick]
    total = rounds * len(WAYS) + 1
    wall: dict[str, list[float]] = {way: [] for way in WAYS}
    shares: dict[str, list[Share]] = {way: [] for way in WAYS}
    with processes(cores()) as everywhere:
        compiling = max(everywhere(ways.set_up, seed=10**5))
        checked = sum(everywhere(ways.self_check, seed=0), Counter[str]())
        _all_found(checked)
        progress(1, total)
        for number, order in enumerate(in_turn(list(WAYS), rounds)):
            for way in order:
                start = time.perf_counter()
                done = everywhere(work, way, seed=number)
                wall[way].append(time.perf_counter() - start)
                shares[way].append(_together(done))
                progress(1 + sum(map(len, wall.values())), total)
    return {
        "processes": cores(),
        "rounds": rounds,
        "seconds_to_compile_the_box": digits(compiling),
        "limits_below_full_bounds": [checked["below"], checked["networks"]],
        "planted_errors_found": [checked["spoilt"], checked["networks"]],
        "ways": {way: {"title": WAYS[way].title} | _way(wall[way], shares[way]) for way in WAYS},
    }


def _all_found(checked: Mapping[str, int]) -> None:
    for what, words in (("below", "limits below the full bounds"), ("spoilt", "planted errors found")):
        if checked[what] != checked["networks"]:
            raise DisagreementError(f"{words}: expected {checked['networks']} of them, but got {checked[what]}")


def _together(shares: Sequence[Share]) -> Share:
    """What the processes did in one round; the processor time is that of the slowest."""
    parts: dict[str, float] = defaultdict(float)
    for share in shares:
        for part, seconds in share.parts.items():
            parts[part] += seconds
    return Share(sum((share.counts for share in shares), Counter[str]()), max(s.seconds for s in shares), dict(parts))


def _way(wall: Sequence[float], shares: Sequence[Share]) -> dict[str, Any]:
    counts = sum((share.counts for share in shares), Counter[str]())
    if counts["outside"]:
        raise DisagreementError(f"expected every difference within its bounds, but {counts['outside']} are outside")
    done = [sum(n for how, n in share.counts.items() if how not in REFUSED) for share in shares]
    parts: dict[str, float] = defaultdict(float)
    for share in shares:
        for part, seconds in share.parts.items():
            parts[part] += seconds
    return {
        "instances_per_second": spread([n / seconds for n, seconds in zip(done, wall, strict=True)]),
        "instances_per_second_of_processor_time": spread(
            [n / share.seconds for n, share in zip(done, shares, strict=True)]
        ),
        "instances": counts.total(),
        "verified_by": dict(sorted(counts.items())),
        "milliseconds_each": {part: digits(1000 * seconds / counts.total()) for part, seconds in parts.items()},
    }
