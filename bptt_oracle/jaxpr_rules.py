"""Rules of the evaluator for arithmetic, order, and programs inside programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import isinf, prod
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr

from bptt_oracle.arithmetic.arrays import Array, elementwise
from bptt_oracle.arithmetic.errors import InexactConstantError, UndecidedError, UnorderedError
from bptt_oracle.jaxpr_walk import FUNCTIONS, Run, as_array, filled, refuse_elements, rule


def _logistic(x: Array) -> Any:
    return 1 / (1 + np.exp(-x))


def _one_minus_square(x: Array) -> Any:
    return (1 + x) * (1 - x)  # as JAX computes it, which has it from 0.11 on: in the derivative of tanh


FUNCTIONS.update(
    {
        "cos": np.cos,
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "logistic": _logistic,
        "one_minus_square": _one_minus_square,
        "sin": np.sin,
        "sqrt": np.sqrt,
        "tanh": np.tanh,
    }
)


@rule("add", "add_any")
def _add(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.add(a, b)


@rule("sub")
def _sub(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.subtract(a, b)


@rule("mul")
def _mul(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.multiply(a, b)


@rule("neg")
def _neg(run: Run, a: Array, **_: Any) -> Any:
    return np.negative(a)


@rule("abs")
def _abs(run: Run, a: Array, **_: Any) -> Any:
    return np.abs(a)


@rule("square")
def _square(run: Run, a: Array, **_: Any) -> Any:
    return np.multiply(a, a)


@rule("div")
def _div(run: Run, a: Array, b: Array, **_: Any) -> Any:
    if a.dtype == object:
        return elementwise(_divide, a, b)
    if a.dtype.kind in "iu":
        return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))  # JAX rounds toward zero
    return np.divide(a, b)


def _divide(a: Any, b: Any) -> Any:
    if not (isinstance(a, int) and isinstance(b, int)):
        return a / b
    if b == 0 or a % b:
        raise InexactConstantError(
            f"the program divides the integers {a} / {b}, which is no integer: pass constants=, the function "
            "that makes elements of numbers, so that their quotient is an element"
        )
    return a // b


@rule("rem")
def _rem(run: Run, a: Array, b: Array, **_: Any) -> Any:
    refuse_elements("rem", a)
    return np.fmod(a, b)


@rule("integer_pow")
def _integer_pow(run: Run, a: Array, *, y: int, **_: Any) -> Any:
    one = filled(a.shape, run.constant(1) if a.dtype == object else 1, a.dtype)
    power = as_array(reduce(np.multiply, [a] * abs(y), one), a.dtype)
    return power if y >= 0 else _div(run, one, power)


@rule("reduce_sum")
def _reduce_sum(run: Run, a: Array, *, axes: tuple[int, ...], **_: Any) -> Any:
    if not axes:
        return a
    zero = {"initial": run.constant(0)} if a.dtype == object and a.size == 0 else {}
    return np.sum(a, axis=tuple(axes), dtype=a.dtype, **zero)


@rule("cumsum")
def _cumsum(run: Run, a: Array, *, axis: int, reverse: bool, **_: Any) -> Any:
    forward = np.flip(a, axis) if reverse else a
    sums = np.cumsum(forward, axis, dtype=a.dtype)
    return np.flip(sums, axis) if reverse else sums


@rule("dot_general")
def _dot_general(run: Run, a: Array, b: Array, *, dimension_numbers: Any, preferred_element_type: Any, **_: Any) -> Any:
    (contract_a, contract_b), (batch_a, batch_b) = dimension_numbers
    free_a = [axis for axis in range(a.ndim) if axis not in (*contract_a, *batch_a)]
    free_b = [axis for axis in range(b.ndim) if axis not in (*contract_b, *batch_b)]
    batch = tuple(a.shape[axis] for axis in batch_a)
    rows, columns = tuple(a.shape[axis] for axis in free_a), tuple(b.shape[axis] for axis in free_b)
    terms = prod(a.shape[axis] for axis in contract_a)
    if terms == 0 and a.dtype == object:
        return filled((*batch, *rows, *columns), run.constant(0), object)
    if a.dtype != object and preferred_element_type is not None:
        a, b = a.astype(preferred_element_type, copy=False), b.astype(preferred_element_type, copy=False)
    left = a.transpose((*batch_a, *free_a, *contract_a)).reshape(prod(batch), prod(rows), terms)
    right = b.transpose((*batch_b, *contract_b, *free_b)).reshape(prod(batch), terms, prod(columns))
    return np.matmul(left, right).reshape((*batch, *rows, *columns))


def _compare(a: Any, b: Any) -> int:
    """The sign of a - b, where it is certain."""
    if a is b:
        return 0
    for infinity, element, sign in ((a, b, 1), (b, a, -1)):  # a bound that no element reaches
        if isinstance(infinity, float) and isinf(infinity) and not isinstance(element, float):
            return sign if infinity > 0 else -sign
    try:
        if a < b:
            return -1
        if a > b:
            return 1
        if a == b:
            return 0
    except TypeError as error:
        raise UnorderedError(
            f"the program compares elements that have no order ({error}): write it without max, min, "
            "comparisons and the shift by the largest entry"
        ) from error
    raise UndecidedError(f"the order of {a} and {b} is not determined: evaluate at a higher precision")


def _register_comparison(name: str, of_numbers: Any, of_sign: Callable[[int], bool]) -> None:
    @rule(name)
    def comparison(run: Run, a: Array, b: Array, **_: Any) -> Any:
        if a.dtype != object:
            return of_numbers(a, b)
        return elementwise(lambda x, y: of_sign(_compare(x, y)), a, b)


_register_comparison("eq", np.equal, lambda sign: sign == 0)
_register_comparison("ne", np.not_equal, lambda sign: sign != 0)
_register_comparison("lt", np.less, lambda sign: sign < 0)
_register_comparison("le", np.less_equal, lambda sign: sign <= 0)
_register_comparison("gt", np.greater, lambda sign: sign > 0)
_register_comparison("ge", np.greater_equal, lambda sign: sign >= 0)


@rule("max")
def _max(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.maximum(a, b) if a.dtype != object else elementwise(lambda x, y: _extreme(x, y, "max", 1), a, b)


@rule("min")
def _min(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.minimum(a, b) if a.dtype != object else elementwise(lambda x, y: _extreme(x, y, "min", -1), a, b)


def _extreme(a: Any, b: Any, method: str, sign: int) -> Any:
    """The larger or the smaller of two; an element with a method for it gives it in spite of a near tie."""
    if not (isinstance(a, float) or isinstance(b, float)):
        for first, second in ((a, b), (b, a)):
            if hasattr(first, method):
                return getattr(first, method)(second)
    return a if sign * _compare(a, b) >= 0 else b


@rule("clamp")
def _clamp(run: Run, least: Array, a: Array, greatest: Array, **_: Any) -> Any:
    return _min(run, np.asarray(_max(run, a, least)), greatest)


@rule("reduce_max")
def _reduce_max(run: Run, a: Array, *, axes: tuple[int, ...], **_: Any) -> Any:
    return _reduce(run, _max, a, axes)


@rule("reduce_min")
def _reduce_min(run: Run, a: Array, *, axes: tuple[int, ...], **_: Any) -> Any:
    return _reduce(run, _min, a, axes)


def _reduce(run: Run, choose: Callable[..., Any], a: Array, axes: tuple[int, ...]) -> Any:
    slices = np.moveaxis(a, tuple(axes), tuple(range(len(axes))))
    slices = slices.reshape(prod(slices.shape[: len(axes)]), *slices.shape[len(axes) :])
    rows = [slices[i, ...] for i in range(len(slices))]
    return reduce(lambda x, y: as_array(choose(run, x, y), a.dtype), rows)


@rule("sign")
def _sign(run: Run, a: Array, **_: Any) -> Any:
    return np.sign(a) if a.dtype != object else elementwise(lambda x: run.constant(_compare(x, 0)), a)


@rule("is_finite")
def _is_finite(run: Run, a: Array, **_: Any) -> Any:
    if a.dtype != object:
        return np.isfinite(a)
    return elementwise(lambda x: not hasattr(x, "is_finite") or x.is_finite(), a)


@rule("select_n")
def _select_n(run: Run, which: Array, *cases: Array, **_: Any) -> Any:
    chosen = cases[0]
    for number, case in enumerate(cases[1:], start=1):
        chosen = np.where(which == number, case, chosen)
    return chosen


@rule("and")
def _and(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.bitwise_and(a, b)


@rule("or")
def _or(run: Run, a: Array, b: Array, **_: Any) -> Any:
    return np.bitwise_or(a, b)


@rule("not")
def _not(run: Run, a: Array, **_: Any) -> Any:
    return np.bitwise_not(a)


@rule("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint")
def _call(run: Run, *args: Array, jaxpr: Any, **_: Any) -> list[Any]:
    return run.program(jaxpr, args)


@rule("custom_jvp_call", "custom_vjp_call")
def _custom_call(run: Run, *args: Array, call_jaxpr: Any, **_: Any) -> list[Any]:
    return run.program(call_jaxpr, args)


@rule("cond")
def _cond(run: Run, index: Array, *args: Array, branches: Sequence[ClosedJaxpr], **_: Any) -> list[Any]:
    return run.program(branches[int(index)], args)


@rule("while")
def _while(
    run: Run, *args: Array, cond_jaxpr: Any, body_jaxpr: Any, cond_nconsts: int, body_nconsts: int, **_: Any
) -> list[Any]:
    of_cond, of_body = args[:cond_nconsts], args[cond_nconsts : cond_nconsts + body_nconsts]
    carry: Sequence[Array] = args[cond_nconsts + body_nconsts :]
    while bool(run.program(cond_jaxpr, [*of_cond, *carry])[0]):
        carry = run.program(body_jaxpr, [*of_body, *carry])
    return list(carry)


@rule("scan")
def _scan(run: Run, *args: Array, jaxpr: ClosedJaxpr, length: int, reverse: bool, **grouping: Any) -> list[Any]:
    consts, carry, xs = _groups(args, **grouping)
    num_carry = len(carry)
    rows: list[Sequence[Array]] = []
    for step in reversed(range(length)) if reverse else range(length):
        results = run.program(jaxpr, [*consts, *carry, *(x[step, ...] for x in xs)])
        carry = results[:num_carry]
        rows.append(results[num_carry:])
    if reverse:
        rows.reverse()
    stacked = [
        np.stack([row[position] for row in rows])
        if rows
        else np.empty((0, *aval.shape), dtype=object if run.elements(aval.dtype) else aval.dtype)
        for position, aval in enumerate(jaxpr.out_avals[num_carry:])
    ]
    return [*carry, *stacked]


def _groups(
    args: Sequence[Array], num_consts: int = 0, num_carry: int = 0, ft_in: Any = None, **_: Any
) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array]]:
    """What a scan leaves alone, what it carries on, and what it takes row by row: by a tree, from JAX 0.12 on."""
    if ft_in is not None:
        consts, carry, xs = map(list, ft_in.update(args).unpack())
        return consts, carry, xs
    rows_from = num_consts + num_carry
    return args[:num_consts], args[num_consts:rows_from], args[rows_from:]
