"""Section 3.2, Gradients of Parameters: equations (16)-(25)."""

import pytest
from laws import METHODS, Comparisons, by_hand, enclosed, exactly, fails_as_printed, in_float64, law, numbers_in, shown

from bptt_oracle.catalogue import equation
from bptt_oracle.instances import Description

NUMBERS = numbers_in("gradients")


@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_gradients_equals_autodiff_exactly(number: int) -> None:
    shown(number, exactly)


@pytest.mark.parametrize("number", NUMBERS)
def test_enclosures_of_every_line_of_the_gradients_overlap_autodiff(number: int) -> None:
    shown(number, enclosed)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_gradients_and_jax_keep_their_bounds_in_float64(number: int) -> None:
    shown(number, in_float64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_gradients_fails_as_printed_where_it_is_corrected(number: int, method: Comparisons) -> None:
    assert fails_as_printed(number, method) == (equation(number).corrected is not None)


@law
def test_derivatives_in_numerator_layout_are_the_transposed_gradients_exactly(description: Description) -> bool:
    q = by_hand(description)
    for i in range(1, q.T + 1):
        for l in range(1, q.n + 1):
            assert (q.grad_W[l, i] == q.dJ_dW[l, i].T).all()
            assert (q.grad_b[l, i] == q.dJ_db[l, i].T).all()
            assert l == q.n or (q.grad_H[l, i] == q.dJ_dH[l, i].T).all()
    return description.d[-1] > 1


@law
def test_gradients_of_J_are_the_means_of_those_of_the_steps_exactly(description: Description) -> bool:
    q = by_hand(description)
    steps = range(1, q.T + 1)
    for l in range(1, q.n + 1):
        assert (sum(q.grad_W[l, i] for i in steps) / q.T == q.grad_W[l]).all()
        assert (sum(q.grad_b[l, i] for i in steps) / q.T == q.grad_b[l]).all()
        assert l == q.n or (sum(q.grad_H[l, i] for i in steps) / q.T == q.grad_H[l]).all()
    return description.d[-1] > 1
