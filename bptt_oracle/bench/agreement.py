r"""How far the gradients of two right programs may be apart, and whether those of some programs are.

A right program is one of `oracle.bounds`, of a network with tanh: every sum in any order, every result rounded at most
twice, exp, log and tanh within 8 ulps. There each entry has a bound of its own, at a cost that grows with T^2. Here
there is one bound for each gradient, in norms, at no cost, for networks as `networks` draws them.

Of a matrix, ||M|| is the largest row sum of sizes. So ||M^T v||_1 <= ||M|| ||v||_1, and max |M v| <= ||M|| max |v|. Of
layer l, let a = ||H||, which must be below 1, and w = ||W||; g(k) = 2 k u / (1 - 2 k u) is the relative error of k
operations in a row; |h| <= 1 + 16 u for what a program computes, so that N, the most that |h^(l)| is at any time, t = 0
included, is known, and so is N of x. All errors below are of any step and sequence.

Forward
    z errs by e <= g(k) m + a eta + w eta_below, where m = a N + w N_below + max |b| and k = d_l + d_{l-1} + 2; h errs
    by eta <= e + 16 u N, since |f'| <= 1. So eta <= (g(k) m + w eta_below + 16 u N) / (1 - a), by induction over time.
Output
    Logits that err by e give each y^_j a relative error of at most r = expm1(2 e + own), where own is what
    exponentials, their arguments, sum and quotient err. So ||error of y^ - y||_1 <= r + 2 g(1), as ||y^ - y||_1 <= 2.
Backward
    S is the largest ||delta||_1 that one pass has, in the same format. As long as errors E do not exceed S, what any
    right program has is at most 3 S: where E comes out larger, nothing is proved, and the bound is infinite. f' is
    1 - h^2 and errs by psi <= 2 N eta + g(3). What arrives at h has the size A <= 3 (a S + w_above S_above), and errs
    by at most a E + w_above E_above + g(d_l + d_{l+1} + 1) A; times f' <= 1, by (psi + g(1)) A more. So

        E <= (w_above E_above + (g(d_l + d_{l+1} + 2) + psi) A) / (1 - a),    by induction backwards over time.
Gradients
    Those in W are means over R = T B terms delta h^T. Down each column of the gradient, the sizes of errors add up to
    at most E N_below + 3 S eta_below + g(R + 4) 3 S N_below: the last for adding up, and for the weights 1 / T and
    1 / B, wherever a program multiplies by them. The same for H with the layer's own h, for b with 1 in the place of h.
    In x(t) and h(0), not means, 1 / R of w E + g(d_1 + 4) 3 w S, and with a for w.

All these are bounds on the truth's distance, so two programs are within the sum of two of them. What underflows is
smaller than any of them by far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import expm1, inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.formats import FORMATS
from .networks import Data

Array = NDArray[Any]

LIBRARY = 16  # units of roundoff: 8 ulps of exp, log, tanh
ROUNDINGS = 2


class DisagreementError(ValueError):
    """A contender computes something else: a gradient is further off than rounding can bring it."""


@dataclass(frozen=True)
class Found:
    """What a contender computes, in the structure of the parameters; what it does not give is None.

    Attributes
    ----------
    params : n dicts like the parameters; the products alone give no "b"
    h0 : n - 1 arrays of shape (B, d_l)
    x : (T, B, d_0)
    deltas : of one pass, the largest ||delta||_1 of any step and sequence, by layer
    """

    params: Sequence[Mapping[str, Array]]
    h0: Sequence[Array] | None = None
    x: Array | None = None
    deltas: Mapping[int, float] | None = None

    def leaves(self) -> dict[str, Array]:
        """Every gradient by its name."""
        found = {f"{name} of layer {l}": a for l, layer in enumerate(self.params, start=1) for name, a in layer.items()}
        found |= {f"h0 of layer {l}": a for l, a in enumerate(self.h0 or [], start=1)}
        return found | ({} if self.x is None else {"x": self.x})


def sizes(data: Data) -> dict[int, float]:
    """By layer, what the ||delta||_1 of all losses J^(i) add up to at most: S by the recursion, with f' <= 1."""
    found = {len(data.params): 2.0}
    for l in range(len(data.params) - 1, 0, -1):
        left = 1 - _row_sum(data.params[l - 1]["H"])
        found[l] = _row_sum(data.params[l]["W"]) * found[l + 1] / left if left > 0 else inf
    return found


