"""The evaluator of jaxprs against JAX's own evaluation, primitive by primitive and on random programs.

Each program is evaluated three times: over floats, over balls, and over `Rounded`, which gives the bound
within which the other evaluation and JAX's own must lie. No tolerance is chosen.
"""

from collections import Counter
from fractions import Fraction
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.extend.core import ClosedJaxpr

from bptt_oracle.arithmetic.balls import ball, overlap, precision, to_balls
from bptt_oracle.arithmetic.errors import InexactConstantError, NotFiniteError, UndecidedError, UnorderedError
from bptt_oracle.arithmetic.field import Oracles, element, random_array, to_field
from bptt_oracle.arithmetic.formats import FLOAT64
from bptt_oracle.arithmetic.rounded import errors, rounded, to_rounded, truths, used, with_error
from bptt_oracle.jaxpr_rules import _groups
from bptt_oracle.jaxpr_walk import FUNCTIONS
from bptt_oracle.jaxprs import (
    JaxprError,
    MissingFunctionError,
    OutOfBoundsError,
    UnknownPrimitiveError,
    WrongArgumentsError,
    evaluate,
    known_primitives,
)
from bptt_oracle.reference import symbolic

optimization_barrier: Any = lax.optimization_barrier
in_float64 = partial(rounded, format=FLOAT64)

RNG = np.random.default_rng(20)
VECTOR = RNG.normal(size=5)
MATRIX = RNG.normal(size=(3, 4))
CUBE = RNG.normal(size=(2, 3, 4))
POSITIVE = RNG.uniform(0.5, 2, (2, 3))
INTEGERS = np.array([-7, 0, 3, 5])


def primitives(jaxpr: Any) -> Any:
    """The names of all primitives of a jaxpr, those of nested ones included."""
    names = set()
    for equation in jaxpr.eqns:
        names.add(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, (tuple, list)) else (value,):
                if hasattr(inner, "eqns"):
                    names |= primitives(inner)
                elif hasattr(inner, "jaxpr"):
                    names |= primitives(inner.jaxpr)
    return names


def agrees_with_jax(function: Any, *args: Any) -> Any:
    """Whether all evaluations of a program lie within the bound of the true values."""
    program = jax.make_jaxpr(function)(*args)
    expected = jax.tree.leaves(jax.jit(function)(*args))
    over_floats = evaluate(program, *args)
    floating = [np.asarray(arg).dtype.kind == "f" for arg in args]
    bounds = evaluate(
        program,
        *(to_rounded(a, FLOAT64) if f else a for a, f in zip(args, floating, strict=True)),
        constants=in_float64,
    )
    over_balls = evaluate(
        program, *(to_balls(a) if f else a for a, f in zip(args, floating, strict=True)), constants=ball
    )
    for wanted, plain, bound, enclosure in zip(expected, over_floats, bounds, over_balls, strict=True):
        assert plain.dtype == wanted.dtype
        assert plain.shape == bound.shape == enclosure.shape == wanted.shape
        if bound.dtype == object:
            assert np.isfinite(errors(bound)).all()
            assert (used(wanted, bound) <= 1).all()
            assert (used(plain, bound) <= 1).all()
            assert overlap(truths(bound), enclosure).all()
        else:
            assert (np.asarray(wanted) == plain).all()
            assert (np.asarray(wanted) == bound).all()
            assert (np.asarray(wanted) == enclosure).all()
    return program


def _indexed(mode: Any) -> Any:
    return lambda a: a.at[jnp.array([[0], [2]]), jnp.array([1, 3])].get(mode=mode)


GATHER = lax.GatherDimensionNumbers(
    offset_dims=(1, 2), collapsed_slice_dims=(0,), start_index_map=(0, 2), operand_batching_dims=()
)

