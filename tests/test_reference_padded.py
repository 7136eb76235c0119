"""The padded reference against the plain one, whose program is evaluated over balls.

The ball of a result at 53 (float32: 24) bits has its true value inside, and a radius that counts, for the
plain program's order of operations, every rounding times the terms that it acts on. Two things may round more
than that. A sum of m terms in another order rounds by at most m - 1 units of the terms' magnitudes, of each
of which the radius holds at least one; the longest sum in the box is H h + W h + b with m = 2 * 10 + 1. And
the processor's elementary functions are off by up to 4 units. So results must lie within FACTOR radii of the
ball's centre, and where the radius is zero they must be equal.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import pytest
from strategies import PADDED, PAIR

from bptt_oracle.arithmetic import balls
from bptt_oracle.jaxprs import evaluate
from bptt_oracle.reference import padded, quantities
from bptt_oracle.reference.activations import ACTIVATIONS, MIXTURE
from bptt_oracle.reference.output import SOFTMAX_ALGEBRAIC
from bptt_oracle.reference.padding import Batch, Box, Instance, pad, unpad

FACTOR = (2 * 10 + 1) + 4
NAMES = (*ACTIVATIONS, MIXTURE)
BITS = {np.dtype(np.float64): 53, np.dtype(np.float32): 24}


def contracting(fan_in: int) -> float:
    """Weights whose rows' magnitudes add up to about 1/2: no error grows."""
    return 1 / (math.sqrt(3) * fan_in)


def ordinary(fan_in: int) -> float:
    """Weights of the size that networks start from."""
    return 1 / math.sqrt(fan_in)


def instance(
    activation: str,
    d: Sequence[int],
    T: int,
    seed: int,
    scale: Callable[[int], float] = contracting,
    dtype: Any = np.float64,
) -> Instance:
    """A random network of widths d_0, ..., d_n, with initial states and soft targets, exact in `dtype`."""
    rng = np.random.default_rng([seed, T, *d])

    def draw(*shape: int) -> Any:
        return (scale(shape[-1]) * rng.normal(size=shape)).astype(dtype)

    def vector(*shape: int) -> Any:
        return (rng.normal(size=shape) / 2).astype(dtype)

    n = len(d) - 1
    params = [
        ({"H": draw(d[l], d[l])} if l < n else {}) | {"W": draw(d[l], d[l - 1]), "b": vector(d[l])}
        for l in range(1, n + 1)
    ]
    # Multiples of 2^-10 that sum to 1 exactly, in float32 too.
    y = rng.multinomial(1024, rng.dirichlet(np.ones(d[n])), size=T).astype(dtype) / 1024
    c0, c1, c2, c3, c4 = rng.normal(size=5).astype(np.float32).astype(float) / 4
    return Instance(activation, (c0, c1, c2, c3, c4), params, vector(T, d[0]), y, [vector(size) for size in d[1:n]])


def mixed(count: int, seed: int, scale: Callable[[int], float], dtype: Any = np.float64) -> list[Instance]:
    """Random shapes over the whole box: n = 1..6, T = 1..12, widths 1..10, every activation in turn."""
    rng = np.random.default_rng(seed)
    return [
        instance(
            NAMES[j % len(NAMES)],
            rng.integers(1, 11, size=rng.integers(2, 8)).tolist(),
            int(rng.integers(1, 13)),
            seed=j,
            scale=scale,
            dtype=dtype,
        )
        for j in range(count)
    ]


def corners(scale: Callable[[int], float]) -> list[Instance]:
    """The smallest and the largest depth, length and width, each with each."""
    return [
        instance(NAMES[(n + T + width) % len(NAMES)], [width] * (n + 1), T, seed=0, scale=scale)
        for n in (1, 2, 6)
        for T in (1, 12)
        for width in (1, 10)
    ]


def enclosures(of: Any, one: Instance) -> dict[str, Any]:
    """What the plain program gives over balls, at the precision of the instance's type."""
    traced = quantities.trace(one.f, one.params, one.x, one.y, one.h0, SOFTMAX_ALGEBRAIC, of)
    with balls.precision(BITS[one.x.dtype]):
        inputs = [balls.to_balls(a) for a in traced.flatten(one.params, one.x, one.y, one.h0)]
        return traced.unflatten(evaluate(traced.jaxpr, *inputs, constants=balls.ball))


def distances(result: dict[str, Any], enclosing: dict[str, Any]) -> dict[str, float]:
    """By quantity, the largest distance of an entry from its ball's centre, in radii."""
    assert set(result) == set(enclosing)
    return {
        name: max(
            [0.0, *map(_distance, jax.tree.leaves(value), jax.tree.leaves(enclosing[name]))],
        )
        for name, value in result.items()
    }


