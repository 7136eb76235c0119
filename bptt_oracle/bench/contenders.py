"""The contenders of NumPy: one pass, the plain loop, and the matrix products alone, which nothing can beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..manual import LossAndGradients, forward_batch, gradients_in_segments, one_pass_batch
from .agreement import Found
from .networks import Data
from .plain import plain_with_inputs


@dataclass(frozen=True)
class Contender:
    """One way to the gradients of one network.

    Attributes
    ----------
    work : does it once; what is timed
    result : what `work` gave, in the common form
    preparation : seconds that it took to make it ready, where that is more than nothing: compilation
    """

    work: Callable[[], Any]
    result: Callable[[Any], Found]
    preparation: float | None = None


ONE_PASS, AGAIN, PLAIN, PRODUCTS, JAX, TORCH = "one pass", "one pass, again", "plain loop", "products", "JAX", "torch"
NAMES = {
    ONE_PASS: "one pass: `gradients_in_segments`, with one segment",
    AGAIN: "the same once more, as another contender: what the machine's noise makes of a ratio of 1",
    TORCH: "torch: `nn.RNN`, `nn.Linear`, `cross_entropy`, `backward`",
    JAX: "JAX: `value_and_grad` of a loop by `lax.scan`, compiled",
    PLAIN: "plain loop: NumPy, a step at a time, as people write it",
    PRODUCTS: "products: the same matrix products into arrays that are there, and nothing else",
}


def contenders(data: Data, threads: str) -> dict[str, Contender | None]:
    """All of them by name; None for a library that is not installed."""
    from . import with_jax

    torch = None
    if find_spec("torch") is not None:
        from . import with_torch

        torch = with_torch.contender(data, threads)
    return {
        ONE_PASS: one_pass(data),
        AGAIN: one_pass(data),
        TORCH: torch,
        JAX: with_jax.contender(data),
        PLAIN: plain_loop(data),
        PRODUCTS: products(data),
    }


def one_pass(data: Data) -> Contender:
    """The one pass of this project: J, and its gradients in everything in which the others give them too."""
    net = data.batch()

    def work() -> LossAndGradients:
        return gradients_in_segments(net, net.T, recompute=False, inputs=True)

    def result(gradients: LossAndGradients) -> Found:
        params = [
            ({"H": gradients.H[l]} if l in gradients.H else {}) | {"W": gradients.W[l], "b": gradients.b[l]}
            for l in sorted(gradients.W)
        ]
        rows = net.T * net.B  # a gamma is the delta of a mean over so many losses
        gammas = one_pass_batch(net, forward_batch(net)).gamma
        deltas = {l: rows * float(abs(gamma).sum(axis=-1).max()) for l, gamma in gammas.items()}
        return Found(params, [gradients.h0[l] for l in sorted(gradients.h0)], gradients.x, deltas)

    return Contender(work, result)


def plain_loop(data: Data) -> Contender:
    """The loop that people write."""

    def result(found: tuple[Any, ...]) -> Found:
        _, grads, h0, x = found
        return Found(grads, h0, x)

    return Contender(lambda: plain_with_inputs(data.params, data.x, data.y, data.h0), result)


def products(data: Data) -> Contender:
    """The products alone, on the numbers of one pass, whose gradients in H and W they therefore give.

    What a layer needs over all steps is one product, what needs the step before or after it a product a step.
    """
    net = data.batch()
    run = forward_batch(net)
    gamma = one_pass_batch(net, run).gamma
    n, (T, B) = net.n, data.x.shape[:2]
    work: list[tuple[Any, Any, Any]] = []
    params: list[dict[str, Any]] = []
    for l in range(1, n + 1):
        below = (net.x if l == 1 else run.h[l - 1][1:]).reshape(T * B, -1)
        errors = gamma[l].reshape(T * B, -1)
        up, down = np.empty_like(errors), np.empty_like(below)
        layer = {"W": np.empty_like(net.W[l])}
        work += [(below, net.W[l].T, up), (errors.T, below, layer["W"]), (errors, net.W[l], down)]
        if l < n:
            layer = {"H": np.empty_like(net.H[l])} | layer
            H_T, step = np.ascontiguousarray(net.H[l].T), np.empty_like(gamma[l][0])
            work += [(before, H_T, step) for before in run.h[l][:-1]]
            work += [(after, net.H[l], step) for after in gamma[l][::-1]]
            work.append((errors.T, run.h[l][:-1].reshape(T * B, -1), layer["H"]))
        params.append(layer)

    def multiply() -> None:
        for a, b, out in work:
            np.dot(a, b, out=out)

    return Contender(multiply, lambda _: Found(params))
