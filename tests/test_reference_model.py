"""The plain reference: its structure, its exact identities over a finite field, its parts."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Jaxpr

from bptt_oracle.arithmetic import field
from bptt_oracle.jaxprs import evaluate, known_primitives
from bptt_oracle.reference import activations, model, output, quantities, symbolic
from bptt_oracle.reference.padding import Instance, shapes

UNIT = 2.0**-53  # the relative error of one rounding in float64

SHAPES = [
    ((3, 4), 1),
    ((2, 1), 3),
    ((1, 2, 3), 1),
    ((2, 3, 1), 4),
    ((3, 4, 2, 5), 3),
    ((2, 1, 3, 2, 4), 5),
    ((1, 2, 1, 3, 2, 1, 2), 2),
]

every_shape = pytest.mark.parametrize(("d", "T"), SHAPES, ids=lambda value: str(value).replace(" ", ""))


def network(d: tuple[int, ...], T: int, draw: Callable[[tuple[int, ...]], Any]) -> tuple[Any, Any, Any, Any]:
    """params, x, y, h0 of widths d_0, ..., d_n, with every array drawn."""
    n = len(d) - 1
    params = []
    for l in range(1, n + 1):
        layer = {"W": draw((d[l], d[l - 1])), "b": draw((d[l],))}
        if l < n:
            layer["H"] = draw((d[l], d[l]))
        params.append(layer)
    return params, draw((T, d[0])), draw((T, d[n])), [draw((width,)) for width in d[1:n]]


def floating(d: tuple[int, ...], T: int, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """A network in float64, with weights of the size 1 / sqrt(fan-in) and soft targets."""
    rng = np.random.default_rng(seed)
    params, x, _, h0 = network(d, T, lambda shape: rng.normal(size=shape) / math.sqrt(shape[-1]))
    return params, x, rng.dirichlet(np.ones(d[-1]), size=T), h0


def over_field(
    d: tuple[int, ...],
    T: int,
    of: Any = quantities.quantities,
    head: output.Output = output.SOFTMAX_ALGEBRAIC,
) -> dict[str, Any]:
    """What autodiff gives for a random network over GF(2^61 - 1), with f, f', exp and log random oracles."""
    rng = np.random.default_rng([T, *d])
    inputs = network(d, T, lambda shape: field.random_array(rng, shape))
    traced = quantities.trace(symbolic.f, *inputs, head, of)
    functions = field.Oracles(seed=1).functions()
    leaves = evaluate(traced.jaxpr, *traced.flatten(*inputs), functions=functions, constants=field.element)
    return traced.unflatten(leaves)


