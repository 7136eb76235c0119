"""The accumulators, with a mistake in them: how the gradients of H, W and b are gathered from the deltas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .laws import Errors
from .probes import Array
from .setting import Setting


@dataclass(frozen=True)
class Factors:
    """What one gradient is a sum of products of.

    Attributes
    ----------
    setting, errors, l, kind : the network, what a law gives on it, the layer, and "H", "W" or "b"
    left : the deltas, shape (T, B, d_l)
    right : what the deltas meet, shape (T, B, columns); None for b
    """

    setting: Setting
    errors: Errors
    l: int
    kind: str
    left: Array
    right: Array | None

    @property
    def before(self) -> Array:
        """The deltas before f', the gradients in h."""
        return self.errors.summed(self.l, before_slope=True)

    @property
    def hidden(self) -> bool:
        """Whether this is a hidden layer."""
        return self.l < self.setting.n


def factors(s: Setting, errors: Errors, l: int, name: str) -> Factors:
    """The factors of the right gradient: of H (44), of W (45), of b (46)."""
    kind = "b" if name == "b_hh" else name
    right = s.before(l) if kind == "H" else s.below(l) if kind == "W" else None
    return Factors(s, errors, l, kind, errors.summed(l), right)


def gathered(left: Array, right: Array | None) -> Array:
    """The sum over steps and sequences of left right^T, or of left alone."""
    if right is None:
        return np.asarray(left.sum(axis=(0, 1)))
    return np.asarray(left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1]))


def _steps(chosen: slice) -> Callable[[Factors], Array | None]:
    return lambda a: gathered(a.left[chosen], None if a.right is None else a.right[chosen])


def _sequences(chosen: slice) -> Callable[[Factors], Array | None]:
    def gather(a: Factors) -> Array | None:
        if a.setting.B == 1:
            return None
        return gathered(a.left[:, chosen], None if a.right is None else a.right[:, chosen])

    return gather


def _meeting(kind: str, right: Callable[[Factors], Array | None]) -> Callable[[Factors], Array | None]:
    """The sum with something else at the right-hand side, for H or for W."""

    def gather(a: Factors) -> Array | None:
        if a.kind != kind or (other := right(a)) is None or other.shape[-1] != _columns(a):
            return None
        return gathered(a.left, other)

    return gather


def _columns(a: Factors) -> int:
    return 0 if a.right is None else a.right.shape[-1]


def _two_back(a: Factors) -> Array:
    return np.concatenate([np.zeros_like(a.setting.h[a.l][:1]), a.setting.h[a.l][:-2]])


def _wrapped(a: Factors) -> Array:
    h = a.setting.h[a.l]
    return np.concatenate([h[-1:], h[1:-1]])


def _before_below(a: Factors, *, wrap: bool) -> Array | None:
    """h^(l-1)(t-1): at t = 1 the initial state of the layer below, zero for x, or from the end."""
    below = a.setting.below(a.l)
    if wrap:
        return np.roll(below, 1, axis=0)
    first = a.setting.h[a.l - 1][:1] if a.l > 1 else np.zeros_like(below[:1])
    return np.concatenate([first, below[:-1]])


def _after_below(a: Factors) -> Array:
    below = a.setting.below(a.l)
    return np.concatenate([below[1:], np.zeros_like(below[:1])])


def _z_before(a: Factors) -> Array:
    """z^(l)(t-1), with h(0) at t = 1."""
    return np.concatenate([a.setting.h[a.l][:1], a.setting.z[a.l][:-1]])


def _before_slope(a: Factors) -> Array | None:
    return gathered(a.before, a.right) if a.hidden else None


def _transposed(a: Factors) -> Array | None:
    if a.right is None or a.right.shape[-1] != a.left.shape[-1]:
        return None
    return gathered(a.left, a.right).T


def _inner(a: Factors) -> Array | None:
    if a.kind != "H" or a.right is None:
        return None
    return np.full((a.left.shape[-1],) * 2, (a.left * a.right).sum())


def _elementwise(axis: int) -> Callable[[Factors], Array | None]:
    def gather(a: Factors) -> Array | None:
        if a.kind != "H" or a.right is None:
            return None
        row = (a.left * a.right).sum(axis=(0, 1))
        return np.broadcast_to(row if axis else row[:, None], (len(row),) * 2)

    return gather


