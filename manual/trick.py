"""Section 4, Trick for Implementation: equations (36)-(46).

Here the document writes delta^(l)(t)(i) for the gradient of J^(i) in z^(l)(t): `q.delta[l, t, i]`, zero for i < t.
gamma^(l)(t) is its sum over i from t to T.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .calculus import diag
from .quantities import Quantities
from .registry import correction, equation
from .undefined import Undefined

# ------------------------------------------------------------------------------------------------------- gamma


@equation(36)
@correction(36)
def gamma_last(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """gamma^(l)(t) at the last step, shape (d_l, 1); (36). Print and correction differ in the t they claim it for."""
    yield q.delta[l, t, t]


@equation(37)
def gamma_top(q: Quantities, t: int) -> Iterator[Any]:
    """gamma^(n-1)(t), shape (d_{n-1}, 1); (37)."""
    n, T, H, delta, gamma = q.n, q.T, q.H, q.delta, q.gamma
    f_prime_z = q.f_prime(q.z[n - 1, t])
    yield sum(delta[n - 1, t, i] for i in range(t, T + 1))
    yield delta[n - 1, t, t] + sum(delta[n - 1, t, i] for i in range(t + 1, T + 1))
    yield delta[n - 1, t, t] + sum(diag(f_prime_z) @ H[n - 1].T @ delta[n - 1, t + 1, i] for i in range(t + 1, T + 1))
    yield delta[n - 1, t, t] + diag(f_prime_z) @ H[n - 1].T @ sum(delta[n - 1, t + 1, i] for i in range(t + 1, T + 1))
    yield delta[n - 1, t, t] + diag(f_prime_z) @ H[n - 1].T @ gamma[n - 1, t + 1]
    yield delta[n - 1, t, t] + f_prime_z * (H[n - 1].T @ gamma[n - 1, t + 1])


@equation(38)
def gamma_hidden(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """gamma^(l)(t), l <= n-2, shape (d_l, 1); (38)."""
    T, H, W, delta, gamma = q.T, q.H[l], q.W[l + 1], q.delta, q.gamma
    f_prime_z = q.f_prime(q.z[l, t])
    yield sum(delta[l, t, i] for i in range(t, T + 1))
    yield sum(diag(f_prime_z) @ (H.T @ delta[l, t + 1, i] + W.T @ delta[l + 1, t, i]) for i in range(t, T + 1))
    yield delta[l, t, t] + sum(delta[l, t, i] for i in range(t + 1, T + 1))
    yield delta[l, t, t] + sum(
        diag(f_prime_z) @ (H.T @ delta[l, t + 1, i] + W.T @ delta[l + 1, t, i]) for i in range(t + 1, T + 1)
    )
    yield delta[l, t, t] + diag(f_prime_z) @ (
        H.T @ sum(delta[l, t + 1, i] for i in range(t + 1, T + 1))
        + W.T @ sum(delta[l + 1, t, i] for i in range(t + 1, T + 1))
    )
    yield delta[l, t, t] + f_prime_z * (H.T @ gamma[l, t + 1] + W.T @ (gamma[l + 1, t] - delta[l + 1, t, t]))
    yield f_prime_z * (H.T @ gamma[l, t + 1] + W.T @ gamma[l + 1, t])


# ------------------------------------------------------------------------------ the gradients as sums over gamma


@equation(39)
def gradient_of_J_in_H_as_printed(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in H^(l) with the printed h^(j-1) in its first line; (39). See `gradient_of_J_in_H`."""
    T, h, delta, gamma = q.T, q.h, q.delta, q.gamma
    yield (
        sum(
            delta[l, j, i] @ Undefined(f"h^({j - 1}), with one superscript").T
            for i in range(1, T + 1)
            for j in range(1, i + 1)
        )
        / T
    )
    yield sum(delta[l, i, j] @ h[l, i - 1].T for i in range(1, T + 1) for j in range(i, T + 1)) / T
    yield sum(gamma[l, i] @ h[l, i - 1].T for i in range(1, T + 1)) / T


