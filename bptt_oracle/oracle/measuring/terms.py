"""What the law of a backward pass can be made of: errors of other steps, the matrices they go through, the slopes.

Every term is linear in the deltas, so that the same expression on absolute values bounds what their errors do to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..probes import Array
from .network import Network
from .numbers import Known


@dataclass(frozen=True)
class Around:
    """What stands around delta^(l): all arrays over time have the shape (T, B, width).

    Attributes
    ----------
    own, above : delta^(l) and delta^(l+1)
    H, V : H^(l) and W^(l+1)
    slope, slope_above : f'(z^(l)(t)), and that of layer l + 1, or None if that is the output layer
    y_hat, y : with the weights of the losses; None unless layer l + 1 is the output layer
    """

    own: Array
    above: Array
    H: Array
    V: Array
    slope: Array
    slope_above: Array | None
    y_hat: Array | None
    y: Array | None


def around(net: Network, l: int, own: Known, above: Known) -> tuple[Around, Around]:
    """What stands around delta^(l), and the same in absolute values, with errors for the deltas."""
    s = net.setting
    H, V = s.H[l], s.W[l + 1]
    slope, slope_above = s.slopes[l], s.slopes.get(l + 1)
    y_hat, y = (None, None) if l + 1 < s.n else (s.weights * s.y_hat, s.weights * s.y)
    value = Around(own.value, above.value, H, V, slope, slope_above, y_hat, y)
    size = None if slope_above is None else abs(slope_above)
    zero = None if y is None else np.zeros_like(y)
    return value, Around(own.error, above.error, abs(H), abs(V), abs(slope), size, zero, zero)


def inverse(slope: Array) -> Array:
    """1 / f', zero where f' is."""
    return np.divide(1.0, slope, out=np.zeros_like(slope), where=slope != 0)


def later(array: Array, by: int = 1) -> Array:
    """The array whose entry t is the old entry t + by; zero beyond the ends."""
    moved = np.zeros_like(array)
    if by > 0:
        moved[:-by] = array[by:]
    else:
        moved[-by:] = array[:by]
    return moved


def _all_later(array: Array) -> Array:
    """The sums of all entries after the next."""
    return later(np.asarray(array[::-1].cumsum(axis=0)[::-1]), 2)


def _arrived(a: Around, H: Array) -> Array:
    """What arrives at every step if f' is left out on the way through time."""
    above = a.above @ a.V
    arrived = above
    for _ in range(len(above) - 1):
        arrived = above + later(arrived) @ H
    return np.asarray(arrived)


def _last(array: Array) -> Array:
    """The last entry, at every step but the last."""
    return np.concatenate([np.broadcast_to(array[-1], array[:-1].shape), np.zeros_like(array[-1:])])


Term = Callable[[Around], Array | None]

CARRIED: Mapping[str, Term] = {
    "H^T": lambda a: later(a.own) @ a.H,
    "H": lambda a: later(a.own) @ a.H.T,
    "I": lambda a: later(a.own),
    "diag(H)": lambda a: later(a.own) * np.diag(a.H),
    "(H^T)^2": lambda a: later(a.own) @ a.H @ a.H,
    "diag(1^T H)": lambda a: later(a.own) * a.H.sum(axis=0),
    "diag(H 1)": lambda a: later(a.own) * a.H.sum(axis=1),
    "1 1^T": lambda a: np.broadcast_to(later(a.own).sum(axis=-1, keepdims=True), a.own.shape),
}
"""M delta^(l)(t+1), by the carry matrix M."""

OTHERS: Mapping[str, Term] = {
    "H^T delta(t+2)": lambda a: later(a.own, 2) @ a.H,
    "H^T delta(t-1)": lambda a: later(a.own, -1) @ a.H,
    "H^T delta(T)": lambda a: _last(a.own) @ a.H,
    "H^T sum_{s>t+1} delta(s)": lambda a: _all_later(a.own) @ a.H,
    "H^T (delta(t+1) before f')": lambda a: later(_arrived(a, a.H)) @ a.H,
    "H (delta(t+1) before f')": lambda a: later(_arrived(a, a.H.T)) @ a.H.T,
    "delta(t+1) before f'": lambda a: later(_arrived(a, np.eye(len(a.H)))),
    "W^T delta_above(t+1)": lambda a: later(a.above) @ a.V,
    "W^T delta_above(t-1)": lambda a: later(a.above, -1) @ a.V,
    "W^T delta_above(T+1-t)": lambda a: a.above[::-1] @ a.V,
    "W^T delta_above(T)": lambda a: _last(a.above) @ a.V,
    "W^T sum_{s>t+1} delta_above(s)": lambda a: _all_later(a.above) @ a.V,
    "W^T (delta_above(t) / f'(z_above(t)))": lambda a: (
        None if a.slope_above is None else (a.above * inverse(a.slope_above)) @ a.V
    ),
    "H^T (f'(z(t+1)) delta(t+1))": lambda a: later(a.own * a.slope) @ a.H,
    "W^T (f'(z_above(t)) delta_above(t))": lambda a: None if a.slope_above is None else (a.above * a.slope_above) @ a.V,
    "W^T y_hat(t)": lambda a: None if a.y_hat is None else a.y_hat @ a.V,
}
"""What else may arrive at delta^(l)(t), beside M delta^(l)(t+1) and the signal from above."""

