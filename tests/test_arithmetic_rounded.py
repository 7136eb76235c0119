"""Running error bounds: never exceeded, by real programs or by a machine as bad as the model allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isfinite
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from bptt_oracle.arithmetic.balls import ball, precision
from bptt_oracle.arithmetic.errors import (
    InexactConstantError,
    MixedFormatsError,
    NotFiniteError,
    PrecisionTooLowError,
    UndecidedError,
)
from bptt_oracle.arithmetic.formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, FORMATS, Format
from bptt_oracle.arithmetic.rounded import Rounded, errors, rounded, to_rounded, truths, used, with_error
from bptt_oracle.jaxprs import evaluate
from bptt_oracle.reference import config  # noqa: F401 -- float64 in JAX

DTYPES = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
formats = st.sampled_from(list(FORMATS.values()))
seeds = st.integers(0, 2**32 - 1)
all_formats = pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())


@pytest.fixture(autouse=True)
def _true_values_to_200_bits() -> Iterator[None]:
    with precision(200):
        yield


def numbers(rng: Any, shape: Any, format: Any, low: Any = -3, high: Any = 3) -> Any:
    """Numbers of the format, of magnitudes from 2^low to 2^high."""
    return (rng.uniform(1, 2, shape) * 2.0 ** rng.integers(low, high, shape) * rng.choice([-1, 1], shape)).astype(
        DTYPES[format.name]
    )


# The machine: programs whose every operation may err as far as the model of the formats allows.


def nearest(value: Any, format: Any) -> Any:
    """The number of the format nearest to a rational, with gradual underflow; None for an overflow."""
    if value == 0:
        return value
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length()
    exponent -= abs(value) < Fraction(2) ** exponent
    step = Fraction(2) ** (max(exponent, format.least_exponent) - format.precision + 1)
    result = round(value / step) * step  # round() of a Fraction takes ties to even
    return result if abs(result) <= Fraction(format.largest) else None


class OverflowOnMachineError(Exception):
    """A result beyond the format's largest number."""


@dataclass
class Machine:
    """Runs an expression with any choice of order, fusing, flushing and extra bits at every operation."""

    format: Format
    rng: np.random.Generator

    def rounded(self, value: Any) -> Any:
        """The result of an operation, as the machine may store it."""
        result = nearest(value, self.format)
        if result is None:
            raise OverflowOnMachineError
        if self.rng.random() < 0.2:
            result = value  # kept in more bits
        normal = Fraction(self.format.smallest_normal)
        if self.format.flushes and abs(result) < normal and self.rng.random() < 0.5:
            return Fraction(0)
        return result

    def run(self, node: Any) -> Any:
        """A computed value of a node; asked again, it may be another one."""
        kind, *parts = node
        if kind == "input":
            return parts[0]
        if kind == "negated":
            return -self.run(parts[0])
        if kind == "product":
            return self.rounded(self.run(parts[0]) * self.run(parts[1]))
        if kind == "quotient":
            return self.quotient(self.run(parts[0]), self.run(parts[1]))
        return self.add(self.leaves(node))

    def quotient(self, a: Any, b: Any) -> Any:
        if b == 0:
            raise OverflowOnMachineError
        if self.rng.random() < 0.5:
            return self.rounded(a * self.rounded(1 / b))
        return self.rounded(a / b)

    def leaves(self, node: Any) -> Any:
        """The terms of a sum, of sums inside it as well or not; products unrounded, to be fused, or not."""
        terms = []
        for sign, part in node[1]:
            if part[0] == "sum" and self.rng.random() < 0.7:
                terms += [(sign * value, fused) for value, fused in self.leaves(part)]
            elif part[0] == "product" and self.rng.random() < 0.5:
                terms.append((sign * self.run(part[1]) * self.run(part[2]), True))
            else:
                terms.append((sign * self.run(part), False))
        return terms

    def add(self, terms: Any) -> Any:
        """The sum of terms in a random order. Of two exact products, one is rounded before they are added."""
        terms = list(terms)
        while len(terms) > 1:
            (a, a_fused), (b, b_fused) = (terms.pop(self.rng.integers(len(terms))) for _ in range(2))
            if a_fused and b_fused:
                a = self.rounded(a)
            terms.append((self.rounded(a + b), False))
        value, fused = terms[0]
        return self.rounded(value) if fused else value


