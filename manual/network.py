"""The stacked RNN of section 2 and its data, indexed as the document does: layers 0..n, times 1..T."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .calculus import Array
from .functions import Functions
from .given import functions_of, initial_states_of, inputs_of, parameters_of, targets_of


@dataclass(frozen=True)
class Network:
    """One network with its data. Every vector is a column of shape (d_l, 1), as in the document.

    Attributes
    ----------
    H : layers 1..n-1, shape (d_l, d_l)
    W : layers 1..n, shape (d_l, d_{l-1})
    b : layers 1..n, shape (d_l, 1)
    x : times 1..T, shape (d_0, 1)
    y : times 1..T, shape (|V|, 1)
    h0 : layers 1..n-1, shape (d_l, 1): the initial states h^(l)(0), which the document leaves open
    functions : f, f', exp, log and g
    """

    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    x: Mapping[int, Array]
    y: Mapping[int, Array]
    h0: Mapping[int, Array]
    functions: Functions = field(default_factory=Functions)

    def over(self, convert: Callable[[Array], Array], functions: Functions) -> Network:
        """The same network over other numbers: every array through `convert`, with functions for its elements."""

        def converted(arrays: Mapping[int, Array]) -> Mapping[int, Array]:
            return {at: convert(array) for at, array in arrays.items()}

        return Network(
            H=converted(self.H),
            W=converted(self.W),
            b=converted(self.b),
            x=converted(self.x),
            y=converted(self.y),
            h0=converted(self.h0),
            functions=functions,
        )

    @property
    def n(self) -> int:
        """The number of the output layer."""
        return len(self.W)

    @property
    def T(self) -> int:
        """The number of time steps."""
        return len(self.x)

    @property
    def d(self) -> tuple[int, ...]:
        """The widths d_0, ..., d_n; d_n is |V|."""
        return (self.W[1].shape[1], *(self.W[l].shape[0] for l in range(1, self.n + 1)))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of all entries."""
        return self.W[1].dtype

    def class_at(self, t: int) -> int | None:
        """The k of (2): the index, from 0, of the one entry of y^(t) that is 1; None if y^(t) is not one-hot."""
        ones = [j for j, entry in enumerate(self.y[t][:, 0]) if entry == 1]
        zeros = [entry for entry in self.y[t][:, 0] if entry == 0]
        return ones[0] if len(ones) == 1 and len(zeros) == self.d[-1] - 1 else None


def network(
    params: Sequence[Mapping[str, ArrayLike]],
    x: ArrayLike,
    y: ArrayLike,
    h0: Sequence[ArrayLike] | None = None,
    functions: Functions | str = "tanh",
) -> Network:
    """The network of plain arrays, checked.

    Parameters
    ----------
    params
        n dicts for the layers 1..n: ``{"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}``, the last without "H".
    x
        Inputs, shape (T, d_0), T >= 1.
    y
        T class indices from 0, or targets of shape (T, |V|) whose rows sum to 1.
    h0
        The initial states h^(l)(0), l = 1..n-1, each of shape (d_l,); zeros if left out.
    functions
        The functions of the network, or the name of an activation, with softmax.

    Raises
    ------
    ShapeError, ValueRangeError, TypeOfEntriesError, NetworkError
        Named errors for each thing that can be wrong; the message names the argument.
    """
    functions = functions_of(functions)
    given = parameters_of(params)
    d, dtype = given.d, given.dtype
    inputs = inputs_of(x, d[0], dtype, 2)
    T = len(inputs)
    initial = initial_states_of(h0, d, dtype)
    targets = targets_of(y, (T,), d[-1], dtype)
    if targets.ndim == 1:
        classes, targets = targets, np.zeros((T, d[-1]), dtype=dtype)
        targets[np.arange(T), classes] = 1
    return Network(
        H=given.H,
        W=given.W,
        b={l: bias[:, None] for l, bias in given.b.items()},
        x={t: inputs[t - 1][:, None] for t in range(1, T + 1)},
        y={t: targets[t - 1][:, None] for t in range(1, T + 1)},
        h0={l: state[:, None] for l, state in initial.items()},
        functions=functions,
    )
