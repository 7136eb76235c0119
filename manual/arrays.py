"""The loss and its gradients of plain arrays, checked: the one pass as a person would call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from .batch import Batch
from .calculus import Array
from .checkpoints import gradients_in_segments
from .functions import Functions
from .given import functions_of, initial_states_of, inputs_of, parameters_of, targets_of


def loss_and_gradients(
    params: Sequence[Mapping[str, ArrayLike]],
    x: ArrayLike,
    y: ArrayLike,
    h0: Sequence[ArrayLike] | None = None,
    functions: Functions | str = "tanh",
    *,
    recompute: bool = False,
) -> tuple[float, list[dict[str, Array]]]:
    """J, the mean of the J^(t) over the steps and sequences, and its gradients, by one pass back, (42)-(46).

    Parameters
    ----------
    params
        n dicts for the layers 1..n: ``{"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}``, the last without "H".
    x
        Inputs, shape (T, d_0), or (T, B, d_0) for B sequences.
    y
        Class indices from 0, shape (T,) or (T, B); or targets with rows that sum to 1, shape (T, |V|) or (T, B, |V|).
    h0
        The initial states h^(l)(0), l = 1..n-1, each of shape (d_l,) or (B, d_l); zeros if left out.
    functions
        The functions of the network, or the name of an activation, with softmax.
    recompute
        Whether to keep the states of about sqrt(T) steps only, and work the others out a second time: for sequences
        too long to be kept.

    Returns
    -------
    J, and the gradients in the structure of `params`.

    Raises
    ------
    ShapeError, ValueRangeError, TypeOfEntriesError, NetworkError
        As of `network`.
    """
    functions = functions_of(functions)
    given = parameters_of(params)
    d, dtype = given.d, given.dtype
    inputs = inputs_of(x, d[0], dtype, 2, 3)
    T, *batch = inputs.shape[:-1]
    targets = targets_of(y, (T, *batch), d[-1], dtype)
    initial = initial_states_of(h0, d, dtype, *batch)
    if not batch:
        inputs, targets, initial = inputs[:, None], targets[:, None], {l: state[None] for l, state in initial.items()}
    B = inputs.shape[1]
    weights, shares = np.full(T, 1 / T, dtype=dtype), np.full(B, 1 / B, dtype=dtype)
    net = Batch(given.H, given.W, given.b, inputs, targets, initial, weights, shares, functions)
    found = gradients_in_segments(net, None if recompute else T, recompute=recompute)
    hidden = [{"H": found.H[l], "W": found.W[l], "b": found.b[l]} for l in net.hidden]
    return float(found.loss), [*hidden, {"W": found.W[net.n], "b": found.b[net.n]}]
