"""Every size at once: the adjoint equation of each kind of node, checked exactly with independent random successors.

A node z^(l)(t) of any network, however deep, long or wide, is of one of finitely many kinds: by its layer (l < n-1,
l = n-1, l = n) and its time (t < T or t = T; for delta^(l)(t)(i), t < i or t = i). For each kind, the equations that
give its adjoint are evaluated on values of their right-hand sides that are independent random elements of the field,
and compared with what autodiff of the single step gives for the same values. `docs/proof.md` draws the conclusion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import field
from .instances import Description
from .jaxprs import evaluate
from .manual import Quantities, indices, right_reading
from .manual.registry import Reading, value
from .reference import nodes, symbolic
from .worlds import exactly_equal, field_network

INSTANCES = 20


@dataclass(frozen=True)
class Certificate:
    """What was found for one kind of node and one equation.

    Attributes
    ----------
    anchor : a stable name, "delta-hidden-before" and the like with the equation's number
    kind : which nodes, in words
    equation : the equation whose right reading gives the adjoint
    instances, disagreements : over the field, each instance with fresh widths and values
    seed : of the draws
    """

    anchor: str
    kind: str
    equation: int
    instances: int
    disagreements: int
    seed: int


def certificates(seed: int = 2016, reading_of: Callable[[int], Reading] = right_reading) -> list[Certificate]:
    """The certificates of all kinds of node, for the right reading of every equation or for others."""
    found = []
    for slug, (kind, numbers, check) in KINDS.items():
        for number in numbers:
            disagreements = sum(
                not all(exactly_equal(ours, theirs) for ours, theirs in check(_Node(seed + i), reading_of(number)))
                for i in range(INSTANCES)
            )
            found.append(Certificate(f"node-{slug}-{number}", kind, number, INSTANCES, disagreements, seed))
    return found


class _Node:
    """A network over the field, n = 4 and T = 3, whose quantities are all independent random values."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 4])
        widths = tuple(int(width) for width in rng.integers(1, 5, size=5))
        self.network, self.oracles = field_network(Description(4, 3, widths, y="soft", seed=seed))
        self._rng, self._values = rng, dict[tuple[str, tuple[int, ...]], Any]()
        self.q = Quantities(self.network, self.find)

    def find(self, name: str, at: tuple[int, ...]) -> Any:
        """A random column, the same one each time; delta is zero where the loss comes before the node."""
        if name == "y_hat":
            return self.network.functions.g(self.find("z", (self.network.n, *at)))
        if name == "dJ_dz":
            return self.find("delta", at).T
        if name == "delta" and self._is_zero(*at):
            return self.q.zeros(self.network.d[at[0]])
        if (name, at) not in self._values:
            self._values[name, at] = field.random_array(self._rng, (self.network.d[at[0]], 1))
        return self._values[name, at]

    def _is_zero(self, l: int, t: int, i: int) -> bool:
        return i < t or (l == self.network.n and i != t)

    def given(self, name: str, at: tuple[int, ...], column: Any) -> None:
        """Put a value in the place of a random one."""
        self._values[name, at] = column

    def layer(self, l: int) -> dict[str, Any]:
        """The parameters of a layer, as the reference has them."""
        H, W, b = self.network.H, self.network.W, self.network.b
        return ({"H": H[l]} if l in H else {}) | {"W": W[l], "b": b[l][:, 0]}

    def arriving(self, l: int, t: int, following: Any, above: Any) -> Any:
        """What autodiff gives at z^(l)(t) for cotangents of its successors; None where there is no successor."""
        n = self.network.n
        after: dict[str, Any] = {}
        over: dict[str, Any] = {}
        if following is not None:
            after = {
                "layer": self.layer(l),
                "cotangent": following[:, 0],
                "below": self.q.h[l - 1, t + 1][:, 0],
            }
        if above is not None:
            over = {"layer": self.layer(l + 1), "cotangent": above[:, 0]}
            if l + 1 < n:
                over["previous"] = self.q.h[l + 1, t - 1][:, 0]
        return self.run(nodes.with_activation(symbolic.f), self.q.z[l, t][:, 0], after, over)[0][:, None]

    def run(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """A function of the reference, over the field."""
        jaxpr, leaves = nodes.program(function, *arguments)
        return evaluate(jaxpr, *leaves, functions=dict(self.oracles.functions()), constants=field.element)


Check = Callable[[_Node, Reading], Iterator[tuple[Any, Any]]]


def _value(node: _Node, reading: Reading, **at: int) -> Any:
    return value(reading, node.q, *(at[index] for index in indices(reading)))


def _output(node: _Node, reading: Reading) -> Iterator[tuple[Any, Any]]:
    n = node.network.n
    error = node.run(nodes.output_error, node.q.z[n, 2][:, 0], node.network.y[2][:, 0])[0][:, None]
    yield _value(node, reading, l=n, t=2), error


def _delta(l_from_top: int, *, before: bool) -> Check:
    def check(node: _Node, reading: Reading) -> Iterator[tuple[Any, Any]]:
        l, i = node.network.n - l_from_top, 3
        t = 2 if before else 3
        q = node.q
        ours = _value(node, reading, l=l, t=i, c=i - t)
        following = q.delta[l, t + 1, i] if t < node.network.T else None
        yield ours, node.arriving(l, t, following, q.delta[l + 1, t, i])

    return check


def _gamma(l_from_top: int, *, last: bool) -> Check:
    def check(node: _Node, reading: Reading) -> Iterator[tuple[Any, Any]]:
        n, T, q = node.network.n, node.network.T, node.q
        l, t = n - l_from_top, T if last else T - 1
        # gamma of the layer above is random; of the output layer it is delta^(n)(t)(t), by (36) and the footnote
        above = q.delta[n, t, t] if l + 1 == n else q.gamma[l + 1, t]
        # delta^(l)(t)(t) is what its own kind of node has proved it to be
        node.given("delta", (l, t, t), node.arriving(l, t, None, q.delta[l + 1, t, t]))
        if last and l + 1 < n:
            node.given("gamma", (l + 1, t), q.delta[l + 1, t, t])
            above = q.gamma[l + 1, t]
        yield _value(node, reading, l=l, t=t), node.arriving(l, t, None if last else q.gamma[l, t + 1], above)

    return check


def _parameter(name: str, *, output: bool, total: bool) -> Check:
    def check(node: _Node, reading: Reading) -> Iterator[tuple[Any, Any]]:
        n, T, q = node.network.n, node.network.T, node.q
        l = n if output else 2
        if total:
            times = range(1, T + 1)
            cotangents = [q.delta[n, t, t] if output else q.gamma[l, t] for t in times]
        else:
            times = range(T, T + 1) if output else range(1, T + 1)
            cotangents = [q.delta[l, k, T] for k in times]
        states = [(q.h[l - 1, k][:, 0], None if output else q.h[l, k - 1][:, 0]) for k in times]
        leaves = node.run(nodes.in_parameters, node.layer(l), states, [c[:, 0] for c in cotangents])
        gradient = dict(zip(sorted(node.layer(l)), leaves, strict=True))[name]
        theirs = gradient[:, None] if gradient.ndim == 1 else gradient
        yield _value(node, reading, l=l, t=T), theirs / T if total else theirs

    return check


KINDS: dict[str, tuple[str, tuple[int, ...], Check]] = {
    "output": ("delta, l = n, t = i", (7, 26, 42), _output),
    "delta-top-now": ("delta, l = n-1, t = i", (9, 27, 42), _delta(1, before=False)),
    "delta-top-before": ("delta, l = n-1, t < i", (11, 28), _delta(1, before=True)),
    "delta-hidden-now": ("delta, l < n-1, t = i", (13, 29, 42), _delta(2, before=False)),
    "delta-hidden-before": ("delta, l < n-1, t < i", (15, 30), _delta(2, before=True)),
    "gamma-top-last": ("gamma, l = n-1, t = T", (36, 43), _gamma(1, last=True)),
    "gamma-top": ("gamma, l = n-1, t < T", (37, 43), _gamma(1, last=False)),
    "gamma-hidden-last": ("gamma, l < n-1, t = T", (36, 43), _gamma(2, last=True)),
    "gamma-hidden": ("gamma, l < n-1, t < T", (38, 43), _gamma(2, last=False)),
    "step-H": ("gradient of J^(i) in H", (17, 31), _parameter("H", output=False, total=False)),
    "step-W": ("gradient of J^(i) in W, l < n", (21, 33), _parameter("W", output=False, total=False)),
    "step-b": ("gradient of J^(i) in b, l < n", (25, 35), _parameter("b", output=False, total=False)),
    "step-W-output": ("gradient of J^(i) in W, l = n", (19, 32), _parameter("W", output=True, total=False)),
    "step-b-output": ("gradient of J^(i) in b, l = n", (23, 34), _parameter("b", output=True, total=False)),
    "total-H": ("gradient of J in H", (39, 44), _parameter("H", output=False, total=True)),
    "total-W": ("gradient of J in W, l < n", (40, 45), _parameter("W", output=False, total=True)),
    "total-b": ("gradient of J in b, l < n", (41, 46), _parameter("b", output=False, total=True)),
    "total-W-output": ("gradient of J in W, l = n", (45,), _parameter("W", output=True, total=True)),
    "total-b-output": ("gradient of J in b, l = n", (46,), _parameter("b", output=True, total=True)),
}
