"""Section 1, Loss Function: equations (1) and (2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .calculus import entry
from .quantities import Quantities
from .registry import equation


@equation(1)
def mean_loss(q: Quantities) -> Iterator[Any]:
    r"""J, the mean of the losses of all steps, shape (1, 1); (1).

    The second line holds for any targets, the third for one-hot targets, whose one entry is k.
    """
    T, steps = q.T, range(1, q.T + 1)
    yield sum(q.J[t] for t in steps) / T
    yield sum(-(q.y[t].T @ q.log(q.y_hat[t])) for t in steps) / T
    yield sum(-q.log(entry(q.y_hat[t], q.k(t))) for t in steps) / T


@equation(2)
def loss_at(q: Quantities, t: int) -> Iterator[Any]:
    r"""J^(t), the loss of one step with the class k, shape (1, 1); (2)."""
    yield -q.log(entry(q.y_hat[t], q.k(t)))
