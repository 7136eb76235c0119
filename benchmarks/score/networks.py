"""Random networks that no check has seen, and what a backprop says about them."""

from __future__ import annotations

import numpy as np

from bptt_oracle.oracle.answers import Answer, Case
from bptt_oracle.oracle.calling import Callee, Function
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import Plan, draw
from bptt_oracle.oracle.truth import truth_of


def random_plan(rng: np.random.Generator, hidden: int, *, wide: bool = False) -> Plan:
    """A random shape: widths 2 to 8, in wide ones 10 to 13, T 3 to 9, B 1 to 4, random initial states.

    Parameters
    ----------
    rng
        Draws it.
    hidden
        The number of hidden layers.
    wide
        Whether all widths are above T.
    """
    widths = rng.integers(10, 14, size=hidden + 2) if wide else rng.integers(2, 9, size=hidden + 2)
    T, B = int(rng.integers(3, 10)), int(rng.integers(1, 5))
    return Plan("random", tuple(int(width) for width in widths), T=T, B=B, h0=True)


def random_plans(seed: int, hidden: int, count: int) -> list[Plan]:
    """Random shapes of 1 to `hidden` hidden layers, every other one wide.

    Parameters
    ----------
    seed
        Determines them.
    hidden
        The largest number of hidden layers; the first two have as many.
    count
        How many.
    """
    rng = np.random.default_rng([seed, hidden, count])
    depths = [hidden, hidden, *(int(depth) for depth in rng.integers(1, hidden + 1, size=count))][:count]
    return [random_plan(rng, depth, wide=position % 2 == 1) for position, depth in enumerate(depths)]


def cases_of(f: Function, conventions: Conventions, plans: list[Plan], seed: int) -> list[Case]:
    """What f says about the networks of some plans, beside what is right; those it does not answer are left out."""
    callee, cases = Callee(f), []
    for plan in plans:
        probe = draw(plan, seed).reduced(conventions)
        answer = callee.call(probe, conventions)
        if isinstance(answer, Answer):
            cases.append(Case(probe, conventions, answer, truth_of(probe, conventions)))
    callee.close()
    return cases
