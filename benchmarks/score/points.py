"""Where a gradient is compared with differences of the loss: one network, as a function of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptt_oracle.oracle.arguments import Arguments, arguments
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import PLANS, Array, Plan, Probe, draw

from .programs import Function

TYPICAL = Plan("typical", (5, 6, 4), T=5, B=2)
NETWORKS = ("typical", "probing")
"""One hidden layer with weights of 0.01 N(0, 1), biases and initial states of zero, as gradients are mostly tried out;
and the deepest of the oracle's own networks that a backprop takes."""

Both = tuple[float, list[Array]]


@dataclass(frozen=True)
class Point:
    """One network.

    Attributes
    ----------
    given : what f is called with
    names : layer, from 0, and key of every parameter
    """

    given: Arguments
    names: tuple[tuple[int, str], ...]

    @property
    def leaves(self) -> list[Array]:
        """The parameters, one after the other."""
        return [self.given.params[l][name] for l, name in self.names]

    def of(self, f: Function) -> Callable[[Sequence[Array]], Both]:
        """The loss and its gradients as f has them, as a function of the parameters."""

        def at(leaves: Sequence[Array]) -> Both:
            params: list[dict[str, Array]] = [{} for _ in self.given.params]
            for (l, name), leaf in zip(self.names, leaves, strict=True):
                params[l][name] = np.array(leaf, dtype=np.float64)
            keywords: dict[str, Any] = {}
            if self.given.h0 is not None:
                keywords["h0"] = [state.copy() for state in self.given.h0]
            loss, grads = f(params, self.given.x.copy(), self.given.y.copy(), **keywords)
            gradients = [np.asarray(grads[l][name], dtype=np.float64) for l, name in self.names]
            shaped = [g.reshape(leaf.shape) for g, leaf in zip(gradients, leaves, strict=True)]
            return float(np.asarray(loss).reshape(())), shaped

        return at


def point(network: str, conventions: Conventions, hidden: int) -> Point:
    """One of `NETWORKS` in the form in which f takes it."""
    probe = _typical() if network == "typical" else draw(_deepest(hidden), seed=2016)
    given = arguments(probe.reduced(conventions), conventions)
    names = tuple((l, name) for l, layer in enumerate(given.params) for name in layer)
    return Point(given, names)


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