CASES: dict[str, tuple[Any, ...]] = {
    "add": (lambda a: a + a[0], MATRIX),
    "sub": (lambda a: a - 2 * a[0], MATRIX),
    "mul": (lambda a: a * a[:, :1], MATRIX),
    "neg": (lambda a: -a, MATRIX),
    "abs": (jnp.abs, MATRIX),
    "div": (lambda a, b: a / b, MATRIX[:2, :3], POSITIVE),
    "square": (jnp.square, MATRIX),
    "integer_pow": (lambda a: a**3 + a**4, MATRIX),
    "integer_pow negative": (lambda a: a**-2, POSITIVE),
    "integer_pow zero": (lambda a: lax.integer_pow(a, 0), MATRIX),
    "exp": (jnp.exp, MATRIX),
    "log": (jnp.log, POSITIVE),
    "log1p": (jnp.log1p, POSITIVE),
    "tanh": (jnp.tanh, MATRIX),
    "sin": (jnp.sin, MATRIX),
    "cos": (jnp.cos, MATRIX),
    "logistic": (lax.logistic, MATRIX),
    "slope of tanh": (jax.grad(lambda a: lax.tanh(a).sum()), MATRIX),
    "reduce_sum": (lambda a: jnp.sum(a, axis=(0, 2)), CUBE),
    "reduce_sum over nothing": (lambda a: lax.reduce_sum_p.bind(a, axes=(), out_sharding=None), MATRIX),
    "reduce_sum of nothing": (lambda a: jnp.sum(a[:0], axis=0), MATRIX),
    "reduce_max": (lambda a: jnp.max(a, axis=1), CUBE),
    "reduce_min": (lambda a: jnp.min(a, axis=(0, 2)), CUBE),
    "cumsum": (lambda a: jnp.cumsum(a, axis=1), MATRIX),
    "cumsum reverse": (lambda a: lax.cumsum(a, axis=0, reverse=True), MATRIX),
    "dot_general vector": (lambda a: a @ a, VECTOR),
    "dot_general matrix": (lambda a, b: a @ b.T, MATRIX, MATRIX),
    "dot_general batch": (lambda a, b: jnp.einsum("bij,bkj->bik", a, b), CUBE, CUBE),
    "dot_general batch last": (lambda a, b: jnp.einsum("ijb,kjb->bik", a, b), CUBE, CUBE),
    "dot_general two contractions": (lambda a, b: jnp.einsum("ijk,ljk->il", a, b), CUBE, CUBE),
    "dot_general outer": (lambda a, b: jnp.einsum("i,jk->kij", a, b), VECTOR, MATRIX),
    "dot_general empty": (lambda a: a[:, :0] @ a[:, :0].T, MATRIX),
    "max": (lambda a: jnp.maximum(a, a[::-1]), MATRIX),
    "min": (lambda a: jnp.minimum(a, 0.5), MATRIX),
    "clamp": (lambda a: lax.clamp(-0.5, a, 0.5), MATRIX),
    "sign": (jnp.sign, MATRIX),
    "is_finite": (jnp.isfinite, MATRIX),
    "eq": (lambda a: a == a[0], MATRIX),
    "ne": (lambda a: a != a, MATRIX),
    "lt": (lambda a: a < 0, MATRIX),
    "le": (lambda a: a <= a, MATRIX),
    "gt": (lambda a: a > 0.25, MATRIX),
    "ge": (lambda a: a >= a[:1], MATRIX),
    "and or not": (lambda a: ((a > 0) & (a < 1)) | ~(a > -1), MATRIX),
    "select_n": (lambda a: jnp.where(a > 0, a, 2 * a), MATRIX),
    "select_n of three": (
        lambda i, a: lax.select_n(i, a, 2 * a, 3 * a),
        np.array([0, 2, 1, 2], np.int32),
        MATRIX[0],
    ),
    "stop_gradient": (lambda a: lax.stop_gradient(a) * a, MATRIX),
    "copy": (lambda a: jnp.array(a, copy=True), MATRIX),
    "optimization_barrier": (lambda a, b: optimization_barrier((a, b)), MATRIX, VECTOR),
    "convert_element_type of booleans": (lambda a: (a > 0).astype(float) * a, MATRIX),
    "convert_element_type of integers": (lambda i, a: i.astype(float) * a, INTEGERS, MATRIX),
    "iota": (lambda a: lax.broadcasted_iota(float, (3, 4), 1) * a, MATRIX),
    "iota of integers": (lambda a: lax.broadcasted_iota(int, (2, 3), 1), MATRIX),
    "transpose": (lambda a: jnp.transpose(a, (2, 0, 1)), CUBE),
    "reshape": (lambda a: a.reshape(6, 4), CUBE),
    "squeeze expand_dims": (lambda a: jnp.squeeze(jnp.expand_dims(a, (0, 2)), (0, 2)), MATRIX),
    "broadcast_in_dim": (lambda a: jnp.broadcast_to(a[:, None], (2, 5, 3)), VECTOR),
    "concatenate": (lambda a: jnp.concatenate([a, 2 * a], axis=1), MATRIX),
    "stack": (lambda a: jnp.stack([a, 2 * a], axis=1), MATRIX),
    "split": (lambda a: jnp.split(a, [1, 3], axis=1), MATRIX),
    "rev": (lambda a: lax.rev(a, (0, 1)), MATRIX),
    "slice": (lambda a: a[1:3, ::2], MATRIX),
    "slice to a scalar": (lambda a: a[1] * 2, VECTOR),
    "pad": (lambda a: lax.pad(a, 1.0, ((1, 2, 0), (0, 1, 2))), MATRIX),
    "pad negative": (lambda a: lax.pad(a, 0.0, ((-1, 2, 1), (1, -3, 0))), MATRIX),
    "pad to nothing": (lambda a: lax.pad(a, 0.0, ((-2, -1, 0), (0, 0, 0))), MATRIX),
    "dynamic_slice": (lambda a, i: lax.dynamic_slice(a, (i[0], i[2]), (2, 2)), MATRIX, INTEGERS),
    "dynamic_update_slice": (
        lambda a, i: lax.dynamic_update_slice(a, 2 * a[:2, :2], (i[1], i[3])),
        MATRIX,
        INTEGERS,
    ),
    "index at run time": (lambda a, i: a[i[1], i[2]], MATRIX, INTEGERS),
    "gather": (_indexed("promise_in_bounds"), MATRIX),
    "gather clip": (lambda a: a.at[jnp.array([1, 7])].get(mode="clip"), MATRIX),
    "gather fill": (_indexed("fill"), MATRIX),
    "gather batched": (jax.vmap(lambda a, i: lax.dynamic_slice(a, (i,), (2,))), MATRIX, np.array([0, 2, 7])),
    "gather windows": (
        lambda a: lax.gather(a, jnp.array([[1, 0], [0, 2]]), GATHER, (1, 2, 2), mode="clip"),
        CUBE.transpose(1, 0, 2),
    ),
    "scatter-add": (lambda a: a.at[jnp.array([0, 2, 0])].add(a[1:2], mode="promise_in_bounds"), MATRIX),
    "scatter-add drop": (lambda a: a.at[jnp.array([0, 9, 0])].add(a[1], mode="drop"), MATRIX),
    "scatter": (lambda a: a.at[1, 2].set(5.0), MATRIX),
    "scatter batched": (jax.vmap(lambda a, i: a.at[i].add(a[0])), MATRIX, np.array([0, 2, 1])),
    "jit": (lambda a: jax.jit(lambda b: b * 3)(a) + 1, MATRIX),
    "custom_jvp_call": (jax.nn.relu, MATRIX),
    "remat": (jax.grad(jax.checkpoint(lambda a: jnp.sum(jnp.sin(a) ** 2))), MATRIX),
    "cond": (
        lambda i, a: lax.switch(i[2], [jnp.sin, jnp.cos, lambda b: b, lambda b: 2 * b], a),
        INTEGERS,
        VECTOR,
    ),
    "cond on a comparison": (lambda a: lax.cond(a[0] > 0, jnp.sin, jnp.cos, a), VECTOR),
    "while": (
        lambda a: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * a), (0, a))[1],
        VECTOR,
    ),
    "fori_loop": (lambda a: lax.fori_loop(0, 3, lambda i, c: c + a * i, a), VECTOR),
    "scan": (lambda a: lax.scan(lambda c, row: (c * row, c + row), a[0], a), MATRIX),
    "scan reverse": (lambda a: lax.scan(lambda c, row: (c * row, c + row), a[0], a, reverse=True), MATRIX),
    "scan of length 0": (lambda a: lax.scan(lambda c, row: (c, (row, 1)), a[0], a[:0]), MATRIX),
    "scan without inputs": (lambda a: lax.scan(lambda c, _: (c * a, c), a, None, length=3), VECTOR),
    "logsumexp": (jax.value_and_grad(jax.nn.logsumexp), VECTOR),
    "softmax": (jax.nn.softmax, MATRIX),
    "softplus": (jax.grad(lambda a: jnp.sum(jax.nn.softplus(a))), VECTOR),
    "mean": (jnp.mean, MATRIX),
    "integer arithmetic": (
        lambda i: (i // 2, i % 3, lax.div(i, np.int64(2)), lax.rem(i, np.int64(3)), -i),
        INTEGERS,
    ),
    "constants of a closure": (lambda a: a + jnp.asarray(MATRIX) * jnp.asarray(VECTOR[:4]), MATRIX),
    "gradient of a maximum": (jax.grad(lambda a: jnp.max(a)), VECTOR),
}


