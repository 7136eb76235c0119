"""Running error bounds: how far a floating-point result can be from the truth, for any order of summation.

A program over `Rounded` elements computes, beside each true value (a ball), an upper bound on the error of
the result that the same program gives in a floating-point format. The bound is proved for every order in
which sums may be taken, with or without fused multiply-add, with intermediate results kept in more bits or
not, with or without subnormal numbers, and with division done as multiplication by a reciprocal. So it holds
for NumPy, BLAS and XLA.

Sums
    A sum of k computed terms, t_i with errors e_i, makes k - 1 additions in any order, and each term takes
    part in at most k - 1 of them. So its error is at most

        sum e_i + gamma_{k-1} sum (|t_i| + e_i) + (k - 1) eta,    gamma_n = n u / (1 - n u)

    (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2). A fused multiply-add is an addition
    whose term is the exact product: a term with a smaller error. Because + and - fix no order, an element
    stays a sum (the number of terms, the sum of their sizes, the sum of their errors) until it is used for
    anything else, and a sum of sums is a sum of all their terms.
Products
    (a + e_a)(b + e_b) differs from ab by at most |a| e_b + |b| e_a + e_a e_b =: P, and rounding adds
    u (|ab| + P) + eta. Products by 0, 1 and -1 are exact; those by other powers of two add eta alone.
Quotients
    (a + e_a) / (b + e_b) differs from a / b by at most (e_a + |a / b| e_b) / (|b| - e_b) =: P. As the product
    with a rounded reciprocal it is rounded twice, which adds ((1 + u)^2 - 1)(|a / b| + P) + (1 + u) eta (|a|
    + e_a) + eta; dividing once adds less.
Functions
    f(x + e) lies in the ball f([x - e, x + e]); the library's own error adds its ulps
    (`Format.library_ulps`).
Overflow
    A result that might exceed the format's largest number has an infinite bound, and so has all that uses it.

What is not covered is a compiler that replaces functions by others, such as exp(a) / exp(b) by exp(a - b).

The bounds are floats themselves. Each is an expression of additions, multiplications and divisions of
non-negative floats; an operation has a relative error of at most 2^-53 or, where it underflows, an absolute
one of at most 2^-1075. With r roundings on the longest path, the computed value is at least (1 - 2^-53)^r
times the exact one, less the underflows. `_up` adds 2^-1022, which is more than an expression of fewer than
2^50 operations loses by underflow, and multiplies by 1 + 2^-48, which makes up for 30 roundings; no
expression has as many as 20, except that the sums of a sum's sizes and errors have k - 1 more, for which
there is a factor of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import frexp, inf, isfinite
from typing import Any, Final

import numpy as np

from bptt_oracle.arithmetic.arrays import ObjectArray, elementwise
from bptt_oracle.arithmetic.balls import FloatArray, ball, upper_float
from bptt_oracle.arithmetic.errors import MixedFormatsError, PrecisionTooLowError, UndecidedError
from bptt_oracle.arithmetic.flint_types import arb
from bptt_oracle.arithmetic.formats import Format

_UNDERFLOW: Final = 2.0**-1022
_ROUNDINGS: Final = 1 + 2.0**-48


def _up(bound: float) -> float:
    """At least the exact value of the non-negative expression that was computed as `bound`."""
    result = (bound + _UNDERFLOW) * _ROUNDINGS
    return result if result < inf else inf  # a NaN comes of 0 * infinity, about which nothing is known


class Rounded:
    """The true value of a result, and a bound on the error of its computed counterpart.

    `rounded`, `to_rounded` and `with_error` make elements. They combine, with each other and with numbers, by
    + - * /, abs, max, min, comparisons, and by exp, log, log1p, tanh, sin and cos, methods that NumPy's
    functions call. A number that the format does not hold stands for its rounding.

    A comparison is that of the true values, and raises `UndecidedError` unless the computed values compare
    alike. Elements of different formats do not mix (`MixedFormatsError`).

    Parameters
    ----------
    truth
        The true value, a ball.
    error
        A bound on |computed - true|, at least 0.
    format
        The format of the program.
    exact
        The value, where the program has a number exactly; error is then 0.
    """

    __slots__ = ("_error", "_errors", "_exact", "_mass", "_size", "_terms", "format", "truth")

    def __init__(self, truth: Any, error: float, format: Format, exact: float | None = None) -> None:
        self.truth = truth
        self.format = format
        self._exact = exact
        self._error: float | None = error
        self._terms = 1
        self._errors = error  # the sum of the terms' errors
        self._mass: float | None = None  # the sum of the terms' sizes, errors included
        self._size: float | None = None  # an upper bound on |truth|

    @property
    def error(self) -> float:
        """An upper bound on |computed - true|; infinity where nothing is proved."""
        known = self._error
        if known is None:
            known = self._error = self._error_of_sum()
        return known

    def is_finite(self) -> bool:
        """Whether the computed value is certainly finite."""
        return self.error < inf

    def _error_of_sum(self) -> float:
        format, additions = self.format, self._terms - 1
        share = additions * format.u
        if share >= 1:
            return inf
        mass = self._total_mass()
        # Summing k sizes, and k errors, took k - 1 roundings each: (1 - e)^(k-1) (1 + 2 (k+8) e) >= 1 for e =
        # 2^-53.
        growth = 1 + (self._terms + 8) * 2.0**-52
        bound = _up(self._errors + share / (1 - share) * mass + additions * format.eta) * growth
        # No partial sum exceeds the sum of all sizes and the whole error.
        return bound if (mass + bound) * growth <= format.largest else inf

    def _upper(self) -> float:
        known = self._size
        if known is None:
            known = self._size = upper_float(abs(self.truth))
        return known

    def _total_mass(self) -> float:
        known = self._mass
        if known is None:
            known = self._mass = _up(self._upper() + self._errors)
        return known

    def _new(self, truth: Any, bound: float) -> Rounded:
        """The result of an operation, its error bounded unless it might overflow."""
        result = Rounded(truth, bound, self.format)
        if not result._upper() + bound <= self.format.largest * (1 - 2.0**-50):
            result._error = result._errors = inf
        return result

    def _sum(self, other: Rounded, *, subtract: bool) -> Rounded:
        if other._exact == 0:
            return self
        if self._exact == 0:
            return -other if subtract else other
        result = Rounded.__new__(Rounded)
        result.truth = self.truth - other.truth if subtract else self.truth + other.truth
        result.format = self.format
        result._exact = result._error = result._size = None
        result._terms = self._terms + other._terms
        result._errors = self._errors + other._errors
        result._mass = self._total_mass() + other._total_mass()
        return result

    def _product(self, other: Rounded) -> Rounded:
        for factor, rest in ((self, other), (other, self)):
            if factor._exact is not None and (simple := rest._scaled(factor._exact)) is not None:
                return simple
        format, a, b, e_a, e_b = self.format, self._upper(), other._upper(), self.error, other.error
        if e_a == inf or e_b == inf:
            return Rounded(self.truth * other.truth, inf, format)
        propagated = a * e_b + b * e_a + e_a * e_b
        bound = _up(propagated + format.u * (a * b + propagated) + format.eta)
        return self._new(self.truth * other.truth, bound)

    def _scaled(self, factor: float) -> Rounded | None:
        """The product with 0, 1, -1 or another power of two, which is not rounded; None for other factors."""
        if factor == 1:
            return self
        if factor == -1:
            return -self
        if factor == 0 and self.error < inf:
            return rounded(0, self.format)
        if abs(frexp(factor)[0]) == 0.5:
            return self._new(self.truth * arb(factor), _up(abs(factor) * self.error + self.format.eta))
        return None

    def _quotient(self, other: Rounded) -> Rounded:
        format, e_a, e_b = self.format, self.error, other.error
        # At most |b| - e_b: the conversion, the product and the difference lose 2^-53 each, the factors give
        # 2^-50.
        least = (float(other.truth.abs_lower()) * (1 - 2.0**-50) - e_b) * (1 - 2.0**-50)
        if not least > 2 / format.largest:  # the divisor may be zero, or its reciprocal overflow
            return Rounded(self.truth / other.truth, inf, format)
        if self._exact == 0:
            return self
        divisor = other._exact
        if divisor is not None and abs(frexp(divisor)[0]) == 0.5:
            scaled = self._scaled(1 / divisor)  # the reciprocal is exact, unless it underflows
            if scaled is not None and abs(divisor) * format.smallest_normal <= 1:
                return scaled
        truth = self.truth / other.truth
        size = upper_float(abs(truth))
        propagated = (e_a + size * e_b) / least
        twice = (2 + format.u) * format.u
        underflow = (1 + format.u) * format.eta * (self._upper() + e_a) + format.eta
        return self._new(truth, _up(propagated + twice * (size + propagated) + underflow))

    def _increasing(self, function: Callable[[Any], Any], ulps: float, *, fixes_zero: bool = False) -> Rounded:
        if fixes_zero and self._exact == 0:
            return self  # every library returns zero there
        truth = function(self.truth)
        if self.error in (0, inf):
            return self._approximated(truth, self.error, ulps)
        reach = _radius(self.error)
        low, high = function((self.truth - reach).lower()), function((self.truth + reach).upper())
        return self._approximated(truth, max(upper_float(abs(high - truth)), upper_float(abs(truth - low))), ulps)

    def _wave(self, truth: Any, slope: Any) -> Rounded:
        # sin(x + e) - sin(x) = e cos(x) - e^2 sin(y) / 2 for a y between, and neither changes faster than x.
        error = self.error
        if error not in (0, inf):
            error = min(error, _up(error * (upper_float(abs(slope)) + error / 2)))
        return self._approximated(truth, error, self.format.library_ulps)

    def _approximated(self, truth: Any, propagated: float, ulps: float) -> Rounded:
        """A function's value when the argument's error makes an error of at most `propagated`."""
        if not (truth.is_finite() and propagated < inf):
            return Rounded(truth, inf, self.format)
        size = upper_float(abs(truth)) + propagated
        own = 2 * ulps * (self.format.u * size + self.format.eta)  # an ulp is at most 2 u |result|
        return self._new(truth, _up(propagated + own))

    def _compare(self, other: Rounded) -> int:
        """The sign of self - other, which the computed values share."""
        if self is other:
            return 0
        difference = self.truth - other.truth
        margin = self.error + other.error
        if margin == 0 and difference == 0:
            return 0
        reached = difference + _radius(_up(margin))
        if reached > 0:
            return 1
        if reached < 0:
            return -1
        raise UndecidedError(
            f"the comparison of {self} and {other} may come out either way in {self.format.name}: "
            "draw an instance without near ties"
        )

    def __add__(self, other: Any) -> Any:
        if other.__class__ is int and other == 0:  # with which every sum begins
            return self
        return self._sum(rounded(other, self.format), subtract=False) if _is_number(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(rounded(other, self.format), subtract=True) if _is_number(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return rounded(other, self.format)._sum(self, subtract=True) if _is_number(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if other.__class__ is int and -1 <= other <= 1 and self._exact is None:
            simple = self._scaled(other)
            if simple is not None:
                return simple
        return self._product(rounded(other, self.format)) if _is_number(other) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._quotient(rounded(other, self.format)) if _is_number(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return rounded(other, self.format)._quotient(self) if _is_number(other) else NotImplemented

    def __neg__(self) -> Rounded:
        result = Rounded.__new__(Rounded)
        result.truth = -self.truth
        result.format = self.format
        result._exact = None if self._exact is None else -self._exact
        result._error, result._size = self._error, self._size
        result._terms, result._errors, result._mass = self._terms, self._errors, self._mass
        return result

    def __abs__(self) -> Rounded:
        exact = None if self._exact is None else abs(self._exact)
        return Rounded(abs(self.truth), self.error, self.format, exact)

    def max(self, other: Any) -> Rounded:
        """The larger of two: its error is at most the larger of theirs, whichever the computation chose."""
        that = rounded(other, self.format)
        return Rounded(self.truth.max(that.truth), max(self.error, that.error), self.format)

    def min(self, other: Any) -> Rounded:
        """The smaller of two: its error is at most the larger of theirs, whichever the computation chose."""
        that = rounded(other, self.format)
        return Rounded(self.truth.min(that.truth), max(self.error, that.error), self.format)

    def exp(self) -> Rounded:
        """The exponential."""
        return self._increasing(arb.exp, self.format.library_ulps)

    def log(self) -> Rounded:
        """The natural logarithm; the bound is infinite unless the computed argument is certainly positive."""
        return self._increasing(arb.log, self.format.library_ulps)

    def log1p(self) -> Rounded:
        """The logarithm of 1 + x; the bound is infinite unless the computed x is certainly above -1."""
        positive = self.truth - _radius(self.error) >= 0
        ulps = self.format.library_ulps if positive else self.format.log1p_below_zero_ulps
        return self._increasing(arb.log1p, ulps, fixes_zero=True)

    def tanh(self) -> Rounded:
        """The hyperbolic tangent."""
        return self._increasing(arb.tanh, self.format.library_ulps, fixes_zero=True)

    def sin(self) -> Rounded:
        """The sine."""
        return self if self._exact == 0 else self._wave(self.truth.sin(), self.truth.cos())

    def cos(self) -> Rounded:
        """The cosine."""
        return self._wave(self.truth.cos(), self.truth.sin())

    def __lt__(self, other: Any) -> bool:
        return self._compare(rounded(other, self.format)) < 0

    def __le__(self, other: Any) -> bool:
        return self._compare(rounded(other, self.format)) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._compare(rounded(other, self.format)) > 0

    def __ge__(self, other: Any) -> bool:
        return self._compare(rounded(other, self.format)) >= 0

    def __eq__(self, other: object) -> bool:
        return _is_number(other) and self._compare(rounded(other, self.format)) == 0

    __hash__ = None  # type: ignore[assignment]  # equality may be undecided

    def __repr__(self) -> str:
        return f"Rounded({self.truth}, error <= {self.error:.3g}, {self.format.name})"


def _is_number(value: object) -> bool:
    return value.__class__ is Rounded or isinstance(value, (Rounded, int, float, np.generic, Fraction))


def _radius(error: float) -> Any:
    """The ball around zero that holds every number up to `error`."""
    return arb(0, error) if isfinite(error) else arb("0 +/- inf")


def rounded(value: Any, format: Format) -> Rounded:
    """A number as a program in `format` has it.

    Parameters
    ----------
    value
        An integer, a float of any format, a `Fraction`, or a ball, finite. What the format does not hold
        exactly is rounded, with the error that this makes. An element of the format is returned as it is.
    format
        The format of the program.

    Raises
    ------
    NotFiniteError, InexactConstantError
        As `bptt_oracle.arithmetic.balls.ball` does.
    MixedFormatsError
        For an element of another format.
    """
    if value.__class__ is int and -1 <= value <= 1:  # the entries of unit matrices, which every format holds
        return Rounded(arb(value), 0.0, format, float(value))
    if isinstance(value, Rounded):
        if value.format is not format:
            raise MixedFormatsError(f"expected elements of one format, but got {format.name} and {value.format.name}")
        return value
    truth = ball(value)
    if not isinstance(value, arb):
        number = value.item() if isinstance(value, np.generic) else value
        subnormal = format.flushes and 0 < abs(number) < format.smallest_normal
        if format.represents(number) and not subnormal:
            return Rounded(truth, 0.0, format, float(number))
    whole = Rounded(truth, 0.0, format)
    return whole._new(truth, _up(format.u * whole._upper() + format.eta))


def with_error(truth: Any, error: float, format: Format) -> Rounded:
    """An input of which the computed value is known to be within `error` of the true one.

    Parameters
    ----------
    truth
        The true value: what `balls.ball` accepts.
    error
        A finite bound on |computed - true|, at least 0.
    format
        The format of the program.

    Raises
    ------
    ValueError
        For an error that is negative or not finite.
    """
    if not 0 <= error < inf:
        raise ValueError(f"expected a finite error of at least 0, but got {error}")
    return Rounded(ball(truth), float(error), format)


def to_rounded(array: Any, format: Format) -> ObjectArray:
    """The inputs of a program in `format`.

    Parameters
    ----------
    array
        Array-like of any shape, of numbers that `rounded` accepts. Those that the format holds have error 0.
    format
        The format of the program.

    Returns
    -------
    Object array of the same shape, of `Rounded`.

    Raises
    ------
    NotFiniteError, InexactConstantError, MixedFormatsError
        As `rounded` does.
    """
    return elementwise(lambda value: rounded(value, format), np.asarray(array))


def truths(array: Any) -> ObjectArray:
    """The true value of each element, a ball; array of the same shape. An integer stands for itself."""
    return elementwise(lambda element: _parts(element)[0], np.asarray(array))


def errors(array: Any) -> FloatArray:
    """The bound on the error of each element's computed counterpart; array of the same shape."""
    return elementwise(lambda element: _parts(element)[1], np.asarray(array)).astype(np.float64)


