"""One network in one arithmetic: the manual side's network and the reference's values over the same numbers.

In each world the program that JAX derived is traced once a shape and evaluated over the world's elements, so that the
two sides meet as equals: exactly over a finite field, as enclosures over balls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import balls, field
from .arithmetic.errors import PrecisionTooLowError
from .arithmetic.flint_types import arb
from .instances import Description, Instance, draw
from .jaxprs import evaluate
from .manual import Derivation, Elementwise, Functions, Network, Quantities, Route, no_shift, softmax
from .reference import activations, output, quantities, symbolic
from .truth import Truth

Agree = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class World:
    """One instance in one arithmetic.

    Attributes
    ----------
    name : "field" or "balls"
    description : the instance
    network : over the arithmetic's elements
    truth : what the reference's own program gives over the same elements
    agree : whether two arrays of one shape agree: exactly, or as enclosures
    """

    name: str
    description: Description
    network: Network
    truth: Truth
    agree: Agree

    def local(self) -> Quantities:
        """The reference's values, so that each equation is judged alone."""
        return self.truth.quantities()

    def chained(self, route: Route) -> Derivation:
        """The whole recursion by the document's own equations."""
        return Derivation(self.network, route)


def reference_values(
    network: Network,
    activation: Callable[[Any], Any],
    head: output.Output,
    functions: dict[str, Any] | None,
    constants: Callable[[Any], Any],
) -> dict[str, Any]:
    """Every quantity of the reference, from the program that JAX derived, over the elements of `network`."""
    params, x, y, h0 = plain_arrays(network)
    traced = quantities.trace(activation, params, x, y, h0, head)
    leaves = evaluate(traced.jaxpr, *traced.flatten(params, x, y, h0), functions=functions, constants=constants)
    return traced.unflatten(leaves)


def plain_arrays(network: Network) -> tuple[list[dict[str, Any]], Any, Any, list[Any]]:
    """params, x, y, h0 of a network in the structure of the public contract: vectors of rank 1, rows over time."""
    n, T = network.n, network.T
    params = [
        ({"H": network.H[l]} if l < n else {}) | {"W": network.W[l], "b": network.b[l][:, 0]} for l in range(1, n + 1)
    ]
    x = np.stack([network.x[t][:, 0] for t in range(1, T + 1)])
    y = np.stack([network.y[t][:, 0] for t in range(1, T + 1)])
    return params, x, y, [network.h0[l][:, 0] for l in range(1, n)]


# ------------------------------------------------------------------------------------------------ a finite field


def field_world(description: Description) -> World:
    """An instance over GF(2^61 - 1): random elements in the shape of `description`, f, f', exp, log random oracles.

    The activation and the scale of the description have no meaning here: f stands for all of them.

    Raises
    ------
    FieldZeroDivisionError
        If a denominator vanishes, which has a probability of about 2^-61 a division.
    """
    with field.naming_division_by_zero():
        network, oracles = field_network(description)
        values = reference_values(
            network, symbolic.f, output.SOFTMAX_ALGEBRAIC, dict(oracles.functions()), field.element
        )
    return World("field", description, network, Truth(network, values), exactly_equal)


def field_network(description: Description) -> tuple[Network, field.Oracles]:
    """The network over the field, and its oracles, that a description determines."""
    rng = np.random.default_rng([description.seed, description.n, description.T, *description.d])
    oracles = field.Oracles(description.seed)
    exp = Elementwise(oracles.exp, oracles.exp)
    functions = Functions(
        f=Elementwise(oracles.f, oracles.f_prime),
        exp=exp,
        log=Elementwise(oracles.log, lambda u: 1 / u),
        shift=no_shift,
        g=softmax(exp, no_shift),
    )

    def numbers(like: Any) -> Any:
        return field.random_array(rng, like.shape)

    shape = draw(description).network()
    network = shape.over(numbers, functions)
    state = (lambda like: field.to_field(like)) if description.h0 == "zero" else numbers
    return (
        Network(
            H=network.H,
            W=network.W,
            b=network.b,
            x=network.x,
            y={t: _field_target(rng, target, description.y) for t, target in shape.y.items()},
            h0={l: state(zero) for l, zero in shape.h0.items()},
            functions=functions,
        ),
        oracles,
    )


def _field_target(rng: np.random.Generator, like: Any, kind: str) -> Any:
    """A target whose entries sum to 1: the unit vector of the float instance, or random."""
    if kind == "one-hot":
        return field.to_field(like)
    target = field.random_array(rng, like.shape)
    target[0, 0] = 1 - target[1:].sum()
    return target


def exactly_equal(a: Any, b: Any) -> bool:
    """Whether the shapes are the same, and all entries the same elements of the field."""
    return a.shape == b.shape and bool((a == b).all())


# --------------------------------------------------------------------------------------------------------- balls


RELATIVE_RADIUS = 1e-40
"""How narrow, relative to its value, an enclosure has to be before its overlapping another says anything."""

ZERO_RADIUS = arb(10) ** -400
"""How narrow an enclosure has to be that holds zero."""


def ball_world(instance: Instance) -> World:
    """An instance over balls at the working precision, with the real activation and softmax.

    Its comparisons raise `PrecisionTooLowError` where the enclosures are too wide to say anything.
    """
    network = instance.network().over(balls.to_balls, instance.functions())
    values = reference_values(network, reference_activation(instance), output.SOFTMAX_ALGEBRAIC, None, balls.ball)
    return World("balls", instance.description, network, Truth(network, values), enclosures_overlap)


def reference_activation(instance: Instance) -> Callable[[Any], Any]:
    """The reference's activation of an instance."""
    name = instance.description.f
    return activations.mixture(instance.coefficients) if name == "mixture" else activations.ACTIVATIONS[name]


def enclosures_overlap(a: Any, b: Any) -> bool:
    """Whether all enclosures overlap, narrow as they are; False is proof that the true values differ.

    Raises
    ------
    PrecisionTooLowError
        If two of them overlap that are wider than `RELATIVE_RADIUS` of their values, or than `ZERO_RADIUS` around 0.
    """
    if not np.all(balls.overlap(a, b)):
        return False
    for enclosure in (*balls.to_balls(a).flat, *balls.to_balls(b).flat):
        if not _narrow(enclosure):
            raise PrecisionTooLowError(
                f"the enclosure {enclosure} is too wide to compare; evaluate at a higher precision"
            )
    return True


def _narrow(enclosure: Any) -> bool:
    least = enclosure.abs_lower()
    return bool(enclosure.rad() <= (least * RELATIVE_RADIUS if least > 0 else ZERO_RADIUS))
