"""The algorithms of section 4 as a person would use them, for a whole network.

`per_step_sum` is the document's "correct but inefficient": backpropagate the loss of every time step and add up the
gradients, T (T + 1) / 2 visits to each layer. `one_pass` keeps a record of gamma and visits each layer T times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .calculus import Array
from .network import Network


@dataclass(frozen=True)
class Gradients:
    """The loss and its gradients, in the document's indices; vectors are columns.

    Attributes
    ----------
    loss : J, a number
    H, W, b : gradients of J by layer, shapes as the parameters
    h0 : gradients of J in the initial states h^(l)(0), layers 1..n-1, shape (d_l, 1)
    x : gradients of J in the inputs x^(t), times 1..T, shape (d_0, 1)
    visits : how often each hidden layer was visited on the way back: T, or T (T + 1) / 2
    """

    loss: Any
    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    h0: Mapping[int, Array]
    x: Mapping[int, Array]
    visits: int

    def as_params(self) -> list[dict[str, Array]]:
        """The gradients in the structure of the parameters: a list of n dicts with "H", "W", "b"."""
        return [({"H": self.H[l]} if l in self.H else {}) | {"W": self.W[l], "b": self.b[l][:, 0]} for l in self.W]


@dataclass(frozen=True)
class ForwardPass:
    """What forward propagation leaves behind: z[l, t], h[l, t] (with h[l, 0]) and y_hat[t], columns."""

    z: Mapping[tuple[int, int], Array]
    h: Mapping[tuple[int, int], Array]
    y_hat: Mapping[int, Array]


def forward_pass(net: Network) -> ForwardPass:
    """Forward propagation, (3)-(5)."""
    n, T, f, g = net.n, net.T, net.functions.f, net.functions.g
    H, W, b = net.H, net.W, net.b
    z: dict[tuple[int, int], Array] = {}
    h = {(l, 0): net.h0[l] for l in range(1, n)} | {(0, t): net.x[t] for t in range(1, T + 1)}
    y_hat = {}
    for t in range(1, T + 1):
        for l in range(1, n):
            z[l, t] = H[l] @ h[l, t - 1] + W[l] @ h[l - 1, t] + b[l]
            h[l, t] = f(z[l, t])
        z[n, t] = W[n] @ h[n - 1, t] + b[n]
        y_hat[t] = g(z[n, t])
    return ForwardPass(z, h, y_hat)


def loss(net: Network, run: ForwardPass) -> Any:
    """J of a softmax network, (1), in the form of (6)'s second line, which does not overflow."""
    exp, log = net.functions.exp, net.functions.log

    def at(t: int) -> Any:
        z = run.z[net.n, t]
        shift = net.functions.shift(z)
        return log(exp(z - shift).sum()) + shift - (net.y[t] * z).sum()

    return sum(at(t) for t in range(1, net.T + 1)) / net.T


def one_pass(net: Network) -> Gradients:
    """Gradients of J by one pass back over gamma, (42)-(46).

    Parameters
    ----------
    net
        A network whose g is softmax, over any numbers.
    """
    n, T, H, W, f_prime = net.n, net.T, net.H, net.W, net.functions.f.derivative
    run = forward_pass(net)
    gamma = {}
    for t in range(T, 0, -1):
        gamma[n, t] = run.y_hat[t] - net.y[t]
        for l in range(n - 1, 0, -1):
            above = W[l + 1].T @ gamma[l + 1, t]
            gamma[l, t] = f_prime(run.z[l, t]) * (above if t == T else H[l].T @ gamma[l, t + 1] + above)
    return _gradients(net, run, _sums_over_time(net, run, gamma), visits=T)


def per_step_sum(net: Network) -> Gradients:
    """Gradients of J as the mean of the gradients of every J^(i), (26)-(35).

    Parameters
    ----------
    net
        A network whose g is softmax, over any numbers.
    """
    run = forward_pass(net)
    sums, visits = None, 0
    for i in range(1, net.T + 1):
        delta = deltas_of_step(net, run, i)
        visits += i
        gradient = _sums_over_time(net, run, delta)
        sums = gradient if sums is None else _added(sums, gradient)
    assert sums is not None  # T >= 1
    return _gradients(net, run, sums, visits)


def deltas_of_step(net: Network, run: ForwardPass, i: int) -> dict[tuple[int, int], Array]:
    """delta^(l)(t)(i) of one loss J^(i), for t = 1..i: a dict of columns by (l, t); (26)-(30)."""
    n, H, W, f_prime, z = net.n, net.H, net.W, net.functions.f.derivative, run.z
    delta = {(n, i): run.y_hat[i] - net.y[i]}
    for t in range(i, 0, -1):
        for l in range(n - 1, 0, -1):
            if t == i:
                arriving = W[l + 1].T @ delta[l + 1, t]
            elif l == n - 1:
                arriving = H[l].T @ delta[l, t + 1]
            else:
                arriving = H[l].T @ delta[l, t + 1] + W[l + 1].T @ delta[l + 1, t]
            delta[l, t] = f_prime(z[l, t]) * arriving
    return delta


Sums = dict[str, dict[int, Any]]


def _sums_over_time(net: Network, run: ForwardPass, error: Mapping[tuple[int, int], Array]) -> Sums:
    """The sums of error^(l)(t) h^T over t, by parameter and layer; and what arrives at h^(l)(0) and x^(t)."""
    n, T, H, W, h = net.n, net.T, net.H, net.W, run.h

    def times(l: int) -> list[int]:
        return [t for t in range(1, T + 1) if (l, t) in error]

    return {
        "H": {l: sum(error[l, t] @ h[l, t - 1].T for t in times(l)) for l in range(1, n)},
        "W": {l: sum(error[l, t] @ h[l - 1, t].T for t in times(l)) for l in range(1, n + 1)},
        "b": {l: sum(error[l, t] for t in times(l)) for l in range(1, n + 1)},
        "h0": {l: H[l].T @ error[l, 1] for l in range(1, n)},
        "x": {t: W[1].T @ error[1, t] for t in times(1)},
    }


def _added(a: Sums, b: Sums) -> Sums:
    return {
        name: {at: a[name][at] + b[name][at] if at in a[name] else b[name][at] for at in b[name]}
        | {at: a[name][at] for at in a[name].keys() - b[name].keys()}
        for name in a
    }


def _gradients(net: Network, run: ForwardPass, sums: Sums, visits: int) -> Gradients:
    means = {name: {at: array / net.T for at, array in arrays.items()} for name, arrays in sums.items()}
    return Gradients(loss=loss(net, run), visits=visits, **means)
