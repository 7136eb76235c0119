"""The output layer of a batch: y^, (3), J, (1), the error y^ - y, (7), and the gradients that follow, (19) and (23).

|V| can be large, so that the logits are most of what there is. They turn into y^, and y^ into the error, in place and
in small pieces, which stay in a processor's cache from the first pass over them to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .batch import Batch, over_steps, rows_of, summed
from .calculus import Array
from .functions import largest

BLOCK = 3 * 2**23
"""How many bytes of errors there are at a time: rows enough for a product of matrices at full speed, and little enough
for memory that was used before (beyond 32 MB, the C library takes fresh pages every time)."""

PIECE = 2**19
"""How many bytes of a block are worked on at a time: with a quarter of it, the calls of NumPy show."""

Errors = Iterator[tuple[slice, Array]]
"""Blocks of the T B rows of gamma^(n): which rows, and an array of shape (rows, |V|), good until the next block."""


class Output:
    """The output layer over a network's states.

    Parameters
    ----------
    net
        The network.
    below
        h^(n-1)(t), shape (T, B, d_{n-1}).

    Attributes
    ----------
    losses : J^(t) of every sequence, T B of them: filled in when the logits turn into y^
    """

    def __init__(self, net: Batch, below: Array) -> None:
        y = net.y
        self.net, self.below = net, below
        self.losses = np.empty(net.T * net.B, below.dtype)
        self._row = np.arange(net.T * net.B)
        self._targets = y.reshape(-1) if y.ndim == 2 else rows_of(y)  # of all rows: (T B,) classes, or (T B, |V|)
        self._counts = (net.weights[:, None] * net.shares).ravel()  # how much the J^(t) of each row counts
        self._ones = np.ones(len(net.b[net.n]), below.dtype)

    @property
    def loss(self) -> Any:
        """J, (1)."""
        return self.net.total(self.losses)

    def probabilities(self) -> Array:
        """y^ at all times, (3), shape (T, B, |V|)."""
        y_hat = over_steps(self.below, self.net.W[self.net.n].T)
        for at, z in _pieces(0, rows_of(y_hat)):
            z /= self._to_exponentials(at, z)[:, None]
        return y_hat

    def errors_from(self, y_hat: Array) -> Errors:
        """gamma^(n)(t) = y^ - y, (7), each as much as its J^(t) counts."""
        rows = rows_of(y_hat)
        for at, block in self._blocks():
            for of_piece, error in _pieces(at.start, block):
                error[...] = rows[of_piece]
                self._subtract_targets(of_piece, error, 1)
                error *= self._counts[of_piece, None]
            yield at, block

    def errors(self) -> Errors:
        """The same without y^: (e - total y) / total, since y^ is e / total."""
        h, W_T = rows_of(self.below), self.net.W[self.net.n].T
        for at, block in self._blocks():
            np.dot(h[at], W_T, out=block)
            for of_piece, z in _pieces(at.start, block):
                total = self._to_exponentials(of_piece, z)
                self._subtract_targets(of_piece, z, total)
                z *= (self._counts[of_piece] / total)[:, None]
            yield at, block

    def gradients(self, errors: Errors) -> tuple[Array, Array, Array]:
        """The gradients in W^(n), (19), and b^(n), (23), and what arrives at h^(n-1)(t): shape (T, B, d_{n-1})."""
        h, W_n = rows_of(self.below), self.net.W[self.net.n]
        arriving = np.empty(self.below.shape, self.below.dtype)
        sums: list[Array] = []
        for at, error in errors:
            np.dot(error, W_n, out=rows_of(arriving)[at])
            terms = [np.dot(h[at].T, error).T, summed(error)]  # faster than error^T h, which is tall
            sums = [np.add(a, b, out=a) for a, b in zip(sums, terms, strict=True)] if sums else terms
        W, b = sums
        return W, b, arriving

    def _blocks(self) -> Errors:
        """Room for blocks of rows, the same memory for all of them."""
        count, V = self.net.T * self.net.B, len(self.net.b[self.net.n])
        length = min(count, max(1, BLOCK // (V * self.below.itemsize)))
        room = np.empty((length, V), self.below.dtype)
        for start in range(0, count, length):
            at = slice(start, min(start + length, count))
            yield at, room[: at.stop - start]

    def _to_exponentials(self, at: slice, z: Array) -> Array:
        """W h of some rows into e = exp of the shifted logits, in place; their J^(t), in the form of (6)'s second line.

        Returns
        -------
        The sum of each row, shape (rows,).
        """
        functions = self.net.functions
        z += self.net.b[self.net.n]
        shift, logit = _shifts(functions.shift, z), self._at_targets(at, z)
        z -= shift[:, None]
        functions.exp.into(z, z)
        total: Array = z.dot(self._ones)
        self.losses[at] = functions.log(total) + shift - logit
        return total

    def _subtract_targets(self, at: slice, rows: Array, times: Array | int) -> None:
        """Some rows less y, as many times as is given, for all or by row, shape (rows,); in place."""
        y = self._targets[at]
        if y.ndim == 1:
            rows[self._row[: len(rows)], y] -= times
        else:
            rows -= np.reshape(times, (-1, 1)) * y

    def _at_targets(self, at: slice, z: Array) -> Array:
        """y^T z of each row: z_k, if y is of classes."""
        y = self._targets[at]
        product: Array = z[self._row[: len(z)], y] if y.ndim == 1 else (y * z).sum(axis=1)
        return product


def _pieces(first: int, block: Array) -> Iterator[tuple[slice, Array]]:
    """A block in pieces: which of all rows, and the piece."""
    length = max(1, PIECE // block[0].nbytes)
    for start in range(0, len(block), length):
        piece = block[start : start + length]
        yield slice(first + start, first + start + len(piece)), piece


def _shifts(shift: Callable[[Any], Any], z: Array) -> Array:
    """What is subtracted from each row of logits, shape (rows,)."""
    if shift is largest and z.dtype != object:
        highest: Array = np.maximum.reduce(z, axis=1)
        return highest
    shifts = np.empty_like(z, shape=len(z))
    for row, logits in enumerate(z):
        shifts[row] = shift(logits)
    return shifts