def _distance(result: Any, ball: Any) -> float:
    assert result.shape == ball.shape
    off, radius = abs(np.float64(result) - balls.midpoints(ball)), balls.radii(ball)
    assert np.isfinite(radius).all()
    within = np.divide(off, radius, out=np.where(off == 0, 0, np.inf), where=radius > 0)
    return float(np.max(np.nan_to_num(within, nan=np.inf), initial=0))


def gradients_batch(instances: Sequence[Instance]) -> Batch:
    """The instances in a batch of the one size that the tests compile."""
    return pad(instances, dtype=instances[0].x.dtype, size=PADDED)


def furthest_gradient(instances: Sequence[Instance], batch: Batch | None = None) -> float:
    """The largest distance of a padded gradient, in radii: at most FACTOR when they equal the plain ones."""
    results = unpad(padded.gradients(gradients_batch(instances) if batch is None else batch), instances)
    return max(
        max(distances(result, enclosures(quantities.gradients, one)).values())
        for result, one in zip(results, instances, strict=True)
    )


@pytest.mark.parametrize("scale", [contracting, ordinary])
def test_padded_gradients_equal_the_plain_ones(scale: Callable[[int], float]) -> None:
    instances = [*corners(scale), *mixed(PADDED - 12, 1, scale)]
    assert furthest_gradient(instances) <= FACTOR


def test_padded_gradients_in_single_precision_equal_the_plain_ones() -> None:
    instances = mixed(52, 1, contracting, np.float32)
    assert padded.gradients(gradients_batch(instances))["J"].dtype == np.float32
    assert furthest_gradient(instances) <= FACTOR


@pytest.mark.parametrize("scale", [contracting, ordinary])
def test_padded_quantities_equal_the_plain_ones(scale: Callable[[int], float]) -> None:
    shapes = [
        ((3, 4), 1),
        ((10, 1), 4),
        ((2, 3, 4), 1),
        ((1, 7, 2), 12),
        ((9, 10, 3, 5), 3),
        ((4, 1, 2, 3, 6), 5),
        ((2, 3, 1, 2, 4, 3, 2), 4),
    ]
    instances = [instance(name, d, T, seed=3, scale=scale) for name, (d, T) in zip(NAMES, shapes, strict=True)]
    for first in range(0, len(instances), PAIR):
        together = instances[first : first + PAIR]
        results = unpad(padded.quantities(pad(together, size=PAIR)), together)
        for result, one in zip(results, together, strict=True):
            for name, distance in distances(result, enclosures(quantities.quantities, one)).items():
                assert distance <= FACTOR, (name, one.activation)


def test_bounds_are_sharp_where_no_error_grows() -> None:
    for one in [one for one in mixed(20, 1, contracting) if one.y.shape[1] > 1]:
        enclosing = enclosures(quantities.gradients, one)
        largest = max(np.max(np.abs(balls.midpoints(g)), initial=0) for g in jax.tree.leaves(enclosing["dJ"]))
        widest = max(np.max(balls.radii(g), initial=0) for g in jax.tree.leaves(enclosing["dJ"]))
        assert FACTOR * widest <= 1e-12 * largest


@pytest.mark.parametrize("n", [1, 3])
def test_compiled_plain_quantities_meet_the_same_bounds(n: int) -> None:
    one = instance("softplus", (2, 3, 4, 2)[: n + 1], 2, seed=4)
    for of, compiled in (
        (quantities.quantities, quantities.quantities_jit),
        (quantities.gradients, quantities.gradients_jit),
    ):
        result = compiled(one.f, one.params, one.x, one.y, one.h0)
        assert max(distances(result, enclosures(of, one)).values()) <= FACTOR


def test_nothing_arrives_at_padded_units_and_classes() -> None:
    # softplus(0) = log 2: what a padded unit sends out is not zero, and must be multiplied by zero.
    one = instance("softplus", (2, 3, 4, 5), 7, seed=5)
    result = padded.quantities(pad([one], size=PAIR))
    for l, width in ((-3, 3), (-2, 4), (-1, 5)):
        assert not np.asarray(result["dJ_dz"][l])[..., width:].any()
        assert np.asarray(result["dJ_dz"][l])[0, :7, :7, :width].any()
        assert not np.asarray(result["dJ"][l]["b"])[..., width:].any()
    assert (np.asarray(result["h"][-1])[0, :7, 4:] == np.log(2)).all()
    assert not np.asarray(result["y_hat"])[..., 5:].any()


