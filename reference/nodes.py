"""One node of the network at a time: what arrives at z^(l)(t) from its successors, by autodiff of the single step.

z^(l)(t) enters at most two others: z^(l)(t+1) through H^(l), and z^(l+1)(t) through W^(l+1). Given any cotangents of
those, autodiff of that step alone gives the cotangent of z^(l)(t). And given any cotangent of z^(l)(k), it gives the
cotangents of the parameters that z^(l)(k) is made of.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr

from .activations import Activation
from .model import Layer, hidden, readout
from .output import SOFTMAX_ALGEBRAIC


def arriving(f: Activation, z: Array, following: Mapping[str, Any], above: Mapping[str, Any]) -> Array:
    """The cotangent of z^(l)(t), shape (d_l,), from those of its successors.

    Parameters
    ----------
    f
        The activation.
    z
        z^(l)(t), shape (d_l,).
    following, above
        The successors z^(l)(t+1) and z^(l+1)(t): for each, if it exists, its "layer" (parameters), its "cotangent",
        and what else it is made of ("below" for the one, "previous" for the other, unless it is the output layer).
    """

    def step(z: Array) -> list[Array]:
        h, successors = f(z), []
        if following:
            successors.append(hidden(following["layer"], h, following["below"]))
        if above:
            layer = above["layer"]
            successors.append(hidden(layer, above["previous"], h) if "H" in layer else readout(layer, h))
        return successors

    _, pull_back = jax.vjp(step, z)
    cotangents = [successor["cotangent"] for successor in (following, above) if successor]
    (cotangent,) = pull_back(cotangents)
    arrived: Array = cotangent
    return arrived


def in_parameters(layer: Layer, states: Sequence[tuple[Array, Array | None]], cotangents: Sequence[Array]) -> Any:
    """The cotangents of one layer's parameters, in their structure, from those of its z at several times.

    Parameters
    ----------
    layer
        The parameters, the same at all times.
    states
        For each time h^(l-1)(k), and h^(l)(k-1) unless it is the output layer.
    cotangents
        For each time the cotangent of z^(l)(k).
    """

    def steps(layer: Layer) -> list[Array]:
        return [
            readout(layer, below) if previous is None else hidden(layer, previous, below) for below, previous in states
        ]

    _, pull_back = jax.vjp(steps, layer)
    (gradient,) = pull_back(list(cotangents))
    return gradient


def output_error(z: Array, y: Array) -> Array:
    """The gradient of the loss of one step in its logits, shape (|V|,)."""
    error: Array = jax.grad(SOFTMAX_ALGEBRAIC.loss)(z, y)
    return error


def program(function: Callable[..., Any], *arguments: Any) -> tuple[ClosedJaxpr, list[Any]]:
    """The program of a function of arrays and its inputs, flat; the same function and shapes give the same program."""
    leaves, structure = jax.tree.flatten(arguments)
    return _program(function, structure, tuple(np.shape(leaf) for leaf in leaves)), leaves


@lru_cache(maxsize=1024)
def _program(function: Callable[..., Any], structure: Any, shapes: tuple[tuple[int, ...], ...]) -> ClosedJaxpr:
    def flat(*leaves: Any) -> Any:
        return function(*jax.tree.unflatten(structure, leaves))

    inputs = [jax.ShapeDtypeStruct(shape, np.float64) for shape in shapes]  # type: ignore[no-untyped-call]
    return jax.make_jaxpr(flat)(*inputs)


@cache
def with_activation(f: Activation) -> Callable[..., Array]:
    """`arriving` for one activation, the same function each time."""
    return partial(arriving, f)
