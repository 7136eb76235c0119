"""Loss and gradients of a network that is asked about, by JAX's automatic differentiation of the forward pass alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from ..manual import Batch
from ..reference.activations import ACTIVATIONS, Activation
from ..reference.model import Params, hidden, readout
from ..reference.output import SOFTMAX
from .answers import Grads


def loss_and_gradients(net: Batch, activation: str) -> tuple[float, Grads]:
    """J and its gradients in the parameters, in their structure.

    Parameters
    ----------
    net
        The network; its functions are not used. A new shape compiles a new program.
    activation
        A key of `reference.activations.ACTIVATIONS`.
    """
    params = [({"H": net.H[l]} if l in net.H else {}) | {"W": net.W[l], "b": net.b[l]} for l in sorted(net.W)]
    h0 = [net.h0[l] for l in sorted(net.h0)]
    J, grads = _compiled(ACTIVATIONS[activation], params, net.x, net.y, h0, net.weights, net.shares)
    return float(J), [{name: np.array(layer[name]) for name in ("H", "W", "b") if name in layer} for layer in grads]


@partial(jax.jit, static_argnames="f", compiler_options={"xla_backend_optimization_level": "0"})
def _compiled(
    f: Activation,
    params: Params,
    x: jax.Array,
    y: jax.Array,
    h0: Sequence[jax.Array],
    weights: jax.Array,
    shares: jax.Array,
) -> Any:
    def losses(params: Params, x: jax.Array, y: jax.Array, h0: Sequence[jax.Array]) -> jax.Array:
        """The J^(t) of one sequence."""

        def step(before: Sequence[jax.Array], at: tuple[jax.Array, jax.Array]) -> tuple[list[jax.Array], jax.Array]:
            below, y_t = at
            h = []
            for layer, h_previous in zip(params, before, strict=False):
                below = f(hidden(layer, h_previous, below))
                h.append(below)
            return h, SOFTMAX.loss(readout(params[-1], below), y_t)

        J_at: jax.Array = jax.lax.scan(step, list(h0), (x, y))[1]
        return J_at

    def loss(params: Params) -> jax.Array:
        J_at = jax.vmap(losses, in_axes=(None, 1, 1, 0), out_axes=1)(params, x, y, h0)
        return weights @ J_at @ shares

    return jax.value_and_grad(loss)(params)
