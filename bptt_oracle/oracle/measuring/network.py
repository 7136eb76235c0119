"""One network that f answered: its gradients, and what they say of the factors that they are sums of."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ...arithmetic.formats import FORMATS
from ...manual import forward_batch, one_pass_batch
from ..answers import Case
from ..matching import relative_bound
from ..probes import Array
from ..setting import Setting
from ..truth import batch_of
from .numbers import BITS_OF_ONE, Known, evidence, meets

_U = float(np.finfo(np.float64).eps) / 2


class Network:
    """A case, with the forward pass, the right error fed in, and f's gradients with how far rounding may move them.

    Arrays over time have the shape (T, B, d_l), entry t - 1 for the step t.
    """

    def __init__(self, case: Case) -> None:
        self.case, self.setting = case, Setting(case.probe, case.conventions)
        self.n, self.T, self.B = case.probe.n, case.probe.T, case.probe.B
        self.library: dict[int, dict[str, Array]] = {}  # by layer, what may stand for f'
        bound, narrow = relative_bound(case), case.conventions.precision == "float32"
        self._rounding = min(bound, _MARGIN * _lost_in_float32(case)) if narrow else bound

    @property
    def name(self) -> str:
        """What the network is called."""
        return self.case.probe.name

    @property
    def is_wide(self) -> bool:
        """Whether f's own deltas can be solved for: one sequence, and all widths below the output above T."""
        return self.B == 1 and min(self.setting.d[:-1]) > self.T

    def is_right(self, l: int, name: str) -> bool:
        """Whether f's gradient lies within the bounds of the right one."""
        truth = self.case.truth
        difference = abs(self.case.answer.grads[l - 1][name] - truth.grads[l - 1][name])
        return bool((difference <= truth.bounds[l - 1][name]).all())

    def names(self, l: int) -> list[str]:
        """The gradients of a layer."""
        return list(self.case.truth.grads[l - 1])

    def gradient(self, l: int, name: str) -> Known:
        """The gradient that f gave: a wrong program rounds as a right one does, relative to its largest entry."""
        value = np.asarray(self.case.answer.grads[l - 1][name])
        return Known(value, np.full_like(value, self._rounding * abs(value).max()))

    @cached_property
    def output_error(self) -> Array:
        """delta^(n)(t) as it is right, (7), each with its weight in J."""
        s = self.setting
        return np.asarray(s.weights * (s.y_hat - s.y))

    # ------------------------------------------------------------------------------------------ sums over time

    def states(self, l: int, name: str) -> Array:
        """What delta^(l)(t) meets in the gradient of H, (44), or W, (45): shape (T, B, width)."""
        s = self.setting
        return np.asarray(s.h[l][:-1] if name == "H" else s.below(l))

    def summed(self, delta: Known, l: int, name: str) -> Known:
        """The gradient that deltas give, (44)-(46)."""
        if name not in ("H", "W"):
            return Known(delta.value.sum(axis=(0, 1)), delta.error.sum(axis=(0, 1)))
        states = self.states(l, name)
        return Known(outer_sum(delta.value, states), outer_sum(delta.error, abs(states)))

    def agrees(self, found: Known, l: int, name: str) -> bool:
        """Whether an array is f's gradient, but for errors; if f's is right, whether it is the right one."""
        return self.agreement(found, l, name) >= BITS_OF_ONE

    def agreement(self, found: Known, l: int, name: str) -> float:
        """The evidence for it, in bits."""
        answered = self.gradient(l, name)
        reach = found.error + answered.error + self._rounding * abs(found.value).max()
        values = [answered.value, *([self.case.truth.grads[l - 1][name]] if self.is_right(l, name) else [])]
        return max(evidence(value - found.value, reach, value) for value in values)

    def explains(self, delta: Known, l: int, name: str) -> bool:
        """Whether f's gradient is the sum that deltas give, but for errors."""
        return self.agrees(self.summed(delta, l, name), l, name)

    # ----------------------------------------------------------------------------------------------- solving

    def positions(self, l: int, name: str) -> list[int]:
        """The times j of the states h(j) of the layer that H or W meets, those that are not zero: 0..T or 1..T."""
        states = self._all_states(l, name)
        return [j for j in range(self.T + 1) if states[j].any()]

    def _all_states(self, l: int, name: str) -> Array:
        return np.asarray(self.setting.h[l if name == "H" else l - 1])

    def left_factors(self, l: int, name: str) -> Known | None:
        """The v(j) for which f's gradient of H or W is the sum over j of v(j) h(j)^T; None if it is no such sum.

        Of all states of the layer, h(0) included, so that an index that is off shows. Rows j = 0..T, shape
        (T + 1, d_l); a row whose h(j) is zero is zero and known not at all.

        With P the pseudoinverse of the matrix of the states and E the error of the gradient, the error of v is at
        most |P| E, plus what rounding does here: u times the condition number times |P| |G|.
        """
        if self.B > 1:
            return None
        positions = self.positions(l, name)
        rows = self._all_states(l, name)[positions, 0]
        solved = _solved(rows, self.gradient(l, name))
        if solved is None:
            return None
        shape = (self.T + 1, solved.value.shape[1])
        value, error = np.zeros(shape), np.full(shape, np.inf)
        value[positions], error[positions] = solved.value, solved.error
        return Known(value, error)

    def right_factors(self, l: int, name: str, delta: Known) -> Known | None:
        """The r(t) for which f's gradient of H or W is the sum over t of delta(t) r(t)^T; None if it is no such sum.

        Shape (T, B, width). Where delta(t) is zero, r(t) is not known.
        """
        answered, steps = self.gradient(l, name), delta.value.any(axis=(1, 2))
        if self.B > 1 or delta.error.max() > 0 or not steps.any():
            return None
        solved = _solved(delta.value[steps, 0], Known(answered.value.T, answered.error.T))
        if solved is None:
            return None
        shape = (self.T, 1, solved.value.shape[1])
        value, error = np.zeros(shape), np.full(shape, np.inf)
        value[steps, 0], error[steps, 0] = solved.value, solved.error
        return Known(value, error)

    def own_deltas(self, l: int) -> list[Known]:
        """The delta^(l)(t) of f as each gradient of the layer gives them; the best confirmed first.

        Of H they are complete only if h(0) is not zero; else delta(1) is what the gradient of b leaves. A gradient that
        is zero says nothing, unless all are.
        """
        found = [delta for name in self._telling(l) if (delta := self._aligned(l, name, 0)) is not None]
        return sorted(found, key=lambda delta: -self.confirmed(delta, l))

    def shifted_deltas(self, l: int) -> list[Known]:
        """The same if they met the state one step before or after the right one; what is missing is left by b."""
        tried = [self._aligned(l, name, by) for name in self._telling(l) for by in (-1, 1)]
        return [delta for delta in tried if delta is not None]

    def _telling(self, l: int) -> list[str]:
        names = ["W", "H"] if l < self.n else ["W"]
        return [name for name in names if self.gradient(l, name).value.any()] or names

    def _aligned(self, l: int, name: str, by: int) -> Known | None:
        """The v(j) as delta(t), j being `by` steps from the right one; None if there are none, or one is left over."""
        left = self.left_factors(l, name)
        if left is None:
            return None
        steps = np.arange(1, self.T + 1) + (by - (name == "H"))
        inside = (steps >= 0) & (steps <= self.T)
        over = np.setdiff1d(np.arange(self.T + 1), steps)
        if (abs(left.value[over]) > left.error[over]).any():
            return None
        rows = left.at(np.clip(steps, 0, self.T))
        missing = np.flatnonzero(~inside | np.isinf(rows.error[:, 0]))
        if len(missing) > 1:
            return None
        made = self._completed(rows, l, int(missing[0])) if len(missing) else rows
        return Known(made.value[:, None], made.error[:, None])

    def confirmed(self, delta: Known, l: int) -> int:
        """How many gradients of the layer deltas explain."""
        return sum(self.explains(delta, l, name) for name in self.names(l))

    def _completed(self, delta: Known, l: int, missing: int) -> Known:
        """Deltas with one of them as the gradient of b and the others leave it."""
        b = self.gradient(l, "b")
        value, error = delta.value.copy(), delta.error.copy()
        others = np.arange(self.T) != missing
        value[missing] = b.value - value[others].sum(axis=0)
        error[missing] = b.error + error[others].sum(axis=0)
        return Known(value, error)