def _parts(element: Any) -> tuple[Any, float]:
    return (element.truth, element.error) if isinstance(element, Rounded) else (ball(element), 0.0)


def used(computed: Any, bounds: Any) -> FloatArray:
    """The share of each bound that a computation used: |computed - true| / bound, rounded upward.

    Parameters
    ----------
    computed
        Floats of the format; array-like.
    bounds
        Object array of `Rounded`, of the same shape; integers among them are exact.

    Returns
    -------
    Array of that shape: at most 1 where the bound is kept, above 1 where it is certainly broken. It is 0
    where the bound is infinite or bound and error are 0, and infinite where a result is not finite in spite
    of a finite bound.

    Raises
    ------
    PrecisionTooLowError
        When the true value is not known well enough to decide whether a bound is kept.
    """
    return elementwise(_used, np.asarray(computed), np.asarray(bounds)).astype(np.float64)


def _used(computed: Any, bound: Any) -> float:
    number, (truth, error) = float(computed), _parts(bound)
    if error == inf:
        return 0.0
    if not isfinite(number):
        return inf
    distance = abs(arb(number) - truth)
    if distance <= error:
        return 0.0 if error == 0 else min(1.0, upper_float(distance / arb(error)))
    if distance > error:
        return inf if error == 0 else max(1 + 2.0**-52, upper_float(distance / arb(error)))
    raise PrecisionTooLowError(
        f"the true value {truth} is not known well enough to compare an error with {error}: "
        "evaluate at a higher precision"
    )
