"""The algorithms of section 4, one pass over gamma and the sum over the steps, for whole networks."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from laws import UNDECIDED, law
from strategies import PADDED, SHARE, SMOOTH, descriptions, far_from_kinks, for_random_networks

from bptt_oracle.arithmetic import balls, field
from bptt_oracle.arithmetic.arrays import elementwise
from bptt_oracle.arithmetic.errors import UndecidedError
from bptt_oracle.arithmetic.flint_types import arb
from bptt_oracle.arithmetic.formats import FORMATS
from bptt_oracle.arithmetic.rounded import rounded, to_rounded
from bptt_oracle.failures import differing
from bptt_oracle.floating import BITS, DTYPES, around
from bptt_oracle.instances import Description, draw
from bptt_oracle.jaxprs import evaluate
from bptt_oracle.manual import (
    Elementwise,
    Functions,
    Gradients,
    Network,
    forward_pass,
    no_shift,
    one_pass,
    per_step_sum,
    softmax,
)
from bptt_oracle.manual.backprop import loss
from bptt_oracle.reference import output, padded, padding, quantities, symbolic
from bptt_oracle.worlds import field_network, plain_arrays, reference_activation

Backprop = Callable[[Network], Gradients]
Named = dict[str, Any]
BOTH: list[Backprop] = [one_pass, per_step_sum]

both = pytest.mark.parametrize("backprop", BOTH)
each_format = pytest.mark.parametrize("name", ["float64", pytest.param("float32", marks=pytest.mark.slow)])


def by_hand(found: Gradients) -> Named:
    """Every gradient by its name; vectors as columns."""
    return {
        "J": np.array([found.loss]).reshape(1, 1),
        **{f"gradient of J in {p}^({l})": a for p in "HWb" for l, a in getattr(found, p).items()},
        **{f"gradient of J in h^({l})(0)": a for l, a in found.h0.items()},
        **{f"gradient of J in x^({t})": a for t, a in found.x.items()},
    }


def of_reference(found: Mapping[str, Any]) -> Named:
    """The same of what the reference returns."""

    def column(array: Any) -> Any:
        return np.asarray(array)[:, None] if np.ndim(array) == 1 else np.asarray(array)

    layers = list(enumerate(found["dJ"], start=1))
    return {
        "J": np.asarray(found["J"]).reshape(1, 1),
        **{f"gradient of J in {p}^({l})": column(layer[p]) for p in "HWb" for l, layer in layers if p in layer},
        **{f"gradient of J in h^({l})(0)": column(a) for l, a in enumerate(found["dJ_dh0"], start=1)},
        **{f"gradient of J in x^({t})": column(a) for t, a in enumerate(found["dJ_dx"], start=1)},
    }


def assert_same(computed: Named, truth: Named) -> None:
    """Assert that all entries agree: exactly, as enclosures, or within the bounds of a `Rounded` truth."""
    assert computed.keys() == truth.keys()
    for name, true in truth.items():
        assert computed[name].shape == true.shape, name
        for entry in differing(computed[name], true):
            raise AssertionError(f"{name}: {entry}")


def program(network: Network, f: Any, head: output.Output, functions: Any, constants: Callable[[Any], Any]) -> Named:
    """The gradients by the program that JAX derived, over the network's elements."""
    arrays = plain_arrays(network)
    traced = quantities.trace(f, *arrays, head, quantities.gradients)
    leaves = evaluate(traced.jaxpr, *traced.flatten(*arrays), functions=functions, constants=constants)
    return of_reference(traced.unflatten(leaves))


# ------------------------------------------------------------------------------------------------ against autodiff


def log_sum_exp(z: Any, y: Any) -> Any:
    return jnp.log(jnp.exp(z).sum()) - (y * z).sum()


HEADS = {
    "log sum exp": output.Output(output.algebraic_softmax, log_sum_exp),
    "log of the prediction": output.SOFTMAX_ALGEBRAIC,
}
"""The loss in the forms of (6) and of (1), which differ for functions that exp and log merely stand for."""


@lru_cache(maxsize=64)
def over_field(description: Description, head: str) -> tuple[Network, Named]:
    """A network over the field and its gradients by autodiff."""
    network, oracles = field_network(description)
    return network, program(network, symbolic.f, HEADS[head], dict(oracles.functions()), field.element)


