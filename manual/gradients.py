"""Section 3.2, Gradients of Parameters: equations (16)-(25), for the loss J^(t) of one time step.

A derivative in a matrix is in numerator layout: the transpose of the gradient. [M_i] is the document's vector of
matrices, one for each component i, and epsilon_i a unit column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .calculus import Array, jacobian, row_times_stack
from .quantities import Quantities
from .registry import correction, equation


def stack(matrices: Iterator[Array]) -> Array:
    """The document's [M_i]: a vector of matrices, shape (d, p, q)."""
    return np.stack(list(matrices))


# ----------------------------------------------------------------------------- H, horizontal propagation matrix


@equation(16)
def derivative_in_H(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """dJ^(t)/dH^(l), shape (d_l, d_l); (16)."""
    H, W, b, h, delta = q.H[l], q.W[l], q.b[l], q.h, q.delta
    steps, components = range(1, t + 1), range(q.d[l])

    def eps(i: int) -> Array:
        return q.unit(i, q.d[l])

    yield sum(q.dJ_dH_summand[l, k, t] for k in steps)
    yield sum(row_times_stack(q.dJ_dz[l, k, t], q.dz_dH[l, k]) for k in steps)
    yield sum(
        row_times_stack(
            delta[l, k, t].T,
            stack(
                jacobian(lambda H: eps(i).T @ (H @ h[l, k - 1] + W @ h[l - 1, k] + b), H)  # noqa: B023 (used at once)
                for i in components
            ),
        )
        for k in steps
    )
    yield sum(row_times_stack(delta[l, k, t].T, stack(h[l, k - 1] @ eps(i).T for i in components)) for k in steps)
    yield sum(h[l, k - 1] @ delta[l, k, t].T for k in steps)


@equation(17)
def gradient_in_H_as_printed(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in H^(l) with the printed delta^(1)(k); (17). See `gradient_in_H`."""
    yield sum(q.delta[1, k, t] @ q.h[l, k - 1].T for k in range(1, t + 1))


@correction(17)
def gradient_in_H(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in H^(l), shape (d_l, d_l); (17) corrected. See `gradient_in_H_as_printed`."""
    yield sum(q.delta[l, k, t] @ q.h[l, k - 1].T for k in range(1, t + 1))


# ------------------------------------------------------------------------------- W, vertical propagation matrix


@equation(18)
def derivative_in_output_W(q: Quantities, t: int) -> Iterator[Any]:
    """dJ^(t)/dW^(n), shape (d_{n-1}, |V|); (18)."""
    n, W, b, h, delta = q.n, q.W, q.b, q.h, q.delta
    components = range(q.d[n])

    def eps(i: int) -> Array:
        return q.unit(i, q.d[n])

    yield row_times_stack(q.dJ_dz[n, t, t], q.dz_dW[n, t])
    yield row_times_stack(delta[n, t, t].T, stack(q.dz_dW[n, t][i] for i in components))
    yield row_times_stack(
        delta[n, t, t].T,
        stack(
            jacobian(lambda W: eps(i).T @ W @ h[n - 1, t] + b[n][i : i + 1], W[n])  # noqa: B023 (used at once)
            for i in components
        ),
    )
    yield row_times_stack(delta[n, t, t].T, stack(h[n - 1, t] @ eps(i).T for i in components))
    yield h[n - 1, t] @ delta[n, t, t].T


@equation(19)
def gradient_in_output_W(q: Quantities, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in W^(n), shape (|V|, d_{n-1}); (19)."""
    yield q.delta[q.n, t, t] @ q.h[q.n - 1, t].T


@equation(20)
def derivative_in_hidden_W(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """dJ^(t)/dW^(l), l < n, shape (d_{l-1}, d_l); (20)."""
    H, W, b, h, delta = q.H[l], q.W[l], q.b[l], q.h, q.delta
    steps, components = range(1, t + 1), range(q.d[l])

    def eps(i: int) -> Array:
        return q.unit(i, q.d[l])

    yield sum(q.dJ_dW_summand[l, k, t] for k in steps)
    yield sum(row_times_stack(q.dJ_dz[l, k, t], q.dz_dW[l, k]) for k in steps)
    yield sum(
        row_times_stack(
            delta[l, k, t].T,
            stack(
                jacobian(lambda W: eps(i).T @ (H @ h[l, k - 1] + W @ h[l - 1, k] + b), W)  # noqa: B023 (used at once)
                for i in components
            ),
        )
        for k in steps
    )
    yield sum(row_times_stack(delta[l, k, t].T, stack(h[l - 1, k] @ eps(i).T for i in components)) for k in steps)
    yield sum(h[l - 1, k] @ delta[l, k, t].T for k in steps)


@equation(21)
def gradient_in_hidden_W(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in W^(l), l < n, shape (d_l, d_{l-1}); (21)."""
    yield sum(q.delta[l, k, t] @ q.h[l - 1, k].T for k in range(1, t + 1))


# -------------------------------------------------------------------------------------------------- b, bias term


@equation(22)
def derivative_in_output_b(q: Quantities, t: int) -> Iterator[Any]:
    """dJ^(t)/db^(n), a row of shape (1, |V|); (22)."""
    n = q.n
    yield q.dJ_dz[n, t, t] @ q.dz_db[n, t]
    yield q.delta[n, t, t].T @ q.eye(q.d[n])
    yield q.delta[n, t, t].T


@equation(23)
def gradient_in_output_b(q: Quantities, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in b^(n), shape (|V|, 1); (23)."""
    yield q.delta[q.n, t, t]


@equation(24)
def derivative_in_hidden_b(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """dJ^(t)/db^(l), l < n, a row of shape (1, d_l); (24)."""
    steps = range(1, t + 1)
    yield sum(q.dJ_db_summand[l, k, t] for k in steps)
    yield sum(q.dJ_dz[l, k, t] @ q.dz_db[l, k] for k in steps)
    yield sum(q.delta[l, k, t].T @ q.eye(q.d[l]) for k in steps)
    yield sum(q.delta[l, k, t].T for k in steps)


@equation(25)
def gradient_in_hidden_b(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in b^(l), l < n, shape (d_l, 1); (25)."""
    yield sum(q.delta[l, k, t] for k in range(1, t + 1))
