"""What every bound is at least: what rounding does in a few operations, known as soon as the gradients are.

With the names of `bounds`, the bound of an entry of a gradient is at least

    (|error of delta| + gamma_k |delta|) |h| + |delta| |error of h|,    k = B T (T + 1) / 2 + 5,

with |delta| at least the size of the true delta. Of u, the errors of f and f' are at least

    |error of h| >= u (a + c |h|),    |error of f'| >= u c' |f'|,

where (a, c) and (., c', .) are those of `Smoothness`; h(0) and x are exact. With a = H^T delta + W^T delta
that arrives, delta = f' a, and so

    |error of delta| >= (gamma_j + u c') |delta|,    j = d_l + d_(l+1), in hidden layers;
    |error of delta| >= gamma_j |delta|,             j = |V| + 6, in the output layer.

Each gamma is less than 1. What |delta| is multiplied by is the least of all layers. The one-pass backprop's own delta
is the true one but for an error, so all of this with its delta and h is no more; the half of it, which is taken, makes
up for how it is rounded. In the same way the bound of J is at least what the logarithm and the sum over the classes do
to it.

So whoever is this near to the truth is within the bounds, whatever they are, and they need not be worked out.
"""

from __future__ import annotations

from math import log

from ..arithmetic.formats import FORMATS
from ..manual import Batch, BatchForward, BatchGradients
from ..manual.batch import rows_of, summed, summed_outer
from .bounds import LIBRARY, ROUNDINGS, Bounds
from .probes import Array
from .smoothness import Smoothness


def least_of(net: Batch, run: BatchForward, found: BatchGradients, smooth: Smoothness, precision: str) -> Bounds:
    """At most what `bounds_of` gives, entry by entry.

    Parameters
    ----------
    net, run
        The network, its targets as rows, and its forward propagation.
    found
        Its gradients by the one-pass backprop.
    smooth
        What is known of its activation.
    precision
        The format of the program: "float64" or "float32".
    """
    half_u = FORMATS[precision].u / 2
    T, B, classes = run.y_hat.shape
    n, (a, c), (_, of_slope, _) = net.n, smooth.value, smooth.slope

    def half_of_gamma(operations: float) -> float:
        share = 2 * ROUNDINGS * operations * half_u
        return share / (1 - share) / 2

    hidden = [half_of_gamma(net.W[l].shape[0] + net.W[l + 1].shape[0]) + half_u * of_slope for l in net.hidden]
    share = half_of_gamma(B * T * (T + 1) / 2 + 5) + min([*hidden, half_of_gamma(classes + 6)])
    error = (run.y_hat - net.y) * (net.weights[:, None] * net.shares)[:, :, None]
    sizes = {l: abs(gamma) for l, gamma in found.hidden.items()} | {n: abs(error)}
    before, below = dict[int, Array](), {1: share * abs(net.x)}
    for l, states in run.h.items():
        h = (share + half_u * c) * abs(states) + half_u * a
        h[0] = share * abs(states[0])
        before[l], below[l + 1] = h[:-1], h[1:]
    total = float(net.weights.sum() * net.shares.sum())
    return Bounds(
        loss=(LIBRARY * half_u + half_of_gamma(classes + 4)) * (float(run.loss) + total * log(classes)),
        H={l: summed_outer(sizes[l], before[l]) for l in net.hidden},
        W={l: summed_outer(sizes[l], below[l]) for l in net.W},
        b={l: share * summed(rows_of(sizes[l])) for l in net.W},
    )