@pytest.mark.parametrize("head", ["log sum exp", pytest.param("log of the prediction", marks=pytest.mark.slow)])
@both
def test_all_gradients_equal_autodiff_exactly(backprop: Backprop, head: str) -> None:
    def equal(description: Description) -> bool:
        network, truth = over_field(description, head)
        found = by_hand(backprop(network))
        if head != "log sum exp":
            truth = {name: array for name, array in truth.items() if name != "J"}
            del found["J"]
        assert_same(found, truth)
        return description.d[-1] > 1

    law(equal, share=3)()


@dataclass(frozen=True)
class InFloats:
    """One network in one format: results of both sides, and autodiff's true values with the bounds of each."""

    network: Network
    bounding: Network
    jax: Named
    truth: Named
    jax_bounds: Named


@lru_cache(maxsize=64)
def in_floats(description: Description, name: str) -> InFloats:
    """The network of a description in a format; to be called at a precision of `BITS`."""
    instance, format = draw(description), FORMATS[name]
    network = instance.network(DTYPES[name])
    case = padding.Instance(description.f, instance.coefficients, *plain_arrays(network))
    result = padded.gradients(padding.pad([case], dtype=DTYPES[name], size=PADDED))
    bounding = network.over(lambda a: to_rounded(a, format), instance.functions())
    enclosing = network.over(balls.to_balls, instance.functions())
    f = reference_activation(instance)
    return InFloats(
        network,
        bounding,
        of_reference(padding.unpad(result, [case])[0]),
        program(enclosing, f, output.SOFTMAX_ALGEBRAIC, None, balls.ball),
        program(bounding, f, output.SOFTMAX, None, lambda number: rounded(number, format)),
    )


def within(truth: Named, bounds: Named, name: str) -> Named:
    """True values with the errors of `bounds` around them."""
    return {at: around(truth[at], bounds[at], FORMATS[name]) for at in truth}


def judged_in(name: str, judge: Callable[[InFloats], None]) -> Callable[[Description], bool | str]:
    """A property of the gradients in a format."""

    def holds(description: Description) -> bool | str:
        if not far_from_kinks(description, FORMATS[name]):
            return UNDECIDED
        with balls.precision(BITS), np.errstate(all="ignore"):  # what overflows has no bound, or breaks it
            try:
                judge(in_floats(description, name))
            except UndecidedError:
                return UNDECIDED
        return description.d[-1] > 1

    return holds


@each_format
@both
def test_all_gradients_by_hand_keep_their_bounds(backprop: Backprop, name: str) -> None:
    def judge(found: InFloats) -> None:
        bounds = by_hand(backprop(found.bounding))
        assert_same(by_hand(backprop(found.network)), within(found.truth, bounds, name))

    law(judged_in(name, judge), share=3)()


@each_format
def test_all_gradients_of_padded_jax_keep_their_bounds(name: str) -> None:
    def judge(found: InFloats) -> None:
        assert_same(found.jax, within(found.truth, found.jax_bounds, name))

    law(judged_in(name, judge), share=3)()


# ------------------------------------------------------------------------------------------ a pair of the user's own


def bump(u: Any) -> Any:
    """u / (1 + u^2), for NumPy and for JAX: a rational function, so that the field knows it without an oracle."""
    return u / (1 + u * u)


def bump_prime(u: Any) -> Any:
    return (1 - u * u) / ((1 + u * u) * (1 + u * u))


def with_pair(network: Network, f_prime: Callable[[Any], Any]) -> Network:
    return replace(network, functions=replace(network.functions, f=Elementwise(bump, f_prime)))


def pair_equals_autodiff(f_prime: Callable[[Any], Any], description: Description) -> bool:
    network, oracles = field_network(description)
    functions = {name: oracle for name, oracle in oracles.functions().items() if name in ("exp", "log")}
    truth = program(network, bump, HEADS["log sum exp"], functions, field.element)
    for backprop in BOTH:
        assert_same(by_hand(backprop(with_pair(network, f_prime))), truth)
    return description.d[-1] > 1


@law
def test_gradients_with_a_given_pair_equal_autodiff_of_its_f_exactly(description: Description) -> bool:
    return pair_equals_autodiff(bump_prime, description)


def test_a_given_pair_with_a_wrong_derivative_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"gradient of J in H\^\(1\)"):
        pair_equals_autodiff(lambda u: 1 / (1 + u * u), Description(2, 2, (2, 3, 2)))


