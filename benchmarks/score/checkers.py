"""What the usual checks of a gradient, those of `bptt_oracle.bench.differences`, let through.

Central differences are judged as courses have it: h = 1e-5 or 1e-7, and a largest relative error
|a - n| / max(|a|, |n|, 1e-8) that is to stay below a threshold from 1e-7 ("you should be happy") to 1e-2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from bptt_oracle.bench.differences import At, Function, Point, libraries, numeric_gradients
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.deviations import Deviation
from bptt_oracle.oracle.probes import Array

from .catalogued import wrong_backprop
from .mutation import Question, find
from .points import NETWORKS, point
from .pool import each
from .programs import PROGRAMS, load

STEPS = (1e-5, 1e-7)
THRESHOLDS = (1e-7, 1e-5, 1e-4, 1e-2)
_FLOOR = 1e-8  # what keeps 0 / 0 away, as cs231n has it


@dataclass(frozen=True)
class Suspect:
    """A backprop to be checked: a program as it is, a mutant of one, or one with a mistake of the catalogue."""

    program: str = ""
    mutant: Question | None = None
    deviation: str = ""

    def function(self) -> tuple[Function, Conventions, int]:
        """It, its conventions, and the largest number of hidden layers that it takes."""
        if self.deviation:
            is_last = self.deviation == "error-at-every-step"
            conventions = Conventions(batch="time-first", h0=True, over_time="last" if is_last else "mean")
            return wrong_backprop([Deviation.parse(self.deviation)], conventions), conventions, 3
        program = PROGRAMS[self.program]
        source = find(self.mutant).source if self.mutant else program.source
        return load(source, "suspect"), program.conventions, program.hidden or 3


@dataclass(frozen=True)
class Passed:
    """What lets one backprop through on one network.

    Attributes
    ----------
    suspect, network : which
    answered : whether it gave gradients at all
    differs : whether they are, by more than rounding of their own size, not those of the right backprop; None for a
        backprop that is right
    by : for every checker whether it let it through; None where it is not installed
    """

    suspect: Suspect
    network: str
    answered: bool
    differs: bool | None
    by: dict[str, bool | None]


def try_out(task: tuple[Suspect, str]) -> Passed:
    """What lets a backprop through on one of `NETWORKS`."""
    suspect, network = task
    f, conventions, hidden = suspect.function()
    where = point(network, conventions, hidden)
    at = where.of(f)
    try:
        _, gradients = at(where.leaves)
    except Exception:
        return Passed(suspect, network, answered=False, differs=None, by={})
    by: dict[str, bool | None] = {}
    for step in STEPS:
        worst = _relative_error(gradients, _numeric(suspect, network, step, at, where))
        by |= {f"central differences, h = {step:.0e}, below {limit:.0e}": worst < limit for limit in THRESHOLDS}
    by |= {name: passes(at, where.leaves) if passes else None for name, passes in libraries().items()}
    return Passed(suspect, network, answered=True, differs=_differs(suspect, gradients, where), by=by)


def score(suspects: Sequence[Suspect], processes: int) -> list[Passed]:
    """Every suspect on both networks."""
    tasks = [(suspect, network) for suspect in suspects for network in NETWORKS]
    return each(try_out, tasks, processes, "gradient checkers")


def names() -> list[str]:
    """The checkers, in the order of the report."""
    differences = [f"central differences, h = {h:.0e}, below {limit:.0e}" for h in STEPS for limit in THRESHOLDS]
    return [*differences, *libraries()]


def versions() -> dict[str, str]:
    """The versions of the libraries; "not installed" where one is absent."""
    return {"torch": version("torch") if find_spec("torch") else "not installed", "jax": version("jax")}


_NUMERIC: dict[tuple[str, str, float], list[Array]] = {}


def _numeric(suspect: Suspect, network: str, step: float, at: At, where: Point) -> list[Array]:
    """Central differences, once for every loss: mutants of a backward part have that of their program."""
    key = (suspect.program or str(suspect.function()[1]), network, step)
    if key not in _NUMERIC:
        _NUMERIC[key] = numeric_gradients(at, where.leaves, step)
    return _NUMERIC[key]


def _relative_error(a: Sequence[Array], n: Sequence[Array]) -> float:
    return max(
        float((abs(x - y) / np.maximum(_FLOOR, np.maximum(abs(x), abs(y)))).max()) for x, y in zip(a, n, strict=True)
    )


def _differs(suspect: Suspect, gradients: Sequence[Array], where: Point) -> bool | None:
    """Whether the gradients differ from the right ones by more than 2^-20 of their size: by more than rounding."""
    if suspect.deviation:
        right = wrong_backprop([], suspect.function()[1])
    elif suspect.mutant is not None:
        right = load(PROGRAMS[suspect.program].source, "right")
    else:
        return None
    _, truth = where.of(right)(where.leaves)
    return any(bool((abs(g - t) > abs(t).max() * 2.0**-20).any()) for g, t in zip(gradients, truth, strict=True))