def bound_of(node: Any, format: Any) -> Any:
    """The same expression over `Rounded` elements."""
    kind, *parts = node
    if kind == "input":
        return rounded(parts[0], format)
    if kind == "negated":
        return -bound_of(parts[0], format)
    if kind == "product":
        return bound_of(parts[0], format) * bound_of(parts[1], format)
    if kind == "quotient":
        return bound_of(parts[0], format) / bound_of(parts[1], format)
    return sum(bound_of(part, format) if sign > 0 else -bound_of(part, format) for sign, part in parts[0])


def expression(rng: Any, format: Any, depth: Any, exponents: Any) -> Any:
    """A random expression over numbers of the format; 0, 1, -1 and powers of two are frequent."""
    choice = rng.random()
    if depth == 0 or choice < 0.1:
        if rng.random() < 0.3:
            return ("input", Fraction(int(rng.choice([0, 1, -1, 2, 3]))))
        return ("input", Fraction(float(numbers(rng, (), format, *exponents))))
    if choice < 0.2:
        return ("negated", expression(rng, format, depth - 1, exponents))
    if choice < 0.5:
        return ("product", *(expression(rng, format, depth - 1, exponents) for _ in range(2)))
    if choice < 0.6:
        return ("quotient", *(expression(rng, format, depth - 1, exponents) for _ in range(2)))
    terms = rng.integers(2, 7)
    return (
        "sum",
        [(rng.choice([1, -1]), expression(rng, format, depth - 1, exponents)) for _ in range(terms)],
    )


def distance_within(value: Any, bound: Any) -> Any:
    """Whether a rational is certainly within the bound of the true value."""
    return bool(abs(ball(Fraction(value)) - bound.truth) <= bound.error)


@settings(max_examples=300, deadline=None)
@given(formats, seeds, st.sampled_from(["ordinary", "small", "large"]), st.integers(1, 4))
def test_no_machine_within_the_model_exceeds_the_bound(
    format: Any, seed: Any, range_of_inputs: Any, depth: Any
) -> None:
    rng = np.random.default_rng(seed)
    exponents = {
        "ordinary": (-3, 3),
        "small": (format.least_exponent, format.least_exponent + 6),
        "large": (format.greatest_exponent - 6, format.greatest_exponent),
    }[range_of_inputs]
    node = expression(rng, format, depth, exponents)
    bound = bound_of(node, format)
    for _ in range(4):
        try:
            computed = Machine(format, rng).run(node)
        except OverflowOnMachineError:
            assert bound.error == inf
            continue
        assert bound.error == inf or distance_within(computed, bound)


# Real programs.


