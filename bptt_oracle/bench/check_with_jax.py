"""`jax.test_util.check_grads` of a backprop in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads as jax_check_grads

import bptt_oracle.reference  # noqa: F401  # float64 in JAX

from ..oracle.probes import Array
from .differences import At


def check_grads(at: At, leaves: Sequence[Array]) -> bool:
    """Whether it lets a backprop through."""
    like = jax.eval_shape(lambda: (jnp.zeros(()), tuple(jnp.zeros(leaf.shape) for leaf in leaves)))

    def called(*arrays: Any) -> Any:
        loss, gradients = at([np.asarray(array) for array in arrays])
        return np.asarray(loss), tuple(gradients)

    @jax.custom_vjp
    def loss_of(*arrays: Any) -> Any:
        return jax.pure_callback(called, like, *arrays)[0]

    def forward(*arrays: Any) -> Any:
        return jax.pure_callback(called, like, *arrays)

    def backward(gradients: Any, outgoing: Any) -> Any:
        return tuple(outgoing * gradient for gradient in gradients)

    loss_of.defvjp(forward, backward)
    try:
        jax_check_grads(loss_of, tuple(map(jnp.asarray, leaves)), order=1, modes=("rev",))  # type: ignore[no-untyped-call]
    except AssertionError:
        return False
    return True
