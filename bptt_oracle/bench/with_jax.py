"""The same network as people write it for JAX, differentiated and compiled by it."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import bptt_oracle.reference  # noqa: F401  # float64 in JAX

from .agreement import Found
from .contenders import Contender
from .networks import Data


def loss(params: Any, h0: Any, x: Any, y: Any) -> Any:
    """J, the mean over steps and sequences; what needs no earlier step is outside the loop over time."""
    below = x
    for layer, state in zip(params[:-1], h0, strict=True):
        given = below @ layer["W"].T + layer["b"]
        below = jax.lax.scan(partial(_step, layer["H"].T), state, given)[1]
    scores = below @ params[-1]["W"].T + params[-1]["b"]
    chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), y[..., None], axis=-1)
    return -chosen.mean()


def _step(H_T: Any, before: Any, given: Any) -> tuple[Any, Any]:
    h = jnp.tanh(before @ H_T + given)
    return h, h


def contender(data: Data) -> Contender:
    """It, compiled; its arrays are JAX's already."""
    arguments = jax.tree.map(jnp.asarray, (data.params, data.h0, data.x, data.y))
    start = perf_counter()
    compiled = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2))).lower(*arguments).compile()
    preparation = perf_counter() - start

    def result(found: Any) -> Found:
        params, h0, x = jax.tree.map(np.asarray, found[1])
        return Found(params, h0, x)

    def work() -> Any:
        return jax.block_until_ready(compiled(*arguments))  # type: ignore[no-untyped-call]

    return Contender(work, result, preparation)
