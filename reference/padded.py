"""The network for many instances of mixed shapes at once: one compiled program, mapped over the batch.

XLA takes longer to compile a network than to run it a thousand times. Here every shape is one shape
(`padding` says why that is exact), every activation one activation (a choice by index), and time is a scan.
The losses and all derivatives are again autodiff's; the steps of the network are those of `model`. The
unrolled network of `quantities` is what this one is tested against.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .activations import ACTIVATIONS, Activation, combine
from .autodiff import one_hot_pullbacks
from .model import hidden, readout
from .output import SOFTMAX
from .padding import Batch
from .quantities import Quantities, single_steps


def gradients(batch: Batch) -> Quantities:
    """J and its gradient in everything that the networks are given: `quantities.gradients` for a batch.

    Parameters
    ----------
    batch
        From `padding.pad`. A new box, batch size or type compiles a new program.

    Returns
    -------
    dict
        "J": (B,); "dJ": as `batch.params`; "dJ_dh0": as `batch.h0`; "dJ_dx": as `batch.x`. `padding.unpad`
        reads it.

    """
    result: Quantities = _gradients(batch)
    return result


def gradients_side_by_side(batch: Batch, copies: int) -> Quantities:
    """`gradients`, from so many copies of each network's sequence side by side.

    The mean of their losses has the gradients of the one sequence. But a step is now a product of two matrices, for
    which accelerators have units of their own, that may multiply fewer bits.

    Parameters
    ----------
    batch
        From `padding.pad`.
    copies
        How many, at least 1.

    Returns
    -------
    dict
        As of `gradients`.

    """
    side_by_side = [np.repeat(np.expand_dims(a, 1), copies, axis=1) for a in (batch.x, batch.y)]
    h0 = [np.repeat(np.expand_dims(a, 1), copies, axis=1) for a in batch.h0]
    result: Quantities = _gradients_of_copies(batch, h0, *side_by_side)
    return result


def quantities(batch: Batch) -> Quantities:
    """Everything in `quantities.quantities`, for a batch.

    Parameters
    ----------
    batch
        From `padding.pad`. One instance takes some 2.5 MB of results in float64 in the box of
        `padding.Box()`.

    Returns
    -------
    dict
        The keys of `quantities.quantities`, every array with the batch's axis first and then of the box's
        size, every list as long as the box has layers. `padding.unpad` reads it.

    """
    result: Quantities = _quantities(batch)
    return result


@jax.jit  # so that its seven branches are traced and differentiated once, not once for every layer
def _select(index: Array, coefficients: Array, u: Array) -> Array:
    """The activation by its index. Mapped over a batch it becomes a selection among all of them."""
    value: Array = lax.switch(index, [*ACTIVATIONS.values(), partial(combine, coefficients)], u)
    return value


def _activation(one: Batch) -> Activation:
    return partial(_select, one.activation, one.coefficients)


def _forward(one: Batch, params: Any, h0: Any, x: Array, copies: Any = None, probes: Any = None) -> Any:
    """J^(t), z^(l)(t) for l = 1..n and h^(l)(t) for l = 0..n-1, each with an axis of all T times of the box.

    `copies` and `probes` are those of `model.forward`, their arrays with an axis of T times first.
    """
    f = _activation(one)
    depth = len(params) - 1

    def step(h_previous: Sequence[Array], at_t: Any) -> tuple[list[Array], Any]:
        x_t, y_t, live, copy, probe = at_t
        layers = params if copy is None else copy
        z, h = [], [x_t]
        for l in range(1, depth + 1):
            exists = live & one.active[l - 1]
            z_l = hidden(layers[l - 1], h_previous[l - 1], h[l - 1])
            z_l = jnp.where(exists, z_l if probe is None else z_l + probe[l - 1], jnp.zeros_like(z_l))
            z.append(z_l)
            h.append(jnp.where(exists, f(z_l), h[l - 1]))
        logits = readout(layers[depth], h[depth])
        z.append(logits if probe is None else logits + probe[depth])
        loss = SOFTMAX.loss(z[depth], y_t)
        return h[1:], (jnp.where(live, loss, jnp.zeros_like(loss)), z, h)

    _, over_time = lax.scan(step, h0, (x, one.y, one.live, copies, probes))
    return over_time


def _mean_loss(one: Batch, J_at: Array) -> Array:
    return jnp.sum(J_at) / jnp.sum(one.live).astype(J_at.dtype)


def _gradients_of_one(one: Batch) -> Quantities:
    def loss(params: Any, h0: Any, x: Array) -> Array:
        return _mean_loss(one, _forward(one, params, h0, x)[0])

    J, (dJ, dJ_dh0, dJ_dx) = jax.value_and_grad(loss, argnums=(0, 1, 2))(one.params, one.h0, one.x)
    return {"J": J, "dJ": dJ, "dJ_dh0": dJ_dh0, "dJ_dx": dJ_dx}


def _gradients_of_one_in_copies(one: Batch, h0: Sequence[Array], x: Array, y: Array) -> Quantities:
    def loss(params: Any, h0: Any, x: Array) -> Array:
        def of_copy(h0: Any, x: Array, y: Array) -> Array:
            copy = one._replace(y=y)
            return _mean_loss(copy, _forward(copy, params, h0, x)[0])

        return jnp.mean(jax.vmap(of_copy)(h0, x, y))

    J, (dJ, dJ_dh0, dJ_dx) = jax.value_and_grad(loss, argnums=(0, 1, 2))(one.params, h0, x)
    over_copies = partial(jnp.sum, axis=0)
    return {"J": J, "dJ": dJ, "dJ_dh0": [over_copies(each) for each in dJ_dh0], "dJ_dx": over_copies(dJ_dx)}


def _quantities_of_one(one: Batch) -> Quantities:
    T = one.x.shape[0]
    copies = jax.tree.map(lambda a: jnp.broadcast_to(a, (T, *a.shape)), one.params)
    probes = [jnp.zeros((T, *layer["b"].shape), layer["b"].dtype) for layer in one.params]

    def untied(probes: Any, copies: Any) -> Any:
        J_at, z, h = _forward(one, one.params, one.h0, one.x, copies, probes)
        return J_at, (z, h)

    def tied(params: Any) -> Any:
        return _forward(one, params, one.h0, one.x)[0]

    J_at, (dJ_dz, summands), (z, h) = one_hot_pullbacks(untied, probes, copies, has_aux=True)
    _, (dJ_at,), _ = one_hot_pullbacks(tied, one.params)
    return {
        "z": z,
        "h": h,
        "y_hat": jax.vmap(SOFTMAX.g)(z[-1]),
        "J_at": J_at,
        "dJ_dz": dJ_dz,
        "summands": summands,
        "dJ_at": dJ_at,
        **_gradients_of_one(one),
        **single_steps(_activation(one), one.params, z, h, one.h0),
    }


_gradients = jax.jit(jax.vmap(_gradients_of_one))
_gradients_of_copies = jax.jit(jax.vmap(_gradients_of_one_in_copies))
# Run a few times only: optimizing would cost more than it saves.
_quantities = jax.jit(jax.vmap(_quantities_of_one), compiler_options={"xla_backend_optimization_level": "0"})
