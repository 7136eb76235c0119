"""Everything that the document differentiates, by autodiff of the unrolled network alone.

Lists over layers follow the document's order: a list over l = 1..n has layer l at index l - 1. Axes over time
have time t at index t - 1. Derivatives are laid out like the thing they are taken in: gradients, not row
vectors; Jacobians of a vector have the vector's axis first.

The functions are pure: they run operation by operation, under `jax.jit` (`quantities_jit`, `gradients_jit`),
and under `jax.make_jaxpr` (`trace`), whose program can be evaluated over any field.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr

from .activations import Activation
from .autodiff import each_gradient, jacobian
from .model import Layer, Params, forward, hidden, losses, mean_loss, readout, steps
from .output import SOFTMAX, Output

Quantities = dict[str, Any]


def gradients(
    f: Activation,
    params: Params,
    x: Array,
    y: Array,
    h0: Sequence[Array],
    output: Output = SOFTMAX,
) -> Quantities:
    """J and its gradient in everything that the network is given: equations (1) and (39)-(41), (44)-(46).

    Parameters
    ----------
    f
        The activation, elementwise and differentiable where it is used.
    params
        n >= 1 layers {"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}, the last without "H"; d_n = |V|.
    x, y
        Inputs (T, d_0) and targets (T, |V|), T >= 1; the rows of y sum to 1.
    h0
        h^(l)(0) for l = 1..n-1, of shape (d_l,).
    output
        g and the loss of one step.

    Returns
    -------
    dict
        "J": (); "dJ": n layers in the structure of `params`; "dJ_dh0": n - 1 vectors (d_l,);
        "dJ_dx": (T, d_0).

    Raises
    ------
    jax.dtypes.TypePromotionError
        If float32 and float64 are mixed; it is a ValueError.

    """

    def loss(params: Params, h0: Sequence[Array], x: Sequence[Array]) -> Array:
        return mean_loss(losses(output, forward(f, [params] * len(x), x, h0), steps(y)))

    J, (dJ, dJ_dh0, dJ_dx) = jax.value_and_grad(loss, argnums=(0, 1, 2))(_layers(params), list(h0), steps(x))
    return {"J": J, "dJ": dJ, "dJ_dh0": dJ_dh0, "dJ_dx": _stack(dJ_dx)}


def quantities(
    f: Activation,
    params: Params,
    x: Array,
    y: Array,
    h0: Sequence[Array],
    output: Output = SOFTMAX,
) -> Quantities:
    """Every quantity of the document that is a value or a derivative.

    Parameters
    ----------
    f, params, x, y, h0, output
        As for `gradients`.

    Returns
    -------
    dict
        What `gradients` gives, and:

        * "z": l = 1..n, each (T, d_l), and "h": l = 0..n-1, each (T, d_l) with times 1..T, "y_hat": (T, |V|),
          "J_at": (T,): equations (2)-(5);
        * "dJ_dz": l = 1..n, each (T, T, d_l): [i-1, t-1] is delta^(l)(t)(i), the gradient of J^(i) in
          z^(l)(t), zero for t > i: equations (7)-(15), (26)-(30);
        * "summands": l = 1..n, each {"H": (T, T, d_l, d_l), "W": ..., "b": ...}: [i-1, k-1] is the gradient
          of J^(i) in step k's use of the parameter, the summand |_(k) of (16), (20), (24); zero for k > i,
          and for l = n zero unless k = i;
        * "dJ_at": l = 1..n, each {"H": (T, d_l, d_l), "W": ..., "b": ...}: [i-1] is the gradient of J^(i):
          equations (16)-(25), (31)-(35);
        * "dz_dz_above": l = 1..n-1, each (T, d_{l+1}, d_l): [t-1] is the Jacobian of z^(l+1)(t) in z^(l)(t),
          with what comes from time t-1 held fixed: equations (8), (12);
        * "dz_dz_next": l = 1..n-1, each (T-1, d_l, d_l): [t-1] is the Jacobian of z^(l)(t+1) in z^(l)(t),
          with h^(l-1)(t+1) held fixed: equations (10), (14);
        * "dz_d": l = 1..n, each {"H": (T, d_l, d_l, d_l), "W": (T, d_l, d_l, d_{l-1}), "b": (T, d_l, d_l)}:
          [k-1, i, p, q] is the derivative of z_i^(l)(k) in H_pq^(l), with h^(l)(k-1) and h^(l-1)(k) held
          fixed: equations (16), (18), (20), (22), (24).

    Raises
    ------
    jax.dtypes.TypePromotionError
        If float32 and float64 are mixed; it is a ValueError.

    """
    T, n = x.shape[0], len(params)
    params, h0, x_steps, y_steps = _layers(params), [jnp.asarray(a) for a in h0], steps(x), steps(y)
    probes = [[jnp.zeros(layer["b"].shape, layer["b"].dtype) for _ in range(T)] for layer in params]

    def untied(probes: Any, copies: Any) -> Any:
        run = forward(f, copies, x_steps, h0, probes)
        return losses(output, run, y_steps), run

    def tied(params: Any, h0: Any, x_steps: Any) -> Any:
        J_at = losses(output, forward(f, [params] * T, x_steps, h0), y_steps)
        return [*J_at, mean_loss(J_at)], None

    J_at, pull_untied, run = each_gradient(untied, probes, [params] * T)
    tied_losses, pull_tied, _ = each_gradient(tied, params, h0, x_steps)
    at_probes, at_copies = zip(*(pull_untied(i) for i in range(T)), strict=True)
    dJ, dJ_dh0, dJ_dx = pull_tied(T)

    z = [_stack(run.z[l]) for l in range(n)]
    h = [_stack(run.h[l]) for l in range(n)]
    return {
        "z": z,
        "h": h,
        "y_hat": _stack([output.g(logits) for logits in run.z[-1]]),
        "J_at": _stack(J_at),
        "J": tied_losses[T],
        "dJ_dz": [_stack([_stack(at_probes[i][l]) for i in range(T)]) for l in range(n)],
        "summands": [
            {
                name: _stack([_stack([at_copies[i][k][l][name] for k in range(T)]) for i in range(T)])
                for name in params[l]
            }
            for l in range(n)
        ],
        "dJ_at": jax.tree.map(lambda *at: _stack(at), *(pull_tied(i)[0] for i in range(T))),
        "dJ": dJ,
        "dJ_dh0": dJ_dh0,
        "dJ_dx": _stack(dJ_dx),
        **single_steps(f, params, z, h, h0),
    }


def single_steps(
    f: Activation, params: Params, z: Sequence[Array], h: Sequence[Array], h0: Sequence[Array]
) -> Quantities:
    """The Jacobians of one step of the network at the z^(l)(t) it passes through, all times at once."""
    n = len(params)
    # h_previous[l - 1][t - 1] is h^(l)(t - 1).
    h_previous = [jnp.concatenate([h0[l - 1][None], h[l][:-1]]) for l in range(1, n)]

    def step(l: int, layer: Layer, h_below: Array, h_previous: Array | None) -> Array:
        return readout(layer, h_below) if h_previous is None else hidden(layer, h_previous, h_below)

    def above(l: int) -> Any:
        def z_above(z: Array, h_previous: Array | None) -> Array:
            return step(l + 1, params[l], f(z), h_previous)

        return jax.vmap(jacobian(z_above))(z[l - 1], h_previous[l] if l + 1 < n else None)

    def following(l: int) -> Any:
        def z_next(z: Array, h_below: Array) -> Array:
            return hidden(params[l - 1], f(z), h_below)

        return jax.vmap(jacobian(z_next))(z[l - 1][:-1], h[l - 1][1:])

    def in_parameters(l: int) -> Any:
        def z_of(layer: Layer, h_below: Array, h_previous: Array | None) -> Array:
            return step(l, layer, h_below, h_previous)

        jacobians = jax.vmap(jacobian(z_of), in_axes=(None, 0, 0))
        return jacobians(params[l - 1], h[l - 1], h_previous[l - 1] if l < n else None)

    return {
        "dz_dz_above": [above(l) for l in range(1, n)],
        "dz_dz_next": [following(l) for l in range(1, n)],
        "dz_d": [in_parameters(l) for l in range(1, n + 1)],
    }


def _layers(params: Params) -> list[dict[str, Array]]:
    return [{name: jnp.asarray(array) for name, array in layer.items()} for layer in params]


def _stack(arrays: Sequence[Array]) -> Array:
    """`jnp.stack` from fewer primitives: concatenate along the first axis, then split it."""
    shape = arrays[0].shape
    rows = jnp.concatenate([a if shape else a[None] for a in arrays])
    return rows.reshape((len(arrays), *shape))


# Compiled once for every shape and then run a few times: optimizing would cost more than it saves.
_compiled = partial(jax.jit, static_argnames=("f", "output"), compiler_options={"xla_backend_optimization_level": "0"})
quantities_jit = _compiled(quantities)
gradients_jit = _compiled(gradients)


class Traced(NamedTuple):
    """The program that JAX derived, for shapes and not for values.

    Parameters
    ----------
    jaxpr
        The program with its constants. Its inputs and outputs are flat lists.
    inputs, outputs
        The structure of (params, x, y, h0), and that of what the function returned.

    """

    jaxpr: ClosedJaxpr
    inputs: Any
    outputs: Any

    def flatten(self, params: Any, x: Any, y: Any, h0: Any) -> list[Any]:
        """The inputs in the program's order, for arrays of any kind.

        Raises
        ------
        ValueError
            If their structure is not the one that was traced.

        """
        leaves, structure = jax.tree.flatten(([dict(layer) for layer in params], x, y, list(h0)))
        if structure != self.inputs:
            raise ValueError(f"Traced.flatten: expected inputs of the structure {self.inputs}; got {structure}")
        return leaves

    def unflatten(self, leaves: Sequence[Any]) -> Quantities:
        """The program's outputs, for arrays of any kind, as the function returned them."""
        return jax.tree.unflatten(self.outputs, leaves)  # type: ignore[no-any-return]


def trace(
    f: Activation,
    params: Any,
    x: Any,
    y: Any,
    h0: Any,
    output: Output = SOFTMAX,
    of: Callable[..., Quantities] = quantities,
) -> Traced:
    """The program of `quantities`, or of `gradients`, in float64; the same shapes give the same object again.

    Parameters
    ----------
    f, output
        As for `quantities`; `symbolic.f` and `SOFTMAX_ALGEBRAIC` for a program that means something over any
        field.
    params, x, y, h0
        As for `quantities`. Only shapes are read, so the arrays may hold elements of any kind.
    of
        `quantities` or `gradients`.

    """
    leaves, structure = jax.tree.flatten(([dict(layer) for layer in params], x, y, list(h0)))
    return _trace(of, f, output, structure, tuple(np.shape(leaf) for leaf in leaves))


@lru_cache(maxsize=256)
def _trace(
    of: Callable[..., Quantities],
    f: Activation,
    output: Output,
    structure: Any,
    shapes: tuple[tuple[int, ...], ...],
) -> Traced:
    leaves = [
        jax.ShapeDtypeStruct(shape, np.float64)  # type: ignore[no-untyped-call]
        for shape in shapes
    ]
    params, x, y, h0 = jax.tree.unflatten(structure, leaves)
    jaxpr, result = jax.make_jaxpr(partial(of, f, output=output), return_shape=True)(params, x, y, h0)
    return Traced(jaxpr, structure, jax.tree.structure(result))
