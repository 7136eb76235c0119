"""Where a gradient is compared with differences of the loss: one network, as a function of its parameters."""

from __future__ import annotations

import numpy as np

from bptt_oracle.bench.differences import Point
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import PLANS, Plan, Probe, draw

TYPICAL = Plan("typical", (5, 6, 4), T=5, B=2)
NETWORKS = ("typical", "probing")
"""One hidden layer with weights of 0.01 N(0, 1), biases and initial states of zero, as gradients are mostly tried out;
and the deepest of the oracle's own networks that a backprop takes."""


def point(network: str, conventions: Conventions, hidden: int) -> Point:
    """One of `NETWORKS` in the form in which f takes it."""
    probe = _typical() if network == "typical" else draw(_deepest(hidden), seed=2016)
    return Point.at(probe, conventions)


def _typical() -> Probe:
    probe = draw(TYPICAL, seed=2016)
    rng = np.random.default_rng(2016)
    params = [
        {name: np.zeros_like(a) if name == "b" else 0.01 * rng.standard_normal(a.shape) for name, a in layer.items()}
        for layer in probe.params
    ]
    return Probe(probe.plan, probe.seed, params, probe.x, probe.y, probe.h0)


def _deepest(hidden: int) -> Plan:
    """The deepest that a backprop takes, with initial states if there is one."""
    ordinary = [plan for plan in PLANS if plan.kind == "ordinary" and plan.hidden <= hidden]
    return max(ordinary, key=lambda plan: (plan.hidden, plan.h0, plan.B))
