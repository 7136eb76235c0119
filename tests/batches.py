"""Batches of sequences over every kind of number, and what the one pass over each sequence says of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bptt_oracle.arithmetic import balls, field
from bptt_oracle.instances import Description, draw
from bptt_oracle.manual import (
    Batch,
    BatchForward,
    BatchGradients,
    Gradients,
    Network,
    forward_batch,
    one_pass,
    one_pass_batch,
)
from bptt_oracle.worlds import field_network

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


def found_by(
    net: Batch,
    backprop: Callable[..., BatchGradients] = one_pass_batch,
    forward: Callable[[Batch], BatchForward] = forward_batch,
) -> Named:
    """J and its gradients, from the batch at once."""
    run = forward(net)
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
