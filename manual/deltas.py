"""Section 3.1, Derivation of deltas: equations (6)-(15).

J^(t) is the loss of one time step; within a chain every derivative and every delta is of that loss, so that
delta^(l)(t-c) is `q.delta[l, t - c, t]` here, the document's own later notation delta^(l)(t-c)(t).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .calculus import diag, entry, jacobian, total
from .quantities import Quantities
from .registry import correction, equation

# ------------------------------------------------------------------------------------------ 3.1.1 the output layer


@equation(6)
def output_error_row_as_printed(q: Quantities, t: int) -> Iterator[Any]:
    """dJ^(t)/dz^(n)(t), a row of shape (1, |V|), with the printed log sum z_j; (6). See `output_error_row`."""
    n, k, g, log = q.n, q.k(t), q.g, q.log
    yield jacobian(lambda z: -log(entry(g(z), k)), q.z[n, t])
    yield jacobian(lambda z: -entry(z, k) + log(total(z)), q.z[n, t])
    yield (q.y_hat[t] - q.y[t]).T


@correction(6)
def output_error_row(q: Quantities, t: int) -> Iterator[Any]:
    """dJ^(t)/dz^(n)(t), shape (1, |V|), with log sum exp(z_j); (6) corrected. See `output_error_row_as_printed`."""
    n, k, g, exp, log = q.n, q.k(t), q.g, q.exp, q.log
    yield jacobian(lambda z: -log(entry(g(z), k)), q.z[n, t])
    yield jacobian(lambda z: -entry(z, k) + log(total(exp(z))), q.z[n, t])
    yield (q.y_hat[t] - q.y[t]).T


@equation(7)
def output_error(q: Quantities, t: int) -> Iterator[Any]:
    """delta^(n)(t), the gradient in the output pre-activation, shape (|V|, 1); (7)."""
    n = q.n
    yield q.dJ_dz[n, t, t].T
    yield q.y_hat[t] - q.y[t]


# -------------------------------------------------------------------------------------- 3.1.2 the top hidden layer


@equation(8)
def top_error_row(q: Quantities, t: int) -> Iterator[Any]:
    """dJ^(t)/dz^(n-1)(t), shape (1, d_{n-1}); (8)."""
    n, f, f_prime, W, b, z, delta = q.n, q.f, q.f_prime, q.W, q.b, q.z, q.delta
    yield q.dJ_dz[n, t, t] @ q.dz_dz[n, t, n - 1, t]
    yield delta[n, t, t].T @ jacobian(lambda z: W[n] @ f(z) + b[n], z[n - 1, t])
    yield delta[n, t, t].T @ W[n] @ diag(f_prime(z[n - 1, t]))


@equation(9)
def top_error(q: Quantities, t: int) -> Iterator[Any]:
    """delta^(n-1)(t), shape (d_{n-1}, 1); (9)."""
    n, f_prime, W, z, delta = q.n, q.f_prime, q.W, q.z, q.delta
    yield q.dJ_dz[n - 1, t, t].T
    yield diag(f_prime(z[n - 1, t])) @ W[n].T @ delta[n, t, t]


@equation(10)
def top_error_back_row(q: Quantities, t: int, c: int) -> Iterator[Any]:
    """dJ^(t)/dz^(n-1)(t-c), c >= 1, shape (1, d_{n-1}); (10)."""
    n, f, f_prime, H, W, b, h, z, delta = q.n, q.f, q.f_prime, q.H, q.W, q.b, q.h, q.z, q.delta
    l, now, later = n - 1, t - c, t - c + 1
    yield q.dJ_dz[l, later, t] @ q.dz_dz[l, later, l, now]
    yield delta[l, later, t].T @ jacobian(lambda z: H[l] @ f(z) + W[l] @ h[n - 2, later] + b[l], z[l, now])
    yield delta[l, later, t].T @ jacobian(lambda z: H[l] @ f(z), z[l, now])
    yield delta[l, later, t].T @ H[l] @ diag(f_prime(z[l, now]))


@equation(11)
def top_error_back(q: Quantities, t: int, c: int) -> Iterator[Any]:
    """delta^(n-1)(t-c), c >= 1, shape (d_{n-1}, 1); (11)."""
    n, f_prime, H, z, delta = q.n, q.f_prime, q.H, q.z, q.delta
    yield q.dJ_dz[n - 1, t - c, t].T
    yield diag(f_prime(z[n - 1, t - c])) @ H[n - 1].T @ delta[n - 1, t - c + 1, t]


# -------------------------------------------------------------------------------------- 3.1.3 other hidden layers


@equation(12)
def hidden_error_row(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """dJ^(t)/dz^(l)(t), l <= n-2, shape (1, d_l); (12)."""
    f, f_prime, H, W, b, h, z, delta = q.f, q.f_prime, q.H, q.W, q.b, q.h, q.z, q.delta
    yield q.dJ_dz[l + 1, t, t] @ q.dz_dz[l + 1, t, l, t]
    yield delta[l + 1, t, t].T @ jacobian(lambda z: H[l + 1] @ h[l + 1, t - 1] + W[l + 1] @ f(z) + b[l + 1], z[l, t])
    yield delta[l + 1, t, t].T @ jacobian(lambda z: W[l + 1] @ f(z), z[l, t])
    yield delta[l + 1, t, t].T @ W[l + 1] @ diag(f_prime(z[l, t]))


@equation(13)
def hidden_error(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """delta^(l)(t), l <= n-2, shape (d_l, 1); (13)."""
    f_prime, W, z, delta = q.f_prime, q.W, q.z, q.delta
    yield q.dJ_dz[l, t, t].T
    yield diag(f_prime(z[l, t])) @ W[l + 1].T @ delta[l + 1, t, t]


@equation(14)
def hidden_error_back_row(q: Quantities, l: int, t: int, c: int) -> Iterator[Any]:
    """dJ^(t)/dz^(l)(t-c), l <= n-2, c >= 1, shape (1, d_l); (14).

    z^(l)(t-c) reaches J^(t) through z^(l)(t-c+1) and through z^(l+1)(t-c).
    """
    f, f_prime, H, W, z, delta = q.f, q.f_prime, q.H, q.W, q.z, q.delta
    now, later = t - c, t - c + 1
    yield (q.dJ_dz[l, later, t] @ q.dz_dz[l, later, l, now] + q.dJ_dz[l + 1, now, t] @ q.dz_dz[l + 1, now, l, now])
    yield delta[l, later, t].T @ jacobian(lambda z: H[l] @ f(z), z[l, now]) + (
        delta[l + 1, now, t].T @ jacobian(lambda z: W[l + 1] @ f(z), z[l, now])
    )
    yield (
        delta[l, later, t].T @ H[l] @ diag(f_prime(z[l, now]))
        + delta[l + 1, now, t].T @ W[l + 1] @ diag(f_prime(z[l, now]))
    )
    yield (delta[l, later, t].T @ H[l] + delta[l + 1, now, t].T @ W[l + 1]) @ diag(f_prime(z[l, now]))


@equation(15)
def hidden_error_back_as_printed(q: Quantities, l: int, t: int, c: int) -> Iterator[Any]:
    """delta^(l)(t-c) with the printed W^(l+1) (delta^(l+1)(t-c))^T; (15). See `hidden_error_back`."""
    f_prime, H, W, z, delta = q.f_prime, q.H, q.W, q.z, q.delta
    yield q.dJ_dz[l, t - c, t].T
    yield diag(f_prime(z[l, t - c])) @ (H[l].T @ delta[l, t - c + 1, t] + W[l + 1] @ delta[l + 1, t - c, t].T)


@correction(15)
def hidden_error_back(q: Quantities, l: int, t: int, c: int) -> Iterator[Any]:
    """delta^(l)(t-c), l <= n-2, c >= 1, shape (d_l, 1); (15) corrected. See `hidden_error_back_as_printed`."""
    f_prime, H, W, z, delta = q.f_prime, q.H, q.W, q.z, q.delta
    yield q.dJ_dz[l, t - c, t].T
    yield diag(f_prime(z[l, t - c])) @ (H[l].T @ delta[l, t - c + 1, t] + W[l + 1].T @ delta[l + 1, t - c, t])
