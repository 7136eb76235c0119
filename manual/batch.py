"""A whole batch of sequences at once, laid out for speed.

A step of B sequences is one array of shape (B, d), a sequence a row, so that z = W h reads z = h W^T. The steps of a
layer are one array of shape (T, B, d), and a product that needs no step before or after is one product of matrices over
all T B rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from .calculus import Array
from .functions import Functions


@dataclass(frozen=True)
class Batch:
    """One network with B sequences, and how much each loss J^(t) of each sequence counts in J.

    Attributes
    ----------
    H : layers 1..n-1, shape (d_l, d_l)
    W : layers 1..n, shape (d_l, d_{l-1})
    b : layers 1..n, shape (d_l,)
    x : times 1..T, shape (T, B, d_0)
    y : times 1..T: classes from 0, integers of shape (T, B), or rows that sum to 1, shape (T, B, |V|)
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

    @property
    def T(self) -> int:
        """The number of time steps."""
        return len(self.x)

    @property
    def B(self) -> int:
        """The number of sequences."""
        return int(self.x.shape[1])

    @property
    def hidden(self) -> range:
        """The numbers of the hidden layers."""
        return range(1, self.n)

    @cached_property
    def of_one_type(self) -> Batch:
        """The same network, its parameters, inputs and initial states of the one type that holds them all."""
        layers = {"H": self.H, "W": self.W, "b": self.b, "h0": self.h0}
        arrays = [self.x, *(array for of_layer in layers.values() for array in of_layer.values())]
        dtypes = {array.dtype for array in arrays}
        if len(dtypes) == 1:
            return self
        dtype = np.result_type(*dtypes)
        converted: dict[str, Any] = {
            name: {l: array.astype(dtype) for l, array in of_layer.items()} for name, of_layer in layers.items()
        }
        return replace(self, x=self.x.astype(dtype), **converted)

    def total(self, losses: Array) -> Any:
        """J, (1), of the J^(t) of every sequence, T B of them."""
        return np.dot(np.dot(self.weights, losses.reshape(self.T, self.B)), self.shares)

    def below(self, h: Mapping[int, Array], l: int) -> Array:
        """h^(l-1) at the times 1..T, shape (T, B, d_{l-1}), with x for h^(0)."""
        return h[l - 1][1:] if l > 1 else self.x

    def steps(self, start: int, stop: int, h0: Mapping[int, Array]) -> Batch:
        """The network at the times start + 1..stop alone, which begins with the states h0."""
        if (start, stop) == (0, self.T) and h0 is self.h0:
            return self
        at = slice(start, stop)
        return replace(self, x=self.x[at], y=self.y[at], weights=self.weights[at], h0=h0)


def rows_of(steps: Array) -> Array:
    """All T B rows of an array of shape (T, B, d): shape (T B, d)."""
    return steps.reshape(-1, steps.shape[2])


def over_steps(steps: Array, matrix: Array) -> Array:
    """Every row of shape (d,) times a matrix (d, e), for rows of shape (T, B, d): one product."""
    product: Array = np.dot(rows_of(steps), matrix).reshape(*steps.shape[:2], matrix.shape[1])
    return product


def summed(rows: Array) -> Array:
    """The sum of all rows, shape (d,): a product with ones, which is the quickest."""
    product: Array = np.dot(np.ones(len(rows), rows.dtype), rows)
    return product


def summed_outer(error: Array, h: Array) -> Array:
    """The sum of error h^T over steps and sequences, for (T, B, d) and (T, B, e): shape (d, e)."""
    product: Array = np.dot(rows_of(error).T, rows_of(h))
    return product