@settings(max_examples=60, deadline=None)
@given(formats, seeds, st.integers(1, 60))
def test_dot_products_in_any_order_stay_within_the_bound(format: Any, seed: Any, terms: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b = numbers(rng, terms, format), numbers(rng, terms, format)
    bound = to_rounded(a, format) @ to_rounded(b, format)
    results = []
    for _ in range(3):
        order = rng.permutation(terms)
        total = DTYPES[format.name](0)
        for product in (a * b)[order]:
            total = total + product
        results.append(total)
    results.append((a * b)[order].sum())
    if format in (FLOAT32, FLOAT64):
        results += [a @ b, np.einsum("i,i", a, b)]
    assert (used(np.array(results, dtype=float), np.full(len(results), bound, dtype=object)) <= 1).all()


@all_formats
def test_dot_products_of_jax_stay_within_the_bound(format: Any) -> None:
    rng = np.random.default_rng(1)
    a, b = numbers(rng, (9, 200), format), numbers(rng, (200, 5), format)
    bound = to_rounded(a, format) @ to_rounded(b, format)
    assert (used(jnp.dot(a, b), bound) <= 1).all()
    assert (used(jax.jit(lambda a, b: (a[:, :, None] * b).sum(1))(a, b), bound) <= 1).all()


def recurrence(np_like: Any, H: Any, W: Any, x: Any, h: Any) -> Any:
    """A chain of tanh of matrix-vector products, with a division and a mean at the end."""
    for row in x:
        h = np_like.tanh(H @ h + W @ row)
    return h / (1 + np_like.exp(-(h * h))), h.sum() / len(h)


@all_formats
@pytest.mark.parametrize("seed", range(3))
def test_chains_of_tanh_of_products_stay_within_the_bound(format: Any, seed: Any) -> None:
    rng = np.random.default_rng(seed)
    dtype = DTYPES[format.name]
    shapes = [(6, 6), (6, 4), (5, 4), (6,)]
    inputs = [(rng.normal(size=shape) / 3).astype(dtype) for shape in shapes]
    bounds = recurrence(np, *(to_rounded(a, format) for a in inputs))
    compiled = jax.jit(lambda *a: recurrence(jnp, *a))(*map(jnp.asarray, inputs))
    programs = [compiled]
    if format in (FLOAT32, FLOAT64):
        programs.append(recurrence(np, *inputs))
    for program in programs:
        for computed, bound in zip(program, bounds, strict=True):
            assert np.isfinite(errors(bound)).all()
            assert (used(np.asarray(computed), bound) <= 1).all()


def test_bounds_of_a_recurrence_are_not_absurdly_loose() -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape) / 3 for shape in [(6, 6), (6, 4), (5, 4), (6,)]]
    bounds = recurrence(np, *(to_rounded(a, FLOAT64) for a in inputs))
    share = max(used(c, b).max() for c, b in zip(recurrence(np, *inputs), bounds, strict=True))
    # Each of five steps may add gamma_9 of ten terms and 8 ulps of tanh, where about one rounding of the sum
    # and half an ulp happen, at random signs: the bound is some 20 * sqrt(5) times the error.
    assert share > 1 / 200


def test_the_bound_of_one_product_is_nearly_reached() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, 500), rng.uniform(1, 2, 500)
    share = used(a * b, to_rounded(a, FLOAT64) * to_rounded(b, FLOAT64)).max()
    assert 0.9 < share <= 1


@pytest.mark.parametrize("terms", [1, 2, 10])
def test_the_bound_of_a_sum_is_gamma_times_its_size(terms: Any) -> None:
    total: Any = sum(rounded(1, FLOAT32) for _ in range(terms))
    gamma = Fraction((terms - 1), 2**24) / (1 - Fraction(terms - 1, 2**24))
    exact = gamma * terms + (terms - 1) * Fraction(2) ** -126
    assert exact <= Fraction(total.error) <= exact * (1 + Fraction(1, 2**40))


def test_a_sum_of_sums_is_a_sum_of_all_terms() -> None:
    a, b, c, d = (rounded(v, FLOAT64) for v in (1.1, 2.3, -0.7, 4.2))
    assert ((a + b) + (c + d)).error == (((a + b) + c) + d).error == (a - (-b - (c + d))).error


def test_a_sum_that_is_used_is_one_term() -> None:
    a, b = rounded(1.5, FLOAT64), rounded(3, FLOAT64)
    once = (a + b) * 3
    assert (once + 1).error > once.error
    assert (once + 1).error < ((a + b + a + b + a + b) + 1).error + 20 * FLOAT64.u


# Errors that are planted just outside a bound are found.


