"""Section 4: the gradient of J as the sum of the steps' gradients, and by backpropagating once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..arithmetic import field
from ..instances import random_description
from ..jaxprs import evaluate
from ..manual import Elementwise, Gradients, Network, one_pass, per_step_sum
from ..manual.calculus import Array
from ..reference import output, quantities, symbolic
from ..worlds import exactly_equal, field_network, plain_arrays
from .bench import Bench
from .registry import CheckError, Checks, Found
from .wording import keyed

CHECKS = Checks()


@CHECKS.add(
    "sum-of-steps-correct",
    "4",
    r"instead of calculate $\nabla J^{(t)}$ for every time step and sum them up at last, which is correct",
)
def _sum_of_steps_correct(bench: Bench) -> Found:
    rng = np.random.default_rng(bench.seed)
    depth, steps, widths = range(1, 5), range(1, 7), range(1, 5)
    descriptions = [bench.description(1, 1), bench.description(2, 3)] + [
        random_description(rng, bench.seed + number, depth=depth, steps=steps, widths=widths) for number in range(8)
    ]
    entries, different = 0, []
    for description in descriptions:
        network, oracles = field_network(description)
        summed, passed = _arrays(per_step_sum(network)), _arrays(one_pass(network))
        for name, array in _gradients_by_autodiff(network, oracles).items():
            entries += array.size
            if not exactly_equal(array, summed[name]) or not exactly_equal(array, passed[name]):
                different.append(f"{name} of {description}")
    return (
        "fails" if different else "holds",
        f"On {len(descriptions)} networks the mean of the gradients of the steps, what one pass over gamma gives, and "
        f"autodiff were compared exactly, in {entries} numbers: the gradients of J in H, W, b, h^(l)(0) and x. "
        f"{f'{len(different)} arrays differ' if different else 'All three agree in every one'}.",
        bench.evidence(descriptions, entries=entries, different=different),
    )


def _gradients_by_autodiff(network: Network, oracles: field.Oracles) -> dict[str, Any]:
    arrays = plain_arrays(network)
    traced = quantities.trace(symbolic.f, *arrays, output.SOFTMAX_ALGEBRAIC, quantities.gradients)
    functions = dict(oracles.functions())
    with field.naming_division_by_zero():
        leaves = evaluate(traced.jaxpr, *traced.flatten(*arrays), functions=functions, constants=field.element)
    values = traced.unflatten(leaves)
    return _named(values["dJ"], values["dJ_dh0"], values["dJ_dx"])


def _arrays(gradients: Gradients) -> dict[str, Any]:
    h0, x = ([columns[at][:, 0] for at in sorted(columns)] for columns in (gradients.h0, gradients.x))
    return _named(gradients.as_params(), h0, np.stack(x))


def _named(params: Any, h0: Any, x: Any) -> dict[str, Any]:
    """The arrays of a gradient by what they are taken in."""
    layers = {f"{name}^({l})": array for l, layer in enumerate(params, 1) for name, array in layer.items()}
    return layers | {f"h^({l})(0)": array for l, array in enumerate(h0, 1)} | {"x": x}


_FORMULAS: Mapping[str, Callable[[int], int]] = {
    "1": lambda T: 1,
    "T": lambda T: T,
    "2T - 1": lambda T: 2 * T - 1,
    "T(T - 1)/2": lambda T: T * (T - 1) // 2,
    "T(T + 1)/2": lambda T: T * (T + 1) // 2,
    "T^2": lambda T: T * T,
}


@CHECKS.add("sum-of-steps-inefficient", "4", "but inefficient, we backprop only once")
def _sum_of_steps_inefficient(bench: Bench) -> Found:
    descriptions = [bench.description(3, T) for T in range(1, 11)]
    networks = {description.T: field_network(description)[0] for description in descriptions}
    summed = {T: _visits(network, per_step_sum) for T, network in networks.items()}
    once = {T: _visits(network, one_pass) for T, network in networks.items()}
    formulas = [
        name
        for counts in (summed, once)
        for name, formula in _FORMULAS.items()
        if counts == {T: formula(T) for T in counts}
    ]
    if len(formulas) != 2:
        raise CheckError(f"no formula, or more than one, describes {summed} or {once}")
    T = max(networks)
    return (
        "holds" if all(summed[T] > once[T] for T in networks if T > 1) else "fails",
        f"To sum the gradients of the steps takes ${formulas[0]}$ visits to each hidden layer, one pass takes "
        f"${formulas[1]}$: at T = {T}, {summed[T]} against {once[T]}. A visit is an evaluation of f'; they were "
        f"counted for each T from 1 to {T}.",
        bench.evidence(descriptions, formulas=formulas, visits={"sum": keyed(summed), "one pass": keyed(once)}),
    )


def _visits(network: Network, algorithm: Callable[[Network], Gradients]) -> int:
    """The visits to each hidden layer, by evaluations of f'; CheckError if `.visits` says otherwise."""
    f, calls = network.functions.f, 0

    def counted(u: Array) -> Array:
        nonlocal calls
        calls += 1
        return f.derivative(u)

    functions = replace(network.functions, f=Elementwise(f.function, counted))
    reported = algorithm(replace(network, functions=functions)).visits
    if calls != reported * (network.n - 1):
        raise CheckError(
            f"{reported} visits are reported at T = {network.T}, but f' was evaluated {calls} times in "
            f"{network.n - 1} layers"
        )
    return reported
