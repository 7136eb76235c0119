"""Other functions in softmax's place, and the equations of the output layer as they read for any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..checking import Function
from ..manual import Elementwise, Quantities
from ..manual.calculus import Differential, entry, jacobian, total
from ..manual.functions import EXP, LOG
from .comparisons import right

G = Callable[[Any], Any]

RECIPROCAL = Elementwise(lambda u: 1 / u, lambda u: -1 / (u * u))
HALF = Elementwise(lambda u: u / 2, lambda u: (u * 0 + 1) / 2)
SQUARE = Elementwise(lambda u: u * u, lambda u: u + u)


def substitutes(exp: Elementwise = EXP, log: Elementwise = LOG) -> dict[str, G]:
    """The functions of `reference.output.SUBSTITUTES`, by the same names, for columns and `Differential`."""

    def logistic(z: Any) -> Any:
        return RECIPROCAL(1 + exp(-z))

    def normalised(column: Any) -> Any:
        return column / total(column)

    def shifted(z: Any) -> Any:
        value = z.value if isinstance(z, Differential) else z
        return z + np.arange(1, len(value) + 1).astype(value.dtype)[:, None]

    return {
        "elementwise logistic": logistic,
        "elementwise exponential": exp,
        "softmax at temperature 2": lambda z: normalised(exp(HALF(z))),
        "softmax of shifted logits": lambda z: normalised(exp(shifted(z))),
        "softmax of negated logits": lambda z: normalised(exp(-z)),
        "normalised squares": lambda z: normalised(SQUARE(z)),
        "normalised softplus": lambda z: normalised(log(1 + exp(z))),
        "normalised logistic": lambda z: normalised(logistic(z)),
    }


def general_output_error(q: Quantities, t: int) -> Any:
    """delta^(n)(t) for any g, shape (|V|, 1): the transposed Jacobian of g times -y / y^."""
    return jacobian(q.g, q.z[q.n, t]).T @ -(q.y[t] / q.y_hat[t])


def _general_6(q: Quantities, t: int) -> Iterator[Any]:
    z = q.z[q.n, t]
    yield jacobian(lambda z: -q.log(entry(q.g(z), q.k(t))), z)
    yield jacobian(lambda z: -(q.y[t].T @ q.log(q.g(z))), z)
    yield general_output_error(q, t).T


def _general_7(q: Quantities, t: int) -> Iterator[Any]:
    yield q.dJ_dz[q.n, t, t].T
    yield general_output_error(q, t)


def _general_26(q: Quantities, t: int) -> Iterator[Any]:
    yield general_output_error(q, t)


def _general_42(q: Quantities, l: int, t: int) -> Iterator[Any]:
    if l == q.n:
        yield general_output_error(q, t)
    else:
        yield from right(42)[2](q, l, t)


GENERAL: Mapping[int, Function] = {6: _general_6, 7: _general_7, 26: _general_26, 42: _general_42}
"""The equations that say y^ - y, with the error for any g, and -y^T log g(z) for (6)'s second line."""
