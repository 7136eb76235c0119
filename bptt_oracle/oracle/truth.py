"""The right loss and gradients of a network that is asked about, and its trajectories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..manual import Batch, BatchForward, BatchGradients, Elementwise, forward_batch, one_pass_batch
from ..manual.propagation import LAYER_BY_LAYER
from .answers import Grads, Limits, Truth
from .bounds import Bounds, bounds_of
from .conventions import ConventionError, Conventions
from .least import least_of
from .probes import Array, Probe, is_sized
from .smoothness import smoothness_of


@dataclass(frozen=True)
class Run:
    """Everything that the right program goes through, float64; time comes first, then the sequence.

    Attributes
    ----------
    z : z[l][t-1] is z^(l)(t), shape (T, B, d_l), layers 1..n
    h : h[l][t] is h^(l)(t), shape (T + 1, B, d_l), layers 0..n-1; h[0][t] is x^(t), and h[0][0] is zero
    y_hat : y_hat[t-1] is y^(t), shape (T, B, |V|)
    delta : delta[l][t-1] is the gradient of J in z^(l)(t), of each sequence, shape (T, B, d_l), layers 1..n
    weights : of the J^(t) in J, shape (T,)
    shares : of the sequences in J, shape (B,)
    loss : J
    """

    z: Mapping[int, Array]
    h: Mapping[int, Array]
    y_hat: Array
    delta: Mapping[int, Array]
    weights: Array
    shares: Array
    loss: float


def forward(probe: Probe, conventions: Conventions) -> BatchForward:
    """The forward propagation of a network, worked out once for an activation: it is the same for every J."""
    net, known = batch_of(probe, conventions), probe.runs
    if (run := known.get(conventions.activation)) is None:
        run = known[conventions.activation] = forward_batch(net, LAYER_BY_LAYER)  # the faster way on a few steps
        return run
    return replace(run, net=net)


def trajectories(probe: Probe, conventions: Conventions) -> Run:
    """What the right program goes through on a network, for the J of the conventions."""
    run = forward(probe, conventions)
    net = run.net
    found = one_pass_batch(net, run)
    h = {0: np.concatenate([np.zeros_like(probe.x[:1]), probe.x]), **run.h}
    return Run(run.z, h, run.y_hat, found.gamma, net.weights, net.shares, float(run.loss))


def truth_of(probe: Probe, conventions: Conventions, source: str = "manual") -> Truth:
    """The right loss and gradients of a network, and how far a right program may be from them.

    Parameters
    ----------
    probe
        The network, as f is asked about it: `probe.reduced(conventions)`.
    conventions
        Which J is differentiated, in what precision, with how many biases.
    source
        "manual": the one-pass backprop of `manual`, in float64. "jax": what JAX derives; it knows the activations by
        their names only.

    Raises
    ------
    ConventionError
        For another source, or a given activation with "jax".
    """
    run = forward(probe, conventions)
    net = run.net
    found = one_pass_batch(net, run, LAYER_BY_LAYER)
    loss, grads = (
        (float(run.loss), _as_params(found)) if source == "manual" else _by_jax(net, conventions.activation, source)
    )
    precision, biases, smooth = conventions.precision, conventions.biases, smoothness_of(conventions.activation)

    def limits(bounds: Bounds) -> Limits:
        return Limits(bounds.loss, _with_biases(_as_params(bounds), biases))

    def bounded() -> Limits:
        return limits(bounds_of(net, run, smooth, precision, is_small_by_rows=is_sized(probe.plan)))

    with np.errstate(all="ignore"):  # where the truth is not finite, nobody is near to it
        least = limits(least_of(net, run, found, smooth, precision))
    return Truth(loss, _with_biases(grads, biases), least, bounded, source)


def decided(truth: Truth) -> bool:
    """Whether every gradient has a finite bound.

    None has where a right program could be on the other side of a relu's kink, or where rounding errors grow so much
    that nothing is proved: another seed gives another network.
    """
    return all(np.isfinite(bound).all() for layer in truth.bounds for bound in layer.values())


def counts(probe: Probe, conventions: Conventions) -> tuple[Array, Array]:
    """How much each J^(t) counts in J, shape (T,), and each sequence, shape (B,)."""
    T, B = probe.T, probe.B
    weights = np.full(T, 1 / T) if conventions.over_time == "mean" else np.ones(T)
    if conventions.over_time == "last":
        weights[:-1] = 0
    return weights, np.full(B, 1 / B) if conventions.over_batch == "mean" else np.ones(B)


def batch_of(probe: Probe, conventions: Conventions) -> Batch:
    """The network of a probe for the manual side, its losses weighted as the conventions say."""
    layers = dict(enumerate(probe.params, start=1))
    weights, shares = counts(probe, conventions)
    return Batch(
        H={l: layer["H"] for l, layer in layers.items() if "H" in layer},
        W={l: layer["W"] for l, layer in layers.items()},
        b={l: layer["b"] for l, layer in layers.items()},
        x=probe.x,
        y=probe.targets,
        h0=dict(enumerate(probe.h0, start=1)),
        weights=weights,
        shares=shares,
        functions=conventions.functions,
    )


def _by_jax(net: Batch, activation: str | Elementwise, source: str) -> tuple[float, Grads]:
    if source != "jax":
        raise ConventionError(f'truth: expected "manual" or "jax", but got {source!r}')
    if not isinstance(activation, str):
        raise ConventionError(
            'truth: JAX knows an activation by its name alone, but got a pair (f, f\'); take "manual" for it'
        )
    from .autodiff import loss_and_gradients  # loads JAX

    return loss_and_gradients(net, activation)


def _as_params(found: BatchGradients | Bounds) -> Grads:
    """Gradients in the structure of the parameters."""
    H, W, b = found.H, found.W, found.b
    return [{"H": H[l], "W": W[l], "b": b[l]} if l in H else {"W": W[l], "b": b[l]} for l in sorted(W)]


def _with_biases(grads: Grads, biases: int) -> Grads:
    """With two biases, the gradient in the second one, too: the same."""
    if biases == 1:
        return grads
    return [layer | {"b_hh": layer["b"].copy()} if "H" in layer else layer for layer in grads]
