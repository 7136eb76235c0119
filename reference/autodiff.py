"""Ways to ask JAX for many derivatives of one function: a cotangent that is one-hot for each.

They differ in the program that comes out. `one_hot_pullbacks` maps one pullback over all cotangents, which is
short; `each_gradient` pulls them back one after another, in operations that any arithmetic has.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.interpreters import ad


def one_hot_pullbacks(function: Callable[..., Any], *arguments: Any, has_aux: bool = False) -> tuple[Array, Any, Any]:
    """The Jacobian of a vector in all arguments of its function, a row for every one-hot cotangent.

    Returns
    -------
    tuple
        The vector (m,), the rows (each argument with an axis of size m first), and what else the function
        returns.

    """
    if has_aux:
        vector, pullback, beside = jax.vjp(function, *arguments, has_aux=True)
    else:
        vector, pullback = jax.vjp(function, *arguments)
        beside = None
    return vector, jax.vmap(pullback)(np.eye(vector.shape[0], dtype=vector.dtype)), beside


def jacobian(function: Callable[..., Array]) -> Callable[..., Any]:
    """The Jacobian of a vector in the first argument of its function, the others being held fixed."""

    def at(first: Any, *fixed: Any) -> Any:
        _, (rows,), _ = one_hot_pullbacks(lambda argument: function(argument, *fixed), first)
        return rows

    return at


def each_gradient(function: Callable[..., Any], *arguments: Any) -> tuple[list[Array], Callable[[int], Any], Any]:
    """Linearize a function with a list of scalar outputs once, and pull back one output at a time.

    The cotangents of the others are symbolic zeros: what does not reach the chosen output is left out of the
    program instead of being multiplied by zero.

    Returns
    -------
    tuple
        The outputs, the function from i to the gradients of output i in the arguments, and what the function
        returns beside its outputs.

    """
    outputs, pullback, beside = jax.vjp(function, *arguments, has_aux=True)
    nothing = [ad.Zero(jax.typeof(output)) for output in outputs]

    def gradient(i: int) -> Any:
        return pullback([*nothing[:i], jnp.ones((), outputs[i].dtype), *nothing[i + 1 :]])

    return outputs, gradient, beside
