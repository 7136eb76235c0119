"""The networks on which one pass is measured.

Their numbers are chosen so that a check says something at every size. Row sums of H are at most
1/4, those of W in hidden layers 1/2, so that rounding errors stay small however long the sequence and deep the network
is (`agreement`). All matrices are positive, rows and columns
of different weight, and one class is the target of most steps; so the terms of a gradient have the same sign, they do
not cancel, and a wrong one differs by much more than rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manual import Batch

Array = NDArray[Any]


@dataclass(frozen=True)
class Size:
    """The size of one network with its data.

    Attributes
    ----------
    layers : hidden layers
    width : of x and of every hidden layer
    T, B : steps and sequences
    classes : |V|
    dtype : "float32" or "float64"
    """

    layers: int
    width: int
    T: int
    B: int
    classes: int
    dtype: str

    def __str__(self) -> str:
        return f"{self.layers} hidden of {self.width}, T = {self.T}, B = {self.B}, |V| = {self.classes:,}, {self.dtype}"

    @property
    def operations(self) -> int:
        """Floating operations of all matrix products: z, the gradients of weights, and what is handed on."""
        rows, d = self.T * self.B, self.width
        return 6 * rows * (2 * self.layers * d * d + d * self.classes)

    @property
    def bytes(self) -> int:
        """About the memory that one contender takes at once: six arrays of logits, eight of each layer's states."""
        rows = self.T * self.B
        return np.dtype(self.dtype).itemsize * rows * (6 * self.classes + 8 * self.layers * self.width)


@dataclass(frozen=True)
class Data:
    """A network in the form of the oracle's doors, its arrays in the size's dtype.

    Attributes
    ----------
    size : which one
    params : n dicts, {"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}, the last without "H"
    x : (T, B, d_0)
    y : (T, B), classes from 0
    h0 : n - 1 arrays of shape (B, d_l)
    """

    size: Size
    params: list[dict[str, Array]]
    x: Array
    y: Array
    h0: list[Array]

    def batch(self) -> Batch:
        """The same for the manual side; J is the mean over steps and sequences."""
        size, dtype = self.size, self.x.dtype

        def by_layer(name: str) -> Mapping[int, Array]:
            return {l: layer[name] for l, layer in enumerate(self.params, start=1) if name in layer}

        return Batch(
            by_layer("H"),
            by_layer("W"),
            by_layer("b"),
            self.x,
            self.y,
            dict(enumerate(self.h0, start=1)),
            np.full(size.T, 1 / size.T, dtype),
            np.full(size.B, 1 / size.B, dtype),
        )


def draw(size: Size, seed: int) -> Data:
    """The network that a size and a seed determine."""
    rng = np.random.default_rng([seed, size.layers, size.width, size.T, size.B, size.classes])
    widths = [size.width] * (size.layers + 1) + [size.classes]
    n = len(widths) - 1

    def positive(rows: int, columns: int, row_sum: float, other_rows: float = 1.0) -> Array:
        weights = rng.uniform(0.5, 1, rows) * other_rows
        weights[0] = 1
        matrix = weights[:, None] * rng.uniform(0.5, 1.5, columns) * rng.uniform(0.5, 1.5, (rows, columns))
        scaled: Array = matrix * (row_sum / matrix.sum(axis=1).max())
        return scaled.astype(size.dtype)

    params: list[dict[str, Array]] = []
    for l in range(1, n + 1):
        layer = {"H": positive(widths[l], widths[l], 1 / 4)} if l < n else {}
        W = positive(widths[l], widths[l - 1], *((1 / 2, 1.0) if l < n else (1.0, 1 / 4)))
        params.append(layer | {"W": W, "b": rng.uniform(-0.5, 0.5, widths[l]).astype(size.dtype)})
    x = rng.uniform(0, 1, (size.T, size.B, widths[0])).astype(size.dtype)
    y = np.where(rng.random((size.T, size.B)) < 3 / 4, 0, rng.integers(size.classes, size=(size.T, size.B)))
    h0 = [rng.uniform(0, 1, (size.B, d)).astype(size.dtype) for d in widths[1:-1]]
    return Data(size, params, x, y, h0)
