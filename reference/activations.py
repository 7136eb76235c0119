"""The activation f of the hidden layers (equation (4)): f alone, for JAX to differentiate."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import jax
import jax.numpy as jnp
from jax import Array

Activation = Callable[[Array], Array]

#: The name of the activation that takes coefficients, and how many it takes.
MIXTURE = "mixture"
MIXTURE_SIZE = 5


def tanh(u: Array) -> Array:
    """Hyperbolic tangent, elementwise."""
    return jnp.tanh(u)


def logistic(u: Array) -> Array:
    """1 / (1 + exp(-u)), elementwise."""
    return jax.lax.logistic(u)


def relu(u: Array) -> Array:
    """max(u, 0), elementwise.

    As a choice between u and the constant 0, so that its derivative at the kink is that of the constant, 0.
    """
    return jnp.where(u > 0, u, jnp.zeros_like(u))


def softplus(u: Array) -> Array:
    """The logarithm of 1 + exp(u), elementwise and without overflow; at 0 it is log 2, not zero."""
    return jnp.logaddexp(u, jnp.zeros_like(u))


def sine(u: Array) -> Array:
    """sin(u), elementwise: a derivative that changes its sign."""
    return jnp.sin(u)


def identity(u: Array) -> Array:
    """Return u itself: the network is then linear up to its output."""
    return u


def combine(coefficients: Array | Sequence[float], u: Array) -> Array:
    """c_0 tanh(u) + c_1 sin(u) + c_2 u + c_3 u^2 + c_4, elementwise.

    Parameters
    ----------
    coefficients
        c_0, ..., c_4: five numbers, or an array of shape (5,) in the type of u.
    u
        Any shape.

    """
    c = coefficients
    return c[0] * jnp.tanh(u) + c[1] * jnp.sin(u) + c[2] * u + c[3] * (u * u) + c[4]


@lru_cache(maxsize=1024)
def _mixture(coefficients: tuple[float, ...]) -> Activation:
    def f(u: Array) -> Array:
        return combine(coefficients, u)

    return f


def mixture(coefficients: Sequence[float]) -> Activation:
    """An activation that is in no table: `combine` with its five coefficients fixed.

    The same coefficients give the same function object, so that what is compiled for it is found again.

    Parameters
    ----------
    coefficients
        c_0, ..., c_4, finite.

    Raises
    ------
    ValueError
        If there are not five of them.

    """
    if len(coefficients) != MIXTURE_SIZE:
        raise ValueError(
            f"mixture: expected {MIXTURE_SIZE} coefficients (of tanh(u), sin(u), u, u^2 and 1), got {len(coefficients)}"
        )
    return _mixture(tuple(float(c) for c in coefficients))


#: The activations by name. "mixture" is not among them: it needs its coefficients.
ACTIVATIONS: dict[str, Activation] = {
    "tanh": tanh,
    "logistic": logistic,
    "relu": relu,
    "softplus": softplus,
    "sine": sine,
    "identity": identity,
}


def activation(name: str, coefficients: Sequence[float] = ()) -> Activation:
    """Look an activation up by its name.

    Parameters
    ----------
    name
        A key of `ACTIVATIONS`, or "mixture".
    coefficients
        Those of the mixture; any other activation ignores them.

    Raises
    ------
    ValueError
        If the name is not known, or a mixture's coefficients are not five.

    """
    if name == MIXTURE:
        return mixture(coefficients)
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join([*ACTIVATIONS, MIXTURE])}; got {name!r}")
    return ACTIVATIONS[name]
