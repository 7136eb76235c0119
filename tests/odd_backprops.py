"""Backward passes with mistakes that no catalogue holds: a right one, of which methods are replaced."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from bptt_oracle.oracle.answers import Answer, Case, Grads, Truth
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import PLANS, Probe, draw
from bptt_oracle.oracle.truth import truth_of

Column = Any
PLAIN = Conventions()


class Backprop:
    """(42)-(46) for one sequence, loop by loop; times are 1..T, layers 1..n."""

    def __init__(self, probe: Probe, conventions: Conventions) -> None:
        self.n, self.T = probe.n, probe.T
        f = conventions.functions.f
        self.prime = f.derivative
        self.H: list[Any] = [None, *(layer.get("H") for layer in probe.params)]
        self.W: list[Any] = [None, *(layer["W"] for layer in probe.params)]
        n, T = self.n, self.T
        self.h = {0: [np.zeros_like(probe.x[0, 0]), *probe.x[:, 0]]} | {l: [probe.h0[l - 1][0]] for l in range(1, n)}
        self.z: dict[int, list[Any]] = {l: [None] for l in range(1, n + 1)}
        self.p: list[Any] = [None]
        self.y = [None, *probe.targets[:, 0]]
        for t in range(1, T + 1):
            for l in range(1, n + 1):
                z = self.W[l] @ self.h[l - 1][t] + probe.params[l - 1]["b"]
                if l < n:
                    z = z + self.H[l] @ self.h[l][t - 1]
                    self.h[l].append(f(z))
                self.z[l].append(z)
            e = np.exp(self.z[n][t] - self.z[n][t].max())
            self.p.append(e / e.sum())
        self.J_weight = {"mean": 1 / T, "sum": 1.0, "last": 1.0}[conventions.over_time]
        self.last_only = conventions.over_time == "last"
        self.d: dict[int, dict[int, Any]] = {}
        self.biases = conventions.biases

    def gradients(self) -> Grads:
        n, T = self.n, self.T
        self.d[n] = {t: self.J_weight * self.error(t) * (not self.last_only or t == T) for t in range(1, T + 1)}
        for l in range(n - 1, 0, -1):
            self.d[l] = {T + 1: np.zeros(len(self.H[l])), T + 2: np.zeros(len(self.H[l]))}
            for t in range(T, 0, -1):
                self.d[l][t] = self.delta(l, t)
        grads = []
        for l in range(1, n + 1):
            layer = {"H": self.grad_H(l)} if l < n else {}
            layer |= {"W": self.grad_W(l), "b": self.grad_b(l)}
            if self.biases == 2 and l < n:
                layer["b_hh"] = self.grad_b(l)
            grads.append(layer)
        return grads

    def error(self, t: int) -> Column:
        return self.p[t] - self.y[t]

    def slope(self, l: int, t: int) -> Column:
        return self.prime(self.z[l][t])

    def above(self, l: int, t: int) -> Column:
        return self.W[l + 1].T @ self.d[l + 1][t]

    def carried(self, l: int, t: int) -> Column:
        return self.H[l].T @ self.d[l][t + 1]

    def delta(self, l: int, t: int) -> Column:
        return self.slope(l, t) * (self.above(l, t) + self.carried(l, t))

    def grad_H(self, l: int) -> Column:
        return sum(np.outer(self.d[l][t], self.h[l][t - 1]) for t in range(1, self.T + 1))

    def grad_W(self, l: int) -> Column:
        return sum(np.outer(self.d[l][t], self.h[l - 1][t]) for t in range(1, self.T + 1))

    def grad_b(self, l: int) -> Column:
        return sum(self.d[l][t] for t in range(1, self.T + 1))


def odd(**replaced: Callable[..., Any]) -> Callable[[Probe, Conventions], Grads]:
    """The right backward pass with some of its methods replaced."""
    made = type("Odd", (Backprop,), replaced)

    def gradients(probe: Probe, conventions: Conventions) -> Grads:
        grads: Grads = made(probe, conventions).gradients()
        return grads

    return gradients


@cache
def right(name: str, conventions: Conventions, seed: int) -> tuple[Probe, Truth]:
    """A network, by the name of its plan, and its right gradients."""
    [plan] = [plan for plan in PLANS if plan.name == name]
    probe = draw(plan, seed).reduced(conventions)
    return probe, truth_of(probe, conventions)


def answered(
    backprop: Callable[[Probe, Conventions], Grads],
    conventions: Conventions = PLAIN,
    layers: int = 3,
    seed: int = 2016,
) -> list[Case]:
    """What a backward pass answers about all networks that it takes; the gradients of sequences are averaged."""
    cases = []
    for plan in PLANS:
        if plan.hidden <= layers:
            probe, truth = right(plan.name, conventions, seed)
            of_each = [backprop(probe.sequences(slice(b, b + 1)), conventions) for b in range(probe.B)]
            grads = [
                {k: np.mean([each[l][k] for each in of_each], axis=0) for k in of_each[0][l]} for l in range(probe.n)
            ]
            cases.append(Case(probe, conventions, Answer(None, grads), truth))
    return cases


def wrong(cases: list[Case]) -> set[tuple[str, int, str]]:
    """The gradients that lie outside their bounds: network, layer and name."""
    return {
        (case.probe.name, l, name)
        for case in cases
        for l, name in case.tensors()
        if (abs(case.answer.grads[l - 1][name] - case.truth.grads[l - 1][name]) > case.truth.bounds[l - 1][name]).any()
    }
