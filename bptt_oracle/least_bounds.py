"""Lower limits of the error bounds of the manual side's one pass, for a padded batch of networks at once.

What differs by no more than such a limit differs by no more than the bound that `arithmetic.rounded` proves, and that
takes some 20 ms for a network. `least_errors` says why they are lower limits. The division by T divides the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .instances import Instance
from .least_errors import ROUNDING, SHARE, Matrix, Sums, U, Vectors, moved_by
from .manual import ACTIVATIONS


class Layer(NamedTuple):
    """A layer of the networks that have it.

    Attributes
    ----------
    networks : which of all, in the order of their activations
    above : which of those that have the layer above
    real : which units a network has: (width, networks)
    W, H : H of hidden layers alone
    b : of any step, with an axis of one step
    groups : the activations, with the networks of each as a slice
    """

    networks: Any
    above: Any
    real: Any
    W: Matrix
    H: Matrix | None
    b: Sums
    groups: Sequence[tuple[str, slice]]


class LeastBounds:
    """Lower limits of the error bounds that `rounded` proves for `one_pass` in float64, for a batch at once.

    Parameters
    ----------
    instances
        Networks with activations of `manual.ACTIVATIONS`.
    batch
        The same from `reference.padding.pad`, which may have more networks after them.
    """

    def __init__(self, instances: Sequence[Instance], batch: Any) -> None:
        f = np.array([instance.description.f for instance in instances])
        self.order = np.argsort(f, kind="stable")
        f, exists = f[self.order], batch.active[self.order]
        widths = [instances[j].description.d for j in self.order]
        self.top = len(batch.params)

        def last(array: Any, networks: Any = slice(None)) -> Any:
            """The array with its networks as the last axis, which NumPy runs along fastest."""
            return np.ascontiguousarray(np.moveaxis(array[self.order[networks]], 0, -1))

        x, y, live = (last(array) for array in (batch.x, batch.y, batch.live))
        self.box_T, lived = len(live), live.any(axis=1)
        self.y, self.live = y[lived], live[lived]  # the steps that any network has
        self.T, self.steps = len(self.live), self.live.sum(axis=0)
        self.x = Vectors.room(self.T, _first(x.shape[1], [d[0] for d in widths]))
        self.x.put(slice(None), x[lived], 0)

        has = [*(np.flatnonzero(exists[:, l]) for l in range(self.top - 1)), np.arange(len(f))]
        names = sorted(ACTIVATIONS)
        self.layers, self.h = {}, {}
        for l, (networks, params) in enumerate(zip(has, batch.params, strict=True), start=1):
            starts, ends = (np.searchsorted(f[networks], names, side) for side in ("left", "right"))
            b = last(params["b"], networks)[None]
            real = _first(b.shape[1], [widths[j][l - self.top - 1] for j in networks])
            self.layers[l] = Layer(
                networks,
                np.searchsorted(has[l], networks) if l < self.top else networks,
                real,
                Matrix(last(params["W"], networks)),
                Matrix(last(params["H"], networks)) if l < self.top else None,
                Sums(b, np.zeros_like(b), (b != 0) * U),
                [(name, slice(a, z)) for name, a, z in zip(names, starts, ends, strict=True) if a < z],
            )
            if l < self.top:
                self.h[l] = Vectors.room(self.T + 1, real)
                self.h[l].put(0, last(batch.h0[l - 1], networks), 0)

    def limits(self) -> dict[str, Any]:
        """The limits, in the structure and the box of `padded.gradients`."""
        slope, below = {}, {1: self.x.among(self.layers[1].networks)}
        for l in range(1, self.top):
            slope[l] = self._forward(l, below[l])
            below[l + 1] = self.x.among(self.layers[l + 1].networks)  # a layer that does not exist hands up x
            below[l + 1].replace(self.layers[l].above, self.h[l].at(slice(1, None)))

        dJ, dJ_dh0 = [], []
        dJ_dx = np.zeros((len(self.order), self.box_T, self.x.value.shape[1]))
        gamma = self._output(below[self.top])
        for l in range(self.top, 0, -1):
            layer = self.layers[l]
            found = {"W": self._outer(l, gamma, below[l]), "b": self._sum(l, gamma)}
            if layer.H is not None:
                found["H"] = self._outer(l, gamma, self.h[l].at(slice(None, -1)))
                dJ_dh0.append(self._mean(l, layer.H.transposed_times(gamma.at(0)).error))
            dJ.append(found)
            arriving = layer.W.transposed_times(gamma)
            above = self.layers[l - 1].above if l > 1 else []
            lowest = np.delete(np.arange(len(layer.networks)), above)  # the networks that begin with this layer
            networks = layer.networks[lowest]
            limit = arriving.among(lowest).error / self.steps[networks] * SHARE
            dJ_dx[self.order[networks], : self.T] = np.moveaxis(limit, -1, 0)
            if l > 1:
                gamma = self._backward(l - 1, arriving.among(above), slope[l - 1])
        return {"dJ": dJ[::-1], "dJ_dh0": dJ_dh0[::-1], "dJ_dx": dJ_dx}

    def _forward(self, l: int, below: Vectors) -> Vectors:
        """f'(z^(l)) at all times; the h^(l) are put in their place."""
        layer, h, slope, H = self.layers[l], self.h[l], Vectors.room(self.T, self.layers[l].real), self.layers[l].H
        assert H is not None
        from_below = layer.W.times(below).plus(layer.b)
        value, f_prime, own = (np.empty(layer.real.shape) for _ in range(3))
        moved = np.empty_like(slope.value)
        for t in range(self.T):
            z = H.times(h.at(t)).plus(from_below.at(t))
            moved[t] = z.error
            for name, which in layer.groups:
                of, f = (slice(None), which), ACTIVATIONS[name]
                value[of] = f(z.value[of])
                f_prime[of] = f.derivative(z.value[of]) if f.slope is None else f.slope(value[of])
                own[of] = ROUNDING[name].value(z.value[of], value[of], f_prime[of], moved[t][of])
            h.put(t + 1, value, moved_by(f_prime, moved[t]) + own)
            slope.value[t] = f_prime
        errors = np.empty_like(moved)
        for name, which in layer.groups:
            given = (array[..., which] for array in (h.value[1:], slope.value, moved, h.error[1:]))
            errors[..., which] = ROUNDING[name].slope(*given)
        slope.put(slice(None), slope.value, errors)
        return slope

    def _output(self, below: Vectors) -> Vectors:
        """gamma^(n), y_hat - y. An exponential errs, in units of itself, as a logit less the largest one does."""
        layer = self.layers[self.top]
        logits = layer.W.times(below).plus(layer.b)
        e = np.exp(logits.value - logits.value.max(axis=1, keepdims=True))
        y_hat = e / e.sum(axis=1, keepdims=True)
        error = logits.error
        moved = np.minimum(error + error.max(axis=1, keepdims=True), 1)
        of_each = moved * (1 - moved / 2) + 16 * U
        of_sum = (y_hat * of_each).sum(axis=1, keepdims=True) + (layer.real.sum(axis=0) - 1) * U
        error = y_hat * ((of_each + of_sum) / (1 + of_sum) + 2 * U) + U * (self.y != 0) * (y_hat + self.y)
        live, gamma = self.live[:, None], Vectors.room(self.T, layer.real)
        gamma.put(slice(None), live * (y_hat - self.y), live * error)
        return gamma

    def _backward(self, l: int, from_above: Sums, slope: Vectors) -> Vectors:
        """gamma^(l) at all times."""
        gamma, H = Vectors.room(self.T, self.layers[l].real), self.layers[l].H
        assert H is not None
        for t in range(self.T - 1, -1, -1):
            arriving = from_above.at(t)
            if t + 1 < self.T:
                arriving = arriving.plus(H.transposed_times(gamma.at(t + 1)))
            error, slope_error = arriving.error, slope.error[t]
            by_arriving, by_slope = abs(slope.value[t]) * error, abs(arriving.value) * slope_error
            larger, smaller = np.maximum(by_arriving, by_slope), np.minimum(by_arriving, by_slope)
            gamma.put(t, slope.value[t] * arriving.value, larger + np.maximum(smaller - error * slope_error, 0))
        return gamma

    def _outer(self, l: int, gamma: Vectors, h: Vectors) -> Any:
        """The gradient in a matrix, the mean of gamma h^T over time."""
        size = abs(h.value)
        error = np.minimum(h.error, size)
        zeros = ((h.value == 0) & self.live[:, None, self.layers[l].networks] & h.real).sum(axis=0).max(axis=0)
        by_gamma = np.einsum("tib,tjb->ijb", _summed(gamma, zeros), size - error)
        return self._mean(l, by_gamma + np.einsum("tib,tjb->ijb", abs(gamma.value), error))

    def _sum(self, l: int, gamma: Vectors) -> Any:
        """The gradient in a bias, the mean of gamma over time."""
        return self._mean(l, _summed(gamma, 0).sum(axis=0))

    def _mean(self, l: int, limit: Any) -> Any:
        """The limit of a sum over time divided by T, for all networks in the batch's order; 0 without the layer."""
        networks = self.layers[l].networks
        whole = np.zeros((len(self.order), *limit.shape[:-1]))
        whole[self.order[networks]] = np.moveaxis(limit / self.steps[networks] * SHARE, -1, 0)
        return whole


def _first(size: int, counts: Sequence[int]) -> Any:
    """Which of so many units are among the first, for each network so many: (size, networks)."""
    return np.arange(size)[:, None] < np.array(counts)


def _summed(gamma: Vectors, zeros: Any) -> Any:
    """The errors of terms gamma at all times, with what their sum over time rounds, of which some may be 0."""
    additions = np.maximum((gamma.value != 0).sum(axis=0) - zeros - 1, 0)
    return gamma.error + additions * U * abs(gamma.value)
