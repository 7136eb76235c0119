"""A block of a campaign, done in whatever process: a pure function of the plan and the block's number."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from ..environment import environment
from ..instances import Description
from ..stopwatch import Stopwatch
from .found import Done, Failure, Found
from .plan import Plan

if TYPE_CHECKING:
    from .judging import Gradient

SHRUNK = 3
"""How many failures of a block are shrunk."""

_MET: set[str] = set()  # arithmetics of the blocks that this process has done: the first of each compiles and imports

_ONE_AT_A_TIME = Lock()  # the working precision of balls belongs to the process, and workers may have threads


def do(plan: Plan, number: int) -> Done:
    """Verify the instances of a block."""
    from .judging import gradient_named  # here, so that JAX and python-flint load in workers alone

    with _ONE_AT_A_TIME:
        start, clock = time.process_time(), Stopwatch()
        block = plan.block(number)
        gradient = gradient_named(plan.gradient)
        numbers = range(block.first, block.first + block.count)
        with clock("manual"):
            descriptions = [plan.description(block.arithmetic, i) for i in numbers]
        found = _judged(block.arithmetic, numbers, descriptions, gradient, clock)
        done = Done(number, block.arithmetic, found, environment())
        if block.arithmetic in _MET:
            done = replace(done, seconds=time.process_time() - start, alone=clock.seconds["manual"])
        _MET.add(block.arithmetic)
        return done


def _judged(
    arithmetic: str, numbers: range, descriptions: Sequence[Description], gradient: Gradient, clock: Stopwatch
) -> Found:
    from .judging import certificate, judge_all
    from .shrinking import shrink

    found = Found()
    for i, description, judgement in zip(
        numbers, descriptions, judge_all(arithmetic, descriptions, gradient, clock), strict=True
    ):
        found.count(description, judgement)
        if judgement.outcome == "failed":
            failure = Failure(i, certificate(arithmetic, description), judgement.why)
            if len(found.failures) < SHRUNK:
                smallest = shrink(arithmetic, description, gradient)
                failure = replace(failure, shrunk=certificate(arithmetic, smallest))
            found.failures.append(failure)
    return found
