"""Section 4, Trick for Implementation: equations (36)-(46)."""

from dataclasses import replace

import pytest
from laws import (
    METHODS,
    Claim,
    Comparisons,
    by_hand,
    enclosed,
    exactly,
    fails_as_printed,
    holds,
    in_float64,
    law,
    numbers_in,
    shown,
)
from strategies import SHARE

from bptt_oracle.catalogue import equation
from bptt_oracle.conditions import Condition
from bptt_oracle.instances import Description
from bptt_oracle.manual import right_reading
from bptt_oracle.manual.registry import value

NUMBERS = numbers_in("trick")


@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_trick_equals_autodiff_exactly(number: int) -> None:
    shown(number, exactly)


@pytest.mark.parametrize("number", NUMBERS)
def test_enclosures_of_every_line_of_the_trick_overlap_autodiff(number: int) -> None:
    shown(number, enclosed)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_trick_and_jax_keep_their_bounds_in_float64(number: int) -> None:
    shown(number, in_float64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_of_the_trick_fails_as_printed_where_it_is_corrected(number: int, method: Comparisons) -> None:
    assert fails_as_printed(number, method) == (equation(number).corrected is not None)


@law
def test_gamma_by_cases_is_the_sum_of_the_deltas_exactly(description: Description) -> bool:
    q = by_hand(description, "4")
    for t in range(1, q.T + 1):
        for l in range(1, q.n):
            assert (q.gamma[l, t] == sum(q.delta[l, t, i] for i in range(t, q.T + 1))).all()
    return q.n > 1 and description.d[-1] > 1


@law
def test_sums_over_gamma_equal_those_of_the_last_page_exactly(description: Description) -> bool:
    q = by_hand(description, "4")
    for l in range(1, q.n):
        for number, gradient in ((39, q.grad_H[l]), (40, q.grad_W[l]), (41, q.grad_b[l])):
            assert (value(right_reading(number), q, l) == gradient).all()
    return q.n > 1 and description.d[-1] > 1


def test_gamma_of_the_top_hidden_layer_holds_for_every_step_but_the_last() -> None:
    claim = Claim.right(37)
    everywhere = (Condition.parse("2 <= n"), Condition.parse("1 <= t < T"))
    law(holds(replace(claim, reading=replace(claim.reading, where=everywhere)), exactly), share=SHARE // 2)()
