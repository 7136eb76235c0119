"""One pass against torch, JAX, the plain loop and the matrix products alone, size by size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from time import perf_counter
from typing import Any

import numpy as np

from . import contenders as by_name
from .agreement import DisagreementError, compare, strength
from .contenders import AGAIN, NAMES, ONE_PASS, Contender
from .grid import LeftOut, grid
from .machine import NOT_INSTALLED
from .networks import Data, Size, draw
from .timing import Effort, alternate, busy, digits, geometric_mean, ratios, spread

SEED = 2016
EFFORT = {True: Effort(seconds=0.6, most=7), False: Effort(seconds=1.2)}
"""By whether it is to be quick."""

_PROBE = 384

Progress = Callable[[int, int], None]


class Probe:
    """One and the same product, timed all through a run: how steady the machine is."""

    def __init__(self) -> None:
        rng = np.random.default_rng(SEED)
        self._a, self._out = rng.random((_PROBE, _PROBE)), np.empty((_PROBE, _PROBE))
        self.seconds: list[float] = []
        np.dot(self._a, self._a, out=self._out)

    def __call__(self) -> None:
        """Time it once more."""
        start = perf_counter()
        np.dot(self._a, self._a, out=self._out)
        self.seconds.append(perf_counter() - start)


def measure(threads: str, *, quick: bool, progress: Progress) -> dict[str, Any]:
    """All sizes; each with its times, what the contenders' gradients differ by, and what was left out."""
    sizes, left_out = grid(threads, quick=quick)
    probe, cells = Probe(), []
    for number, size in enumerate(sizes):
        probe()
        cells.append(cell(size, threads, EFFORT[quick]))
        probe()
        progress(number + 1, len(sizes))
    again = [each["seconds"][AGAIN]["median"] / each["seconds"][ONE_PASS]["median"] for each in cells]
    return {
        "cells": cells,
        "left_out": [_left_out(each) for each in left_out],
        "means": means(cells),
        "noise": {"product": {"size": _PROBE, "seconds": spread(probe.seconds)}, "again": spread(again)},
    }


def cell(
    size: Size,
    threads: str,
    effort: Effort,
    made: Callable[[Data, str], Mapping[str, Contender | None]] = by_name.contenders,
) -> dict[str, Any]:
    """One size: first whether all contenders compute the same, then their times, in turn.

    Raises
    ------
    DisagreementError
        If one computes something else, or the bound is too wide to tell.
    """
    data = draw(size, SEED)
    found = made(data, threads)
    there = {name: each for name, each in found.items() if each is not None}
    results, processors = {}, {}
    for name, each in there.items():
        worked, processors[name] = busy(each.work)
        results[name] = each.result(worked)
    shares, strong = compare(data, results[ONE_PASS], results), strength(data, results[ONE_PASS])
    if strong >= 1:
        raise DisagreementError(
            f"{size}: expected a bound below the size of the gradient that it is of, but got {strong:.3g} times that"
        )
    del results
    samples = alternate({name: each.work for name, each in there.items()}, effort)
    return {
        "size": asdict(size),
        "seconds": {name: spread(samples[name]) if name in samples else NOT_INSTALLED for name in NAMES},
        "times_one_pass": {
            name: ratios(samples[name], samples[ONE_PASS]) for name in NAMES if name in samples and name != ONE_PASS
        },
        "preparation": {name: digits(each.preparation) for name, each in there.items() if each.preparation is not None},
        "processors": {name: digits(share) for name, share in processors.items()},
        "share_of_bound": {name: digits(share) for name, share in shares.items()},
        "bound_over_gradient": digits(strong),
    }


def means(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Over all sizes, the geometric mean of each contender's time over that of one pass; None where it is absent."""
    found: dict[str, Any] = {}
    for name in NAMES:
        if name == ONE_PASS:
            continue
        ratio = [each["times_one_pass"][name]["median"] for each in cells if name in each["times_one_pass"]]
        found[name] = digits(geometric_mean(ratio)) if ratio else None
    return found


def _left_out(each: LeftOut) -> dict[str, Any]:
    return {"size": asdict(each.size), "why": each.why}
