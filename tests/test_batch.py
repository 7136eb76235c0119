"""The one pass over a batch against the one pass over each of its sequences."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import (
    differing,
    expected,
    float_case,
    found_by,
    named,
    over_balls,
    over_field,
    steps,
)

from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.arrays import elementwise
from bptt_oracle.floating import BITS
from bptt_oracle.manual import (
    Batch,
    BatchGradients,
    Functions,
    forward_batch,
    forward_pass,
    one_pass,
    one_pass_batch,
)
from bptt_oracle.worlds import enclosures_overlap, exactly_equal

SHAPES = [
    ((3, 4, 5), 4, 2),
    ((2, 5, 3, 4), 3, 3),
    ((3, 2, 4, 3, 2), 5, 2),
    ((4, 4, 4), 3, 4),
    ((2, 3), 4, 2),
    ((3, 2, 4), 1, 3),
    ((1, 1, 1), 2, 1),
]
"""Widths, T and B: one hidden layer to three, all widths equal, none hidden, one step, one of everything."""

shapes = pytest.mark.parametrize(("d", "T", "B"), SHAPES)
seeds = pytest.mark.parametrize("seed", range(3))

# ------------------------------------------------------------------------------------------------- what is right


@shapes
@seeds
def test_gradients_equal_those_of_each_sequence_exactly(d: tuple[int, ...], T: int, B: int, seed: int) -> None:
    of = over_field(d, T, B, seed)
    assert differing(found_by(of.batch), expected(of), exactly_equal) == []


@pytest.mark.parametrize("over_time", ["mean", "sum", "last"])
def test_mean_sum_and_last_step_are_weights(over_time: str) -> None:
    of = over_field((2, 3, 4, 3), 4, 2, 1, over_time)
    T, share = 4, of.batch.shares
    found = found_by(of.batch)
    assert differing(found, expected(of), exactly_equal) == []
    whole = [named(one_pass(net)) for net in of.sequences]
    before = [named(one_pass(steps(net, T - 1))) for net in of.sequences]
    for name in ("J", "H^(1)", "W^(3)", "b^(2)"):
        mean, last = (
            sum((whole[k][name] * a - before[k][name] * b) * share[k] for k in range(2))
            for a, b in ((1, 0), (T, T - 1))
        )
        assert exactly_equal(found[name], {"mean": mean, "sum": mean * T, "last": last}[over_time])


@pytest.mark.parametrize("f", ["tanh", "logistic", "softplus", "sine", "relu"])
@pytest.mark.parametrize("scale", ["ordinary", "saturated"])
def test_gradients_overlap_those_of_each_sequence_over_balls(f: str, scale: str) -> None:
    with balls.precision(BITS):
        of = over_balls((2, 3, 2, 3), 3, 2, f, scale)
        assert differing(found_by(of.batch), expected(of), enclosures_overlap) == []


@shapes
def test_forward_pass_equals_that_of_each_sequence_exactly(d: tuple[int, ...], T: int, B: int) -> None:
    of = over_field(d, T, B, 5)
    run = forward_batch(of.batch)
    for k, net in enumerate(of.sequences):
        alone = forward_pass(net)
        for (l, t), z in alone.z.items():
            assert exactly_equal(run.z[l][t - 1, k], z[:, 0])
        for (l, t), h in alone.h.items():
            assert l == 0 or exactly_equal(run.h[l][t, k], h[:, 0])
        for t, y_hat in alone.y_hat.items():
            assert exactly_equal(run.y_hat[t - 1, k], y_hat[:, 0])


def test_gamma_is_the_gradient_in_z_exactly() -> None:
    of = over_field((2, 3, 4, 3), 3, 2, 2)
    run = forward_batch(of.batch)
    found = one_pass_batch(of.batch, run)
    for l, gamma in found.gamma.items():
        assert exactly_equal(gamma.sum(axis=(0, 1)), found.b[l])  # b is added to every z
        h = run.h[l - 1][1:] if l > 1 else of.batch.x
        assert exactly_equal(sum(gamma[t, k][:, None] * h[t, k] for t in range(3) for k in range(2)), found.W[l])


# ---------------------------------------------------------------------------------------------------- in floats


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_results_have_the_type_of_the_network(dtype: Any) -> None:
    assert {array.dtype for array in found_by(float_case(dtype).batch).values()} == {np.dtype(dtype)}


def test_nothing_given_is_overwritten() -> None:
    net = float_case(np.float64).batch
    arrays = [
        net.x,
        net.y,
        net.weights,
        net.shares,
        *(a for layers in (net.H, net.W, net.b, net.h0) for a in layers.values()),
    ]
    before = [array.copy() for array in arrays]
    found_by(net)
    assert all((array == copy).all() for array, copy in zip(arrays, before, strict=True))


def test_large_logits_do_not_overflow_since_each_row_is_shifted() -> None:
    net = float_case(np.float64).batch
    b = {**net.b, 3: np.array([2000.0, 0.0, -2000.0])}
    run = forward_batch(replace(net, b=b))
    assert np.isfinite(run.loss)
    assert (run.y_hat.sum(axis=-1) == 1).all()


def test_a_shift_of_the_network_is_taken_for_each_row() -> None:
    shifted: list[Any] = []

    def shift(row: Any) -> Any:
        shifted.append(row.copy())
        return row[0]

    of = over_field((2, 3, 2), 3, 2, 4)
    logits = forward_batch(of.batch).z[2]
    run = forward_batch(replace(of.batch, functions=replace(of.batch.functions, shift=shift)))
    assert exactly_equal(np.array(shifted).reshape(3, 2, 2), logits)
    exp = of.batch.functions.exp(logits - logits[:, :, :1])
    assert exactly_equal(run.y_hat, exp / exp.sum(axis=-1, keepdims=True))


# ---------------------------------------------------------------------------------------- what is wrong is noticed


def transposed(layers: Any) -> Any:
    return {l: matrix.T for l, matrix in layers.items()}


def other_slope(functions: Functions) -> Functions:
    f = functions.f
    return replace(functions, f=replace(f, derivative=lambda z: f.derivative(f.function(z))))


MISTAKES: dict[str, Callable[[Batch, Any], BatchGradients]] = {
    "H without its transpose": lambda net, run: one_pass_batch(replace(net, H=transposed(net.H)), run),
    "W without its transpose": lambda net, run: one_pass_batch(replace(net, W={**net.W, 2: net.W[2].T}), run),
    "h(t) for h(t-1)": lambda net, run: one_pass_batch(
        net, replace(run, h={l: np.roll(h, -1, axis=0) for l, h in run.h.items()})
    ),
    "f' of h": lambda net, run: one_pass_batch(replace(net, functions=other_slope(net.functions)), run),
    "sum for mean": lambda net, run: one_pass_batch(replace(net, weights=net.weights * 4), run),
    "weights reversed": lambda net, run: one_pass_batch(replace(net, weights=net.weights[::-1]), run),
    "y - y^": lambda net, run: one_pass_batch(replace(net, weights=-net.weights), run),
    "the error of another step": lambda net, run: one_pass_batch(net, replace(run, y_hat=run.y_hat[::-1])),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_noticed(name: str) -> None:
    of = over_field((3, 3, 3, 3), 4, 2, 6)
    assert differing(found_by(of.batch, MISTAKES[name]), expected(of), exactly_equal) != []


@pytest.mark.parametrize("name", ["H without its transpose", "h(t) for h(t-1)", "y - y^"])
def test_a_planted_mistake_is_noticed_over_balls(name: str) -> None:
    with balls.precision(BITS):
        of = over_balls((3, 3, 3, 3), 3, 2, "tanh", "ordinary")
        assert differing(found_by(of.batch, MISTAKES[name]), expected(of), enclosures_overlap) != []


def test_a_relative_error_of_one_entry_is_noticed_over_balls() -> None:
    with balls.precision(BITS):
        of = over_balls((2, 3, 4), 3, 2, "tanh", "ordinary")
        truth = expected(of)
        off = elementwise(lambda entry: entry * (1 + balls.ball(2) ** -200), truth["H^(1)"])
        assert differing(found_by(of.batch), truth | {"H^(1)": off}, enclosures_overlap) == ["H^(1)"]