@pytest.mark.parametrize("name", CASES)
def test_primitive_agrees_with_jax(name: Any) -> None:
    function, *args = CASES[name]
    with precision(150):
        agrees_with_jax(function, *args)


def test_every_rule_is_exercised() -> None:
    seen = set()
    for function, *args in CASES.values():
        seen |= primitives(jax.make_jaxpr(function)(*args).jaxpr)
    seen |= primitives(jax.make_jaxpr(custom_vjp_square)(1.0).jaxpr)
    seen |= primitives(jax.make_jaxpr(jax.grad(lambda a: a * a))(1.0).jaxpr)
    # Names of other versions of JAX, of calls that only other transformations make, and functions tested
    # apart.
    elsewhere = {
        "pjit",
        "closed_call",
        "core_call",
        "checkpoint",
        "copy_p",
        "expand_dims",
        "one_minus_square",
        "scatter_add",
        "unstack",
    }
    assert known_primitives() - seen <= elsewhere | {"expm1", "sqrt", "copy"}


def test_what_newer_versions_of_jax_have_is_read() -> None:
    x = to_field(np.arange(5))
    assert (FUNCTIONS["one_minus_square"](x) == 1 - x * x).all()

    class Tree:  # stands for the argument of a scan that groups the others
        def update(self, args: Any) -> Any:
            return SimpleNamespace(unpack=lambda: (args[:1], args[1:3], args[3:]))

    args = [np.array(i) for i in range(5)]
    assert list(_groups(args, ft_in=Tree())) == list(map(list, _groups(args, num_consts=1, num_carry=2)))