def equations(jaxpr: Jaxpr) -> Iterator[str]:
    """The names of the primitives of a program, those of nested programs included."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jax.extend.core.jaxprs_in_params(equation.params):
            yield from equations(inner)


@every_shape
def test_quantities_have_the_shapes_of_the_document(d: tuple[int, ...], T: int) -> None:
    params, x, y, h0 = floating(d, T)
    traced = quantities.trace(activations.tanh, params, x, y, h0)
    result = traced.unflatten([aval.shape for aval in traced.jaxpr.out_avals])
    assert result == shapes(Instance("tanh", (0.0,) * 5, params, x, y, h0))


@every_shape
def test_summands_add_up_to_the_gradient_of_each_loss(d: tuple[int, ...], T: int) -> None:
    values = over_field(d, T)
    for summands, dJ_at in zip(values["summands"], values["dJ_at"], strict=True):
        for name in dJ_at:
            assert (summands[name].sum(axis=1) == dJ_at[name]).all()


@every_shape
def test_gradient_of_J_is_the_mean_over_the_losses(d: tuple[int, ...], T: int) -> None:
    values = over_field(d, T)
    assert T * values["J"] == values["J_at"].sum()
    for dJ_at, dJ in zip(values["dJ_at"], values["dJ"], strict=True):
        for name in dJ:
            assert (dJ_at[name].sum(axis=0) == T * dJ[name]).all()


@every_shape
def test_summand_of_the_bias_is_the_derivative_in_the_probe(d: tuple[int, ...], T: int) -> None:
    values = over_field(d, T)
    for summands, dJ_dz in zip(values["summands"], values["dJ_dz"], strict=True):
        assert (summands["b"] == dJ_dz).all()


@every_shape
def test_a_loss_depends_on_nothing_later(d: tuple[int, ...], T: int) -> None:
    values, n = over_field(d, T), len(d) - 1
    for l in range(1, n + 1):
        for i in range(1, T + 1):
            later = slice(i, None)
            assert (values["dJ_dz"][l - 1][i - 1, later] == 0).all()
            # A single class has y^ = 1 whatever z is.
            assert d[n] == 1 or (values["dJ_dz"][l - 1][i - 1, i - 1] != 0).all()
            if l == n:
                assert (values["dJ_dz"][l - 1][i - 1, : i - 1] == 0).all()
            for summand in values["summands"][l - 1].values():
                assert (summand[i - 1, later] == 0).all()


@every_shape
def test_gradients_are_those_among_the_quantities(d: tuple[int, ...], T: int) -> None:
    alone, among = over_field(d, T, quantities.gradients), over_field(d, T)
    for name, value in alone.items():
        for a, b in zip(jax.tree.leaves(value), jax.tree.leaves(among[name]), strict=True):
            assert (a == b).all()


def test_gradients_equal_difference_quotients() -> None:
    params, x, y, h0 = floating((2, 3, 2, 3), 3)
    leaves, structure = jax.tree.flatten((params, x, y, h0))

    @jax.jit
    def loss(params: Any, x: Any, y: Any, h0: Any) -> Any:
        run = model.forward(activations.tanh, [params] * 3, model.steps(x), h0)
        return model.mean_loss(model.losses(output.SOFTMAX, run, model.steps(y)))

    def quotient(at: int, entry: tuple[int, ...], h: float) -> float:
        moved = []
        for sign in (1, -1):
            shifted = [leaf.copy() for leaf in leaves]
            shifted[at][entry] += sign * h
            moved.append(float(loss(*jax.tree.unflatten(structure, shifted))))
        return (moved[0] - moved[1]) / (2 * h)

    values = quantities.gradients_jit(activations.tanh, params, x, y, h0)
    gradients = jax.tree.leaves((values["dJ"], values["dJ_dx"], jnp.zeros_like(y), values["dJ_dh0"]))
    h = 2.0**-16
    # J is a mean of T = 3 losses of size 1, each from fewer than 100 roundings of terms of size 1.
    rounding = 100 * UNIT / h
    for at, gradient in enumerate(gradients):
        for entry in np.ndindex(gradient.shape):
            if leaves[at] is y:
                continue
            # A central quotient is off by c h^2 + O(h^4): those of h and 2 h differ by three times the error
            # of the former. Allowed is twice that, for the rest of the series.
            fine, coarse = quotient(at, entry, h), quotient(at, entry, 2 * h)
            assert abs(fine - gradient[entry]) <= abs(coarse - fine) / 3 * 2 + 2 * rounding


def test_untied_parameters_are_used_at_their_own_step() -> None:
    params, x, _, h0 = jax.tree.map(jnp.asarray, floating((2, 3, 2), 2))
    other = jax.tree.map(lambda a: 2 * a, params)
    mixed = model.forward(activations.identity, [params, other], model.steps(x), h0)
    first = model.hidden(params[0], h0[0], x[0])
    second = model.hidden(other[0], first, x[1])
    np.testing.assert_array_equal(mixed.z[0][1], second)
    np.testing.assert_array_equal(mixed.z[1][0], model.readout(params[1], first))
    np.testing.assert_array_equal(mixed.z[1][1], model.readout(other[1], second))


def test_symbolic_f_becomes_any_f_when_it_is_evaluated() -> None:
    inputs = floating((2, 3, 2, 3), 3)
    traced = quantities.trace(symbolic.f, *inputs, output.SOFTMAX_ALGEBRAIC)
    functions: dict[str, Callable[..., Any]] = {"f": np.tanh, "f_prime": lambda u: 1 - np.tanh(u) ** 2}
    named = evaluate(traced.jaxpr, *traced.flatten(*inputs), functions=functions)
    direct = quantities.trace(activations.tanh, *inputs, output.SOFTMAX_ALGEBRAIC)
    for a, b in zip(named, evaluate(direct.jaxpr, *direct.flatten(*inputs)), strict=True):
        # The programs differ in the form of 1 - tanh^2 alone: by 3 roundings of terms up to 1, in each of at
        # most T + n - 1 = 5 factors of a product below 10, of which at most 9 are summed.
        assert np.max(np.abs(a - b), initial=0) <= 3 * 5 * 10 * 9 * UNIT


def test_symbolic_program_knows_f_and_its_derivative_by_name_only() -> None:
    traced = quantities.trace(symbolic.f, *floating((2, 3, 2), 2), output.SOFTMAX_ALGEBRAIC)
    names = set(equations(traced.jaxpr.jaxpr))
    assert {"f", "f_prime"} <= names
    assert names <= known_primitives() | {"f", "f_prime"}


def test_symbolic_f_is_elementwise_under_vmap() -> None:
    program = jax.make_jaxpr(jax.vmap(jax.grad(lambda u: symbolic.f(u).sum())))(jnp.ones((3, 2)))
    assert program.out_avals[0].shape == (3, 2)
    assert [e.primitive.name for e in program.eqns if e.primitive.name.startswith("f")] == ["f", "f_prime"]


def test_symbolic_f_has_no_second_derivative() -> None:
    with pytest.raises(NotImplementedError, match="f_prime has no derivative: the derivation needs f' only"):
        jax.make_jaxpr(jax.grad(jax.grad(symbolic.f)))(1.0)


def test_the_same_shapes_are_traced_once() -> None:
    first = quantities.trace(activations.tanh, *floating((2, 3, 2), 2, seed=1))
    assert quantities.trace(activations.tanh, *floating((2, 3, 2), 2, seed=2)) is first
    assert quantities.trace(activations.tanh, *floating((2, 3, 2), 3)) is not first


def test_inputs_of_another_structure_are_refused() -> None:
    traced = quantities.trace(activations.tanh, *floating((2, 3, 2), 2))
    with pytest.raises(ValueError, match=r"Traced\.flatten: expected inputs of the structure"):
        traced.flatten(*floating((2, 3, 3, 2), 2))


@pytest.mark.parametrize("name", output.SUBSTITUTES)
def test_substitutes_of_the_softmax_run_over_a_field(name: str) -> None:
    head = output.with_g(output.SUBSTITUTES[name])
    values = over_field((2, 3, 2), 2, quantities.quantities, head)
    assert (values["summands"][0]["W"].sum(axis=1) == values["dJ_at"][0]["W"]).all()


@pytest.mark.parametrize("name", output.SUBSTITUTES)
def test_substitutes_of_the_softmax_are_positive(name: str) -> None:
    assert (output.SUBSTITUTES[name](jnp.array([-2.0, 0.5, 3.0])) > 0).all()


def test_the_two_forms_of_the_softmax_agree() -> None:
    z, y = jnp.array([-2.0, 0.5, 3.0]), jnp.array([0.25, 0.25, 0.5])
    # Each: 3 exponentials, a sum and a logarithm, terms y_j z_j: together 15 roundings of at most 4.
    assert abs(output.SOFTMAX.loss(z, y) - output.SOFTMAX_ALGEBRAIC.loss(z, y)) <= 15 * 4 * UNIT
    # A quotient of an exponential, its argument off by 2 roundings of 5 in the stable form, and a sum of 3.
    assert jnp.max(jnp.abs(output.SOFTMAX.g(z) - output.SOFTMAX_ALGEBRAIC.g(z))) <= (2 * 5 + 6) * UNIT


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("tanh", math.tanh),
        ("logistic", lambda u: 1 / (1 + math.exp(-u))),
        ("relu", lambda u: max(u, 0.0)),
        ("softplus", lambda u: math.log1p(math.exp(u))),
        ("sine", math.sin),
        ("identity", lambda u: u),
    ],
)
def test_activations_are_the_functions_of_their_names(name: str, f: Callable[[float], float]) -> None:
    u = np.array([-2.5, -0.5, 0.0, 0.75, 3.0])
    exact = np.array([f(v) for v in u])
    # Each side: at most 3 roundings and an elementary function within 4 units, of values below 4.
    assert np.max(np.abs(activations.activation(name)(jnp.asarray(u)) - exact)) <= 2 * 7 * 4 * UNIT
    assert set(activations.ACTIVATIONS) == {"tanh", "logistic", "relu", "softplus", "sine", "identity"}


def test_relu_is_constant_at_its_kink() -> None:
    assert jax.grad(activations.relu)(0.0) == 0
    assert jax.grad(activations.relu)(1.0) == 1


def test_softplus_does_not_overflow() -> None:
    assert activations.softplus(jnp.array(1e4)) == 1e4
    assert activations.softplus(jnp.array(-1e4)) == 0


def test_mixture_is_its_five_terms() -> None:
    terms: list[Callable[[float], float]] = [math.tanh, math.sin, lambda u: u, lambda u: u * u, lambda u: 1.0]
    for position, term in enumerate(terms):
        coefficients = [0.0] * 5
        coefficients[position] = 2.0
        # One elementary function within 4 units, one rounding a side.
        assert abs(activations.mixture(coefficients)(jnp.array(1.5)) - 2 * term(1.5)) <= 6 * UNIT * 2 * term(1.5)


def test_equal_mixtures_are_one_function() -> None:
    assert activations.mixture([1, 2, 3, 4, 5]) is activations.mixture((1.0, 2.0, 3.0, 4.0, 5.0))


def test_mixture_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mixture: expected 5 coefficients .*, got 3"):
        activations.mixture([1, 2, 3])


def test_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"activation: expected one of tanh, .*, mixture; got 'gelu'"):
        activations.activation("gelu")


def test_single_and_double_precision_do_not_mix() -> None:
    params, x, y, h0 = floating((2, 3, 2), 2)
    with pytest.raises(ValueError, match="no available implicit dtype promotion path"):
        quantities.gradients(activations.tanh, params, x.astype(np.float32), y, h0)


def test_compilation_cache_keeps_small_programs(tmp_path: Any) -> None:
    program = (
        "import sys, jax, jax.numpy as jnp\n"
        "from bptt_oracle.reference import config\n"
        "config.enable_compilation_cache(sys.argv[1])\n"
        "print(jax.jit(lambda u: u + 1)(jnp.zeros(3))[0])\n"
    )
    folder = tmp_path / "new" / "cache"
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "1.0\n"
    assert list(folder.iterdir())
