"""The one pass over a batch against the one pass over each of its sequences."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from bptt_oracle.arithmetic import balls, field
from bptt_oracle.arithmetic.arrays import elementwise
from bptt_oracle.floating import BITS
from bptt_oracle.instances import Description, draw
from bptt_oracle.manual import (
    Batch,
    BatchGradients,
    Functions,
    Gradients,
    Network,
    forward_batch,
    forward_pass,
    one_pass,
    one_pass_batch,
)
from bptt_oracle.worlds import enclosures_overlap, exactly_equal, field_network

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

Agree = Callable[[Any, Any], bool]
Numbers = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A batch, and each of its sequences as a network of its own."""

    batch: Batch
    sequences: list[Network]


def case(of: Network, B: int, numbers: Numbers, weights: Any, shares: Any) -> Case:
    """A batch of B sequences over the parameters of one network: x, h(0) of `numbers`, y that of the network."""
    T, d = of.T, of.d
    x = numbers(T, B, d[0])
    h0 = {l: numbers(B, d[l]) for l in of.h0}
    order = [[(t + k) % T + 1 for t in range(T)] for k in range(B)]  # whose targets a sequence has
    y = np.stack([np.stack([of.y[t][:, 0] for t in times]) for times in order], axis=1)
    b = {l: column[:, 0] for l, column in of.b.items()}
    batch = Batch(of.H, of.W, b, x, y, h0, weights, shares, of.functions)
    sequences = [
        replace(
            of,
            x={t: x[t - 1, k][:, None] for t in range(1, T + 1)},
            y={t: y[t - 1, k][:, None] for t in range(1, T + 1)},
            h0={l: state[k][:, None] for l, state in h0.items()},
        )
        for k in range(B)
    ]
    return Case(batch, sequences)


def over_field(d: tuple[int, ...], T: int, B: int, seed: int, over_time: str = "any") -> Case:
    """A batch over the field, whose losses and sequences have any weights, unless the name of some is given."""
    rng = np.random.default_rng([seed, T, B, *d])
    one = field.element(1)
    weights = {
        "any": field.random_array(rng, T),
        "mean": np.array([one / T] * T),
        "sum": np.array([one] * T),
        "last": field.to_field([0] * (T - 1) + [1]),
    }
    of, _ = field_network(Description(len(d) - 1, T, d, seed=seed, y="soft"))
    return case(of, B, lambda *shape: field.random_array(rng, shape), weights[over_time], field.random_array(rng, B))


def over_balls(d: tuple[int, ...], T: int, B: int, f: str, scale: str) -> Case:
    """A batch over balls with a real activation, the mean over the steps and the sequences."""
    instance = draw(Description(len(d) - 1, T, d, f=f, scale=scale, y="soft"))
    of = instance.network().over(balls.to_balls, instance.functions())
    rng = np.random.default_rng([T, B, *d])

    def numbers(*shape: int) -> Any:
        return balls.to_balls(rng.standard_normal(shape))

    one = balls.ball(1)
    return case(of, B, numbers, np.array([one / T] * T), np.array([one / B] * B))


def steps(net: Network, i: int) -> Network:
    """The network, cut after i steps."""
    return replace(net, x={t: net.x[t] for t in range(1, i + 1)}, y={t: net.y[t] for t in range(1, i + 1)})


Named = dict[str, Any]


def named(found: Gradients) -> Named:
    """J and its gradients by name; vectors as rows."""
    return {
        "J": np.array([found.loss]),
        **{f"H^({l})": a for l, a in found.H.items()},
        **{f"W^({l})": a for l, a in found.W.items()},
        **{f"b^({l})": a[:, 0] for l, a in found.b.items()},
        **{f"h^({l})(0)": a[:, 0] for l, a in found.h0.items()},
        **{f"x^({t})": a[:, 0] for t, a in found.x.items()},
    }


def weighted(net: Network, weights: Any) -> Named:
    """J = sum of w_i J^(i) of one sequence, and its gradients: i times the mean over i steps is their sum."""
    total: Named = {}
    for i in range(1, net.T + 1):
        upto = named(one_pass(steps(net, i)))
        before = named(one_pass(steps(net, i - 1))) if i > 1 else {}
        for name, array in upto.items():
            J_i = array * i - before[name] * (i - 1) if name in before else array * i
            total[name] = total[name] + J_i * weights[i - 1] if name in total else J_i * weights[i - 1]
    return total


def expected(of: Case) -> Named:
    """J and its gradients, from each sequence alone."""
    shares, weights = of.batch.shares, of.batch.weights
    alone = [
        {name: array * share for name, array in weighted(net, weights).items()}
        for net, share in zip(of.sequences, shares, strict=True)
    ]
    own = [name for name in alone[0] if name[0] in "hx"]
    sums = {name: sum(one[name] for one in alone[1:]) + alone[0][name] for name in alone[0] if name not in own}
    return sums | {name: np.stack([one[name] for one in alone]) for name in own}


def found_by(net: Batch, backprop: Callable[..., BatchGradients] = one_pass_batch) -> Named:
    """J and its gradients, from the batch at once."""
    run = forward_batch(net)
    found = backprop(net, run)
    return {
        "J": np.array([run.loss]),
        **{f"H^({l})": a for l, a in found.H.items()},
        **{f"W^({l})": a for l, a in found.W.items()},
        **{f"b^({l})": a for l, a in found.b.items()},
        **{f"h^({l})(0)": a for l, a in found.h0.items()},
        **{f"x^({t})": a for t, a in enumerate(found.x, start=1)},
    }


def differing(found: Named, truth: Named, agree: Agree) -> list[str]:
    """The names of what does not agree."""
    assert found.keys() == truth.keys()
    return [name for name in truth if not agree(found[name], truth[name])]


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


def float_case(dtype: Any, scale: float = 1.0) -> Case:
    """A batch of floats."""
    rng = np.random.default_rng(3)
    of = draw(Description(3, 4, (2, 3, 4, 3))).network(dtype)
    return case(
        of,
        2,
        lambda *shape: (scale * rng.standard_normal(shape)).astype(dtype),
        np.full(4, 1 / 4, dtype=dtype),
        np.full(2, 1 / 2, dtype=dtype),
    )


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
        shifted.append(row)
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