@jax.custom_vjp
def custom_vjp_square(x: Any) -> Any:
    """A function with a derivative of its own."""
    return x * x


custom_vjp_square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))


def test_functions_with_a_derivative_of_their_own_are_entered() -> None:
    with precision(150):
        agrees_with_jax(custom_vjp_square, 1.5)
        agrees_with_jax(jax.grad(custom_vjp_square), 1.5)


@pytest.mark.parametrize("function", [jnp.expm1, jnp.sqrt])
def test_functions_that_only_balls_have(function: Any) -> None:
    program = jax.make_jaxpr(function)(POSITIVE)
    with precision(150):
        (enclosed,) = evaluate(program, to_balls(POSITIVE), constants=ball)
        for computed in (function(POSITIVE), evaluate(program, POSITIVE)[0]):
            error = 2 * FLOAT64.library_ulps * FLOAT64.u
            bounds = [with_error(x, error * abs(float(x)), FLOAT64) for x in enclosed.flat]
            assert (used(np.ravel(computed), bounds) <= 1).all()


# Programs drawn at random.


def random_program(rng: Any, depth: Any) -> Any:
    """A function of a matrix (3, 3) and a vector (3,), made of many primitives, smooth near its inputs."""

    def vector_step(rng: Any, f: Any) -> Any:
        weights = rng.normal(size=3)
        steps = [
            lambda A, v: A @ f(A, v),
            lambda A, v: f(A, v) @ A.T + weights,
            lambda A, v: jnp.tanh(f(A, v)) * A[0],
            lambda A, v: jnp.sin(f(A, v)) - A[:, 1] / 3,
            lambda A, v: f(A, v) / (1 + f(A, v) ** 2),
            lambda A, v: jnp.concatenate([f(A, v)[1:], f(A, v)[:1]]) * weights,
            lambda A, v: jax.jit(lambda u: lax.logistic(u)[::-1])(f(A, v)),
            lambda A, v: lax.scan(lambda c, row: (jnp.tanh(A @ c + row), c), f(A, v), A)[0],
            lambda A, v: lax.scan(lambda c, row: (c * 0.5, c + row), f(A, v), A, reverse=True)[1].sum(0),
            lambda A, v: lax.fori_loop(0, 2, lambda i, c: c + jnp.sin(A[i]), f(A, v)),
            lambda A, v: jnp.where(jnp.arange(3) < 2, f(A, v), v),
            lambda A, v: jnp.pad(f(A, v)[:2], (1, 0)) + A[:, 2],
            lambda A, v: jnp.einsum("ij,k,j->k", A, v, f(A, v)),
            lambda A, v: jax.nn.softmax(f(A, v)),
            lambda A, v: (jnp.outer(v, f(A, v)) + A).reshape(9)[jnp.array([0, 4, 2])],
            lambda A, v: jax.vmap(lambda row: jnp.exp(-(row**2)).sum())(A * f(A, v)),
        ]
        return steps[rng.integers(len(steps))]

    function = lambda A, v: v  # noqa: E731
    for _ in range(depth):
        function = vector_step(rng, function)
    return function


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_random_programs_and_their_derivatives_agree_with_jax(seed: Any, depth: Any) -> None:
    rng = np.random.default_rng(seed)
    function = random_program(rng, depth)
    A, v, cotangent = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3)

    def with_derivative(A: Any, v: Any, cotangent: Any) -> Any:
        value, pullback = jax.vjp(function, A, v)
        return value, pullback(cotangent)

    with precision(200):
        agrees_with_jax(with_derivative, A, v, cotangent)