def test_what_follows_the_last_step_can_not_overflow() -> None:
    # 3 u^2 twelve times over is beyond any float.
    one = instance("mixture", (2, 3, 2), 1, seed=6)._replace(coefficients=(0.0, 0.0, 0.0, 3.0, 50.0))
    for leaf in jax.tree.leaves(padded.quantities(pad([one], size=PAIR))):
        assert np.isfinite(leaf).all()
    assert furthest_gradient([one]) <= FACTOR


def outgoing_weight(batch: Batch) -> None:
    """A unit that does not exist is heard, one time step later."""
    batch.params[-2]["H"][0, 0, 9] = 0.25


def weight_to_the_output(batch: Batch) -> None:
    """A unit that does not exist is heard by a class."""
    batch.params[-1]["W"][0, 0, 9] = 0.25


def unmasked_class(batch: Batch) -> None:
    """A class that does not exist takes a share of the softmax."""
    batch.params[-1]["b"][0, 9] = -5


def step_too_many(batch: Batch) -> None:
    """A step after the last one counts."""
    batch.live[0, 4] = True


def layer_too_many(batch: Batch) -> None:
    """A layer below the first one is active."""
    batch.active[0, -3] = True


def layer_too_few(batch: Batch) -> None:
    """The first layer passes x on."""
    batch.active[0, -2] = False


def target_of_padding(batch: Batch) -> None:
    """A class that does not exist is aimed at."""
    batch.y[0, 0, 9] = 2.0**-40


def state_in_another_layer(batch: Batch) -> None:
    """The initial state of the second layer stands at the first one, too."""
    batch.h0[-2][0] = batch.h0[-1][0]


def other_activation(batch: Batch) -> None:
    """The next one in the table of activations."""
    batch.activation[0] = (batch.activation[0] + 1) % len(NAMES)


WRONG = [
    outgoing_weight,
    weight_to_the_output,
    unmasked_class,
    step_too_many,
    layer_too_many,
    layer_too_few,
    target_of_padding,
    state_in_another_layer,
    other_activation,
]


@pytest.mark.parametrize("name", ["logistic", "softplus", "mixture"])
@pytest.mark.parametrize("spoil", WRONG)
def test_a_wrong_layout_is_noticed(spoil: Callable[[Batch], None], name: str) -> None:
    one = instance(name, (2, 3, 4, 5), 4, seed=7)
    batch = gradients_batch([one])
    assert furthest_gradient([one], batch) <= FACTOR
    spoil(batch)
    assert furthest_gradient([one], batch) > FACTOR


def test_another_box_gives_the_same() -> None:
    one = instance("tanh", (2, 3, 4), 3, seed=8)
    batch = pad([one], Box(hidden=1, T=3, width=3, classes=4))
    assert batch.params[0]["H"].shape == (1, 3, 3)
    assert furthest_gradient([one], batch) <= FACTOR


def test_what_fills_a_batch_is_finite_and_cut_off() -> None:
    one = instance("tanh", (2, 3, 4), 3, seed=8)
    result = padded.gradients(pad([one], size=PADDED))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result))
    assert result["J"].shape == (PADDED,)
    assert len(unpad(result, [one])) == 1


@pytest.mark.parametrize(
    ("d", "T", "message"),
    [
        ((2,) * 8, 3, r"pad: instance 1 does not fit: 6 hidden layers \(n - 1\), and the box holds 5"),
        ((2, 3, 4), 13, r"pad: instance 1 does not fit: 13 time steps \(T\), and the box holds 12"),
        ((11, 3, 4), 3, r"does not fit: 11 units \(the largest d_l for l < n\), and the box holds 10"),
        ((2, 11, 4), 3, r"does not fit: 11 units \(the largest d_l for l < n\), and the box holds 10"),
        ((2, 3, 11), 3, r"does not fit: 11 classes \(\|V\|\), and the box holds 10"),
    ],
)
def test_what_does_not_fit_is_refused(d: Sequence[int], T: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pad([instance("tanh", (2, 3, 4), 3, seed=9), instance("tanh", d, T, seed=9)])


def test_more_instances_than_the_batch_holds_are_refused() -> None:
    one = instance("tanh", (2, 3, 4), 3, seed=9)
    with pytest.raises(ValueError, match=r"pad: expected at most size = 1 instances; got 2"):
        pad([one, one], size=1)


def test_an_unknown_activation_is_refused() -> None:
    one = instance("tanh", (2, 3, 4), 3, seed=9)._replace(activation="gelu")
    with pytest.raises(ValueError, match=r"pad: instance 0: expected an activation among .*; got 'gelu'"):
        pad([one])
