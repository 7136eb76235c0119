"""One pass back over gamma for a whole batch of sequences at once, (42)-(46).

The same algorithm as `backprop.one_pass`, laid out for speed. A step of B sequences is one array of shape (B, d), a
sequence a row, so that z = W h reads z = h W^T. Only the products with H, which need the step before or after, stay in
the loop over time; all else is one product a layer over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .calculus import Array
from .functions import Functions, largest


@dataclass(frozen=True)
class Batch:
    """One network with B sequences, and how much each loss J^(t) of each sequence counts in J.

    Attributes
    ----------
    H : layers 1..n-1, shape (d_l, d_l)
    W : layers 1..n, shape (d_l, d_{l-1})
    b : layers 1..n, shape (d_l,)
    x : times 1..T, shape (T, B, d_0)
    y : times 1..T, shape (T, B, |V|), rows that sum to 1
    h0 : layers 1..n-1, shape (B, d_l): the initial states h^(l)(0)
    weights : of the J^(t), shape (T,): each 1 / T for their mean
    shares : of the sequences, shape (B,): each 1 / B for their mean
    functions : f, f', exp, log and shift; g is their softmax
    """

    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    x: Array
    y: Array
    h0: Mapping[int, Array]
    weights: Array
    shares: Array
    functions: Functions = field(default_factory=Functions)

    @property
    def n(self) -> int:
        """The number of the output layer."""
        return len(self.W)


@dataclass(frozen=True)
class BatchForward:
    """What forward propagation leaves behind; time comes first, then the sequence.

    Attributes
    ----------
    z : z[l][t-1] is z^(l)(t), shape (T, B, d_l), layers 1..n
    h : h[l][t] is h^(l)(t), shape (T + 1, B, d_l), layers 1..n-1, the initial states included
    y_hat : y_hat[t-1] is y^(t), shape (T, B, |V|)
    loss : J, a number
    """

    z: Mapping[int, Array]
    h: Mapping[int, Array]
    y_hat: Array
    loss: Any


@dataclass(frozen=True)
class BatchGradients:
    """The gradients of J, and the gammas that they are made of.

    Attributes
    ----------
    H, W, b, h0, x : shapes as in `Batch`
    gamma : gamma[l][t-1] is the gradient of J in z^(l)(t), shape (T, B, d_l), layers 1..n
    """

    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    h0: Mapping[int, Array]
    x: Array
    gamma: Mapping[int, Array]


def forward_batch(net: Batch) -> BatchForward:
    """Forward propagation, (3)-(5), and J, (1)."""
    f, z, h = net.functions.f, {}, {}
    below = net.x
    for l in range(1, net.n):
        z[l] = over_steps(below, net.W[l].T) + net.b[l]  # the part of z that needs no earlier step
        h[l] = np.empty_like(z[l], shape=(len(z[l]) + 1, *z[l].shape[1:]))
        h[l][0], H_T = net.h0[l], np.ascontiguousarray(net.H[l].T)
        for before, z_t, h_t in zip(h[l], z[l], h[l][1:], strict=False):
            z_t += before @ H_T
            h_t[...] = f(z_t)
        below = h[l][1:]
    z[net.n] = over_steps(below, net.W[net.n].T) + net.b[net.n]
    y_hat, loss = _output(net, z[net.n])
    return BatchForward(z, h, y_hat, loss)


def one_pass_batch(net: Batch, run: BatchForward) -> BatchGradients:
    """Gradients of J by one pass back over gamma, (42)-(46).

    Parameters
    ----------
    net
        A network whose g is softmax, over any numbers.
    run
        Its forward propagation.
    """
    n = net.n
    top: Array = (run.y_hat - net.y) * (net.weights[:, None] * net.shares)[..., None]
    gamma = {n: top}
    H, W, b, h0 = {}, {}, {}, {}
    for l in range(n, 0, -1):
        if l < n:
            gamma[l] = _hidden_gamma(net, l, run.z[l], gamma[l + 1])
            H[l] = summed_outer(gamma[l], run.h[l][:-1])
            h0[l] = gamma[l][0] @ net.H[l]
        W[l] = summed_outer(gamma[l], run.h[l - 1][1:] if l > 1 else net.x)
        b[l] = gamma[l].sum(axis=(0, 1))
    return BatchGradients(H, W, b, h0, over_steps(gamma[1], net.W[1]), gamma)


def over_steps(rows: Array, matrix: Array) -> Array:
    """Every row of shape (d,) times a matrix (d, e), for rows of shape (T, B, d): one product."""
    T, B, d = rows.shape
    product: Array = (rows.reshape(T * B, d) @ matrix).reshape(T, B, matrix.shape[1])
    return product


def summed_outer(error: Array, h: Array) -> Array:
    """The sum of error h^T over steps and sequences, for (T, B, d) and (T, B, e): shape (d, e)."""
    d, e = error.shape[2], h.shape[2]
    product: Array = error.reshape(-1, d).T @ h.reshape(-1, e)
    return product


def _hidden_gamma(net: Batch, l: int, z: Array, gamma_above: Array) -> Array:
    """gamma^(l) at all times, (43)."""
    H, slope = net.H[l], net.functions.f.derivative(z)
    gamma = over_steps(gamma_above, net.W[l + 1])  # what arrives from the layer above
    gamma[-1] *= slope[-1]
    for after, gamma_t, slope_t in zip(gamma[:0:-1], gamma[-2::-1], slope[-2::-1], strict=True):
        gamma_t += after @ H
        gamma_t *= slope_t
    return gamma


def _output(net: Batch, z: Array) -> tuple[Array, Any]:
    """y^ of all logits, (3), and J in the form of (6)'s second line, which does not overflow."""
    exp, log = net.functions.exp, net.functions.log
    shift = _shifts(net.functions.shift, z)
    e = exp(z - shift)
    total = e.sum(axis=-1, keepdims=True)
    losses = (log(total) + shift)[..., 0] - (net.y * z).sum(axis=-1)  # J^(t) of every sequence, shape (T, B)
    return e / total, net.weights @ losses @ net.shares


def _shifts(shift: Callable[[Any], Any], z: Array) -> Array:
    """What is subtracted from each row of logits, shape (T, B, 1)."""
    if shift is largest and z.dtype != object:
        highest: Array = z.max(axis=-1, keepdims=True)
        return highest
    shifts = np.empty_like(z, shape=(*z.shape[:-1], 1))
    for at in np.ndindex(*z.shape[:-1]):
        shifts[at] = shift(z[at])
    return shifts