@all_formats
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_an_error_just_above_the_bound_is_caught(format: Any, seed: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b = numbers(rng, 12, format), numbers(rng, 12, format)
    bound = to_rounded(a, format) @ to_rounded(b, format)
    middle, error = float(bound.truth), bound.error
    # A float next to truth +- error is within 2^-52 |truth| of it, which is below a thousandth of these
    # errors only in the narrower formats; so the planted value is taken from the far side of that rounding.
    slack = 2.0**-51 * abs(middle)
    for sign in (1, -1):
        assert used(middle + sign * (1.001 * error + slack), bound)[()] > 1
        assert used(middle + sign * (0.999 * error - slack), bound)[()] <= 1


def test_a_wrong_result_is_caught_where_the_bound_is_zero() -> None:
    assert used([0.0, 1.0, 5e-324], [rounded(v, FLOAT64) for v in (0, 1, 0)]).tolist() == [0, 0, inf]


def test_results_that_are_not_finite_are_caught() -> None:
    assert used([inf, np.nan], [rounded(1, FLOAT64)] * 2).tolist() == [inf, inf]


def test_a_true_value_that_is_known_too_coarsely_decides_nothing() -> None:
    with precision(20):
        third = rounded(Fraction(1, 3), FLOAT64)
    with pytest.raises(PrecisionTooLowError, match="evaluate at a higher precision"):
        used(1 / 3, third)


# What is exact has no error.


@all_formats
def test_zero_one_and_powers_of_two_are_exact_factors(format: Any) -> None:
    x = rounded(Fraction(1, 3), format)
    assert (x * 1).error == x.error
    assert (-1 * x).error == x.error
    assert (x * 0).error == 0
    assert (0 + x).error == (x - 0).error == (x / 1).error == x.error
    assert (0 / x).error == 0
    for result, factor in ((x * 4, 4), (x / 4, 0.25), (0.5 * x, 0.5)):
        assert x.error * factor <= result.error <= (x.error * factor + 2 * format.eta) * (1 + 2.0**-40)


@all_formats
def test_numbers_of_the_format_have_no_error_and_others_are_rounded(format: Any) -> None:
    dtype = DTYPES[format.name]
    third = dtype(1 / 3)
    for value in (0, 1, -7, 0.5, third, float(third), Fraction(3, 4), True):
        assert rounded(value, format).error == 0
    for value in (1 / 3 if format is not FLOAT64 else Fraction(1, 3), 2**60 + 1, Fraction(1, 10)):
        if value > format.largest:
            assert rounded(value, format).error == inf
        elif not format.represents(value):
            number = Fraction(float(np.asarray(float(value)).astype(dtype)))
            assert distance_within(number, rounded(value, format))
            assert rounded(value, format).error > 0


@all_formats
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_format_represents_what_a_conversion_keeps(format: Any, value: Any) -> None:
    with np.errstate(over="ignore"):
        kept = float(np.asarray(value).astype(DTYPES[format.name]))
    assert format.represents(value) == (kept == value)


def test_integers_too_large_for_float64_are_not_represented() -> None:
    assert not FLOAT64.represents(2**53 + 1)
    assert not FLOAT64.represents(10**400)
    assert FLOAT64.represents(2**1000)


@pytest.mark.parametrize("format", [FLOAT64, FLOAT32, BFLOAT16], ids=lambda format: format.name)
def test_a_subnormal_input_may_be_read_as_zero(format: Any) -> None:
    tiny = format.smallest_normal / 4
    assert rounded(tiny, format).error >= tiny


@all_formats
def test_the_formats_are_those_of_numpy(format: Any) -> None:
    info: Any = ml_dtypes.finfo(DTYPES[format.name])  # type: ignore[no-untyped-call]
    assert format.u == float(info.eps) / 2
    assert format.smallest_normal == float(info.tiny)
    assert format.largest == float(info.max)


@pytest.mark.parametrize("name", ["tanh", "sin", "log1p"])
def test_functions_that_fix_zero_return_it_exactly(name: Any) -> None:
    assert getattr(np, name)(to_rounded([0.0], FLOAT64))[0].error == 0
    for dtype in DTYPES.values():
        assert float(getattr(jnp, name)(jnp.zeros(3, dtype))[1]) == 0 == float(getattr(np, name)(dtype(0)))


# Where nothing is proved, the bound is infinite.


@pytest.mark.parametrize(
    "undefined",
    [
        lambda x: x / (x - x),
        lambda x: 1 / rounded(0, FLOAT32),
        lambda x: (x * 1e30) * 1e30,
        lambda x: (x * -100).log(),
        lambda x: (x * -100).log1p(),
        lambda x: (x * 1e6).exp(),
        lambda x: (x * 1e6).exp() * 0,
        lambda x: (x * 1e6).exp() - (x * 1e6).exp(),
        lambda x: (x * 1e6).exp().tanh(),
        lambda x: 1 / (x * 1e6).exp(),
    ],
)
def test_overflow_and_undefined_results_have_no_bound(undefined: Any) -> None:
    result = undefined(rounded(3.3, FLOAT32))
    assert result.error == inf
    assert not result.is_finite()
    assert used(1.0, result)[()] == 0


@pytest.mark.parametrize(("name", "truth"), [("log", 1), ("log1p", 0)])
def test_a_logarithm_whose_argument_may_be_negative_has_no_bound(name: Any, truth: Any) -> None:
    assert getattr(with_error(truth, 2.0, FLOAT64), name)().error == inf
    assert isfinite(getattr(with_error(truth, 0.5, FLOAT64), name)().error)


def test_a_partial_sum_may_overflow_where_the_sum_does_not() -> None:
    large = rounded(60000, FLOAT16)
    assert (large + large - large).error == inf
    assert isfinite((rounded(20000, FLOAT16) * 1 + 20000 - 20000).error)


def test_more_terms_than_a_format_can_add_have_no_bound() -> None:
    fewer, more = (to_rounded(np.ones(terms), BFLOAT16).sum() for terms in (256, 257))
    assert isfinite(fewer.error)
    assert more.error == inf


# Comparisons.


def test_comparisons_are_those_of_the_true_values() -> None:
    a, b = rounded(1, FLOAT32) / 3, rounded(1, FLOAT32) / 2
    assert a < b
    assert a <= b
    assert b > a
    assert b >= 0.4
    assert not a > 1
    assert a != b
    assert rounded(1, FLOAT32) == 1
    assert rounded(1, FLOAT32) != "1"
    assert a >= a
    assert np.where(np.array([a, -a]) > 0, 1, 0).tolist() == [1, 0]


def test_comparisons_that_rounding_may_decide_are_refused() -> None:
    a = rounded(1, FLOAT32) / 3
    with pytest.raises(UndecidedError, match="may come out either way in float32"):
        _ = a > Fraction(1, 3)
    with pytest.raises(UndecidedError):
        _ = a * 3 == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)


