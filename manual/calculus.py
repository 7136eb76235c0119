"""Derivatives of written expressions, by the rules of matrix calculus in numerator layout.

The document's chains contain lines such as (12)'s third, d/dz (W f(z)): a derivative of an expression that is written
out. `jacobian(lambda z: W @ f(z), z)` executes such a line as it stands. The expression is applied to a
`Differential`, a value together with its Jacobian, and every operation follows the rule that a person would use:
sum, constant factor, product with a constant matrix, quotient, chain rule for an elementwise function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .undefined import Undefined

Array = NDArray[Any]


@dataclass(frozen=True)
class Elementwise:
    """A function applied entry by entry, with the derivative that the chain rule needs.

    Parameters
    ----------
    function, derivative
        Callables on arrays of any shape, elementwise: f and f'.
    slope
        f'(z) as a function of h = f(z), if there is one: 1 - h^2 for tanh. It spares the second evaluation of f.
    """

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    slope: Callable[[Array], Array] | None = None

    def __call__(self, u: Any) -> Any:
        """f(u) of an array, of a `Differential` by the chain rule, or of something undefined."""
        if isinstance(u, Undefined):
            return u
        if isinstance(u, Differential):
            return Differential(self.function(u.value), self.derivative(u.value)[..., None] * u.jacobian)
        return self.function(u)

    @property
    def into(self) -> Callable[[Array, Array], Any]:
        """A callable (u, out) that writes f(u) into an array, without a temporary one if f is a function of NumPy."""
        return self.function if isinstance(self.function, np.ufunc) else self._assign

    def _assign(self, u: Array, out: Array) -> None:
        out[...] = self.function(u)


class Differential:
    """An expression's value, shape s, and its Jacobian in the p entries of one variable, shape s + (p,)."""

    __array_ufunc__ = None  # `array @ differential` is __rmatmul__ below

    def __init__(self, value: Array, jacobian: Array) -> None:
        self.value = value
        self.jacobian = jacobian

    def __add__(self, other: Any) -> Differential:
        if isinstance(other, Differential):
            return Differential(self.value + other.value, self.jacobian + other.jacobian)
        return Differential(self.value + other, self.jacobian)

    __radd__ = __add__

    def __neg__(self) -> Differential:
        return Differential(-self.value, -self.jacobian)

    def __sub__(self, other: Any) -> Differential:
        difference: Differential = self + -other
        return difference

    def __matmul__(self, constant: Array) -> Differential:
        product = np.tensordot(self.jacobian, constant, axes=(1, 0))
        return Differential(self.value @ constant, product.swapaxes(1, 2))

    def __rmatmul__(self, constant: Array) -> Differential:
        return Differential(constant @ self.value, np.tensordot(constant, self.jacobian, axes=1))

    def __truediv__(self, other: Differential) -> Differential:
        quotient = self.value / other.value
        jacobian = (self.jacobian - quotient[..., None] * other.jacobian) / other.value[..., None]
        return Differential(quotient, jacobian)

    def __getitem__(self, rows: slice) -> Differential:
        return Differential(self.value[rows], self.jacobian[rows])


def jacobian(expression: Callable[[Any], Any], at: Array) -> Any:
    """The derivative of a written expression, in numerator layout.

    Parameters
    ----------
    expression
        A function of the variable, made of +, -, /, products with constant matrices and `Elementwise` functions,
        whose value is a column of shape (m, 1).
    at
        The variable's value: a column of shape (p, 1), or a matrix of shape (r, s) if m = 1.

    Returns
    -------
    For a column, the Jacobian of shape (m, p). For a matrix, the derivative of the one entry, of shape (s, r): the
    numerator layout has the transpose of the gradient. `Undefined` if the expression holds an undefined symbol.
    """
    variable = Differential(at, np.eye(at.size, dtype=at.dtype).reshape(*at.shape, at.size))
    result = expression(variable)
    if isinstance(result, Undefined):
        return result
    if at.shape[1] == 1 and result.value.shape[0] != 1:
        return result.jacobian[:, 0, :]
    return result.jacobian[0, 0].reshape(at.shape).T


def entry(column: Any, k: Any) -> Any:
    """Entry k (from 0) of a column, shape (1, 1); undefined if k is."""
    return k if isinstance(k, Undefined) else column[k : k + 1]


def total(column: Any) -> Any:
    """The sum of a column's entries, shape (1, 1): ones^T times the column."""
    value = column.value if isinstance(column, Differential) else column
    return np.ones((1, value.shape[0]), dtype=value.dtype) @ column


def diag(column: Array) -> Array:
    """The document's diag[u]: the square matrix with the column u, shape (d, 1), on its diagonal."""
    return np.diag(column[:, 0])


def row_times_stack(row: Array, stack: Array) -> Array:
    """The product r^T [M_i] of a row, shape (1, d), with a vector of d matrices, shape (d, p, q): sum_i r_i M_i."""
    product: Array = np.tensordot(row, stack, axes=1)[0]
    return product
