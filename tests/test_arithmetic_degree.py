"""Degrees: bounds that hold for the polynomials themselves, and the probability that follows from them."""

from fractions import Fraction
from math import comb
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq_mpoly_ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from bptt_oracle.arithmetic.degree import (
    Degree,
    DegreeOracles,
    constant,
    constants,
    difference_degree,
    failure_probability,
    lifts,
    variable,
    variables,
)
from bptt_oracle.arithmetic.errors import FieldZeroDivisionError, InexactConstantError, UnorderedError
from bptt_oracle.arithmetic.field import ORACLE_BIAS, PRIME
from bptt_oracle.jaxprs import evaluate
from bptt_oracle.reference import symbolic

POLYNOMIALS = fmpq_mpoly_ctx.get([f"x{i}" for i in range(4)], "degrevlex")


class Explicit:
    """A fraction of polynomials with integer coefficients, not reduced, written out."""

    def __init__(self, numerator: Any, denominator: Any) -> None:
        self.numerator, self.denominator = numerator, denominator

    def __add__(self, other: Any) -> Any:
        return Explicit(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )

    def __sub__(self, other: Any) -> Any:
        return self + Explicit(-other.numerator, other.denominator)

    def __mul__(self, other: Any) -> Any:
        return Explicit(self.numerator * other.numerator, self.denominator * other.denominator)

    def __truediv__(self, other: Any) -> Any:
        return Explicit(self.numerator * other.denominator, self.denominator * other.numerator)

    def reduced_degrees(self) -> Any:
        """Degrees of numerator and denominator in lowest terms."""
        common = self.numerator.gcd(self.denominator)
        return tuple((p / common).total_degree() if p else 0 for p in (self.numerator, self.denominator))


def programs(draw: Any, leaves: Any) -> Any:
    """A random straight-line program, run over several kinds of leaf at once."""
    pool = list(leaves)
    for _ in range(draw(st.integers(1, 7))):
        one, other = (pool[draw(st.integers(0, len(pool) - 1))] for _ in range(2))
        operation = draw(st.sampled_from(["+", "-", "*", "/"]))
        if operation == "/" and not other[1].numerator:
            continue
        if operation == "+":
            pool.append(tuple(a + b for a, b in zip(one, other, strict=True)))
        elif operation == "-":
            pool.append(tuple(a - b for a, b in zip(one, other, strict=True)))
        elif operation == "*":
            pool.append(tuple(a * b for a, b in zip(one, other, strict=True)))
        elif other[0].integer != 0:
            pool.append(tuple(a / b for a, b in zip(one, other, strict=True)))
    return pool


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_degrees_bound_those_of_the_polynomials(data: Any) -> None:
    leaves = [(variable(), Explicit(x, POLYNOMIALS.constant(1))) for x in POLYNOMIALS.gens()]
    leaves += [(constant(k), Explicit(POLYNOMIALS.constant(k), POLYNOMIALS.constant(1))) for k in (1, 2, -3)]
    for bound, explicit in programs(data.draw, leaves):
        numerator, denominator = explicit.reduced_degrees()
        if explicit.numerator:
            assert numerator <= bound.degree
        assert denominator <= bound.denominator


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_norms_bound_the_coefficients_of_polynomials(data: Any) -> None:
    leaves = [(variable(), Explicit(x, POLYNOMIALS.constant(1))) for x in POLYNOMIALS.gens()]
    leaves += [(constant(k), Explicit(POLYNOMIALS.constant(k), POLYNOMIALS.constant(1))) for k in (1, 2, -3)]
    for bound, explicit in programs(data.draw, leaves):
        if bound.denominator == 0:  # the fraction is a polynomial over the integer `denominator_norm`
            polynomial = explicit.numerator / explicit.denominator * bound.denominator_norm
            assert sum(abs(c) for c in polynomial.coeffs()) <= bound.norm


def test_a_common_denominator_is_counted_once() -> None:
    a, b, s = variables(3)
    total = a / s + b / s + a * b / s
    assert (total.degree, total.denominator) == (2, 1)
    assert (a / s / s + b / s).denominator == 2
    assert (a / 3 + b / 3).denominator_norm == 3
    assert (a / 3 + b / -3).denominator_norm == 3
    assert ((a + 1) / 3 + b / 5).denominator_norm == 15


def test_integers_are_folded() -> None:
    x = variable()
    assert (x * 0).integer == 0
    assert x * 1 is x
    assert x + 0 is x
    assert (constant(2) * 3 + 1).integer == 7
    assert (1 - constant(1)).integer == 0
    assert (x * (constant(1) - 1)).degree == 0
    assert (0 / x).integer == 0


def test_numbers_combine_from_either_side() -> None:
    x = variable()
    for result in (np.int64(3) * x, 2 + x, 1 - x, x - True, 1 / x, x / np.int32(2)):
        assert isinstance(result, Degree)
    for operation in ("__add__", "__sub__", "__mul__", "__truediv__", "__rtruediv__"):
        assert getattr(x, operation)(0.5) is NotImplemented
    assert repr(1 / x) == "Degree(0 / 1)"