def _outer_of_sums(a: Factors) -> Array | None:
    return None if a.right is None else np.outer(a.left.sum(axis=(0, 1)), a.right.sum(axis=(0, 1)))


def _reversed(a: Factors) -> Array | None:
    return None if a.right is None else gathered(a.left[::-1], a.right)


def _bias_averaged(a: Factors) -> Array | None:
    return np.full_like(a.left[0, 0], a.left.sum(axis=(0, 1)).mean()) if a.kind == "b" else None


def _bias_totalled(a: Factors) -> Array | None:
    return np.full_like(a.left[0, 0], a.left.sum()) if a.kind == "b" else None


def _without_state(a: Factors) -> Array | None:
    if a.right is None:
        return None
    return np.broadcast_to(a.left.sum(axis=(0, 1))[:, None], (a.left.shape[-1], _columns(a)))


def _without_state_by_columns(a: Factors) -> Array | None:
    if a.right is None or a.left.shape[-1] != _columns(a):
        return None
    return np.broadcast_to(a.left.sum(axis=(0, 1)), (_columns(a),) * 2)


def _without_delta(a: Factors) -> Array | None:
    if a.right is None:
        return None
    return np.broadcast_to(a.right.sum(axis=(0, 1)), (a.left.shape[-1], _columns(a)))


def _right(a: Factors) -> Any:
    return gathered(a.left, a.right)


ACCUMULATORS: Mapping[str, Callable[[Factors], Array | None]] = {
    "right": _right,
    "missing": lambda a: np.zeros_like(_right(a)),
    "first-step-skipped": _steps(slice(1, None)),
    "last-step-skipped": _steps(slice(None, -1)),
    "last-step-only": _steps(slice(-1, None)),
    "first-step-only": _steps(slice(0, 1)),
    "first-two-steps-skipped": _steps(slice(2, None)),
    "current-state": _meeting("H", lambda a: a.setting.h[a.l][1:]),
    "state-two-steps-back": _meeting("H", _two_back),
    "initial-state-wraps": _meeting("H", _wrapped),
    "state-before-activation": _meeting("H", _z_before),
    "last-state": _meeting("H", lambda a: np.broadcast_to(a.setting.h[a.l][-1], a.left.shape)),
    "initial-state-everywhere": _meeting("H", lambda a: np.broadcast_to(a.setting.h[a.l][0], a.left.shape)),
    "delta-for-state": _meeting("H", lambda a: a.left),
    "previous-input": _meeting("W", lambda a: _before_below(a, wrap=False)),
    "previous-input-wraps": _meeting("W", lambda a: _before_below(a, wrap=True)),
    "next-input": _meeting("W", _after_below),
    "next-input-wraps": _meeting("W", lambda a: np.roll(a.setting.below(a.l), -1, axis=0)),
    "last-input": _meeting("W", lambda a: np.broadcast_to(a.setting.below(a.l)[-1], a.setting.below(a.l).shape)),
    "first-input": _meeting("W", lambda a: np.broadcast_to(a.setting.below(a.l)[0], a.setting.below(a.l).shape)),
    "input-before-activation": _meeting("W", lambda a: a.setting.z[a.l - 1] if a.l > 1 else a.right),
    "own-state-for-input": _meeting("W", lambda a: a.setting.h[a.l][1:] if a.hidden else None),
    "before-slope": _before_slope,
    "transposed": _transposed,
    "inner-for-outer": _inner,
    "elementwise-for-outer": _elementwise(1),
    "elementwise-for-outer-by-rows": _elementwise(0),
    "outer-of-sums": _outer_of_sums,
    "steps-reversed": _reversed,
    "bias-averaged": _bias_averaged,
    "bias-totalled": _bias_totalled,
    "delta-without-state": _without_state,
    "delta-without-state-by-columns": _without_state_by_columns,
    "state-without-delta": _without_delta,
    "first-sequence-only": _sequences(slice(0, 1)),
    "last-sequence-only": _sequences(slice(-1, None)),
}
"""What stands for the gradient, by the slug of the deviation; None where it means nothing, or only an exception."""
