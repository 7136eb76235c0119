"""A backprop as people write it: NumPy, a batch of sequences, a step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..oracle.conventions import Conventions

CONVENTIONS = Conventions(batch="time-first", h0=True)
"""How it is written, as the oracle would have it declared."""


def plain(params: Sequence[dict[str, Any]], x: Any, y: Any, h0: Sequence[Any]) -> tuple[Any, list[dict[str, Any]]]:
    """The loss and its gradients in the parameters."""
    loss, grads, _, _ = plain_with_inputs(params, x, y, h0)
    return loss, grads


def plain_with_inputs(params: Sequence[dict[str, Any]], x: Any, y: Any, h0: Sequence[Any]) -> tuple[Any, ...]:
    """The loss; its gradients in the parameters; in the initial states; in the inputs.

    Parameters
    ----------
    params
        n dicts, {"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}, the last without "H".
    x, y, h0
        (T, B, d_0); classes (T, B); n - 1 states (B, d_l).
    """
    T, B, _ = x.shape
    hidden, out = params[:-1], params[-1]
    states, h_all, errors, loss = list(h0), [], [], 0.0
    for t in range(T):
        below, at_t = x[t], []
        for l, layer in enumerate(hidden):
            below = np.tanh(states[l] @ layer["H"].T + below @ layer["W"].T + layer["b"])
            states[l] = below
            at_t.append(below)
        h_all.append(at_t)
        scores = (below if hidden else x[t]) @ out["W"].T + out["b"]
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        y_hat = e / e.sum(axis=1, keepdims=True)
        chosen = np.arange(B), y[t]
        loss -= np.log(y_hat[chosen]).sum() / (T * B)
        y_hat[chosen] -= 1
        errors.append(y_hat / (T * B))
    grads = [{name: np.zeros_like(a) for name, a in layer.items()} for layer in params]
    carried, dx = [np.zeros_like(state) for state in h0], np.empty_like(x)
    for t in reversed(range(T)):
        below = h_all[t][-1] if hidden else x[t]
        grads[-1]["W"] += errors[t].T @ below
        grads[-1]["b"] += errors[t].sum(axis=0)
        arriving = errors[t] @ out["W"]
        for l in reversed(range(len(hidden))):
            h, before = h_all[t][l], h_all[t - 1][l] if t > 0 else h0[l]
            below = h_all[t][l - 1] if l > 0 else x[t]
            dz = (1 - h * h) * (arriving + carried[l])
            grads[l]["H"] += dz.T @ before
            grads[l]["W"] += dz.T @ below
            grads[l]["b"] += dz.sum(axis=0)
            carried[l], arriving = dz @ hidden[l]["H"], dz @ hidden[l]["W"]
        dx[t] = arriving
    return loss, grads, carried, dx
