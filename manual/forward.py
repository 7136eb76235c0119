"""Section 2, Forward Propagation: equations (3)-(5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .quantities import Quantities
from .registry import correction, equation


@equation(3)
def prediction(q: Quantities, t: int) -> Iterator[Any]:
    """y^^(t), the output distribution, shape (|V|, 1); (3)."""
    yield q.g(q.z[q.n, t])


@equation(4)
def hidden_state_as_printed(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """h^(l)(t) with the printed index z^(l-1), shape (d_l, 1); (4). See `hidden_state`."""
    if l == 0:
        yield q.x[t]
    else:
        yield q.f(q.z[l - 1, t])


@correction(4)
def hidden_state(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """h^(l)(t) = f(z^(l)(t)), shape (d_l, 1), and x^(t) for l = 0; (4) corrected. See `hidden_state_as_printed`."""
    if l == 0:
        yield q.x[t]
    else:
        yield q.f(q.z[l, t])


@equation(5)
def pre_activation(q: Quantities, l: int, t: int) -> Iterator[Any]:
    """z^(l)(t), shape (d_l, 1), of the output layer and of the hidden layers; (5)."""
    H, W, b, h = q.H, q.W, q.b, q.h
    if l == q.n:
        yield W[l] @ h[l - 1, t] + b[l]
    else:
        yield H[l] @ h[l, t - 1] + W[l] @ h[l - 1, t] + b[l]
