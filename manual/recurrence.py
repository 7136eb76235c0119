"""The hidden layers of a batch, one after the other: (4), (5) forward and (43) back.

What a layer gets from the layer below, or from the one above, is worked out for all steps by one product, into the very
array where the loop over time then turns it into h, or gamma. So a step is a product with H, an addition, and f or a
multiplication with f'; the views that it works on are made outside of the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .batch import Batch, over_steps, rows_of
from .calculus import Array, Elementwise

BLOCK = 2**18
"""How many bytes of f' are worked out at a time: they are used while they are still in a processor's cache."""


def states(net: Batch) -> dict[int, Array]:
    """h[l][t] is h^(l)(t), shape (T + 1, B, d_l), by (4) and (5)."""
    h: dict[int, Array] = {}
    for l in net.hidden:
        h[l] = np.empty((net.T + 1, *net.h0[l].shape), net.x.dtype)
        h[l][0], given = net.h0[l], h[l][1:]
        np.dot(rows_of(net.below(h, l)), net.W[l].T, out=rows_of(given))
        given += net.b[l]
        steps = as_vectors(h[l])
        advance(net.functions.f, np.ascontiguousarray(net.H[l].T), steps[:-1], steps[1:])
    return h


def gammas(net: Batch, h: Mapping[int, Array], arriving: Array, after: Mapping[int, Array]) -> dict[int, Array]:
    """gamma[l][t-1] is gamma^(l)(t), shape (T, B, d_l), hidden layers, by (43).

    Parameters
    ----------
    net, h
        The network and its states.
    arriving
        W^(n)T gamma^(n)(t), shape (T, B, d_{n-1}); overwritten.
    after
        gamma^(l)(T + 1), shape (B, d_l), where the sequences go on after T; else nothing.
    """
    gamma: dict[int, Array] = {}
    for l in reversed(net.hidden):
        gamma[l] = arriving if l == net.n - 1 else over_steps(gamma[l + 1], net.W[l + 1])
        if l in after:
            gamma[l][-1] += np.dot(after[l], net.H[l])
        length = max(1, BLOCK // gamma[l][0].nbytes)
        for stop in range(net.T, 0, -length):
            at = slice(max(0, stop - length), stop)
            slope = slopes(net, h, l, at)
            if stop == net.T:
                gamma[l][-1] *= slope[-1]
            steps = as_vectors(gamma[l][at.start : stop + 1])
            go_back(net.H[l], steps[1:], steps[:-1], as_vectors(slope[: len(steps) - 1]))
    return gamma


def advance(f: Elementwise, H_T: Array, before: Sequence[Array], given: Sequence[Array]) -> None:
    """One step after the other forward, (4) and (5): what z^(l)(t) is given from below becomes h^(l)(t).

    Parameters
    ----------
    f, H_T
        The activation, and the transposed H, its rows contiguous.
    before
        h^(l)(t-1), one for each step.
    given
        W^(l) h^(l-1)(t) + b^(l); overwritten.
    """
    add, into, recurrent = np.add, f.into, np.empty_like(given[0])
    for before_t, h_t in zip(before, given, strict=True):
        before_t.dot(H_T, recurrent)
        add(h_t, recurrent, h_t)
        into(h_t, h_t)


def go_back(H: Array, after: Sequence[Array], arriving: Sequence[Array], slope: Sequence[Array]) -> None:
    """One step after the other back, (43): what arrives at h^(l)(t) from above becomes gamma^(l)(t).

    Parameters
    ----------
    H
        As it is: a row times H is H^T times a column.
    after
        gamma^(l)(t+1), one for each step.
    arriving
        W^(l+1)T gamma^(l+1)(t); overwritten.
    slope
        f'(z^(l)(t)).
    """
    if not arriving:
        return
    add, multiply, recurrent = np.add, np.multiply, np.empty_like(arriving[0])
    for after_t, gamma_t, slope_t in zip(reversed(after), reversed(arriving), reversed(slope), strict=True):
        after_t.dot(H, recurrent)
        add(gamma_t, recurrent, gamma_t)
        multiply(gamma_t, slope_t, gamma_t)


def slopes(net: Batch, h: Mapping[int, Array], l: int, at: slice) -> Array:
    """f'(z^(l)(t)) at the times start + 1..stop of a slice, shape (T, B, d_l)."""
    f = net.functions.f
    return f.derivative(z_of(net, h, l, at)) if f.slope is None else f.slope(h[l][1:][at])


def z_of(net: Batch, h: Mapping[int, Array], l: int, at: slice) -> Array:
    """z^(l)(t) at the times start + 1..stop of a slice, from the states, (5): shape (T, B, d_l)."""
    z = over_steps(net.below(h, l)[at], net.W[l].T) + net.b[l]
    if l < net.n:
        z += over_steps(h[l][:-1][at], net.H[l].T)
    return z


def as_vectors(steps: Array) -> list[Array]:
    """The steps, those of one sequence as vectors, which NumPy multiplies faster than rows."""
    return list(steps[:, 0] if steps.shape[1] == 1 else steps)
