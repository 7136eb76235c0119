"""The finite field: exact, deterministic, and refusing whatever is not exact."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import nmod
from hypothesis import given, settings
from hypothesis import strategies as st

from bptt_oracle.arithmetic.errors import FieldZeroDivisionError, InexactConstantError
from bptt_oracle.arithmetic.field import (
    ORACLE_BIAS,
    PRIME,
    Oracle,
    Oracles,
    divide,
    element,
    naming_division_by_zero,
    random_array,
    to_field,
)

integers = st.integers(-(2**200), 2**200)


@given(integers, integers)
def test_field_operations_are_those_of_integers_modulo_the_prime(a: Any, b: Any) -> None:
    x, y = element(a), element(b)
    assert int(x + y) == (a + b) % PRIME
    assert int(x * y) == a * b % PRIME
    assert int(x - y) == (a - b) % PRIME


@given(integers, st.integers(1, 2**60))
def test_a_fraction_becomes_the_quotient_of_its_parts(numerator: Any, denominator: Any) -> None:
    assert element(Fraction(numerator, denominator)) * denominator == element(numerator)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
def test_matrix_products_of_object_arrays_are_exact(seed: Any, rows: Any, terms: Any, columns: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_array(rng, (rows, terms)), random_array(rng, (terms, columns))
    product = a @ b
    for i in range(rows):
        for j in range(columns):
            assert int(product[i, j]) == sum(int(a[i, k]) * int(b[k, j]) for k in range(terms)) % PRIME


def test_fixed_width_integers_do_not_overflow() -> None:
    large = to_field(np.array([2**62, -(2**62)], dtype=np.int64))
    assert int((large * large)[0]) == 2**124 % PRIME
    mixed = np.empty(1, dtype=object)
    mixed[0] = np.int64(2**62)
    assert isinstance(to_field(mixed)[0], nmod)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)])
def test_arrays_keep_their_shape(shape: Any) -> None:
    rng = np.random.default_rng(0)
    for array in (
        random_array(rng, shape),
        to_field(np.ones(shape)),
        Oracle(0, "f")(to_field(np.ones(shape))),
    ):
        assert array.shape == shape
        assert array.dtype == object
        assert all(isinstance(value, nmod) for value in array.flat)


def test_random_arrays_repeat_with_their_seed() -> None:
    first, again, other = (random_array(np.random.default_rng(seed), (20,)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_random_elements_reach_both_halves_of_the_field() -> None:
    values = [int(value) for value in random_array(np.random.default_rng(3), 200)]
    upper = sum(2 * value > PRIME for value in values)
    # Hoeffding: 200 fair coins are 60 or more off 100 with probability at most 2 exp(-36) < 1e-15.
    assert abs(upper - 100) < 60


@pytest.mark.parametrize("value", [0.5, 1 / 3, float("nan"), float("inf"), 1e300, "3", None, nmod(1, 7), 1j])
def test_what_is_not_exact_is_refused(value: Any) -> None:
    with pytest.raises(InexactConstantError, match="write a fraction as a division of integers"):
        element(value)


def test_floats_that_are_integers_are_accepted() -> None:
    assert (to_field(np.eye(2)) == to_field([[1, 0], [0, 1]])).all()


def test_division_by_zero_has_a_name() -> None:
    zero = to_field([0])
    with pytest.raises(FieldZeroDivisionError, match="draw it anew"):
        divide(to_field([1]), zero)
    with pytest.raises(FieldZeroDivisionError):
        element(Fraction(1, PRIME))
    with pytest.raises(FieldZeroDivisionError), naming_division_by_zero(), naming_division_by_zero():
        to_field([1]) / zero
    with naming_division_by_zero():
        assert divide(element(6), element(3)) == 2


def test_oracles_are_the_same_on_every_machine() -> None:
    oracles = Oracles(7)
    assert [int(oracle(5)) for oracle in oracles.functions().values()] == PINNED
    assert [int(oracle(5)) for oracle in Oracles(7).functions().values()] == PINNED


PINNED = [771929671266637108, 204046774870827180, 1350708565541685290, 435658093887467897]


def test_oracles_of_different_names_and_seeds_are_different_functions() -> None:
    arguments = to_field(np.arange(50))
    values = [Oracle(seed, name)(arguments) for seed in (1, 2, 11) for name in ("f", "f_prime", "1:f")]
    for position, one in enumerate(values):
        for other in values[position + 1 :]:
            # Independent values agree somewhere with probability at most 50 / 2^61.
            assert (one != other).all()


def test_an_oracle_is_a_function() -> None:
    f = Oracle(1, "f")
    assert f(3) == f(element(3)) == f(np.int64(3)) == f(to_field([[3]]))[0, 0] == f(PRIME + 3)
    assert f.calls() == 1
    assert repr(f) == "Oracle(1, 'f')"


def test_oracles_count_their_values() -> None:
    oracles = Oracles(0)
    oracles.f(to_field([1, 2, 2]))
    oracles.exp(to_field([1]))
    assert oracles.calls() == 3


def test_the_bias_of_an_oracle_bounds_the_exact_distance_from_uniform() -> None:
    # The same reduction of 10 digests modulo 7, counted.
    modulus, digests = 7, 10
    counts = [sum(digest % modulus == residue for digest in range(digests)) for residue in range(modulus)]
    distance = sum(abs(Fraction(count, digests) - Fraction(1, modulus)) for count in counts) / 2
    assert distance <= Fraction(modulus, digests)
    assert Fraction(1, 2**66) > ORACLE_BIAS
    assert ORACLE_BIAS - Fraction(PRIME, 2**128) == 0
