"""Which losses J^(i) f's delta^(l)(k) takes in, as measured: delta^(l)(k) is the sum of delta^(l)(k)(i) over i >= k."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..probes import Array
from .laws import RIGHT, followed
from .network import Network
from .numbers import Known, fraction, meets
from .steps import Steps, forms, place


@dataclass(frozen=True)
class Losses:
    """Which losses are taken in: those at most `window` - 1 steps later, or all but those of the steps `missing`.

    A window counts from 1, or from T if it is not positive.
    """

    window: int = 0
    missing: Steps | None = None

    def taken(self, T: int) -> Array:
        """Whether delta(k) takes in J^(i): shape (T, T), row k - 1, column i - 1."""
        window = place(self.window, T)
        missing = self.missing.at(T) if self.missing else frozenset()
        steps = range(1, T + 1)
        return np.array([[0 <= i - k < window and i not in missing for i in steps] for k in steps])


def by_loss(net: Network, l: int, error: Known) -> Known:
    """delta^(l)(k)(i) by the right law, (26)-(30), of what is fed in at step i alone: shape (T, i, B, d_l)."""
    parts = []
    for i in range(net.T):
        keep = (np.arange(net.T) == i)[:, None, None]
        delta = Known(error.value * keep, error.error * keep)
        for layer in range(net.n - 1, l - 1, -1):
            delta = followed(RIGHT, net, layer, delta)
        parts.append(delta)
    return Known(np.stack([p.value for p in parts], axis=1), np.stack([p.error for p in parts], axis=1))


def taken_in(losses: Losses, net: Network, l: int, error: Known) -> Known:
    """The deltas of the losses that are taken in."""
    parts, keep = by_loss(net, l, error), losses.taken(net.T)[:, :, None, None]
    return Known((parts.value * keep).sum(axis=1), (parts.error * keep).sum(axis=1))


def search_losses(net: Network, l: int, own: Known, error: Known) -> list[Losses]:
    """Which losses measured deltas of one sequence take in; all that are given are the same on this network."""
    T = net.T
    parts = by_loss(net, l, error).at(np.s_[:, :, 0])
    C = np.zeros((T, T))
    for k in range(T):
        rows, delta = parts.value[k, k:], own.at(np.s_[k, 0])
        if len(rows) > rows.shape[1] or np.linalg.matrix_rank(rows) < len(rows):
            return []
        inverse = np.linalg.pinv(rows)
        c = delta.value @ inverse
        reach = delta.error + abs(c) @ parts.error[k, k:]
        exact = [fraction(float(a), float(b)) for a, b in zip(c, reach @ abs(inverse), strict=True)]
        if not all(number in (0, 1) for number in exact):
            return []
        C[k, k:] = [float(number or 0) for number in exact]
    made = np.einsum("ki,kid->kd", C, parts.value)
    reach = own.error[:, 0] + np.einsum("ki,kid->kd", C, parts.error)
    if not meets(own.value[:, 0] - made, reach, own.value, choices=[Fraction(int(c)) for c in C.flat]):
        return []
    steps = range(1, T + 1)
    missing = {i for i in steps if not C[:i, i - 1].any()}
    widths = {int(C[k - 1].sum()) for k in steps}
    candidates = [Losses(window) for m in [max(widths)] for window in (m, m - T)]
    candidates += [Losses(missing=place) for place in forms(missing, T)]
    return [each for each in candidates if (each.taken(T) == (C == 1)).all()]
