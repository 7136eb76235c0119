"""The lower limits of what activations make of an error, against the bounds that are proved for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.errors import UndecidedError
from bptt_oracle.arithmetic.formats import FLOAT64
from bptt_oracle.arithmetic.rounded import errors, with_error
from bptt_oracle.least_errors import ROUNDING, SHARE, moved_by
from bptt_oracle.manual import ACTIVATIONS

ERRORS = st.one_of(st.just(0.0), st.floats(2.0**-60, 4.0), st.integers(-60, 1).map(lambda k: 2.0**k))


def bound_of(function: Any, z: float, error: float) -> float:
    """The bound that is proved for f of a z with an error."""
    with balls.precision(96):
        try:
            return float(errors(function(np.array([with_error(z, error, FLOAT64)])))[0])
        except UndecidedError:  # relu within the error of its kink
            assume(False)
            raise


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(
    z=st.floats(-40, 40),
    error=ERRORS,
    at=st.floats(-1, 1),
    share=st.sampled_from([0.0, 0.5, 1.0]),
    of_value=st.sampled_from([0.5, 1.0]),
)
def test_what_an_activation_errs_at_least_lies_below_its_bound(
    name: str, z: float, error: float, at: float, share: float, of_value: float
) -> None:
    f, rounding = ACTIVATIONS[name], ROUNDING[name]
    computed = np.array([min(max(z + at * error, z - error), z + error)])
    e, h, slope = share * error, f(computed), f.derivative(computed)
    assume(computed[0] != 0 or (z == 0 and error == 0))
    value = moved_by(slope, e) + rounding.value(computed, h, slope, e)
    bound, bound_of_slope = bound_of(f, z, error), bound_of(f.derivative, z, error)
    assert value * SHARE <= bound
    assert rounding.slope(h, slope, e, of_value * value) * SHARE <= bound_of_slope


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_limits_of_an_activation_are_near_its_bound(name: str) -> None:
    """Without an error of z, what the function errs by itself; with one, nearly all that it makes of it."""
    f, rounding = ACTIVATIONS[name], ROUNDING[name]
    for z in (-1.25, 0.75):
        for error in (0.0, 2.0**-40):
            h, slope = f(np.array([z])), f.derivative(np.array([z]))
            bound, bound_of_slope = bound_of(f, z, error), bound_of(f.derivative, z, error)
            value = moved_by(slope, error) + rounding.value(np.array([z]), h, slope, error)
            assert bound / 2 <= value * SHARE <= bound
            assert bound_of_slope / 3 <= rounding.slope(h, slope, error, value) * SHARE <= bound_of_slope