# Over the field.


def recurrent_loss(H: Any, W: Any, x: Any, y: Any) -> Any:
    """A network with one hidden layer, its loss at the last step, as a scan."""

    def step(h: Any, x_t: Any) -> Any:
        return symbolic.f(H @ h + W @ x_t), None

    h, _ = lax.scan(step, jnp.zeros(3), x)
    return jnp.log(jnp.sum(jnp.exp(h))) - y @ h


def recurrent_gradient_by_hand(oracles: Any, H: Any, W: Any, x: Any, y: Any) -> Any:
    in_x: list[Any] = []
    h, z = [to_field(np.zeros(3, dtype=int))], []
    for x_t in x:
        z.append(H @ h[-1] + W @ x_t)
        h.append(oracles.f(z[-1]))
    e = oracles.exp(h[-1])
    delta = e / e.sum() - y
    in_H, in_W = 0 * H, 0 * W
    for t in reversed(range(len(x))):
        delta = oracles.f_prime(z[t]) * delta
        in_H, in_W = in_H + np.outer(delta, h[t]), in_W + np.outer(delta, x[t])
        in_x.insert(0, W.T @ delta)
        delta = H.T @ delta
    return in_H, in_W, np.stack(in_x), -h[-1]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_derived_gradient_equals_one_by_hand_over_the_field(steps: Any) -> None:
    shapes = [(3, 3), (3, 2), (steps, 2), (3,)]
    program = jax.make_jaxpr(jax.grad(recurrent_loss, argnums=(0, 1, 2, 3)))(*(np.zeros(shape) for shape in shapes))
    for seed in range(5):
        rng, oracles = np.random.default_rng(seed), Oracles(seed)
        inputs = [random_array(rng, shape) for shape in shapes]
        derived = evaluate(program, *inputs, functions=oracles.functions())
        by_hand = recurrent_gradient_by_hand(oracles, *inputs)
        for one, other in zip(derived, by_hand, strict=True):
            assert one.shape == other.shape
            assert (one == other).all()
        wrong = by_hand[0] + to_field(np.eye(3))
        assert (derived[0] != wrong).any()


def test_the_same_program_runs_over_fractions() -> None:
    program = jax.make_jaxpr(lambda a: (a @ a) / 4 + 0.5)(VECTOR)
    values = [Fraction(k, 7) for k in range(5)]
    (result,) = evaluate(program, np.array(values, dtype=object), constants=Fraction)
    assert result[()] == sum(v * v for v in values) / 4 + Fraction(1, 2)


# Refusals.