def test_a_given_pair_keeps_its_bounds_in_float64() -> None:
    description = Description(3, 4, (2, 3, 2, 3), y="soft")
    format, functions = FORMATS["float64"], Functions(f=Elementwise(bump, bump_prime))
    network = replace(draw(description).network(), functions=functions)
    arrays = plain_arrays(network)
    jax = of_reference(quantities.gradients_jit(bump, *arrays))
    with balls.precision(BITS):
        bounding = network.over(lambda a: to_rounded(a, format), functions)
        truth = program(network.over(balls.to_balls, functions), bump, output.SOFTMAX_ALGEBRAIC, None, balls.ball)
        by_jax = program(bounding, bump, output.SOFTMAX, None, lambda number: rounded(number, format))
        assert_same(jax, within(truth, by_jax, "float64"))
        for backprop in BOTH:
            assert_same(by_hand(backprop(network)), within(truth, by_hand(backprop(bounding)), "float64"))


# ------------------------------------------------------------------------------------------------------------ visits


@law
def test_one_pass_visits_each_layer_T_times_and_the_sum_half_T_squared(description: Description) -> bool:
    network, _ = field_network(description)
    n, T = network.n, network.T
    for backprop, visits in ((one_pass, T), (per_step_sum, T * (T + 1) // 2)):
        asked: Counter[str] = Counter()

        def counted(u: Any, asked: Counter[str] = asked) -> Any:
            asked["f'"] += 1
            return network.functions.f.derivative(u)

        counting = replace(network.functions, f=Elementwise(network.functions.f.function, counted))
        assert backprop(replace(network, functions=counting)).visits == visits
        assert asked["f'"] == (n - 1) * visits
    return n > 1


# ------------------------------------------------------------------------------------------- laws without autodiff


class Dual:
    """a + b e with e^2 = 0: a value and its derivative along a direction."""

    def __init__(self, value: Any, tangent: Any = 0) -> None:
        self.value = value
        self.tangent = tangent

    def __add__(self, other: Any) -> "Dual":
        that = dual(other)
        return Dual(self.value + that.value, self.tangent + that.tangent)

    __radd__ = __add__

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.tangent)

    def __sub__(self, other: Any) -> "Dual":
        return self + -dual(other)

    def __mul__(self, other: Any) -> "Dual":
        that = dual(other)
        return Dual(self.value * that.value, self.value * that.tangent + self.tangent * that.value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Dual":
        that = dual(other)
        quotient = self.value / that.value
        return Dual(quotient, (self.tangent - quotient * that.tangent) / that.value)


def dual(number: Any) -> Dual:
    return number if isinstance(number, Dual) else Dual(number)


def on_duals(function: Elementwise) -> Elementwise:
    """A function of dual numbers, by the chain rule."""

    def at(u: Any) -> Dual:
        point = np.array([u.value], dtype=object)
        return Dual(function.function(point)[0], function.derivative(point)[0] * u.tangent)

    return Elementwise(lambda u: elementwise(at, u) if isinstance(u, np.ndarray) else at(u), lambda u: u)


Inputs = dict[str, dict[int, Any]]
NAMES = ("H", "W", "b", "h0", "x")


def inputs(of: Network | Gradients) -> Inputs:
    """What J has gradients in, or these, by name and layer or time."""
    return {name: dict(getattr(of, name)) for name in NAMES}


def moved(network: Network, step: Callable[[Any, Any], Any], directions: Inputs) -> Network:
    """The network with `step(array, direction)` in the place of each array."""
    there: Any = {
        name: {at: step(array, directions[name][at]) for at, array in arrays.items()}
        for name, arrays in inputs(network).items()
    }
    return replace(network, **there)


def inner(a: Inputs, b: Inputs) -> Any:
    return sum((a[name][at] * b[name][at]).sum() for name in a for at in a[name])


def random_directions(network: Network, rng: np.random.Generator) -> Inputs:
    """Elements of the field."""
    return {
        name: {at: field.random_array(rng, array.shape) for at, array in arrays.items()}
        for name, arrays in inputs(network).items()
    }


@law
def test_gradient_is_adjoint_to_the_forward_mode_tangent_exactly(description: Description) -> bool:
    network, oracles = field_network(description)
    directions = random_directions(network, np.random.default_rng(description.seed))
    exp = on_duals(Elementwise(oracles.exp, oracles.exp))
    functions = Functions(
        f=on_duals(Elementwise(oracles.f, oracles.f_prime)),
        exp=exp,
        log=on_duals(Elementwise(oracles.log, lambda u: 1 / u)),
        shift=no_shift,
        g=softmax(exp, no_shift),
    )
    duals = moved(replace(network, functions=functions), lambda a, b: elementwise(Dual, a, b), directions)
    J = loss(duals, forward_pass(duals))
    for backprop in BOTH:
        found = backprop(network)
        assert found.loss == J.value
        assert inner(inputs(found), directions) == J.tangent
    return description.d[-1] > 1


@pytest.mark.parametrize("f", SMOOTH)
def test_taylor_remainder_is_of_second_order(f: str) -> None:
    step = 60

    def second_order(description: Description) -> bool | str:
        instance = draw(description)
        rng = np.random.default_rng(description.seed)
        with balls.precision(600):
            network = instance.network().over(balls.to_balls, instance.functions())
            directions = {
                name: {at: balls.to_balls(rng.integers(-3, 4, a.shape)) for at, a in arrays.items()}
                for name, arrays in inputs(network).items()
            }
            found = one_pass(network)
            slope = inner(inputs(found), directions)

            def remainder(bits: int) -> Any:
                epsilon = arb(2) ** -bits
                there = moved(network, lambda a, b: a + epsilon * b, directions)
                return loss(there, forward_pass(there)) - found.loss - epsilon * slope

            first, second = remainder(step), remainder(step + 1)
            if first.contains(0):
                return "no curvature"
            assert 1.9 < (first / second).log() / arb(2).log() < 2.1
        return True

    networks = descriptions(activations=(f,), scales=("ordinary", "tiny"), widths=(2, 10))
    drawn = for_random_networks(second_order, networks, share=SHARE // 2)
    assert drawn.informative, drawn


@law
def test_gradients_are_linear_in_the_error_of_the_output_exactly(description: Description) -> bool:
    network, _ = field_network(description)
    rng = np.random.default_rng(description.seed)
    share = field.random_array(rng, ())[()]
    others = {t: field.random_array(rng, y.shape) for t, y in network.y.items()}
    mixed = {t: share * y + (1 - share) * others[t] for t, y in network.y.items()}
    first, second, both = (inputs(one_pass(replace(network, y=targets))) for targets in (network.y, others, mixed))
    for name, at, array in entries(both):
        assert (array == share * first[name][at] + (1 - share) * second[name][at]).all()
    return description.d[-1] > 1


def entries(of: Inputs) -> Iterator[tuple[str, int, Any]]:
    return ((name, at, array) for name, arrays in of.items() for at, array in arrays.items())


@law
def test_gradients_vanish_where_the_prediction_is_the_target_exactly(description: Description) -> bool:
    network, _ = field_network(description)
    found = one_pass(replace(network, y=forward_pass(network).y_hat))
    assert all((array == 0).all() for _, _, array in entries(inputs(found)))
    return description.d[-1] > 1


@law
def test_gradients_of_the_output_sum_to_zero_over_the_classes_exactly(description: Description) -> bool:
    network, _ = field_network(description)
    found = one_pass(network)
    assert (found.W[network.n].sum(axis=0) == 0).all()
    assert found.b[network.n].sum() == 0
    return description.d[-1] > 1


@law
def test_one_layer_is_softmax_regression_exactly(description: Description) -> bool:
    network, _ = field_network(replace(description, n=1, d=(description.d[0], description.d[-1])))
    found, run, T = one_pass(network), forward_pass(network), network.T
    error = {t: run.y_hat[t] - network.y[t] for t in range(1, T + 1)}
    assert (found.W[1] == sum(error[t] @ network.x[t].T for t in error) / T).all()
    assert (found.b[1] == sum(error.values()) / T).all()
    assert all((found.x[t] == network.W[1].T @ error[t] / T).all() for t in error)
    assert not found.H
    assert not found.h0
    return description.d[-1] > 1


@law
def test_one_step_from_zero_is_feed_forward_backpropagation_exactly(description: Description) -> bool:
    network, _ = field_network(replace(description, T=1, h0="zero"))
    f, (h, z) = network.functions.f, ([network.x[1]], [])
    for l in range(1, network.n + 1):
        z.append(network.W[l] @ h[-1] + network.b[l])
        h.append(f(z[-1]))
    delta = network.functions.g(z[-1]) - network.y[1]
    found = one_pass(network)
    for l in range(network.n, 0, -1):
        assert (found.b[l] == delta).all()
        assert (found.W[l] == delta @ h[l - 1].T).all()
        delta = network.W[l].T @ delta
        if l > 1:
            assert (found.H[l - 1] == 0).all()
            delta = f.derivative(z[l - 2]) * delta
    assert (found.x[1] == delta).all()
    return description.d[-1] > 1


@law
def test_without_H_the_steps_are_networks_of_their_own_exactly(description: Description) -> bool:
    network, _ = field_network(description)
    apart = replace(network, H={l: 0 * H for l, H in network.H.items()})
    found = one_pass(apart)
    steps = [one_pass(replace(apart, x={1: apart.x[t]}, y={1: apart.y[t]})) for t in apart.x]
    for l in apart.W:
        assert (found.W[l] == sum(step.W[l] for step in steps) / apart.T).all()
        assert (found.b[l] == sum(step.b[l] for step in steps) / apart.T).all()
    assert all((found.x[t] == step.x[1] / apart.T).all() for t, step in enumerate(steps, start=1))
    assert all((gradient == 0).all() for gradient in found.h0.values())
    return description.d[-1] > 1


@law
def test_what_follows_a_step_is_a_network_that_starts_from_its_states_exactly(description: Description) -> bool:
    network, _ = field_network(replace(description, T=max(2, description.T)))
    n, T, run = network.n, network.T, forward_pass(network)
    cut, found = T // 2, one_pass(network)
    rest = replace(
        network,
        x={t - cut: network.x[t] for t in range(cut + 1, T + 1)},
        y={t - cut: network.y[t] for t in range(cut + 1, T + 1)},
        h0={l: run.h[l, cut] for l in range(1, n)},
    )
    later = one_pass(rest)
    assert all((T * found.x[t + cut] == rest.T * later.x[t]).all() for t in rest.x)
    return description.d[-1] > 1


@law
def test_gradients_follow_a_permutation_of_the_classes_exactly(description: Description) -> bool:
    network, _ = field_network(description)
    n, order = network.n, np.random.default_rng(description.seed).permutation(network.d[-1])
    permuted = replace(
        network,
        W={**network.W, n: network.W[n][order]},
        b={**network.b, n: network.b[n][order]},
        y={t: y[order] for t, y in network.y.items()},
    )
    found, expected = one_pass(permuted), inputs(one_pass(network))
    for name in ("W", "b"):
        expected[name][n] = expected[name][n][order]
    assert all((array == expected[name][at]).all() for name, at, array in entries(inputs(found)))
    return description.d[-1] > 1


@law
def test_gradients_follow_a_permutation_of_the_units_of_a_layer_exactly(description: Description) -> bool:
    network, _ = field_network(description)
    if network.n == 1:
        return False
    rng = np.random.default_rng(description.seed)
    l = int(rng.integers(1, network.n))
    order = rng.permutation(network.d[l])

    def permuted(of: Inputs) -> Any:
        return {
            "H": {**of["H"], l: of["H"][l][np.ix_(order, order)]},
            "W": {**of["W"], l: of["W"][l][order], l + 1: of["W"][l + 1][:, order]},
            "b": {**of["b"], l: of["b"][l][order]},
            "h0": {**of["h0"], l: of["h0"][l][order]},
            "x": of["x"],
        }

    found = one_pass(replace(network, **permuted(inputs(network))))
    expected = permuted(inputs(one_pass(network)))
    assert all((array == expected[name][at]).all() for name, at, array in entries(inputs(found)))
    return description.d[-1] > 1


def test_gradients_do_not_change_when_all_logits_are_shifted() -> None:
    def unchanged(description: Description) -> bool:
        instance = draw(description)
        with balls.precision(256):
            network = instance.network().over(balls.to_balls, instance.functions())
            shifted = replace(network, b={**network.b, network.n: network.b[network.n] + arb(3)})
            assert_same(by_hand(one_pass(shifted)), by_hand(one_pass(network)))
        return description.d[-1] > 1

    networks = descriptions(activations=SMOOTH, scales=("ordinary", "tiny"))
    assert for_random_networks(unchanged, networks, share=SHARE // 2).informative