@correction(39)
def gradient_of_J_in_H(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in H^(l), shape (d_l, d_l); (39) corrected. See `gradient_of_J_in_H_as_printed`."""
    T, h, delta, gamma = q.T, q.h, q.delta, q.gamma
    yield sum(delta[l, j, i] @ h[l, j - 1].T for i in range(1, T + 1) for j in range(1, i + 1)) / T
    yield sum(delta[l, i, j] @ h[l, i - 1].T for i in range(1, T + 1) for j in range(i, T + 1)) / T
    yield sum(gamma[l, i] @ h[l, i - 1].T for i in range(1, T + 1)) / T


@equation(40)
def gradient_of_J_in_W(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in W^(l), l < n, shape (d_l, d_{l-1}); (40)."""
    T, h, delta, gamma = q.T, q.h, q.delta, q.gamma
    yield sum(delta[l, j, i] @ h[l - 1, j].T for i in range(1, T + 1) for j in range(1, i + 1)) / T
    yield sum(delta[l, i, j] @ h[l - 1, i].T for i in range(1, T + 1) for j in range(i, T + 1)) / T
    yield sum(gamma[l, i] @ h[l - 1, i].T for i in range(1, T + 1)) / T


@equation(41)
def gradient_of_J_in_b(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in b^(l), l < n, shape (d_l, 1); (41)."""
    T, delta, gamma = q.T, q.delta, q.gamma
    yield sum(delta[l, j, i] for i in range(1, T + 1) for j in range(1, i + 1)) / T
    yield sum(delta[l, i, j] for i in range(1, T + 1) for j in range(i, T + 1)) / T
    yield sum(gamma[l, i] for i in range(1, T + 1)) / T


# -------------------------------------------------------------------------------------------- everything together


@equation(42)
def delta_same_time(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """delta^(l)(t)(t), shape (d_l, 1), by cases; (42)."""
    if l == q.n:
        yield q.y_hat[t] - q.y[t]
    else:
        yield q.f_prime(q.z[l, t]) * (q.W[l + 1].T @ q.delta[l + 1, t, t])


@equation(43)
def gamma_by_cases(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """gamma^(l)(t), shape (d_l, 1), by cases; (43)."""
    n, T, H, W, z, delta, gamma, f_prime = q.n, q.T, q.H, q.W, q.z, q.delta, q.gamma, q.f_prime
    if t == T:
        yield delta[l, t, t]
    elif l == n - 1:
        yield delta[l, t, t] + f_prime(z[l, t]) * (H[l].T @ gamma[l, t + 1])
    else:
        yield f_prime(z[l, t]) * (H[l].T @ gamma[l, t + 1] + W[l + 1].T @ gamma[l + 1, t])


@equation(44)
def total_gradient_H(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in H^(l), shape (d_l, d_l); (44)."""
    T = q.T
    yield sum(q.gamma[l, t] @ q.h[l, t - 1].T for t in range(1, T + 1)) / T


@equation(45)
def total_gradient_W(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in W^(l), shape (d_l, d_{l-1}), by cases; (45)."""
    T, n = q.T, q.n
    if l == n:
        yield sum(q.delta[n, t, t] @ q.h[n - 1, t].T for t in range(1, T + 1)) / T
    else:
        yield sum(q.gamma[l, t] @ q.h[l - 1, t].T for t in range(1, T + 1)) / T


@equation(46)
def total_gradient_b(q: Quantities, l: int) -> Iterator[Any]:
    """The gradient of J in b^(l), shape (d_l, 1), by cases; (46)."""
    T, n = q.T, q.n
    if l == n:
        yield sum(q.delta[n, t, t] for t in range(1, T + 1)) / T
    else:
        yield sum(q.gamma[l, t] for t in range(1, T + 1)) / T