def test_what_has_no_meaning_is_refused() -> None:
    x = variable()
    with pytest.raises(FieldZeroDivisionError, match="no instance of this program is defined"):
        x / (x * 0)
    with pytest.raises(UnorderedError, match="no order"):
        _ = x < 1
    with pytest.raises(InexactConstantError, match="expected an integer"):
        constants([0.5])


def test_an_element_equals_the_integer_it_was_made_as() -> None:
    x = variable()
    assert constant(1) == 1
    assert constant(1) != 2
    assert x != 1
    assert x == x
    assert len({constant(3), 3, x}) == 2
    assert constant(constant(4)).integer == 4


def test_an_oracle_gives_a_variable_for_every_argument() -> None:
    oracles = DegreeOracles()
    x, y = variables(2)
    f = oracles.f
    assert f(x) is f(x)
    assert f(x) is not f(y)
    assert f(3) is f(constant(3))
    assert f(3) is not f(-3)
    assert f(-x) is not f(x)
    assert f(0 - x) is not f(x)
    assert f(x * y).degree == 1
    assert f(np.array([[x]], dtype=object)).shape == (1, 1)
    assert f.calls() == 7
    assert oracles.exp.calls() == 0


def test_the_probability_is_that_of_the_theorem() -> None:
    oracles = DegreeOracles()
    x, y, s = variables(3)
    oracles.f(np.array([x, x * y, y / s], dtype=object))
    oracles.exp(np.array([x + y, y], dtype=object))
    assert (oracles.f.degree(), oracles.exp.degree()) == (3, 1)
    expected = Fraction(10 + comb(3, 2) * 3 + comb(2, 2) * 1, PRIME) + 5 * ORACLE_BIAS
    assert failure_probability(10, oracles) == expected
    assert failure_probability(10, oracles, attempts=3) == 3 * expected
    assert failure_probability(2**70, DegreeOracles()) == 1
    for degree, attempts in ((-1, 1), (1, 0)):
        with pytest.raises(ValueError, match="expected a degree >= 0 and attempts >= 1"):
            failure_probability(degree, oracles, attempts)


def test_the_schwartz_zippel_bound_holds_in_a_field_small_enough_to_count() -> None:
    # x y - 1 and x^2 - y over GF(7): no more zeros than degree / 7 of all points.
    prime = 7
    polynomials: list[tuple[Any, int]] = [
        (lambda x, y: x * y - 1, 2),
        (lambda x, y: x * x - y, 2),
        (lambda x, y: x - y, 1),
    ]
    for polynomial, degree in polynomials:
        bound = difference_degree(polynomial(*variables(2)), 0)
        zeros = sum(polynomial(x, y) % prime == 0 for x in range(prime) for y in range(prime))
        assert bound == degree
        assert Fraction(zeros, prime**2) <= Fraction(bound, prime)


def test_the_bound_with_an_oracle_holds_in_a_field_small_enough_to_count() -> None:
    # f(x) = f(y) for different x, y: over all functions f of GF(3) and all points.
    prime, agreeing, total = 3, 0, 0
    for values in np.ndindex(prime, prime, prime):
        for x, y in np.ndindex(prime, prime):
            agreeing += values[x] == values[y]
            total += 1
    oracles = DegreeOracles()
    x, y = variables(2)
    difference = difference_degree(oracles.f(x), oracles.f(y))
    collisions = comb(oracles.f.calls(), 2) * oracles.f.degree()
    assert (difference, collisions) == (1, 1)
    assert Fraction(agreeing, total) == Fraction(5, 9) <= Fraction(difference + collisions, prime)


def test_differences_of_arrays_are_bounded_by_their_largest() -> None:
    x, y = variables(2)
    assert difference_degree(np.array([x, x * y]), y) == 2
    assert difference_degree(np.empty(0, dtype=object), np.empty(0, dtype=object)) == 0
    assert difference_degree(x / y, y / x) == 2


def test_small_coefficients_carry_over_to_the_real_numbers() -> None:
    oracles = DegreeOracles()
    x, y = variables(2)
    assert lifts(x * y * 1000, 3, oracles)
    assert not lifts(x * 2**61, y, oracles)
    oracles.f(x * 2**59)
    assert lifts(x, y, oracles)
    oracles.f(x * 2**60)
    assert not lifts(x, y, oracles)


def test_a_program_that_jax_derived_has_degrees() -> None:
    def loss(W: Any, h: Any) -> Any:
        for _ in range(3):
            h = symbolic.f(W @ h)
        return jnp.sum(h) / 3

    shapes = [np.zeros((2, 2)), np.zeros(2)]
    oracles = DegreeOracles()
    (gradient,) = evaluate(
        jax.make_jaxpr(jax.grad(loss))(*shapes),
        variables((2, 2)),
        variables(2),
        functions=oracles.functions(),
        constants=constant,
    )
    # dW = sum over t of delta_t h_{t-1}': three factors f', two of W, one of h.
    assert max(entry.degree for entry in gradient.flat) == 6
    assert all(entry.denominator == 0 for entry in gradient.flat)
    assert oracles.f_prime.calls() == 6
    assert oracles.f_prime.degree() == 2
    assert failure_probability(6, oracles) < Fraction(1, 2**50)
