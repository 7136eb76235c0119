"""Section 3.1, Derivation of deltas: equations (6)-(15)."""

from itertools import product

import pytest
from laws import METHODS, Comparisons, by_hand, enclosed, exactly, fails_as_printed, in_float64, law, numbers_in, shown

from bptt_oracle.catalogue import equation
from bptt_oracle.instances import Description
from bptt_oracle.manual import ROUTES, forward_pass
from bptt_oracle.manual.backprop import deltas_of_step

NUMBERS = numbers_in("deltas")


@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_deltas_equals_autodiff_exactly(number: int) -> None:
    shown(number, exactly)


@pytest.mark.parametrize("number", NUMBERS)
def test_enclosures_of_every_line_of_the_deltas_overlap_autodiff(number: int) -> None:
    shown(number, enclosed)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_deltas_and_jax_keep_their_bounds_in_float64(number: int) -> None:
    shown(number, in_float64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_deltas_fails_as_printed_where_it_is_corrected(number: int, method: Comparisons) -> None:
    assert fails_as_printed(number, method) == (equation(number).corrected is not None)


@law
def test_three_statements_of_the_recursion_give_the_same_deltas_exactly(description: Description) -> bool:
    first, *others = (by_hand(description, route) for route in ROUTES)
    steps = range(1, first.T + 1)
    for at in product(range(1, first.n + 1), steps, steps):
        assert all((q.delta[at] == first.delta[at]).all() for q in others), at
    return description.d[-1] > 1


@law
def test_rows_of_derivatives_are_the_transposed_deltas_exactly(description: Description) -> bool:
    q = by_hand(description)
    steps = range(1, q.T + 1)
    assert all((q.delta[at] == q.dJ_dz[at].T).all() for at in product(range(1, q.n + 1), steps, steps))
    return description.d[-1] > 1


@law
def test_deltas_of_one_loss_in_one_sweep_equal_the_equations_exactly(description: Description) -> bool:
    q = by_hand(description)
    run = forward_pass(q.network)
    for i in range(1, q.T + 1):
        sweep = deltas_of_step(q.network, run, i)
        assert set(sweep) == {(l, t) for l in range(1, q.n) for t in range(1, i + 1)} | {(q.n, i)}
        assert all((delta == q.delta[l, t, i]).all() for (l, t), delta in sweep.items())
    return description.d[-1] > 1


@law
def test_errors_of_the_output_sum_to_zero_exactly(description: Description) -> bool:
    q = by_hand(description)
    assert all(q.delta[q.n, t, t].sum() == 0 for t in range(1, q.T + 1))
    return description.d[-1] > 1