def refused(error: Any, match: Any, function: Any, *args: Any, **options: Any) -> None:
    program = jax.make_jaxpr(function)(*(np.zeros(np.shape(a)) if np.asarray(a).dtype == object else a for a in args))
    with pytest.raises(error, match=match):
        evaluate(program, *args, **options)


def test_an_unknown_primitive_is_refused_by_name() -> None:
    program = jax.make_jaxpr(jnp.sort)(VECTOR)
    with pytest.raises(UnknownPrimitiveError) as raised:
        evaluate(program, VECTOR)
    assert str(raised.value) == (
        "no rule for the primitive 'sort': write the program without it, or pass functions={'sort': ...} "
        "if it is an elementwise function"
    )


def test_an_unknown_primitive_inside_a_loop_is_refused_by_name() -> None:
    refused(
        UnknownPrimitiveError,
        "'erf_inv'",
        lambda a: lax.scan(lambda c, r: (lax.erf_inv(r), 0), a, MATRIX),
        MATRIX[0],
    )


def test_a_function_given_by_name_makes_a_primitive_known() -> None:
    program = jax.make_jaxpr(lax.erf_inv)(VECTOR)
    (result,) = evaluate(program, VECTOR, functions={"erf_inv": lambda a: 2 * a})
    assert (result == 2 * VECTOR).all()


def test_a_wrong_function_is_noticed() -> None:
    program = jax.make_jaxpr(jnp.tanh)(VECTOR)
    (bound,) = evaluate(program, to_rounded(VECTOR, FLOAT64), constants=in_float64)
    for wrong in (np.sin, lambda a: -np.tanh(a), lambda a: np.tanh(a) * (1 + 1e-14)):
        assert (used(evaluate(program, VECTOR, functions={"tanh": wrong})[0], bound) > 1).any()


@pytest.mark.parametrize("wrong", [lambda a: a[:2], lambda a: np.zeros(5)])
def test_a_function_that_returns_something_else_is_refused(wrong: Any) -> None:
    refused(JaxprError, "tanh: expected", jnp.tanh, to_field(np.arange(5)), functions={"tanh": wrong})


def test_a_function_that_elements_do_not_have_is_refused_by_name() -> None:
    refused(
        MissingFunctionError,
        r"^exp cannot be applied .* functions=\{'exp': \.\.\.\}",
        jnp.exp,
        to_field([1, 2]),
    )


def test_the_order_of_field_elements_is_refused() -> None:
    refused(UnorderedError, "elements that have no order", jnp.max, to_field([1, 2]))
    refused(UnorderedError, "elements that have no order", lambda a: a > 0, to_field([1, 2]))


def test_an_order_that_enclosures_leave_open_is_refused() -> None:
    with precision(20):
        third = ball(Fraction(1, 3))
    refused(
        UndecidedError,
        "evaluate at a higher precision",
        lambda a: a[0] > a[1],
        np.array([third, third * 3 / 3]),
    )


@pytest.mark.parametrize("function", [lambda a: a * 0.5, lambda a: a * (1 / 3), lambda a: a + np.array([0.25, 1])])
def test_constants_that_are_no_integers_are_refused_unless_they_have_a_meaning(function: Any) -> None:
    refused(InexactConstantError, "write the program with a division of integers", function, to_field([1, 2]))
    refused(InexactConstantError, "division of integers", function, to_field([1, 2]), constants=element)


def test_float_inputs_of_an_exact_program_are_constants() -> None:
    refused(
        InexactConstantError,
        "0.5 is not an integer",
        lambda a, b: a * b,
        to_field([1, 2]),
        np.array([0.5, 1.0]),
    )
    program = jax.make_jaxpr(lambda a, b: a * b)(VECTOR[:2], VECTOR[:2])
    assert (evaluate(program, to_field([1, 2]), np.array([3.0, 4.0]))[0] == to_field([3, 8])).all()


