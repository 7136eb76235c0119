"""The hidden layers of a forward pass, (4) and (5), with a mistake in them.

A layer is factored into slots: which state it takes as that before, which input, what H, W and b do to them, how f is
applied, and what is kept for the next step and handed to the layer above. A slot holds the right thing or one
deviation. A function gives None where a deviation means nothing on a network, or only an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..probes import Array
from .walks import Activation, Walk


def _fitting(array: Array, like: Array) -> Array | None:
    return array if array.shape[-1] == like.shape[-1] else None


# ---------------------------------------------------------------------------------------- h^(l)(t-1), of shape (B, d_l)


def _kept(by: int) -> Callable[[Walk, int, int], Array | None]:
    """The state so many steps back; zero before the first."""
    return lambda w, l, t: w.state[l][t - by] if t >= by else np.zeros_like(w.state[l][0])


def _h0_ignored(w: Walk, l: int, t: int) -> Array | None:
    return np.asarray(w.state[l][t - 1] if t > 1 else np.zeros_like(w.state[l][0]))


def _h0_alone(w: Walk, l: int, t: int) -> Array | None:
    return np.asarray(w.state[l][0] if t == 1 else np.zeros_like(w.state[l][0]))


def _h0_of_first(w: Walk, l: int, t: int) -> Array | None:
    if l == 1 or t > 1:
        return np.asarray(w.state[l][t - 1])
    return _fitting(w.state[1][0], w.state[l])


def _of_number(w: Walk, l: int, t: int) -> Array | None:
    return np.asarray(w.state[l][l - 1]) if l < len(w.state[l]) else None


PREVIOUS: Mapping[str, Callable[[Walk, int, int], Array | None]] = {
    "right": _kept(1),
    "forward-h0-ignored": _h0_ignored,
    "forward-h0-negated": lambda w, l, t: w.state[l][t - 1] if t > 1 else -w.state[l][0],
    "forward-h0-at-every-step": lambda w, l, t: w.state[l][0],
    "forward-state-after-first-step-zero": _h0_alone,
    "forward-state-two-steps-back": _kept(2),
    "forward-state-two-steps-back-from-h0": lambda w, l, t: w.state[l][max(t - 2, 0)],
    "forward-state-of-step-before-last": lambda w, l, t: (
        w.state[l][0] if t == 1 else np.zeros_like(w.state[l][0]) if t == 2 else w.state[l][t - 2]
    ),
    "forward-state-of-layer-number": _of_number,
    "forward-state-of-layer-below": lambda w, l, t: _fitting(w.passed[l - 1][t - 1], w.state[l]),
    "forward-state-of-layer-below-before": lambda w, l, t: _fitting(w.state[l - 1][t - 1], w.state[l]),
    "forward-h0-of-first-layer": _h0_of_first,
}
"""What layer l takes for h^(l)(t-1)."""

# ------------------------------------------------------------------------------- h^(l-1)(t), of shape (T, B, d_{l-1})


def _steps_before(w: Walk, l: int) -> Array:
    return np.concatenate([w.state[l - 1][:1], w.passed[l - 1][:-1]])


def _steps_after(w: Walk, l: int) -> Array:
    return np.concatenate([w.passed[l - 1][1:], np.zeros_like(w.passed[l - 1][:1])])


def _at_step(step: int) -> Callable[[Walk, int], Array | None]:
    return lambda w, l: np.broadcast_to(w.passed[l - 1][step], w.passed[l - 1].shape)


BELOW: Mapping[str, Callable[[Walk, int], Array | None]] = {
    "right": lambda w, l: w.passed[l - 1],
    "forward-input-negated": lambda w, l: -w.passed[l - 1],
    "forward-input-of-step-before": _steps_before,
    "forward-input-of-step-before-wrapped": lambda w, l: np.roll(w.passed[l - 1], 1, axis=0),
    "forward-input-of-step-after": _steps_after,
    "forward-input-of-step-after-wrapped": lambda w, l: np.roll(w.passed[l - 1], -1, axis=0),
    "forward-input-of-first-step": _at_step(0),
    "forward-input-of-last-step": _at_step(-1),
    "forward-input-reversed": lambda w, l: w.passed[l - 1][::-1],
    "forward-input-is-x": lambda w, l: _fitting(w.passed[0], w.passed[l - 1]),
    "forward-input-before-activation": lambda w, l: w.z[l - 1] if l > 1 else w.passed[0],
    "forward-input-of-first-layer": lambda w, l: _fitting(w.passed[min(l - 1, 1)], w.passed[l - 1]),
}
"""What layer l takes for h^(l-1)(t), at all t."""

# ----------------------------------------------------------------------------------------------- what H, W and b do


def _H_is_W(w: Walk, l: int, h: Array) -> Array | None:
    return h @ w.W[l].T if w.W[l].shape == w.H[l].shape else None


RECURRENT: Mapping[str, Callable[[Walk, int, Array], Array | None]] = {
    "right": lambda w, l, h: h @ w.H[l].T,
    "forward-recurrent-dropped": lambda w, l, h: np.zeros_like(h),
    "forward-recurrent-negated": lambda w, l, h: -(h @ w.H[l].T),
    "forward-recurrent-untransposed": lambda w, l, h: h @ w.H[l],
    "forward-recurrent-without-H": lambda w, l, h: h,
    "forward-recurrent-doubled": lambda w, l, h: 2 * (h @ w.H[l].T),
    "forward-recurrent-through-W": _H_is_W,
    "forward-recurrent-through-b": lambda w, l, h: (h @ sum(w.b[l]))[:, None] + np.zeros_like(h),
}
"""H^(l) h^(l)(t-1), shape (B, d_l), given h^(l)(t-1)."""


def _W_untransposed(w: Walk, l: int, h: Array) -> Array | None:
    return h @ w.W[l] if w.W[l].shape[0] == w.W[l].shape[1] else None


def _W_is_H(w: Walk, l: int, h: Array) -> Array | None:
    return h @ w.H[l].T if l in w.H and w.W[l].shape == w.H[l].shape else None


def _without_W(w: Walk, l: int, h: Array) -> Array | None:
    return h if w.W[l].shape[0] == w.W[l].shape[1] else None


INPUT: Mapping[str, Callable[[Walk, int, Array], Array | None]] = {
    "right": lambda w, l, h: h @ w.W[l].T,
    "forward-W-dropped": lambda w, l, h: np.zeros((*h.shape[:2], len(w.W[l]))),
    "forward-W-negated": lambda w, l, h: -(h @ w.W[l].T),
    "forward-W-untransposed": _W_untransposed,
    "forward-W-left-out": _without_W,
    "forward-W-doubled": lambda w, l, h: 2 * (h @ w.W[l].T),
    "forward-W-is-H": _W_is_H,
}
"""W^(l) h^(l-1)(t), shape (T, B, d_l), given h^(l-1)(t)."""


def _of_two(both: Callable[[Array, Array], Array]) -> Callable[[Walk, int], Array | None]:
    """Where the bias is given in two parts."""
    return lambda w, l: both(*w.b[l]) if w.b[l][1].any() else None


BIAS: Mapping[str, Callable[[Walk, int], Array | None]] = {
    "right": lambda w, l: w.b[l][0] + w.b[l][1],
    "forward-bias-dropped": lambda w, l: np.zeros_like(w.b[l][0]),
    "forward-bias-negated": lambda w, l: -w.b[l][0] - w.b[l][1],
    "forward-bias-doubled": lambda w, l: 2 * (w.b[l][0] + w.b[l][1]),
    "forward-b-ih-dropped": _of_two(lambda b_ih, b_hh: b_hh),
    "forward-b-hh-dropped": _of_two(lambda b_ih, b_hh: b_ih),
    "forward-b-ih-negated": _of_two(lambda b_ih, b_hh: b_hh - b_ih),
    "forward-b-hh-negated": _of_two(lambda b_ih, b_hh: b_ih - b_hh),
    "forward-b-ih-twice": _of_two(lambda b_ih, b_hh: 2 * b_ih),
    "forward-b-hh-twice": _of_two(lambda b_ih, b_hh: 2 * b_hh),
}
"""b^(l), shape (d_l,)."""

# ------------------------------------------------------------------------------------------------ how f is applied

ACTIVATION: Mapping[str, Callable[[Activation, Array, Array, Array], Array]] = {
    "right": lambda f, r, i, b: f(r + i + b),
    "forward-activation-omitted": lambda f, r, i, b: r + i + b,
    "forward-activation-twice": lambda f, r, i, b: f(f(r + i + b)),
    "forward-z-negated": lambda f, r, i, b: f(-(r + i + b)),
    "forward-state-negated": lambda f, r, i, b: -f(r + i + b),
    "forward-bias-outside": lambda f, r, i, b: f(r + i) + b,
    "forward-recurrent-outside": lambda f, r, i, b: f(i + b) + r,
    "forward-input-outside": lambda f, r, i, b: f(r + b) + i,
    "forward-activation-on-recurrent-only": lambda f, r, i, b: f(r) + i + b,
    "forward-activation-on-input-only": lambda f, r, i, b: f(i) + r + b,
}
"""h^(l)(t), given f and the three terms of z: H h, W h and b."""

# --------------------------------------------------------------------------------- what is kept, and what is passed on


def _keep(state: Array, t: int, z: Array, value: Array) -> Array:
    state[t] = value
    return value


def _keep_nothing(state: Array, t: int, z: Array, value: Array) -> Array:
    return np.zeros_like(value)


def _stay(state: Array, t: int, z: Array, value: Array) -> Array:
    state[t] = state[0]
    return np.asarray(state[0])


def _pass_only(state: Array, t: int, z: Array, value: Array) -> Array:
    return value


def _keep_z(state: Array, t: int, z: Array, value: Array) -> Array:
    state[t] = z
    return value


def _keep_negated(state: Array, t: int, z: Array, value: Array) -> Array:
    state[t] = -value
    return value


def _keep_early(state: Array, t: int, z: Array, value: Array) -> Array:
    state[t - 1] = value
    return value


def _keep_early_unseen(state: Array, t: int, z: Array, value: Array) -> Array:
    state[t - 1] = value
    return np.array(state[t])


def _but(missing: Callable[[int, int], bool]) -> Callable[[Array, int, Array, Array], Array]:
    """Nothing at some steps."""

    def keep(state: Array, t: int, z: Array, value: Array) -> Array:
        if not missing(t, len(state) - 1):
            state[t] = value
        return np.array(state[t])

    return keep


KEPT: Mapping[str, Callable[[Array, int, Array, Array], Array]] = {
    "right": _keep,
    "forward-state-stays-zero": _keep_nothing,
    "forward-state-stays-h0": _stay,
    "forward-state-not-kept": _pass_only,
    "forward-state-kept-before-activation": _keep_z,
    "forward-state-kept-negated": _keep_negated,
    "forward-state-kept-early": _keep_early,
    "forward-state-kept-early-unseen": _keep_early_unseen,
    "forward-first-step-left-out": _but(lambda t, T: t == 1),
    "forward-last-step-left-out": _but(lambda t, T: t == T),
}
"""Puts h^(l)(t) into the states of the layer, (T + 1, B, d_l); what is handed on for it, (B, d_l)."""

HIDDEN: Mapping[str, Mapping[str, object]] = {
    "previous": PREVIOUS,
    "recurrent": RECURRENT,
    "input": INPUT,
    "below": BELOW,
    "bias": BIAS,
    "activation": ACTIVATION,
    "kept": KEPT,
}
"""The slots of a hidden layer."""


def hidden(w: Walk, l: int, h0: Array, T: int, f: Activation, held: Mapping[str, str]) -> bool:
    """Go through layer l; whether there is a way.

    Parameters
    ----------
    w
        The layers below; gets this one.
    l, h0, T, f
        The layer, its initial state, (B, d_l), the number of steps and the activation.
    held
        The slug that each slot holds, where it is not "right".
    """
    below = BELOW[held.get("below", "right")](w, l)
    given = None if below is None else INPUT[held.get("input", "right")](w, l, below)
    bias = BIAS[held.get("bias", "right")](w, l)
    if below is None or given is None or bias is None:
        return False
    previous, recurrent = PREVIOUS[held.get("previous", "right")], RECURRENT[held.get("recurrent", "right")]
    activation, kept = ACTIVATION[held.get("activation", "right")], KEPT[held.get("kept", "right")]
    dtype = np.result_type(given, bias, w.H[l], w.state.get(l - 1, h0))
    w.state[l] = state = np.zeros((T + 1, *h0.shape), dtype)
    state[0] = h0
    z, passed, before = (np.zeros((T, *h0.shape), dtype) for _ in range(3))
    for t in range(1, T + 1):
        h = previous(w, l, t)
        term = None if h is None else recurrent(w, l, h)
        if h is None or term is None:
            return False
        before[t - 1] = h
        z[t - 1] = term + given[t - 1] + bias
        passed[t - 1] = kept(state, t, z[t - 1], activation(f, term, given[t - 1], bias))
    w.z[l], w.passed[l], w.before[l], w.below[l] = z, passed, before, below
    return True
