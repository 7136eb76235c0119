"""Section 3.3, Conclusion: equations (26)-(35)."""

import pytest
from laws import METHODS, Comparisons, by_hand, enclosed, exactly, fails_as_printed, in_float64, law, numbers_in, shown
from strategies import SHARE

from bptt_oracle.catalogue import Equation, equation, equations
from bptt_oracle.conditions import indices_where
from bptt_oracle.instances import Description
from bptt_oracle.manual import indices, right_reading
from bptt_oracle.manual.registry import value

NUMBERS = numbers_in("conclusion")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_conclusion_equals_autodiff_exactly(number: int) -> None:
    shown(number, exactly)


@pytest.mark.parametrize("number", NUMBERS)
def test_enclosures_of_the_conclusion_overlap_autodiff(number: int) -> None:
    shown(number, enclosed)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_conclusion_and_jax_keep_their_bounds_in_float64(number: int) -> None:
    shown(number, in_float64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", NUMBERS)
def test_the_conclusion_fails_as_printed_where_it_is_corrected(number: int, method: Comparisons) -> None:
    assert fails_as_printed(number, method) == (equation(number).corrected is not None)


def derived(conclusion: Equation) -> Equation:
    """The gradient in sections 3.1 and 3.2 that an equation of the conclusion repeats."""
    (found,) = (
        earlier
        for earlier in equations().values()
        if earlier.number < min(NUMBERS)
        and (earlier.symbol, earlier.at, earlier.printed.where)
        == (conclusion.symbol, conclusion.at, conclusion.printed.where)
    )
    return found


@pytest.mark.parametrize("number", NUMBERS)
def test_the_conclusion_repeats_what_was_derived_exactly(number: int) -> None:
    here, there = right_reading(number), right_reading(derived(equation(number)).number)

    def repeated(description: Description) -> bool:
        q = by_hand(description)
        places = indices_where(indices(here), equation(number).printed.where, q.n, q.T)
        assert all((value(here, q, *at) == value(there, q, *at)).all() for at in places)
        return bool(places) and description.d[-1] > 1

    law(repeated, share=SHARE // 2)()
