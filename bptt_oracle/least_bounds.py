"""Lower limits of the error bounds of the manual side's one pass, for a padded batch of networks at once.

What differs by no more than such a limit differs by no more than the bound that `arithmetic.rounded` proves, and that
takes some 20 ms for a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from .instances import Instance
from .manual import ACTIVATIONS


class LeastBounds:
    """Lower limits of the error bounds that `rounded` proves for `one_pass` in float64, for a batch at once.

    Whatever is at most such a limit is at most the bound, and so is allowed by it. The bounds are sums and products of
    non-negative terms, and some of these terms are worked out here, from computed values in place of the true ones:
    a computed a' lies within the bound e_a of the true a, so that |a'| <= |a| + e_a. With u = 2^-53, and a limit for
    each e, the bound of

    * a product, |a| e_b + |b| e_a + e_a e_b and more, is at least |a'| e_b, and at least |b'| e_a: the larger one;
    * a sum of k terms that are not 0 is at least the sum of their e, and (k - 1) u times the sum of their sizes;
    * exp, tanh and sine has the library's 8 ulps, 16 u |f|; of logistic and softplus, which end in a quotient and in
      a sum, it has 2 u |f| and u |f|; of 1 - h h, for h = tanh z, it has |h| times h's 16 u |h|;
    * softmax has the 16 u of the exponentials above the line and of those below it, 32 u y^;
    * f(z) has, of an e of z: all of e |f'| for relu and identity; half of it for tanh, whose values at z - e and z + e
      the bound spans from the middle (z' lies between them, e or more from one of them, and up to there f changes by
      e (f' - e) at least), and for sine, where it is e (|cos z| + e / 2) and |cos z| >= |cos z'| - e; half of that
      again for softplus, log1p of exp; an eighth for logistic, exp in a quotient whose divisor is known to a factor
      of 2, squared.

    The division by T divides the error. `SHARE` makes up for rounding here, and for terms of the order of u e.

    The deepest networks come first, so that a layer is worked out for the first `reach` of them, which have it.
    """

    OWN: ClassVar = {"tanh": 16, "sine": 16, "logistic": 2, "softplus": 1, "relu": 0, "identity": 0}
    PASSED_ON: ClassVar = {"tanh": 1 / 2, "sine": 1 / 2, "logistic": 1 / 8, "softplus": 1 / 4, "relu": 1, "identity": 1}
    SHARE = 1 - 2.0**-30

    def __init__(self, instances: Sequence[Instance], batch: Any) -> None:
        depth = batch.active[: len(instances)].sum(axis=1)
        self.order = np.argsort(-depth, kind="stable")

        def last(array: Any, reach: int | None = None) -> Any:
            """The array with its batch, less what is left over, as the last axis, which NumPy runs along fastest."""
            return np.ascontiguousarray(np.moveaxis(array[self.order[:reach]], 0, -1))

        self.u = 2.0**-53
        self.top = len(batch.params)
        self.reach = [len(instances), *(int((depth >= self.top - l).sum()) for l in range(1, self.top + 1))]
        self.params = [
            {name: last(a, reach) for name, a in layer.items()}
            for layer, reach in zip(batch.params, self.reach[1:], strict=True)
        ]
        self.x, self.y, self.live = map(last, (batch.x, batch.y, batch.live))
        self.box_T, lived = len(self.live), self.live.any(axis=1)
        self.x, self.y, self.live = self.x[lived], self.y[lived], self.live[lived]  # the steps that any network has
        self.h0 = [last(state) for state in batch.h0]
        self.T = len(self.live)
        names = np.array([instances[j].description.f for j in self.order])
        self.groups = [
            [(f, np.flatnonzero(names[:reach] == f)) for f in ACTIVATIONS if f in names[:reach]] for reach in self.reach
        ]
        self.own, self.passed_on = (np.array([table[f] for f in names]) for table in (self.OWN, self.PASSED_ON))
        self.own_of_slope = np.where(names == "tanh", 16, 0)
        self.real = self._real([instances[j].description.d for j in self.order])
        self.sizes = [{name: abs(a) for name, a in layer.items()} for layer in self.params]
        self.filled = [
            {(name, axis): (a != 0).sum(axis=axis) for name, a in layer.items() if name in "HW" for axis in (0, 1)}
            for layer in self.params
        ]

    def _real(self, widths: Sequence[tuple[int, ...]]) -> list[Any]:
        """For the layers 0..n of the box, which units belong to the network; those it lacks are as wide as x."""
        layers = []
        for l in range(self.top + 1):
            size = (self.y if l == self.top else self.x).shape[1]
            width = np.array([d[max(0, len(d) - 1 + l - self.top)] for d in widths])
            layers.append(np.arange(size)[:, None] < width)
        return layers

    def product(self, name: str, l: int, v: Any, e: Any, *, transposed: bool = False) -> tuple[Any, ...]:
        """A matrix times v: its value, and of its terms the sum of sizes, of errors, and at least how many are not 0.

        For the networks that have layer l. What lies outside the network is multiplied by zeros, and counted among
        neither.
        """
        reach, matrix, size = self.reach[l], self.params[l - 1][name], self.sizes[l - 1][name]
        v, e = v[:, :reach], e[:, :reach]
        how = "jib,jb->ib" if transposed else "ijb,jb->ib"
        zeros = (v == 0) & self.real[l if transposed or name == "H" else l - 1][:, :reach]
        nonzero = self.filled[l - 1][name, 0 if transposed else 1] - zeros.sum(axis=0)
        return np.einsum(how, matrix, v), np.einsum(how, size, abs(v)), np.einsum(how, size, e), nonzero

    def sum(self, first: tuple[Any, ...], *products: tuple[Any, ...]) -> tuple[Any, Any]:
        """A sum of all terms of some products, the first for the most networks, and the limit of its error."""
        value, size, error, count = first
        for more in products:
            for total, part in zip((value, size, error, count), more, strict=True):
                total[:, : part.shape[1]] += part
        return value, error + np.maximum(count - 1, 0) * self.u * size

    def functions(self, l: int, z: Any) -> tuple[Any, Any]:
        """f(z) and f'(z) in layer l, for each network its own."""
        f, f_prime = np.empty_like(z), np.empty_like(z)
        for name, which in self.groups[l]:
            f[:, which], f_prime[:, which] = ACTIVATIONS[name](z[:, which]), ACTIVATIONS[name].derivative(z[:, which])
        return f, f_prime

    def limits(self) -> dict[str, Any]:
        """The limits, in the structure and the box of `padded.gradients`."""
        top, times = self.top, range(1, self.T + 1)
        zero = np.zeros_like(self.x[0])
        h: dict[tuple[int, int], Any] = {(0, t): self.x[t - 1] for t in times}
        h |= {(l, 0): state for l, state in enumerate(self.h0, start=1)}
        e = dict.fromkeys(h, zero)
        slope, slope_error, y_hat = {}, {}, {}
        for t in times:
            for l in range(1, top):
                reach, bias = self.reach[l], self.params[l - 1]["b"]
                z, error = self.sum(
                    self.product("H", l, h[l, t - 1], e[l, t - 1]),
                    self.product("W", l, h[l - 1, t], e[l - 1, t]),
                    (bias, abs(bias), np.zeros_like(bias), bias != 0),
                )
                value, slope[l, t] = self.functions(l, z)
                slope_error[l, t] = self.own_of_slope[:reach] * self.u * value * value
                moved = self.passed_on[:reach] * error * np.maximum(abs(slope[l, t]) - error, 0)
                h[l, t] = _with(h[l - 1, t], value)  # a layer that does not exist hands up what it is given
                e[l, t] = _with(e[l - 1, t], moved + self.own[:reach] * self.u * abs(value))
            logits = self.product("W", top, h[top - 1, t], e[top - 1, t])[0] + self.params[-1]["b"]
            exponentials = np.exp(logits - logits.max(axis=0))
            y_hat[t] = exponentials / exponentials.sum(axis=0)

        gamma: dict[tuple[int, int], Any] = {}
        g: dict[tuple[int, int], Any] = {}
        for t in reversed(times):
            live = self.live[t - 1]
            gamma[top, t], g[top, t] = live * (y_hat[t] - self.y[t - 1]), live * 32 * self.u * y_hat[t]
            for l in range(top - 1, -1, -1):
                parts = [self.product("W", l + 1, gamma[l + 1, t], g[l + 1, t], transposed=True)]
                if l > 0 and t < self.T:
                    parts.append(self.product("H", l, gamma[l, t + 1], g[l, t + 1], transposed=True))
                arriving, error = self.sum(*parts)
                if l + 1 < top:  # a layer that does not exist hands down what arrives
                    arriving, error = _with(gamma[l + 1, t], arriving), _with(g[l + 1, t], error)
                if l > 0:
                    inner, inner_error = arriving[:, : self.reach[l]], error[:, : self.reach[l]]
                    kept = np.maximum(abs(slope[l, t]) * inner_error, slope_error[l, t] * abs(inner))
                    arriving, error = _with(arriving, slope[l, t] * inner), _with(error, kept)
                gamma[l, t], g[l, t] = arriving, error
        return self._gradients(h, e, gamma, g)

    def _gradients(self, h: Any, e: Any, gamma: Any, g: Any) -> dict[str, Any]:
        def over_time(values: Any, l: int, reach: int, before: int = 0) -> Any:
            return np.stack([values[l, t - before][:, :reach] for t in range(1, self.T + 1)])

        def outer(l: int, below: int, before: int = 0) -> Any:
            reach = self.reach[l]
            a, e_a = abs(over_time(gamma, l, reach)), over_time(g, l, reach)
            b, e_b = abs(over_time(h, below, reach, before)), over_time(e, below, reach, before)

            def total(left: Any, right: Any) -> Any:
                return np.einsum("tib,tjb->ijb", left, right)

            additions = np.maximum(total((a > 0) * 1.0, (b > 0) * 1.0) - 1, 0)
            return share(np.maximum(total(e_a, b), total(a, e_b)) + additions * self.u * total(a, b))

        def share(limit: Any) -> Any:
            """In the order of the batch, and zero for networks that lack the layer."""
            reach = limit.shape[-1]
            whole = np.zeros((len(self.order), *limit.shape[:-1]))
            whole[self.order[:reach]] = np.moveaxis(limit / self.live.sum(axis=0)[:reach] * self.SHARE, -1, 0)
            return whole

        dJ = []
        for l in range(1, self.top + 1):
            a, e_a = abs(over_time(gamma, l, self.reach[l])), over_time(g, l, self.reach[l])
            additions = np.maximum((a > 0).sum(axis=0) - 1, 0)
            layer = {"W": outer(l, l - 1), "b": share(e_a.sum(axis=0) + additions * self.u * a.sum(axis=0))}
            dJ.append(({"H": outer(l, l, before=1)} if l < self.top else {}) | layer)
        h0 = [self.sum(self.product("H", l, gamma[l, 1], g[l, 1], transposed=True))[1] for l in range(1, self.top)]
        dJ_dx = share(over_time(g, 0, self.reach[0]))
        missing = ((0, 0), (0, self.box_T - self.T), (0, 0))
        return {"dJ": dJ, "dJ_dh0": [share(limit) for limit in h0], "dJ_dx": np.pad(dJ_dx, missing)}


def _with(array: Any, first: Any) -> Any:
    """The array with other values for the first networks."""
    return np.concatenate([first, array[:, first.shape[1] :]], axis=1)
