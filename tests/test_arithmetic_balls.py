"""Balls: exact conversions, a precision that is restored, and no answer from a ball that says nothing."""

from fractions import Fraction
from math import inf, nextafter
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from bptt_oracle.arithmetic.balls import (
    ball,
    midpoints,
    nearest_float64,
    overlap,
    precision,
    radii,
    relative_radius,
    to_balls,
    upper_float,
)
from bptt_oracle.arithmetic.errors import InexactConstantError, NotFiniteError, PrecisionTooLowError

floats = st.floats(allow_nan=False, allow_infinity=False)
fractions = st.fractions(max_denominator=10**9).filter(lambda q: q != 0)


def exactly(x: Any) -> Any:
    """The value of an exact ball."""
    assert x.is_exact()
    mantissa, exponent = x.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def test_precision_is_restored_however_the_block_ends() -> None:
    before = ctx.prec
    with precision(200):
        assert ctx.prec == 200
        with precision(24):
            assert ctx.prec == 24
        assert ctx.prec == 200
        with pytest.raises(KeyError), precision(30):
            raise KeyError
        assert ctx.prec == 200
    assert ctx.prec == before


def test_a_precision_below_two_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 bits, but got 1"), precision(1):
        pass


@given(floats)
def test_conversion_of_floats_is_exact_at_any_precision(value: Any) -> None:
    with precision(10):
        assert exactly(to_balls([value])[0]) == Fraction(value)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.int64, np.bool_])
def test_conversion_of_other_types_is_exact(dtype: Any) -> None:
    array = np.array([[0, 1, 1.5, -0.0999]]).astype(dtype)
    balls = to_balls(array)
    assert balls.shape == array.shape
    assert [exactly(x) for x in balls.flat] == [Fraction(float(x)) for x in array.flat]


def test_conversion_of_large_integers_is_exact() -> None:
    assert exactly(ball(2**300 + 1)) == 2**300 + 1


@given(fractions)
def test_a_fraction_is_enclosed(q: Any) -> None:
    assert (ball(q) * q.denominator).contains(q.numerator)


@pytest.mark.parametrize("value", [inf, -inf, float("nan"), np.float32("inf")])
def test_what_is_not_finite_is_refused(value: Any) -> None:
    with pytest.raises(NotFiniteError):
        to_balls([value])


def test_what_float64_does_not_hold_is_refused() -> None:
    wide = np.longdouble(1) + np.finfo(np.longdouble).eps
    refused = ["1", None, 1j, *([wide] if float(wide) != wide else [])]
    for value in refused:
        with pytest.raises(InexactConstantError, match="expected a number that float64 holds exactly"):
            ball(value)


@given(floats)
def test_midpoints_of_floats_are_the_floats(value: Any) -> None:
    assert midpoints([value])[0] == value
    assert radii([value])[0] == 0


@given(fractions)
def test_radii_are_upper_bounds(q: Any) -> None:
    with precision(53):
        x = ball(q)
        mantissa, exponent = x.rad().man_exp()
        radius = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
        assert Fraction(float(radii(x)[()])) >= radius
        assert abs(exactly(x.mid()) - q) <= radius
        assert Fraction(float(relative_radius(x)[()])) >= radius / (abs(exactly(x.mid())) - radius)


@given(fractions, st.integers(-1200, 900))
def test_upper_float_is_the_least_float_above(q: Any, exponent: Any) -> None:
    with precision(300):
        x = ball(q) * arb(2) ** exponent
        bound = upper_float(x)
        assert bound == inf or arb(bound) >= x
        assert not arb(nextafter(bound, -inf)) > x


def test_relative_radius_of_an_exact_zero_is_zero_and_of_a_ball_around_zero_infinite() -> None:
    assert list(relative_radius([arb(0), arb(0, 1), arb(3), arb("nan")])) == [0, inf, 0, inf]


def test_overlap_tells_different_values_apart() -> None:
    with precision(100):
        third = ball(Fraction(1, 3))
        assert overlap([third, third], [third * 3 / 3, third + arb(2) ** -80]).tolist() == [True, False]
        assert overlap([[1], [2]], [1, 2]).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("empty", ["nan", "0 +/- inf"])
def test_overlap_refuses_balls_that_overlap_everything(empty: Any) -> None:
    with pytest.raises(NotFiniteError, match="overlap everything"):
        overlap([arb(empty)], [1.0])


@given(fractions, st.integers(-1100, 900))
def test_nearest_float64_is_correctly_rounded(q: Any, exponent: Any) -> None:
    value = q * Fraction(2) ** exponent
    with precision(300):
        x = ball(q) * arb(2) ** exponent
    assert nearest_float64(x)[()] == float(value)


def test_nearest_float64_of_an_exact_tie_rounds_to_even() -> None:
    with precision(100):
        tie = arb(1) + arb(2) ** -53
    assert nearest_float64(tie)[()] == 1.0


def test_nearest_float64_refuses_a_ball_that_does_not_determine_it() -> None:
    with precision(100):
        tie = arb(1) + arb(2) ** -53 + arb(0, 1e-25)
    with pytest.raises(PrecisionTooLowError, match="does not determine a float64"):
        nearest_float64(tie)
    with pytest.raises(PrecisionTooLowError, match="not finite"):
        nearest_float64(arb("nan"))
