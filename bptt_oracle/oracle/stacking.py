"""All layers and times of a network side by side, and how a change of one h changes every later z.

Arrays over a batch become (B, T, D): the sequence, the time, and all layers 1..n in one row of D = d_1 + ... + d_n
entries. The hidden layers are its first `hidden` entries. So z(t) = H h(t-1) + W h(t) + what is given, for all layers
at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.errors import UndecidedError
from ..arithmetic.formats import FLOAT64
from ..manual import Batch

Array = NDArray[Any]


class Stack:
    """One network, its layers stacked.

    Attributes
    ----------
    d : widths d_0, ..., d_n
    at : where layer l stands in a row: at[l], l = 1..n
    D, hidden : how long a row is, and how much of it the hidden layers take
    H : every H^(l) on the diagonal, shape (D, hidden): what z(t) takes from h(t-1)
    W : every W^(l) but the first, below the diagonal, shape (D, hidden): what z(t) takes from h(t)
    """

    def __init__(self, net: Batch) -> None:
        self.net = net
        self.d = (net.x.shape[2], *(net.W[l].shape[0] for l in range(1, net.n + 1)))
        ends = [sum(self.d[1:l]) for l in range(1, net.n + 2)]
        self.at = [slice(0, 0), *map(slice, ends, ends[1:])]
        self.hidden, self.D = ends[-2:]
        self.H, self.W = np.zeros((2, self.D, self.hidden))
        for l in range(1, net.n):
            self.H[self.at[l], self.at[l]] = net.H[l]
            self.W[self.at[l + 1], self.at[l]] = net.W[l + 1]

    def rows(self, layers: Mapping[int, Array], D: int) -> Array:
        """Arrays (T, B, d_l) by layer as (B, T, D), zero where there is none."""
        T, B, _ = self.net.x.shape
        result = np.zeros((B, T, D))
        for l, array in layers.items():
            result[:, :, self.at[l]] = array.swapaxes(0, 1)
        return result

    def row(self, layers: Mapping[int, Any]) -> Array:
        """A row (D,) of vectors (d_l,) or numbers by layer, zero where there is none."""
        result = np.zeros(self.D)
        for l, vector in layers.items():
            result[self.at[l]] = vector
        return result

    def derivatives(self, slope: Array) -> Array:
        """The derivative R of every z in every h, other things being equal: shape (B, T, D, T, hidden).

        Parameters
        ----------
        slope
            f'(z), shape (B, T, hidden).
        """
        B, T, hidden = slope.shape
        n, at, net = self.net.n, self.at, self.net
        R = np.zeros((B, T, self.D, T, hidden))
        times = np.arange(T)
        R[:, times, :, times] = self.W
        R[:, times[1:], :, times[:-1]] = self.H
        rows = R.reshape(B, T, self.D, T * hidden)
        H = self.H[:hidden] * slope[:, :, None]
        W = {l: net.W[l] * slope[:, :, None, at[l - 1]] for l in range(2, n + 1)}
        for t in range(T):
            if t:
                rows[:, t, :hidden, : t * hidden] += H[:, t - 1] @ rows[:, t - 1, :hidden, : t * hidden]
            for l in range(2, n):
                rows[:, t, at[l]] += W[l][:, t] @ rows[:, t, at[l - 1]]
        if n > 1:
            rows[:, :, at[n]] += W[n] @ rows[:, :, at[n - 1]]
        return R


class Reach:
    """How far errors reach: |R|, whose products make up for the error of R.

    R is computed row by row from R = A + L R, A the H and W and L the H f' and W f', so that what is computed obeys
    R = A + L R + D with |D| <= gamma |L| |R|. Then

        |R| c <= |R computed| c + |D| c + |R| |f'| |D| c.

    With q at least the norms of D and f' D, by rows and by columns, and q <= 1/2, it is enough to add 2 q max(c) to c
    and to the product.

    Parameters
    ----------
    stack
        The network.
    slope
        f'(z), shape (B, T, hidden).
    source
        The gradients of the J^(i) in the logits, shape (B, T, |V|).

    Attributes
    ----------
    arriving : the sum over i of the sizes of the gradients of J^(i) in every h, (B, T, hidden)

    Raises
    ------
    UndecidedError
        If the derivatives are too large to be known.
    """

    def __init__(self, stack: Stack, slope: Array, source: Array) -> None:
        R, hidden = stack.derivatives(slope), stack.hidden
        B, T, D = R.shape[:3]
        top = R[:, :, hidden:].reshape(B, T, D - hidden, T * hidden)
        arriving = abs(source[:, :, None] @ top).sum(axis=1).reshape(slope.shape)
        self.size = np.abs(R, out=R).reshape(B, T * D, T * hidden)
        steps, largest = abs(stack.H) + abs(stack.W), max(1, abs(slope).max(initial=0))
        norms = [
            max(matrix.sum(axis=-1).max(), matrix.sum(axis=-2).max(initial=0))
            for matrix in (steps * largest, self.size)
        ]
        terms = max(map(sum, pairwise(stack.d))) + 4
        q = 2 * terms * FLOAT64.u * norms[0] * norms[1] * largest
        if not q <= 1 / 2:
            raise UndecidedError("the derivatives of the network are too large to be known in float64")
        self.lost = 2 * q
        most = abs(source).max(axis=2).sum(axis=1)[:, None, None] + arriving.max(axis=(1, 2), keepdims=True, initial=0)
        self.arriving = arriving + self.lost * most

    def forward(self, c: Array) -> Array:
        """|R| c, shape (B, T, D), of (B, T, hidden)."""
        B, T, hidden = c.shape
        lost = self.lost * c.max(axis=(1, 2), keepdims=True, initial=0)
        product: Array = (self.size @ (c + lost).reshape(B, T * hidden, 1)).reshape(B, T, -1) + lost
        return product

    def backward(self, c: Array) -> Array:
        """|R|^T c, shape (B, T, hidden), of (B, T, D)."""
        B, T, D = c.shape
        product: Array = (c.reshape(B, 1, T * D) @ self.size).reshape(B, T, -1)
        most = c.max(axis=(1, 2), keepdims=True) + product.max(axis=(1, 2), keepdims=True, initial=0)
        product += self.lost * most
        return product


class Paths:
    """A bound on how far errors reach, without R: the products of the sizes along all paths, added up.

    |R| <= |A| + |L| |R|, so |R| c is at most the r with r = |A| c + |L| r, which is found in order of time and layer.

    Parameters
    ----------
    stack
        The network.
    slope
        The sizes of f'(z), shape (1, T, hidden).
    source
        The sizes of the gradients of the J^(i) in the logits, shape (1, T, |V|).

    Attributes
    ----------
    arriving : at least the sum over i of the sizes of the gradients of J^(i) in every h, (1, T, hidden)
    """

    def __init__(self, stack: Stack, slope: Array, source: Array) -> None:
        self._at, self._n = stack.at, stack.net.n
        self._H = {l: abs(H) for l, H in stack.net.H.items()}
        self._W = {l: abs(W) for l, W in stack.net.W.items()}
        self._slope = slope[0]
        self.arriving = self.backward(np.concatenate([np.zeros_like(slope), source], axis=2))

    def forward(self, c: Array) -> Array:
        """At least |R| c, shape (1, T, D), of (1, T, hidden)."""
        at, n = self._at, self._n
        r = np.zeros((c.shape[1], at[n].stop))
        for l in range(1, n + 1):
            if l > 1:
                below = c[0][:, at[l - 1]] + self._slope[:, at[l - 1]] * r[:, at[l - 1]]
                r[:, at[l]] = below @ self._W[l].T
            if l < n:
                own, slope, given = r[:, at[l]], self._slope[:, at[l]], c[0][:, at[l]]
                for t in range(1, len(own)):
                    own[t] += self._H[l] @ (given[t - 1] + slope[t - 1] * own[t - 1])
        return r[None]

    def backward(self, c: Array) -> Array:
        """At least |R|^T c, shape (1, T, hidden), of (1, T, D)."""
        at, n = self._at, self._n
        r = np.zeros((c.shape[1], at[n].start))
        for l in range(n - 1, 0, -1):
            above = c[0][:, at[l + 1]]
            if l + 1 < n:
                above = above + self._slope[:, at[l + 1]] * r[:, at[l + 1]]
            r[:, at[l]] = above @ self._W[l + 1]
            own, slope, given = r[:, at[l]], self._slope[:, at[l]], c[0][:, at[l]]
            for t in range(len(own) - 2, -1, -1):
                own[t] += (given[t + 1] + slope[t + 1] * own[t + 1]) @ self._H[l]
        return r[None]


def earlier(array: Array) -> Array:
    """Each time's row of (B, T, D) moved to the time after it: what was there at t - 1; zero at t = 1."""
    result = np.zeros_like(array)
    result[:, 1:] = array[:, :-1]
    return result


def later(array: Array) -> Array:
    """Each time's row of (B, T, D) moved to the time before it: what is there at t + 1; zero at t = T."""
    result = np.zeros_like(array)
    result[:, :-1] = array[:, 1:]
    return result
