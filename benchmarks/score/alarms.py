"""Right backprops, asked about over and over: none of them may be called wrong.

A trial is one `check` of one right backprop with a random seed for all its networks, so ten networks or so and the
checks of the contract; in every other trial its conventions are declared, in the others they are found out.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.verdict import check

from .pool import each
from .programs import PROGRAMS, Function, load

_TESTS = Path(__file__).parents[2] / "tests"
CHUNK = 20
KINDS = {"convention": 13, "program": 4, "torch": 2, "padded JAX": 1}
"""Where right backprops come from, and how many of each 20 trials."""


@dataclass(frozen=True)
class Alarm:
    """A right backprop that was called wrong: which, with which seed, and what was said."""

    kind: str
    conventions: str
    seed: int
    text: str


@dataclass(frozen=True)
class Chunk:
    """What came of some trials: how many of each kind, the alarms, the seconds that each check took."""

    counts: dict[str, int]
    alarms: tuple[Alarm, ...]
    seconds: tuple[float, ...]


def implementations() -> Any:
    """The right backprops of every convention that the tests use."""
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import implementations

    return implementations


def kinds() -> list[str]:
    """The kind of every trial in a chunk: torch has its share only where it is installed."""
    return [kind for kind, share in KINDS.items() if kind != "torch" or find_spec("torch") for _ in range(share)]


def right(kind: str, rng: np.random.Generator) -> tuple[Conventions, Function, int]:
    """A right backprop, its conventions, and the largest number of hidden layers that it takes."""
    if kind == "program":
        program = list(PROGRAMS.values())[int(rng.integers(len(PROGRAMS)))]
        return program.conventions, load(program.source, program.name), program.hidden or 3
    if kind == "padded JAX":
        return Conventions(targets="rows", h0=True), _padded(), 3
    conventions, f = implementations().random_right(rng)
    if kind == "torch":
        from .alarms_torch import autograd

        f = autograd(conventions)
    return conventions, f, 3


def trials(start: int) -> Chunk:
    """The trials from `start` on, one of each of `kinds`."""
    alarms, seconds, asked = [], [], Counter[str]()
    for offset, kind in enumerate(kinds()):
        seed = start + offset
        rng = np.random.default_rng([2016, seed])
        conventions, f, hidden = right(kind, rng)
        declared = vars(conventions) if seed % 2 else {}
        begin = process_time()
        result = check(f, seed=seed, layers=hidden, diagnose=False, **declared)
        seconds.append(process_time() - begin)
        asked[f"{kind}, {conventions.precision}"] += 1
        if not result.ok:
            alarms.append(Alarm(kind, str(conventions), seed, str(result)))
    return Chunk(dict(asked), tuple(alarms), tuple(seconds))


def score(processes: int, count: int) -> list[Chunk]:
    """At least `count` trials."""
    return each(trials, range(0, count, len(kinds())), processes, "right backprops")


@cache
def _padded() -> Function:
    """The reference's network for mixed shapes: a padded box, compiled once, and JAX's own gradients."""
    from bptt_oracle.oracle.probes import PLANS
    from bptt_oracle.reference import padded, padding

    box = padding.Box(
        hidden=max(plan.hidden for plan in PLANS),
        T=max(plan.T for plan in PLANS),
        width=max(max(plan.d[:-1]) for plan in PLANS),
        classes=max(plan.d[-1] for plan in PLANS),
    )

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        instance = padding.Instance("tanh", (0.0,) * 5, params, x, y, h0)
        found = padding.unpad(padded.gradients(padding.pad([instance], box)), [instance])[0]
        return float(found["J"]), found["dJ"]

    return f
