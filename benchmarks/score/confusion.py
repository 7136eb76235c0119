"""Which mistake the oracle names when which was made: every one of the catalogue alone, and random pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bptt_oracle.oracle.answers import Case, Grads
from bptt_oracle.oracle.comparison import outside
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.deviations import Deviation
from bptt_oracle.oracle.diagnosis import diagnose
from bptt_oracle.oracle.probes import PLANS, Plan, draw
from bptt_oracle.oracle.result import Mistake
from bptt_oracle.oracle.variations import simulate
from bptt_oracle.oracle.verdict import check

from .catalogued import conventions_for, deviations, pairs, wrong_backprop
from .networks import cases_of, random_plans
from .pool import each

NETWORKS = ("its own", "random")
"""On which networks a mistake is looked for: those that `check` asks about, of a random seed; or random shapes too."""

STATES = ("wrong", "no effect", "one hides the other", "raises")
"""Some gradient is wrong, or none is; or both mistakes give what one of them gives alone; or f never answers."""

RANDOM_NETWORKS = 8
_ROUNDING = 2.0**-40
"""What is called rounding when two simulations are compared; what two different mistakes give differs by far more."""


@dataclass(frozen=True)
class Trial:
    """One or two mistakes, on networks of up to `hidden` hidden layers that a seed determines."""

    made: tuple[Deviation, ...]
    hidden: int
    networks: str
    seed: int


@dataclass(frozen=True)
class Named:
    """What was named.

    Attributes
    ----------
    trial : what was made
    state : one of `STATES`
    slugs : by what was named, in order
    hits : for every mistake that was made, whether it is among the named ones, as such or as one that cannot be told
        apart from it
    first : whether what is named first is one that was made
    """

    trial: Trial
    state: str
    slugs: tuple[str, ...] = ()
    hits: tuple[bool, ...] = ()
    first: bool = False


def name(trial: Trial) -> Named:
    """What the oracle names."""
    rng = np.random.default_rng([trial.seed, trial.hidden])
    conventions = conventions_for(rng, trial.made)
    f = wrong_backprop(trial.made, conventions)
    if trial.networks == "random":
        plans = random_plans(trial.seed, trial.hidden, RANDOM_NETWORKS)
        cases = cases_of(f, conventions, plans, trial.seed)
        if not cases or not _wrong(cases):
            return Named(trial, "no effect" if cases else "raises")
        mistakes: Sequence[Mistake] = diagnose(cases)
    else:
        result = check(f, seed=trial.seed, layers=trial.hidden)
        if not result.discrepancies:
            return Named(trial, "raises" if result.mistakes else "no effect")
        mistakes = result.mistakes
        plans = [plan for plan in PLANS if plan.hidden <= trial.hidden]
    if len(trial.made) > 1 and _hides(trial, conventions, plans):
        return Named(trial, "one hides the other")
    hits = tuple(any(_is(deviation, mistake) for mistake in mistakes) for deviation in trial.made)
    first = bool(mistakes) and any(_is(deviation, mistakes[0]) for deviation in trial.made)
    return Named(trial, "wrong", tuple(mistake.slug for mistake in mistakes), hits, first)


def _wrong(cases: Sequence[Case]) -> bool:
    return any(outside(case.answer, case.truth) for case in cases)


def _hides(trial: Trial, conventions: Conventions, plans: Sequence[Plan]) -> bool:
    """Whether one of two mistakes makes no difference to the other, on any of some networks."""
    probes = [draw(plan, trial.seed).reduced(conventions) for plan in plans]
    both = [simulate(probe, conventions, trial.made) for probe in probes]
    return any(
        all(_alike(simulate(probe, conventions, [single]), given) for probe, given in zip(probes, both, strict=True))
        for single in trial.made
    )


def _alike(a: Grads | None, b: Grads | None) -> bool:
    """Whether two simulations give the same but for rounding, where both give anything."""
    if a is None or b is None:
        return True
    return all(
        bool((abs(layer[name] - g) <= _ROUNDING * max(abs(layer[name]).max(), abs(g).max())).all())
        for layer, other in zip(a, b, strict=True)
        for name, g in other.items()
    )


def _is(deviation: Deviation, mistake: Mistake) -> bool:
    """Whether a mistake is this one, or is said not to be distinguishable from it."""
    slugs = (mistake.slug, *(alternative.partition("(")[0] for alternative in mistake.alternatives))
    return deviation.slug in slugs


def alone(processes: int, seeds: Sequence[int], depths: Sequence[int] = (1, 2, 3)) -> list[Named]:
    """Every mistake of the catalogue, on both kinds of networks, at every depth, for every seed."""
    trials = [
        Trial((deviation,), hidden, networks, seed)
        for deviation in deviations()
        for hidden in depths
        for networks in NETWORKS
        for seed in seeds
    ]
    return each(name, trials, processes, "mistakes alone")


def together(processes: int, seed: int, count: int, depths: Sequence[int] = (1, 2, 3)) -> list[Named]:
    """Random pairs, `count` at every depth, on random networks and the oracle's own in turn."""
    trials = [
        Trial(pair, hidden, NETWORKS[index % 2], seed + index)
        for hidden in depths
        for index, pair in enumerate(pairs(np.random.default_rng([seed, hidden]), count))
    ]
    return each(name, trials, processes, "mistakes in pairs")
