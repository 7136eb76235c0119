"""Balls: intervals [midpoint +/- radius] that provably hold the true value, at any precision.

An element is python-flint's `arb`, and an array is a NumPy object array of them. Every operation rounds its
radius upward, so the result of a program over balls holds the result of the same program over the real
numbers. The precision is python-flint's, one for the whole process; `precision` sets it for a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import inf, isfinite, nextafter
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt_oracle.arithmetic.arrays import ObjectArray, elementwise
from bptt_oracle.arithmetic.errors import InexactConstantError, NotFiniteError, PrecisionTooLowError
from bptt_oracle.arithmetic.flint_types import arb, ctx

FloatArray = npt.NDArray[np.float64]


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Set the working precision of balls for a block, and restore it however the block ends.

    Parameters
    ----------
    bits
        At least 2. The setting is python-flint's, shared by the threads of a process.

    Raises
    ------
    ValueError
        For fewer than 2 bits.
    """
    if bits < 2:
        raise ValueError(f"expected a precision of at least 2 bits, but got {bits}")
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def ball(value: Any) -> Any:
    """One ball that holds `value`: exact for integers and floats, an enclosure for a `Fraction`.

    Raises
    ------
    NotFiniteError
        For an infinity or a NaN.
    InexactConstantError
        For what is not a real number, or is wider than float64.
    """
    if isinstance(value, arb):
        return value
    if isinstance(value, (int, np.integer, np.bool_)):
        return arb(int(value))
    if isinstance(value, Fraction):
        return arb(value.numerator) / arb(value.denominator)
    try:
        as_float = float(value)
        exact = bool(as_float == value) or as_float != as_float
    except (TypeError, ValueError):
        exact = False
    if not exact:
        raise InexactConstantError(
            f"expected a number that float64 holds exactly, a Fraction or a ball, "
            f"but got {value!r} ({type(value).__name__})"
        )
    if not isfinite(as_float):
        raise NotFiniteError(f"expected a finite number, because a ball must enclose a real one, but got {value!r}")
    return arb(as_float)


def to_balls(array: Any) -> ObjectArray:
    """Bring an array of floats (of any format up to float64) or integers into balls, exactly.

    Parameters
    ----------
    array
        Array-like of any shape whose entries `ball` accepts.

    Returns
    -------
    Object array of the same shape, of `arb`, each of radius 0 (a `Fraction` alone may get a radius).

    Raises
    ------
    NotFiniteError, InexactConstantError
        As `ball` does.
    """
    return elementwise(ball, np.asarray(array))


def midpoints(array: Any) -> FloatArray:
    """The float64 nearest to each ball's midpoint; array of the same shape."""
    return _floats(lambda x: float(x.mid()), array)


def radii(array: Any) -> FloatArray:
    """An upper bound on each ball's radius, as float64; infinite for one that is not finite."""
    return _floats(lambda x: upper_float(x.rad()) if x.is_finite() else inf, array)


def relative_radius(array: Any) -> FloatArray:
    """An upper bound on radius / |value| of each ball, as float64; array of the same shape.

    It is 0 for an exact ball, and infinite for one that holds zero without being exact: no relative accuracy
    is proved there.
    """
    return _floats(_relative_radius, array)


def overlap(a: Any, b: Any) -> npt.NDArray[np.bool_]:
    """Whether the balls of `a` and `b` overlap, entry by entry; False is proof that the true values differ.

    Parameters
    ----------
    a, b
        Array-likes that broadcast against each other.

    Raises
    ------
    NotFiniteError
        When a ball is not finite: it overlaps everything, which says nothing.
    """
    left, right = np.broadcast_arrays(to_balls(a), to_balls(b))
    result = np.empty(left.shape, dtype=bool)
    flat = result.reshape(-1)
    for position, (x, y) in enumerate(zip(left.flat, right.flat, strict=True)):
        if not (x.is_finite() and y.is_finite()):
            raise NotFiniteError(f"expected finite balls, because others overlap everything, but got {x} and {y}")
        flat[position] = x.overlaps(y)
    return result


def nearest_float64(array: Any) -> FloatArray:
    """The float64 nearest to the true value in each ball; array of the same shape.

    Rounding to nearest is monotonic, so when both ends of a ball round to the same float, so does all that
    lies between.

    Raises
    ------
    PrecisionTooLowError
        When a ball is too wide to determine it.
    """
    return _floats(_nearest_float64, array)


def upper_float(x: Any) -> float:
    """The least float64, or its upper neighbour, that is at least every value of the ball `x`.

    It is infinite for a ball that is not finite, and for values above the largest float64.
    """
    if not x.is_finite():
        return inf
    bound = x.upper()
    nearest = float(bound)
    return nearest if nearest == inf or arb(nearest) >= bound else nextafter(nearest, inf)


def _relative_radius(x: Any) -> float:
    if not x.is_finite():
        return inf
    if x.is_exact():
        return 0.0
    least = x.abs_lower()
    return upper_float(x.rad() / least) if least > 0 else inf


def _nearest_float64(x: Any) -> float:
    if not x.is_finite():
        raise PrecisionTooLowError(f"the ball {x} is not finite: evaluate at a higher precision")
    with precision(max(ctx.prec, x.mid().bits() + 64)):  # the ends are then exact or much finer than a float64
        low, high = float(x.lower()), float(x.upper())
    if low != high:
        raise PrecisionTooLowError(
            f"the ball {x} does not determine a float64: its ends round to {low!r} and {high!r}; "
            "evaluate at a higher precision"
        )
    return low


def _floats(function: Any, array: Any) -> FloatArray:
    balls = to_balls(array)
    return np.array([function(x) for x in balls.flat], dtype=np.float64).reshape(balls.shape)