def outer_sum(left: Array, right: Array) -> Array:
    """The sum of left right^T over steps and sequences."""
    return np.asarray(left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1]))


_MARGIN = 2**6
"""How much more a program in float32 may lose than the right one does on the same network."""


def _lost_in_float32(case: Case) -> float:
    """How far rounding to float32 takes the right program, relative to the largest entry of a gradient.

    The bounds of the truth hold for every program and every run of bad luck. In float64 they leave room to measure in;
    in float32, where what a program really loses is some thousand times less, they would leave none.
    """
    net = batch_of(case.probe, case.conventions)
    narrow: dict[str, Any] = {
        key: {l: array.astype(np.float32) for l, array in value.items()}
        if isinstance(value, dict)
        else np.asarray(value, dtype=np.float32)
        for key, value in vars(net).items()
        if key != "functions"
    }
    low = replace(net, **narrow)
    exact, rounded = (one_pass_batch(each, forward_batch(each)) for each in (net, low))
    lost = [
        float(abs(rounded_array - array).max() / size)
        for name in ("H", "W", "b")
        for array, rounded_array in zip(getattr(exact, name).values(), getattr(rounded, name).values(), strict=True)
        if (size := abs(array).max()) > 0
    ]
    return max(lost, default=0.0) or FORMATS["float32"].u  # an activation may work in float64 whatever it is given


def _solved(rows: Array, gradient: Known) -> Known | None:
    """The V for which V^T rows is the gradient: shape (len(rows), d); None if there is none, or more than one."""
    count, width = rows.shape
    if count >= width:
        return None
    if not gradient.value.any():
        return Known.exactly(np.zeros((count, len(gradient.value))))
    singular = np.linalg.svd(rows, compute_uv=False)
    if singular[-1] <= width * _U * singular[0]:
        return None
    P = np.linalg.pinv(rows)  # (width, count)
    value = (gradient.value @ P).T
    rounding = width * _U * float(singular[0] / singular[-1])
    error = (gradient.error @ abs(P) + rounding * (abs(gradient.value) @ abs(P))).T
    left = gradient.value - value.T @ rows
    if not meets(left, gradient.error + error.T @ abs(rows), gradient.value, unknowns=value.size):
        return None
    return Known(value, error)
