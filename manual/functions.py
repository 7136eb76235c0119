"""The functions of a network: the activation f, its derivative f', and the output function g.

The activations here are pairs (f, f'), each derivative worked out by hand. They are written in plain NumPy, so that
object arrays pass through: NumPy calls a method of the element for np.exp, np.tanh and their like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np

from .calculus import Array, Differential, Elementwise, total
from .undefined import Undefined


def _logistic(u: Array) -> Array:
    e: Array = np.exp(-abs(u))  # never overflows
    return np.where(u >= 0, 1 / (1 + e), e / (1 + e))


def _logistic_derivative(u: Array) -> Array:
    e: Array = np.exp(-abs(u))
    slope: Array = e / ((1 + e) * (1 + e))
    return slope


def _step(u: Array) -> Array:
    slope: Array = (u > 0) * (u * 0 + 1)
    return slope


def _tanh_derivative(u: Array) -> Array:
    h: Array = np.tanh(u)
    return 1 - h * h


def _softplus(u: Array) -> Array:
    beyond: Array = np.log1p(np.exp(-abs(u)))
    value: Array = beyond + u * (u > 0)
    return value


def mixture(c0: float, c1: float, c2: float, c3: float, c4: float) -> Elementwise:
    """f(u) = c0 tanh u + c1 sin u + c2 u + c3 u^2 + c4, with its derivative: an arbitrary smooth activation."""
    return Elementwise(
        lambda u: c0 * np.tanh(u) + c1 * np.sin(u) + c2 * u + c3 * (u * u) + c4,
        lambda u: c0 * _tanh_derivative(u) + c1 * np.cos(u) + c2 + 2 * c3 * u,
    )


ACTIVATIONS: Mapping[str, Elementwise] = MappingProxyType(
    {
        "tanh": Elementwise(np.tanh, _tanh_derivative, slope=lambda h: 1 - h * h),
        "logistic": Elementwise(_logistic, _logistic_derivative, slope=lambda h: h * (1 - h)),
        "relu": Elementwise(lambda u: u * (u > 0), _step, slope=_step),
        "softplus": Elementwise(_softplus, _logistic),
        "sine": Elementwise(np.sin, np.cos),
        "identity": Elementwise(lambda u: u, lambda u: u * 0 + 1),
    }
)

EXP = Elementwise(np.exp, np.exp)
LOG = Elementwise(np.log, lambda u: 1 / u)


def largest(column: Any) -> Any:
    """The largest entry of a column: subtracted from every logit it keeps exp from overflowing, and cancels."""
    value = column.value if isinstance(column, Differential) else column
    if value.dtype != object:
        return value.max()
    return reduce(lambda a, b: a.max(b), value.flat)  # elements of an ordered arithmetic, which do not compare alike


def no_shift(column: Any) -> Any:
    """Nothing to subtract: for elements that have no order and never overflow."""
    return 0


def softmax(exp: Elementwise = EXP, shift: Callable[[Any], Any] = largest) -> Callable[[Any], Any]:
    """The document's g: exp(z_j) / sum_i exp(z_i), for a column of shape (|V|, 1)."""

    def g(z: Any) -> Any:
        if isinstance(z, Undefined):
            return z
        e = exp(z - shift(z))
        return e / total(e)

    return g


@dataclass(frozen=True)
class Functions:
    """What (3) and (4) leave open.

    Parameters
    ----------
    f
        The activation and its derivative.
    exp, log
        As they stand in (2) and (6).
    shift
        What is subtracted from all logits before exp; the largest one, unless the elements have no order.
    g
        The output function; softmax unless another one is given.
    """

    f: Elementwise = ACTIVATIONS["tanh"]
    exp: Elementwise = EXP
    log: Elementwise = LOG
    shift: Callable[[Any], Any] = largest
    g: Callable[[Any], Any] = field(default_factory=softmax)
