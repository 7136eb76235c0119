"""The network of section 2, unrolled: equations (1)-(5), read so that they make sense.

Layers are 0..n and times 1..T, as in the document. h^(0)(t) = x^(t); h^(l)(t) = f(z^(l)(t)) for 0 < l < n,
where the print of (4) has z^(l-1)(t); h^(l)(0), of which the document says nothing, is an input. Only layers
1..n-1 have an H^(l); n = 1 has no hidden layer at all.

Two things are here for differentiation's sake, and change no value:

* *untied copies*: the program takes the parameters once for every time step. With the same ones at all steps
  it is the network; the derivative in the copy of step k is the summand |_(k) of equations (16), (20) and
  (24).
* *probes*: a zero that is added to each z^(l)(t). The derivative of J^(i) in it is delta^(l)(t)(i).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
from jax import Array

from .activations import Activation
from .output import Output

Layer = Mapping[str, Array]
Params = Sequence[Layer]


class Forward(NamedTuple):
    """What forward propagation gives, in nested lists.

    Parameters
    ----------
    z
        z[l-1][t-1] is z^(l)(t), shape (d_l,), l = 1..n, t = 1..T.
    h
        h[l][t-1] is h^(l)(t), shape (d_l,), l = 0..n-1, t = 1..T.

    """

    z: list[list[Array]]
    h: list[list[Array]]


def hidden(layer: Layer, h_previous: Array, h_below: Array) -> Array:
    """z^(l)(t) = H^(l) h^(l)(t-1) + W^(l) h^(l-1)(t) + b^(l) for 0 < l < n: equation (5), second case."""
    return layer["H"] @ h_previous + layer["W"] @ h_below + layer["b"]


def readout(layer: Layer, h_below: Array) -> Array:
    """z^(n)(t) = W^(n) h^(n-1)(t) + b^(n): equation (5), first case."""
    return layer["W"] @ h_below + layer["b"]


def forward(
    f: Activation,
    copies: Sequence[Params],
    x: Sequence[Array],
    h0: Sequence[Array],
    probes: Sequence[Sequence[Array]] | None = None,
) -> Forward:
    """Equations (4) and (5) for t = 1..T, one operation after another.

    Parameters
    ----------
    f
        The activation, elementwise.
    copies
        The parameters of each time step, T of them: n layers {"H": (d_l, d_l), "W": (d_l, d_{l-1}),
        "b": (d_l,)}, the last without "H". `[params] * T` is the network itself.
    x
        T inputs of shape (d_0,).
    h0
        h^(l)(0) for l = 1..n-1, of shape (d_l,).
    probes
        probes[l-1][t-1], of the shape of z^(l)(t), is added to it; none by default.

    """
    n = len(copies[0])
    z: list[list[Array]] = [[] for _ in range(n)]
    h: list[list[Array]] = [[] for _ in range(n)]

    def probed(l: int, t: int, value: Array) -> Array:
        return value if probes is None else value + probes[l - 1][t - 1]

    for t, (params, x_t) in enumerate(zip(copies, x, strict=True), start=1):
        h[0].append(x_t)
        for l in range(1, n):
            h_previous = h0[l - 1] if t == 1 else h[l][t - 2]
            z[l - 1].append(probed(l, t, hidden(params[l - 1], h_previous, h[l - 1][t - 1])))
            h[l].append(f(z[l - 1][t - 1]))
        z[n - 1].append(probed(n, t, readout(params[n - 1], h[n - 1][t - 1])))
    return Forward(z, h)


def losses(output: Output, run: Forward, y: Sequence[Array]) -> list[Array]:
    """J^(t) for t = 1..T: equation (2).

    Parameters
    ----------
    output
        g and the loss of one step.
    run
        Forward propagation over T steps.
    y
        T targets of shape (|V|,).

    """
    return [output.loss(logits, y_t) for logits, y_t in zip(run.z[-1], y, strict=True)]


def mean_loss(J_at: Sequence[Array]) -> Array:
    """J = (1/T) sum_t J^(t): the first line of equation (1)."""
    return sum(J_at[1:], J_at[0]) / len(J_at)


def steps(a: Array) -> list[Array]:
    """The T rows of an array of shape (T, d), each of shape (d,)."""
    return [jax.lax.index_in_dim(a, t, keepdims=False) for t in range(a.shape[0])]
