"""Section 3.3, Conclusion: equations (26)-(35), for the loss J^(t) of one time step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .calculus import diag
from .quantities import Quantities
from .registry import correction, equation


@equation(26)
def delta_output(q: Quantities, t: int) -> Iterator[Any]:
    """delta^(n)(t), shape (|V|, 1); (26)."""
    yield q.y_hat[t] - q.y[t]


@equation(27)
def delta_top(q: Quantities, t: int) -> Iterator[Any]:
    """delta^(n-1)(t), shape (d_{n-1}, 1); (27)."""
    n = q.n
    yield diag(q.f_prime(q.z[n - 1, t])) @ q.W[n].T @ q.delta[n, t, t]


@equation(28)
def delta_top_back(q: Quantities, t: int, c: int) -> Iterator[Any]:
    """delta^(n-1)(t-c), c >= 1, shape (d_{n-1}, 1); (28)."""
    n = q.n
    yield diag(q.f_prime(q.z[n - 1, t - c])) @ q.H[n - 1].T @ q.delta[n - 1, t - c + 1, t]


@equation(29)
def delta_hidden(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """delta^(l)(t), l <= n-2, shape (d_l, 1); (29)."""
    yield diag(q.f_prime(q.z[l, t])) @ q.W[l + 1].T @ q.delta[l + 1, t, t]


@equation(30)
def delta_hidden_back(q: Quantities, l: int, t: int, c: int) -> Iterator[Any]:
    """delta^(l)(t-c), l <= n-2, c >= 1, shape (d_l, 1); (30)."""
    yield diag(q.f_prime(q.z[l, t - c])) @ (
        q.H[l].T @ q.delta[l, t - c + 1, t] + q.W[l + 1].T @ q.delta[l + 1, t - c, t]
    )


@equation(31)
def step_gradient_H_as_printed(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in H^(l) with the printed delta^(l)(t) in every term; (31). See `step_gradient_H`."""
    yield sum(q.delta[l, t, t] @ q.h[l, k - 1].T for k in range(1, t + 1))


@correction(31)
def step_gradient_H(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in H^(l), shape (d_l, d_l); (31) corrected. See `step_gradient_H_as_printed`."""
    yield sum(q.delta[l, k, t] @ q.h[l, k - 1].T for k in range(1, t + 1))


@equation(32)
def step_gradient_output_W(q: Quantities, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in W^(n), shape (|V|, d_{n-1}); (32)."""
    yield q.delta[q.n, t, t] @ q.h[q.n - 1, t].T


@equation(33)
def step_gradient_hidden_W(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in W^(l), l < n, shape (d_l, d_{l-1}); (33)."""
    yield sum(q.delta[l, k, t] @ q.h[l - 1, k].T for k in range(1, t + 1))


@equation(34)
def step_gradient_output_b(q: Quantities, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in b^(n), shape (|V|, 1); (34)."""
    yield q.delta[q.n, t, t]


@equation(35)
def step_gradient_hidden_b(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """The gradient of J^(t) in b^(l), l < n, shape (d_l, 1); (35)."""
    yield sum(q.delta[l, k, t] for k in range(1, t + 1))