ABOVE = "W^T delta_above(t)"
ALONE = "1"
"""No delta at all: the slope is added, not multiplied."""
TERMS: Mapping[str, Term] = {ABOVE: lambda a: a.above @ a.V, **CARRIED, **OTHERS}
"""All that may arrive at delta^(l)(t), by text: W and H are W^(l+1) and H^(l), delta_above is delta^(l+1)."""

RIGHT_SLOPE = "f'(z(t))"
POLYNOMIAL = ("tanh", "logistic", "identity")
"""The activations whose f' is a polynomial of h: the powers of h are enough."""


def slopes(net: Network, l: int) -> dict[str, Array]:
    """What may stand for f'(z^(l)(t)), by text, shape (T, B, d_l): first the powers of h, then functions."""
    if l in net.library:
        return net.library[l]
    s = net.setting
    h, z, before, prime = s.h[l][1:], s.z[l], s.h[l][:-1], s.f.derivative
    after, slope = later(h), s.slopes[l]
    net.library[l] = {
        "1": np.ones_like(h),
        "h(t)": h,
        "h(t)^2": h * h,
        "h(t-1)": before,
        "h(t) h(t-1)": h * before,
        "h(t-1)^2": before * before,
        "h(t+1)": after,
        "h(t) h(t+1)": h * after,
        "h(t+1)^2": after * after,
        "z(t)": z,
        "z(t)^2": z * z,
        "h(t) z(t)": h * z,
        RIGHT_SLOPE: slope,
        "f'(h(t))": prime(h),
        "f'(z(t))^2": slope * slope,
        "h(t)^3": h * h * h,
        "f'(z(t)) h(t)": slope * h,
        "f'(z(T))": np.broadcast_to(slope[-1], h.shape),
        "f'(z(1))": np.broadcast_to(slope[0], h.shape),
    }
    if s.conventions.activation not in POLYNOMIAL:
        net.library[l] |= {"f'(z(t-1))": later(slope, -1), "f'(z(t+1))": later(slope, 1)}
    return net.library[l]


def output_terms(net: Network) -> dict[str, Array]:
    """What the error at the output may be made of, by text, shape (T, B, |V|), for losses of weight 1."""
    s = net.setting
    p, y, z = s.y_hat, s.y, s.z[s.n]
    step = np.arange(1.0, s.T + 1)[:, None, None]
    e = np.exp(p - p.max(axis=-1, keepdims=True))
    return {
        "y_hat(t)": p,
        "y(t)": y,
        "y(t+1)": later(y),
        "y(t-1)": later(y, -1),
        "y_hat(t+1)": later(p),
        "y_hat(t-1)": later(p, -1),
        "1/|V|": np.full_like(p, 1 / p.shape[-1]),
        "y_hat(t)^2": p * p,
        "y_hat(t) y(t)": p * y,
        "y_hat(t)^2 y(t)": p * p * y,
        "y_hat(t)^3": p * p * p,
        "z(t)": z,
        "softmax(y_hat(t))": e / e.sum(axis=-1, keepdims=True),
        "y(t) / y_hat(t)": y / p,
        "y_hat(t) (y_hat(t)^T (y_hat(t) - y(t)))": p * (p * (p - y)).sum(axis=-1, keepdims=True),
        "y_hat(T)": np.broadcast_to(p[-1], p.shape),
        "y(T)": np.broadcast_to(y[-1], y.shape),
        "y_hat(T+1-t)": p[::-1],
        "y(T+1-t)": y[::-1],
        "t y_hat(t)": step * p,
        "t y(t)": step * y,
    }


def other_states(net: Network, l: int, name: str) -> dict[str, Array]:
    """What delta^(l)(t) may meet in the gradient of H or W, by text, shape (T, B, width)."""
    s = net.setting
    of = l if name == "H" else l - 1
    now, before = s.h[of][1:], s.h[of][:-1]
    letter, found = ("h", {}) if name == "H" else ("h_below", {})
    found = {
        f"{letter}(t)": now,
        f"{letter}(t-1)": before,
        f"{letter}(t-2)": later(before, -1),
        f"{letter}(t)^2": now * now,
        f"{letter}(t-1)^2": before * before,
        "1": np.ones_like(now),
    }
    if of > 0:
        z, slope = s.z[of], s.slopes[of]
        letter = "z" if name == "H" else "z_below"
        found |= {
            f"{letter}(t)": z,
            f"{letter}(t-1)": later(z, -1),
            f"f'({letter}(t))": slope,
            f"f'({letter}(t-1))": later(slope, -1),
        }
    return found
