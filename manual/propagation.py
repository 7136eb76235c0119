"""Gradients of J by one pass back over gamma, (42)-(46), for a batch.

The same algorithm as `backprop.one_pass`. Only the products with H, which need the step before or after, stay in the
loop over time (`recurrence`, or `wavefront` where that is faster); all else is one product a layer over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from . import recurrence, wavefront
from .batch import Batch, over_steps, rows_of, summed, summed_outer
from .calculus import Array
from .output import Output


class Way(NamedTuple):
    """A way through the hidden layers: all states forward, and all gammas back."""

    states: Callable[[Batch], dict[int, Array]]
    gammas: Callable[[Batch, Mapping[int, Array], Array, Mapping[int, Array]], dict[int, Array]]


LAYER_BY_LAYER = Way(recurrence.states, recurrence.gammas)
ALONG_DIAGONALS = Way(wavefront.states, wavefront.gammas)


def fastest(net: Batch) -> Way:
    """The faster way through the hidden layers."""
    return ALONG_DIAGONALS if wavefront.pays(net) else LAYER_BY_LAYER


@dataclass(frozen=True)
class BatchForward:
    """What forward propagation leaves behind; time comes first, then the sequence.

    Attributes
    ----------
    net : the network
    h : h[l][t] is h^(l)(t), shape (T + 1, B, d_l), layers 1..n-1, the initial states included
    y_hat : y_hat[t-1] is y^(t), shape (T, B, |V|)
    losses : J^(t) of every sequence, shape (T, B)
    """

    net: Batch
    h: Mapping[int, Array]
    y_hat: Array
    losses: Array

    @cached_property
    def loss(self) -> Any:
        """J, (1), a number."""
        return self.net.total(self.losses)

    @cached_property
    def z(self) -> Mapping[int, Array]:
        """z[l][t-1] is z^(l)(t), shape (T, B, d_l), layers 1..n; worked out from the states when asked for, (5)."""
        return {l: recurrence.z_of(self.net, self.h, l, slice(None)) for l in self.net.W}


@dataclass(frozen=True)
class BatchGradients:
    """The gradients of J, and the gammas that they are made of.

    Attributes
    ----------
    H, W, b, h0 : by layer, shapes as in `Batch`
    hidden : gamma of the hidden layers
    net, y_hat : the network and its y^, from which the rest follows
    """

    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    h0: Mapping[int, Array]
    hidden: Mapping[int, Array]
    net: Batch
    y_hat: Array

    @cached_property
    def gamma(self) -> Mapping[int, Array]:
        """gamma[l][t-1] is the gradient of J in z^(l)(t), shape (T, B, d_l), layers 1..n."""
        top = np.empty_like(self.y_hat)
        for at, error in Output(self.net, self.y_hat).errors_from(self.y_hat):
            rows_of(top)[at] = error
        return {**self.hidden, self.net.n: top}

    @cached_property
    def x(self) -> Array:
        """The gradient of J in the inputs, shape (T, B, d_0)."""
        return over_steps(self.hidden[1] if self.hidden else self.gamma[1], self.net.W[1])


def forward_batch(net: Batch, way: Way | None = None) -> BatchForward:
    """Forward propagation, (3)-(5), and J, (1).

    Parameters
    ----------
    net
        A network whose g is softmax, over any numbers.
    way
        Through the hidden layers: LAYER_BY_LAYER or ALONG_DIAGONALS; the faster one if left out.
    """
    net = net.of_one_type
    h = (way or fastest(net)).states(net)
    output = Output(net, net.below(h, net.n))
    y_hat = output.probabilities()
    return BatchForward(net, h, y_hat, output.losses.reshape(net.T, net.B))


def one_pass_batch(net: Batch, run: BatchForward, way: Way | None = None) -> BatchGradients:
    """Gradients of J by one pass back over gamma, (42)-(46).

    Parameters
    ----------
    net
        A network whose g is softmax, over any numbers.
    run
        Its forward propagation.
    way
        Through the hidden layers, as of `forward_batch`.
    """
    net = net.of_one_type
    output = Output(net, net.below(run.h, net.n))
    found = gradients_of(net, run.h, output.gradients(output.errors_from(run.y_hat)), way or fastest(net), {})
    return BatchGradients(**found, net=net, y_hat=run.y_hat)


def gradients_of(
    net: Batch, h: Mapping[int, Array], top: tuple[Array, Array, Array], way: Way, after: Mapping[int, Array]
) -> dict[str, Any]:
    """The gradients in H, (44), W, (45), b, (46), and h(0), and gamma of the hidden layers, by name.

    Parameters
    ----------
    net, h, way
        The network, its states, and a way through its hidden layers.
    top
        The gradients in W^(n) and b^(n), and what arrives from the output layer.
    after
        gamma^(l)(T + 1), where the sequences go on.
    """
    W_n, b_n, arriving = top
    gamma = way.gammas(net, h, arriving, after)
    return {
        "H": {l: summed_outer(gamma[l], h[l][:-1]) for l in net.hidden},
        "W": {l: summed_outer(gamma[l], net.below(h, l)) for l in net.hidden} | {net.n: W_n},
        "b": {l: summed(rows_of(gamma[l])) for l in net.hidden} | {net.n: b_n},
        "h0": {l: np.dot(gamma[l][0], net.H[l]) for l in net.hidden},
        "hidden": gamma,
    }
