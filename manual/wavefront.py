"""The hidden layers of a batch all at once, along diagonals: (4), (5) forward and (43) back.

h^(l)(t) needs h^(l)(t-1) and h^(l-1)(t). So a diagonal s(k) = [h^(1)(k), h^(2)(k-1), ..., h^(n-1)(k-n+2)] needs nothing
but the diagonal before it, and one product does all its layers:

    z(k) = M s(k-1) + u(k),    M = [H^(1)              ]    u(k) = [W^(1) x^(k) + b^(1)]
                                   [W^(2)  H^(2)       ]           [b^(2)              ]
                                   [       W^(3)  H^(3)]           [b^(3)              ]

which is a recurrence of one layer, whose H is M, and backward likewise. At either end some layers are before their
first step or beyond their last: there the others go on alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise

import numpy as np

from .batch import Batch, over_steps
from .calculus import Array
from .recurrence import advance, as_vectors, go_back, slopes

LARGEST = 48 * 1024
"""Up to how many bytes of M for each layer it pays.

With m layers of width d, a step takes 3 calls of NumPy in place of 3 m, whose overhead is about a microsecond each, but
multiplies m (m - 1) d^2 entries more: the zeros of M, and W, which otherwise is multiplied with all steps at once. So
what counts is the size of m d^2 entries. Measured with T = 300, m from 2 to 6, float32 and float64, one sequence, both
ways were equally fast at 40 to 70 kB, whatever m; below 16 kB this one was 1.4 to 2.9 times as fast with three layers
and more. With two sequences the products take twice the time and more, and with 32 it never paid.
"""


def pays(net: Batch) -> bool:
    """Whether it is faster than layer by layer."""
    layers, D = net.n - 1, sum(len(net.H[l]) for l in net.hidden)
    return net.B == 1 and layers > 1 and D * D * net.x.itemsize <= layers * LARGEST


def states(net: Batch) -> dict[int, Array]:
    """h[l][t] is h^(l)(t), shape (T + 1, B, d_l), by (4) and (5)."""
    if net.n == 1:
        return {}
    slots = _slots(net)
    M_T, s = np.ascontiguousarray(_stacked(net, slots).T), _diagonals(net, slots)
    for l in net.hidden:
        own = s[l - 1 : l + net.T, :, slots[l]]
        own[0], own[1:] = net.h0[l], net.b[l]
    s[1 : 1 + net.T, :, slots[1]] += over_steps(net.x, net.W[1].T)
    diagonals = as_vectors(s)
    for k, running in _phases(net, slots):
        advance(net.functions.f, M_T[:, running], diagonals[k.start - 1 : k.stop - 1], as_vectors(s[k, :, running]))
    return {l: s[l - 1 : l + net.T, :, slots[l]] for l in net.hidden}


def gammas(net: Batch, h: Mapping[int, Array], arriving: Array, after: Mapping[int, Array]) -> dict[int, Array]:
    """gamma[l][t-1] is gamma^(l)(t), shape (T, B, d_l), hidden layers, by (43); arguments as of `recurrence.gammas`."""
    if net.n == 1:
        return {}
    slots = _slots(net)
    M, gamma, slope = _stacked(net, slots), _diagonals(net, slots, 1), _diagonals(net, slots)
    gamma[net.n - 1 : net.n - 1 + net.T, :, slots[net.n - 1]] = arriving
    for l in net.hidden:
        slope[l : l + net.T, :, slots[l]] = slopes(net, h, l, slice(None))
        if l in after:
            gamma[l + net.T, :, slots[l]] = after[l]
    diagonals = as_vectors(gamma)
    for k, running in reversed(list(_phases(net, slots))):
        of_running = (as_vectors(diagonal[k, :, running]) for diagonal in (gamma, slope))
        go_back(M[:, running], diagonals[k.start + 1 : k.stop + 1], *of_running)
    return {l: gamma[l : l + net.T, :, slots[l]] for l in net.hidden}


def _slots(net: Batch) -> dict[int, slice]:
    """Where each hidden layer stands in a diagonal."""
    ends = list(accumulate((len(net.H[l]) for l in net.hidden), initial=0))
    return {l: slice(ends[l - 1], ends[l]) for l in net.hidden}


def _stacked(net: Batch, slots: Mapping[int, slice]) -> Array:
    """M."""
    D = slots[net.n - 1].stop
    M = np.zeros((D, D), net.x.dtype)
    for l in net.hidden:
        M[slots[l], slots[l]] = net.H[l]
        if l > 1:
            M[slots[l], slots[l - 1]] = net.W[l]
    return M


def _diagonals(net: Batch, slots: Mapping[int, slice], more: int = 0) -> Array:
    """Room for the diagonals 0..T + n - 2, the last that a layer is on at the time T, and for some more."""
    return np.zeros((net.T + net.n - 1 + more, net.B, slots[net.n - 1].stop), net.x.dtype)


def _phases(net: Batch, slots: Mapping[int, slice]) -> Iterator[tuple[slice, slice]]:
    """Runs of diagonals on which the same layers are at one of the times 1..T, and the slots of those layers."""
    last = net.T + net.n - 2
    starts = sorted({*range(1, net.n), *range(net.T + 1, last + 1)})
    for start, stop in pairwise([*starts, last + 1]):
        lowest, highest = max(1, start + 1 - net.T), min(net.n - 1, start)
        yield slice(start, stop), slice(slots[lowest].start, slots[highest].stop)
