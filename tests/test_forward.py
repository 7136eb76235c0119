"""Section 2, Forward Propagation: equations (3)-(5)."""

import pytest
from laws import METHODS, Comparisons, by_hand, enclosed, exactly, fails_as_printed, in_float64, law, numbers_in, shown

from bptt_oracle.catalogue import equation
from bptt_oracle.instances import Description
from bptt_oracle.manual import Undefined, forward_pass

NUMBERS = numbers_in("forward")


@pytest.mark.parametrize("number", NUMBERS)
def test_forward_propagation_equals_autodiff_exactly(number: int) -> None:
    shown(number, exactly)


@pytest.mark.parametrize("number", NUMBERS)
def test_enclosures_of_forward_propagation_overlap_autodiff(number: int) -> None:
    shown(number, enclosed)


@pytest.mark.parametrize("number", NUMBERS)
def test_forward_propagation_and_jax_keep_their_bounds_in_float64(number: int) -> None:
    shown(number, in_float64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", NUMBERS)
def test_forward_propagation_fails_as_printed_where_it_is_corrected(number: int, method: Comparisons) -> None:
    assert fails_as_printed(number, method) == (equation(number).corrected is not None)


@law
def test_predictions_sum_to_one_exactly(description: Description) -> bool:
    q = by_hand(description)
    assert all(q.y_hat[t].sum() == 1 for t in range(1, q.T + 1))
    return True


@law
def test_forward_pass_equals_the_equations_exactly(description: Description) -> bool:
    q = by_hand(description)
    run = forward_pass(q.network)
    assert all((z == q.z[at]).all() for at, z in run.z.items())
    assert all((h == q.h[at]).all() for at, h in run.h.items())
    assert all((y_hat == q.y_hat[t]).all() for t, y_hat in run.y_hat.items())
    return True


def test_initial_states_are_given_and_nothing_exists_outside_the_ranges() -> None:
    q = by_hand(Description(3, 2, (2, 3, 1, 2)))
    assert q.h[2, 0] is q.network.h0[2]
    outside = [q.h[0, 0], q.h[3, 1], q.h[1, 3], q.z[0, 1], q.z[1, 0], q.z[4, 1], q.delta[1, 1, 3], q.gamma[1, 3]]
    assert all(isinstance(value, Undefined) for value in outside)