@given(seeds)
@settings(max_examples=20)
def test_the_larger_of_two_is_bounded_whichever_was_chosen(seed: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b = (with_error(value, 0.25, FLOAT64) for value in rng.uniform(-0.5, 0.5, 2))
    for x, y in ((float(a.truth) + dx, float(b.truth) + dy) for dx in (-0.25, 0.25) for dy in (-0.25, 0.25)):
        slack = Fraction(1, 2**50)  # of the additions above
        assert abs(Fraction(max(x, y)) - Fraction(float(a.max(b).truth))) <= Fraction(a.max(b).error) + slack
        assert abs(Fraction(min(x, y)) - Fraction(float(a.min(b).truth))) <= Fraction(a.min(b).error) + slack


# Elements.


def test_inputs_with_a_known_error_pass_it_on() -> None:
    x = with_error(Fraction(1, 3), 0.125, FLOAT64)
    assert x.error == 0.125
    assert 0.25 < (2 * x).error < 0.25 + 1e-15
    assert abs(x).error == (-x).error == 0.125
    for error in (-1.0, inf, float("nan")):
        with pytest.raises(ValueError, match="expected a finite error of at least 0"):
            with_error(1, error, FLOAT64)


def test_the_error_of_a_function_is_that_of_its_reach() -> None:
    x = with_error(0.5, 0.125, FLOAT64)
    for name in ("exp", "log", "log1p", "tanh", "sin", "cos"):
        function = getattr(np, name)
        reach = max(abs(function(0.5 + d) - function(0.5)) for d in (-0.125, 0.125))
        assert reach - 1e-15 < getattr(x, name)().error < 1.2 * reach


def test_formats_do_not_mix() -> None:
    with pytest.raises(MixedFormatsError, match="expected elements of one format, but got float32 and float64"):
        rounded(1, FLOAT32) + rounded(1, FLOAT64)


@pytest.mark.parametrize("value", [inf, float("nan")])
def test_inputs_that_are_not_finite_are_refused(value: Any) -> None:
    with pytest.raises(NotFiniteError):
        to_rounded([value], FLOAT64)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(InexactConstantError):
        rounded("1", FLOAT64)
    for operation in ("__add__", "__sub__", "__rsub__", "__mul__", "__truediv__", "__rtruediv__"):
        assert getattr(rounded(1, FLOAT64), operation)("1") is NotImplemented


def test_arrays_keep_their_shape() -> None:
    array = to_rounded(np.ones((2, 0, 3)), FLOAT64)
    assert array.shape == truths(array).shape == errors(array).shape == used(np.ones((2, 0, 3)), array).shape
    assert to_rounded(1.0, FLOAT64).shape == ()


def test_integers_among_results_are_exact() -> None:
    mixed = np.array([0, rounded(1.5, FLOAT64)], dtype=object)
    assert errors(mixed).tolist() == [0, 0]
    assert used([0, 1.5], mixed).tolist() == [0, 0]
    assert used([1, 1.5], mixed).tolist() == [inf, 0]
    assert truths(mixed)[0] == 0


def test_numbers_combine_from_either_side() -> None:
    x = rounded(0.75, FLOAT64)
    for result in (
        np.float64(2) * x,
        np.int64(3) - x,
        1 - x,
        3 / x,
        Fraction(1, 2) + x,
        x * np.float32(2),
        x / True,
    ):
        assert isinstance(result, Rounded)
    assert repr(x).startswith("Rounded(0.75")
    assert repr(x).endswith(", error <= 0, float64)")


# The declared errors of library functions.

FUNCTIONS = {
    "exp": (np.exp, jnp.exp, arb.exp),
    "log": (np.log, jnp.log, arb.log),
    "log1p": (np.log1p, jnp.log1p, arb.log1p),
    "tanh": (np.tanh, jnp.tanh, arb.tanh),
    "sin": (np.sin, jnp.sin, arb.sin),
    "cos": (np.cos, jnp.cos, arb.cos),
}


def points(name: Any, format: Any, rng: Any, count: Any) -> Any:
    """Numbers of the format: of every magnitude, ordinary ones, and where results are near 0 or overflow."""
    bits: Any = {8: np.uint64, 4: np.uint32, 2: np.uint16}[np.dtype(DTYPES[format.name]).itemsize]
    anything = rng.integers(0, np.iinfo(bits).max, count, dtype=bits, endpoint=True).view(DTYPES[format.name])
    groups = [
        anything.astype(float),
        rng.uniform(-4, 4, count),
        rng.uniform(-1, 1, count),
        rng.uniform(-100, 100, count),
    ]
    groups += [rng.uniform(-750, 750, count), 1 + rng.uniform(-1, 1, count) * 1e-3]
    with np.errstate(over="ignore"):
        x = np.concatenate(groups).astype(DTYPES[format.name])
    x = x[np.isfinite(x)]
    x = x[abs(x.astype(float)) >= format.smallest_normal] if format.flushes else x
    if name == "log":
        x = abs(x)[x != 0]
    return x[x > -1] if name == "log1p" else x


@all_formats
@pytest.mark.parametrize("name", FUNCTIONS)
def test_library_functions_keep_their_declared_errors(name: Any, format: Any) -> None:
    numpy_function, jax_function, true_function = FUNCTIONS[name]
    x = points(name, format, np.random.default_rng(5), 150)
    bounds = np.array([getattr(rounded(value, format), name)() for value in x], dtype=object)
    assert all(bound.truth.overlaps(true_function(arb(float(v)))) for bound, v in zip(bounds[:5], x[:5], strict=True))
    with np.errstate(all="ignore"):
        results = [numpy_function(x), jax_function(x), jax.jit(jax_function)(x)]
    for computed in results:
        assert (used(np.asarray(computed).astype(np.float64), bounds) <= 1).all()


@all_formats
def test_the_logistic_of_jax_is_within_the_bound_of_its_formula(format: Any) -> None:
    x = points("logistic", format, np.random.default_rng(6), 150)
    x = x[abs(x.astype(float)) < 50]
    program = jax.make_jaxpr(jax.lax.logistic)(x)
    (bounds,) = evaluate(program, to_rounded(x, format), constants=lambda value: rounded(value, format))
    for computed in (jax.lax.logistic(x), jax.jit(jax.lax.logistic)(x)):
        assert (used(np.asarray(computed).astype(np.float64), bounds) <= 1).all()