def bounds(data: Data, deltas: Mapping[int, float], additions: int | None = None) -> dict[str, float]:
    """For every gradient by its name, how far a right program may be from the truth, in the norm `distance`.

    Parameters
    ----------
    data
        The network.
    deltas
        S by layer.
    additions
        How many additions any term goes through on the way into a gradient of parameters; T B if not given.
    """
    u = FORMATS[data.size.dtype].u
    rows = data.size.T * data.size.B
    n, additions = len(data.params), rows if additions is None else additions

    def g(operations: int) -> float:
        share = ROUNDINGS * operations * u
        return share / (1 - share) if share < 1 else inf

    w = {l: _row_sum(layer["W"]) for l, layer in enumerate(data.params, start=1)}
    a = {l: _row_sum(layer["H"]) for l, layer in enumerate(data.params, start=1) if "H" in layer}
    d = {0: data.x.shape[2]} | {l: len(layer["b"]) for l, layer in enumerate(data.params, start=1)}
    N, eta = {0: _largest(data.x)}, {0: 0.0}
    for l in range(1, n):
        N[l] = max(1 + LIBRARY * u, _largest(data.h0[l - 1]))
        m = a[l] * N[l] + w[l] * N[l - 1] + _largest(data.params[l - 1]["b"])
        left = 1 - a[l]
        rounding = g(d[l] + d[l - 1] + 2) * m + w[l] * eta[l - 1] + LIBRARY * u * N[l]
        eta[l] = rounding / left if left > 0 else inf
    m = w[n] * N[n - 1] + _largest(data.params[-1]["b"])
    e = g(d[n - 1] + 1) * m + w[n] * eta[n - 1]
    own = ROUNDINGS * u * (3 * (m + e) + log(d[n])) + LIBRARY * u * (2 + log(d[n])) + g(d[n] + 1)
    E, S = {n: (expm1(2 * e + own) if 2 * e + own < 1 else inf) + 2 * g(1)}, deltas
    for l in range(n - 1, 0, -1):
        A, psi = 3 * (a[l] * S[l] + w[l + 1] * S[l + 1]), 2 * N[l] * eta[l] + g(3)
        left = 1 - a[l]
        E[l] = (w[l + 1] * E[l + 1] + (g(d[l] + d[l + 1] + 2) + psi) * A) / left if left > 0 else inf
    if not all(E[l] <= S[l] for l in E):
        return dict.fromkeys(_names(n), inf)

    def mean(l: int, size: float, error: float) -> float:
        return E[l] * size + 3 * S[l] * error + g(additions + 4) * 3 * S[l] * size

    found = {}
    for l in range(1, n + 1):
        if l < n:
            found[f"H of layer {l}"] = mean(l, N[l], eta[l])
            found[f"h0 of layer {l}"] = (a[l] * E[l] + g(d[l] + 4) * 3 * a[l] * S[l]) / rows
        found[f"W of layer {l}"] = mean(l, N[l - 1], eta[l - 1])
        found[f"b of layer {l}"] = mean(l, 1, 0)
    return found | {"x": (w[1] * E[1] + g(d[1] + 4) * 3 * w[1] * S[1]) / rows}


def distance(name: str, a: Array, b: Array) -> float:
    """The norm in which a gradient is bounded: the largest sum of sizes down a column, or over a sequence's entries."""
    difference = abs(a.astype(np.float64) - b.astype(np.float64))
    axis = 0 if name[0] in "HWb" else -1
    return float(difference.sum(axis=axis).max())


def compare(
    data: Data, right: Found, by_name: Mapping[str, Found], allowed: Mapping[str, float] | None = None
) -> dict[str, float]:
    """For each contender the largest share of the bounds that it uses, held against one pass.

    Parameters
    ----------
    data
        The network.
    right
        What one pass gives.
    by_name
        What the contenders give.
    allowed
        The bounds; if not given, those for the deltas that one pass has.

    Raises
    ------
    DisagreementError
        If a gradient is not within its bound, has another shape, or is not finite.
    """
    if allowed is None:
        assert right.deltas is not None  # one pass has them
        allowed = bounds(data, right.deltas)
    truth = right.leaves()
    shares = {}
    for contender, found in by_name.items():
        share = 0.0
        for name, gradient in found.leaves().items():
            if gradient.shape != truth[name].shape:
                raise DisagreementError(
                    f"{contender}: {data.size}: {name}: expected a gradient of shape {truth[name].shape}, "
                    f"but got {gradient.shape}"
                )
            apart, bound = distance(name, gradient, truth[name]), 2 * allowed[name]
            if not apart <= bound < inf:
                raise DisagreementError(
                    f"{contender}: {data.size}: {name}: expected a gradient within {bound:.3g} of that of one pass, "
                    f"but it is {apart:.3g} away"
                )
            share = max(share, apart / bound)
        shares[contender] = share
    return shares


def strength(data: Data, right: Found) -> float:
    """How large bounds are, as shares of the gradients of parameters: what is more wrong than the largest is found."""
    assert right.deltas is not None  # one pass has them
    allowed = bounds(data, right.deltas)
    means = {name: a for name, a in right.leaves().items() if name[0] in "HWb"}
    return max(2 * allowed[name] / distance(name, a, np.zeros_like(a)) for name, a in means.items())


def _names(n: int) -> list[str]:
    layers = range(1, n + 1)
    return [*(f"{name} of layer {l}" for l in layers for name in ("H", "W", "b", "h0") if l < n or name in "Wb"), "x"]


def _row_sum(matrix: Array) -> float:
    return float(abs(matrix).astype(np.float64).sum(axis=1).max())


def _largest(array: Array) -> float:
    return float(abs(array).max())
