"""The output g and the loss of a single time step (equations (2) and (3)).

The document assumes that g is the softmax, "which can be easily substituted with any other functions as
needed". `SUBSTITUTES` holds some that may be put in its place.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Output(NamedTuple):
    """What stands on top of z^(n)(t).

    Parameters
    ----------
    g
        From the logits z^(n)(t), shape (|V|,), to y^(t), shape (|V|,): equation (3).
    loss
        From the logits and the target y^(t), shape (|V|,), to the scalar J^(t): equation (2).

    """

    g: Callable[[Array], Array]
    loss: Callable[[Array, Array], Array]


def with_g(g: Callable[[Array], Array]) -> Output:
    """The output with any g: J^(t) = -sum_j y_j log g(z)_j, as in the second line of (1).

    Parameters
    ----------
    g
        From logits of shape (|V|,) to positive numbers of the same shape. Where it gives 0 the loss is
        infinite, or undefined when y_j is 0 too.

    """

    def loss(z: Array, y: Array) -> Array:
        return -jnp.sum(y * jnp.log(g(z)))

    return Output(g, loss)


def algebraic_softmax(z: Array) -> Array:
    """exp(z_j) / sum_i exp(z_i) as the formula stands, without subtracting the largest logit.

    It means something over any field, and overflows in float64 from logits of about 709.
    """
    exp_z = jnp.exp(z)
    return exp_z / jnp.sum(exp_z)


def _stable_loss(z: Array, y: Array) -> Array:
    return jax.nn.logsumexp(z) - jnp.sum(y * z)


#: Softmax and its loss in the form log(sum exp z) - y.z, which needs no y^ and does not overflow. It equals
#: -sum_j y_j log y^_j because the targets sum to 1.
SOFTMAX = Output(jax.nn.softmax, _stable_loss)

#: Softmax and its loss as the document's formulas stand: exp, log and field operations only.
SOFTMAX_ALGEBRAIC = with_g(algebraic_softmax)


def _logistic(z: Array) -> Array:
    return 1 / (1 + jnp.exp(-z))


def _hot_softmax(z: Array) -> Array:
    return algebraic_softmax(z / 2)


def _shifted_softmax(z: Array) -> Array:
    """Softmax of the logits plus (1, 2, ..., |V|): a constant vector that does not cancel."""
    return algebraic_softmax(z + jnp.arange(1, z.shape[0] + 1, dtype=z.dtype))


def _negated_softmax(z: Array) -> Array:
    return algebraic_softmax(-z)


def _normalised_squares(z: Array) -> Array:
    return z * z / jnp.sum(z * z)


def _normalised_softplus(z: Array) -> Array:
    softplus = jnp.log(1 + jnp.exp(z))
    return softplus / jnp.sum(softplus)


def _normalised_logistic(z: Array) -> Array:
    return _logistic(z) / jnp.sum(_logistic(z))


def _exponential(z: Array) -> Array:
    return jnp.exp(z)


#: Functions to put in the place of the softmax: exp, log and field operations only, like `algebraic_softmax`.
SUBSTITUTES: dict[str, Callable[[Array], Array]] = {
    "elementwise logistic": _logistic,
    "elementwise exponential": _exponential,
    "softmax at temperature 2": _hot_softmax,
    "softmax of shifted logits": _shifted_softmax,
    "softmax of negated logits": _negated_softmax,
    "normalised squares": _normalised_squares,
    "normalised softplus": _normalised_softplus,
    "normalised logistic": _normalised_logistic,
}
