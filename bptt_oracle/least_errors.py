"""Lower limits of rounding errors: of sums, products with matrices, and activations, for many networks at once.

The bounds that `arithmetic.rounded` proves are sums and products of non-negative terms, and the largest of these terms
are worked out here, from computed values a' in place of the true ones a. A computed a' lies within its bound E, so that
|a'| <= |a| + E, and of E a lower limit e <= E is known. With u = 2^-53, the bound of

* a sum of k terms that are not 0 is at least the sum of their e, and (k - 1) u times the size of the sum;
* a product, |a| E_b + |b| E_a + E_a E_b and more, is at least the larger one of |a'| e_b and |b'| e_a. Where neither
  error exceeds the size, it is at least |a' b'| - (|a'| - E_a)(|b'| - E_b), which grows with both errors, and so it is
  at least the sum of these two less e_a e_b; where one does, that sum is less than the larger one;
* exp is at least q' (e - e^2 / 2) for e <= 1, and 16 u q' of the library's 8 ulps, with q' = exp(z'): over the whole of
  z - E to z + E it moves by exp(z) (exp(E) - 1) >= q' (1 - exp(-E));
* a quotient is at least (e_a + |a' / b'| e_b) / (|b'| + e_b) for e_a <= |a'|, and 2 u |a' / b'|, since it is
  (E_a + |a / b| E_b) / (|b| - E_b), and |b| - E_b <= |b'|, while a / b is as far from a' / b' as this, at most;
* tanh is at least e (|f'(z')| - 2 e): of f over z - E to z + E, which has an interval of length 2 e around z', it has
  half the span, and in that interval f' differs from f'(z') by less than 2 e;
* sine and cosine is that too: it is E, or E (|f'(z)| + E / 2) with |f'(z)| >= |f'(z')| - E, and that is at least
  e (|f'(z')| - e / 2), or for E > |f'(z')| half the square of |f'(z')|;
* logistic, 1 / (1 + q) or q / (1 + q) with q = exp(-|z|), and of log1p(q), is that by those of exp and of quotients.

`SHARE` makes up for rounding here, and for terms of the order of u e.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

U: Final = 2.0**-53
SHARE: Final = 1 - 2.0**-30


class Rounding(NamedTuple):
    """What an activation errs by itself, in its value and in its slope.

    Attributes
    ----------
    value : of z, f, f' and the error e of z: what the error of f has beside `moved_by(f', e)`
    slope : of f, f', e and the error of f: the error of f'
    """

    value: Callable[[Any, Any, Any, Any], Any]
    slope: Callable[[Any, Any, Any, Any], Any]


def moved_by(slope: Any, e: Any) -> Any:
    """How far an error e of z moves f(z), from f'(z')."""
    return e * np.maximum(abs(slope) - 2 * e, 0)


def _logistic(h: Any) -> Any:
    """16 u of q, passed on, is 16 u (1 - h) h, and a sum and a quotient make 3 u h."""
    return h * (19 * U - 16 * U * h)


def _softplus(z: Any, h: Any, s: Any, e: Any) -> Any:
    """log1p(q) is at least q / (1 + q), which is also what it makes of q's own error; a positive z is added to it.

    That sum rounds, and the error of z counts in both of its terms, while f' has the difference of their slopes.
    """
    share = np.minimum(s, 1 - s)
    return 32 * U * share + (z > 0) * (2 * moved_by(share, e) + U * h)


ROUNDING: Final = {
    "tanh": Rounding(
        lambda z, h, s, e: 16 * U * abs(h),
        lambda h, s, e, e_h: e_h * np.maximum(2 * abs(h) - e_h, 0) + U * (h != 0) * (1 + 2 * h * h),  # of 1 - h h
    ),
    "sine": Rounding(
        lambda z, h, s, e: 16 * U * abs(h),
        lambda h, s, e, e_h: moved_by(h, e) + 16 * U * abs(s),
    ),
    "logistic": Rounding(
        lambda z, h, s, e: _logistic(h),
        lambda h, s, e, e_h: s * (e * np.maximum(1 - e / 2, 0) + 21 * U),  # of q / ((1 + q) (1 + q)), by the upper q
    ),
    "softplus": Rounding(_softplus, lambda h, s, e, e_h: moved_by(s * (1 - s), e) + _logistic(s)),
    "relu": Rounding(lambda z, h, s, e: 0, lambda h, s, e, e_h: 0),
    "identity": Rounding(lambda z, h, s, e: 0, lambda h, s, e, e_h: 0),
}


class Vectors(NamedTuple):
    """Vectors of a layer at some steps: (steps, width, networks).

    Attributes
    ----------
    value : as computed
    error : the lower limits of its errors
    zeros : u times how many entries are 0, of those that the network has: (steps, networks)
    real : which units a network has: (width, networks)
    """

    value: Any
    error: Any
    zeros: Any
    real: Any

    @classmethod
    def room(cls, steps: int, real: Any) -> Vectors:
        """Room for vectors of so many steps."""
        value, error = np.empty((2, steps, *real.shape))
        return cls(value, error, np.empty((steps, real.shape[1])), real)

    def put(self, t: Any, value: Any, error: Any) -> None:
        """Set those of a step, or of a slice of steps: what is computed, and the limits of its errors."""
        self.value[t], self.error[t] = value, error
        zeros = ((value == 0) & self.real).view(np.int8)
        self.zeros[t] = np.add.reduce(zeros, axis=-2, dtype=np.int8) * U

    def at(self, t: Any) -> Vectors:
        """Those of a slice of steps, counted from 0, or of one step without the axis of steps."""
        return Vectors(self.value[t], self.error[t], self.zeros[t], self.real)

    def among(self, networks: Any) -> Vectors:
        """Those of some of the networks."""
        return Vectors(*(array[..., networks] for array in self))

    def replace(self, networks: Any, others: Vectors) -> None:
        """Replace those of some of the networks."""
        for array, other in zip(self, others, strict=True):
            array[..., networks] = other


class Sums(NamedTuple):
    """Sums of terms, of vectors' shapes.

    Attributes
    ----------
    value : as computed
    errors : the sums of the limits of the terms' errors
    terms : u times how many terms are not 0, or fewer
    """

    value: Any
    errors: Any
    terms: Any

    def plus(self, other: Sums) -> Sums:
        """The sums of all terms of both."""
        return Sums(*(mine + more for mine, more in zip(self, other, strict=True)))

    def at(self, t: int) -> Sums:
        """Those of a step, counted from 0."""
        return Sums(*(array[t] for array in self))

    def among(self, networks: Any) -> Sums:
        """Those of some of the networks."""
        return Sums(*(array[..., networks] for array in self))

    @property
    def error(self) -> Any:
        """The lower limits of the errors."""
        return self.errors + np.maximum(self.terms - U, 0) * abs(self.value)


class Matrix:
    """A matrix of every network: (rows, columns, networks)."""

    def __init__(self, entries: Any) -> None:
        self.entries, self.sizes, filled = entries, abs(entries), entries != 0
        self.in_rows, self.in_columns = filled.sum(axis=1) * U, filled.sum(axis=0) * U

    def times(self, v: Vectors) -> Sums:
        """The products with vectors."""
        return self._sums("ijb,...jb->...ib", v, self.in_rows)

    def transposed_times(self, v: Vectors) -> Sums:
        """The products of the transposed matrix with vectors."""
        return self._sums("jib,...jb->...ib", v, self.in_columns)

    def _sums(self, how: str, v: Vectors, filled: Any) -> Sums:
        value, errors = np.einsum(how, self.entries, v.value), np.einsum(how, self.sizes, v.error)
        return Sums(value, errors, filled - v.zeros[..., None, :])
