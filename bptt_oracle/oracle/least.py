"""What every bound is at least: what rounding can do in the last sum alone, known as soon as the gradients are.

The bound of an entry of a gradient (`bounds`) is at least

    (|error of delta| + gamma_k |delta|) |h|,    k = B T (T + 1) / 2 + 5,

with |delta| at least the size of the true delta, and gamma_k < 1. The one-pass backprop's own delta is that but for an
error, so gamma_k times its size times |h| is no more; the half of it, which is taken, makes up for how all of this is
rounded. In the same way the bound of J is at least what the logarithm and the sum over the classes do to it.

So whoever is this near to the truth is within the bounds, whatever they are, and they need not be worked out.
"""

from __future__ import annotations

from math import log

from ..arithmetic.formats import FORMATS
from ..manual import Batch, BatchForward, BatchGradients
from ..manual.batch import summed_outer
from .bounds import LIBRARY, ROUNDINGS, Bounds


def least_of(net: Batch, run: BatchForward, found: BatchGradients, precision: str) -> Bounds:
    """At most what `bounds_of` gives, entry by entry.

    Parameters
    ----------
    net, run
        The network, and its forward propagation.
    found
        Its gradients by the one-pass backprop.
    precision
        The format of the program: "float64" or "float32".
    """
    u = FORMATS[precision].u
    T, B, classes = run.y_hat.shape

    def half_of_gamma(operations: float) -> float:
        share = ROUNDINGS * operations * u
        return share / (1 - share) / 2

    of_sum = half_of_gamma(B * T * (T + 1) / 2 + 5)
    delta = {l: of_sum * abs(gamma) for l, gamma in found.gamma.items()}
    h = {l: abs(states) for l, states in run.h.items()}
    below = {1: abs(net.x)} | {l + 1: states[1:] for l, states in h.items()}
    total = float(net.weights.sum() * net.shares.sum())
    return Bounds(
        loss=(LIBRARY * u / 2 + half_of_gamma(classes + 4)) * (float(run.loss) + total * log(classes)),
        H={l: summed_outer(delta[l], states[:-1]) for l, states in h.items()},
        W={l: summed_outer(delta[l], below[l]) for l in net.W},
        b={l: delta[l].sum(axis=(0, 1)) for l in net.W},
    )