def test_quotients_of_integers_are_never_floats() -> None:
    two_thirds = lambda a: a + jnp.full(2, 2.0) / jnp.full(2, 3.0)  # noqa: E731
    refused(InexactConstantError, r"divides the integers 2 / 3", two_thirds, to_field([1, 2]))
    program = jax.make_jaxpr(two_thirds)(VECTOR[:2])
    (result,) = evaluate(program, to_field([1, 2]), constants=element)
    assert (result * 3 == to_field([5, 8])).all()
    halves = jax.make_jaxpr(lambda a: a + jnp.full(2, 4.0) / jnp.full(2, 2.0))(VECTOR[:2])
    assert (evaluate(halves, to_field([1, 2]))[0] == to_field([3, 4])).all()


def test_a_constant_that_is_not_finite_only_serves_to_compare() -> None:
    refused(NotFiniteError, "nan", lambda a: a + np.nan, to_balls(VECTOR), constants=ball)
    with precision(100):
        program = jax.make_jaxpr(lambda a: jnp.maximum(a, -jnp.inf))(VECTOR)
        assert overlap(evaluate(program, to_balls(VECTOR), constants=ball)[0], VECTOR).all()
        program = jax.make_jaxpr(lambda a: (a < jnp.inf, a > jnp.inf))(VECTOR)
        less, greater = evaluate(program, to_balls(VECTOR), constants=ball)
        assert less.all()
        assert not greater.any()


def test_indices_must_be_numbers() -> None:
    program = jax.make_jaxpr(lambda a, i: a[i])(VECTOR, 1)
    with pytest.raises(WrongArgumentsError, match="uses them as indices or predicates"):
        evaluate(program, to_balls(VECTOR), to_balls(1))
    refused(UnknownPrimitiveError, "integer over exact elements", lambda a: a.astype(int), to_balls(VECTOR))
    refused(UnknownPrimitiveError, "rem over exact elements", lambda a: lax.rem(a, a), to_balls(VECTOR))


def test_arguments_must_fit_the_inputs() -> None:
    program = jax.make_jaxpr(lambda a, b: a + b)(VECTOR, VECTOR)
    with pytest.raises(WrongArgumentsError, match="expected 2 arguments, one for each input, but got 1"):
        evaluate(program, VECTOR)
    with pytest.raises(WrongArgumentsError, match=r"argument 1: expected shape \(5,\), the input's, but got \(3, 4\)"):
        evaluate(program, VECTOR, MATRIX)


def test_an_index_outside_of_an_array_is_refused() -> None:
    outside = jnp.array([0, 9])
    for take in (
        lambda a: a.at[outside].get(mode="fill"),
        lambda a: a.at[outside].get(mode="promise_in_bounds"),
    ):
        refused(OutOfBoundsError, "gather: the index .* outside the shape", take, MATRIX)
    refused(OutOfBoundsError, "scatter: ", lambda a: a.at[outside].add(1.0, mode="promise_in_bounds"), MATRIX)


def test_reshape_with_dimensions_is_refused() -> None:
    program = jax.make_jaxpr(lambda a: a.reshape(12))(MATRIX)
    jaxpr: Any = program.jaxpr
    (equation,) = jaxpr.eqns
    transposing = equation.replace(params={**equation.params, "dimensions": (1, 0)})
    changed = ClosedJaxpr(jaxpr.replace(eqns=[transposing]), program.consts)
    with pytest.raises(UnknownPrimitiveError, match="reshape with dimensions"):
        evaluate(changed, MATRIX)


# What is evaluated.


def test_the_counter_counts_every_primitive_of_every_pass() -> None:
    counter: Counter[str] = Counter()
    program = jax.make_jaxpr(lambda a: lax.scan(lambda c, row: (jnp.sin(c) + row, None), a[0], a)[0])(MATRIX)
    evaluate(program, MATRIX, counter=counter)
    assert counter["scan"] == 1
    assert counter["sin"] == counter["add"] == len(MATRIX)


def test_what_no_output_depends_on_is_not_evaluated() -> None:
    counter: Counter[str] = Counter()

    def function(a: Any) -> Any:
        jnp.sort(a)
        return a + 1

    evaluate(jax.make_jaxpr(function)(VECTOR), VECTOR, counter=counter)
    assert counter == Counter({"add": 1})


def test_arguments_are_not_changed() -> None:
    values = to_field(np.arange(4))
    before = values.copy()
    evaluate(jax.make_jaxpr(lambda a: a.at[1].add(3.0))(VECTOR[:4]), values)
    assert (values == before).all()
