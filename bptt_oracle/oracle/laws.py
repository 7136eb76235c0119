"""The law by which a backward pass makes its deltas, with a mistake in it.

A law is factored into slots: the error that is fed in at the output, the slope f', the order in which they are put
together, what is carried through time, where that is cut and where it is clipped, and what comes down from the layer
above (from the output layer: `out`; between hidden layers: `down`). A slot holds the right thing or one deviation, so
that a search over slots meets every combination without a list of combinations.

Arrays of errors have the shape (T, I, B, d_l), where I is 1, or T when every loss step i is carried on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .deviations import Deviation
from .probes import Array
from .setting import Setting

LAW_SLOTS = ("error", "slope", "order", "carry", "cut", "clip", "out", "down")
RIGHT = Deviation("right")


@dataclass(frozen=True)
class Law:
    """Which deviation each slot of the law holds."""

    error: Deviation = RIGHT
    slope: Deviation = RIGHT
    order: Deviation = RIGHT
    carry: Deviation = RIGHT
    cut: Deviation = RIGHT
    clip: Deviation = RIGHT
    out: Deviation = RIGHT
    down: Deviation = RIGHT

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Those that are not right."""
        return tuple(held for slot in LAW_SLOTS if (held := getattr(self, slot)) is not RIGHT)

    def holding(self, slot: str, deviation: Deviation) -> Law:
        """The same law but for one slot."""
        return replace(self, **{slot: deviation})


@dataclass
class Errors:
    """What a law gives, by layer; shapes (T, I, B, d_l).

    Attributes
    ----------
    dz : delta, after f'
    dh : what arrives, before f'
    direct : delta without what came through time
    """

    dz: dict[int, Array] = field(default_factory=dict)
    dh: dict[int, Array] = field(default_factory=dict)
    direct: dict[int, Array] = field(default_factory=dict)

    def summed(self, l: int, *, before_slope: bool = False) -> Array:
        """The deltas of layer l summed over the loss steps, shape (T, B, d_l)."""
        array = (self.dh if before_slope else self.dz)[l]
        return np.asarray(array[:, 0] if array.shape[1] == 1 else array.sum(axis=1))


# ------------------------------------------------------------------------------------- the error that is fed in


def _later(array: Array, by: int = 1, *, wrap: bool = False) -> Array:
    """The array whose entry t is the old entry t + by; beyond the ends zero, or from the other end."""
    moved = np.roll(array, -by, axis=0)
    if not wrap:
        moved[-by if by > 0 else 0 : None if by > 0 else -by] = 0
    return moved


def _clamped(array: Array, by: int) -> Array:
    """The array whose entry t is the old entry t + by, the last or first one again beyond the ends."""
    return np.asarray(array[np.clip(np.arange(len(array)) + by, 0, len(array) - 1)])


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _through_softmax(s: Setting, error: Array) -> Array:
    """The gradient in z^(n) of something whose gradient in y^ is given."""
    return np.asarray(s.y_hat * (error - (s.y_hat * error).sum(axis=-1, keepdims=True)))


def _from(value: Callable[[Setting], Array]) -> Callable[[Setting], Array]:
    """An error that is weighted as the loss is."""
    return lambda s: np.asarray(s.weights * value(s))


def _shifted(by: int, *, wrap: bool = False) -> Callable[[Setting], Array]:
    return lambda s: _later(np.asarray(s.weights * (s.y_hat - s.y)), by, wrap=wrap)


def _last_only(s: Setting) -> Array:
    error = np.array(s.weights * (s.y_hat - s.y))
    error[:-1] = 0
    return error


def _every_step(s: Setting) -> Array:
    return np.asarray(s.weights.max() * (s.y_hat - s.y))


def _last_everywhere(s: Setting) -> Array:
    last = s.weights[-1] * (s.y_hat[-1] - s.y[-1])
    return np.broadcast_to(last, s.y_hat.shape).copy()


ERRORS: Mapping[str, Callable[[Setting], Array]] = {
    "right": _from(lambda s: s.y_hat - s.y),
    "target-late": _from(lambda s: s.y_hat - _clamped(s.y, 1)),
    "target-early": _from(lambda s: s.y_hat - _clamped(s.y, -1)),
    "target-late-wrapped": _from(lambda s: s.y_hat - _later(s.y, 1, wrap=True)),
    "target-early-wrapped": _from(lambda s: s.y_hat - _later(s.y, -1, wrap=True)),
    "target-of-first-step": _from(lambda s: s.y_hat - s.y[:1]),
    "target-of-last-step": _from(lambda s: s.y_hat - s.y[-1:]),
    "output-of-previous-step-wrapped": _from(lambda s: np.roll(s.y_hat, 1, axis=0) - s.y),
    "output-of-next-step-wrapped": _from(lambda s: np.roll(s.y_hat, -1, axis=0) - s.y),
    "output-of-last-step": _from(lambda s: s.y_hat[-1:] - s.y),
    "error-of-next-step": _shifted(1),
    "error-of-previous-step": _shifted(-1),
    "error-of-next-step-wrapped": _shifted(1, wrap=True),
    "error-of-previous-step-wrapped": _shifted(-1, wrap=True),
    "error-reversed": lambda s: (s.weights * (s.y_hat - s.y))[::-1],
    "error-of-last-step-only": _last_only,
    "error-at-every-step": _every_step,
    "error-of-last-step-everywhere": _last_everywhere,
    "class-before": _from(lambda s: s.y_hat - np.roll(s.y, -1, axis=-1)),
    "class-after": _from(lambda s: s.y_hat - np.roll(s.y, 1, axis=-1)),
    "softmax-diagonal": _from(lambda s: -s.y * (1 - s.y_hat)),
    "softmax-derivative-extra": _from(lambda s: (s.y_hat - s.y) * s.y_hat * (1 - s.y_hat)),
    "softmax-twice": _from(lambda s: _softmax(s.y_hat) - s.y),
    "softmax-jacobian-omitted": _from(lambda s: -s.y / s.y_hat),
    "squared-error": _from(lambda s: _through_softmax(s, s.y_hat - s.y)),
    "target-not-subtracted": _from(lambda s: s.y_hat),
    "target-added": _from(lambda s: s.y_hat + s.y),
    "output-omitted": _from(lambda s: -s.y),
    "logits-for-probabilities": _from(lambda s: s.z[s.n] - s.y),
}
"""delta^(n)(t), shape (T, B, |V|), by the slug of the deviation."""


# ------------------------------------------------------------------------------------------------- the slope f'


def _from_value(of: Callable[[Setting, int], Array]) -> Callable[[Setting, int], Array | None]:
    return lambda s, l: s.slope_of_value(of(s, l))


def _logistic_slope(s: Setting, l: int) -> Array | None:
    h = s.h[l][1:]
    return None if s.conventions.activation == "logistic" else np.asarray(h * (1 - h))


def _tanh_slope(s: Setting, l: int) -> Array | None:
    h = s.h[l][1:]
    return None if s.conventions.activation == "tanh" else np.asarray(1 - h * h)


SLOPES: Mapping[str, Callable[[Setting, int], Array | None]] = {
    "right": lambda s, l: s.slopes[l],
    "slope-of-h": lambda s, l: s.f.derivative(s.h[l][1:]),
    "slope-omitted": lambda s, l: np.ones_like(s.z[l]),
    "slope-of-last-step": lambda s, l: np.broadcast_to(s.slopes[l][-1], s.z[l].shape),
    "slope-of-first-step": lambda s, l: np.broadcast_to(s.slopes[l][0], s.z[l].shape),
    "slope-of-previous-step": _from_value(lambda s, l: s.h[l][:-1]),
    "slope-of-previous-step-wrapped": lambda s, l: np.roll(s.slopes[l], 1, axis=0),
    "slope-two-steps-back-wrapped": _from_value(lambda s, l: np.roll(s.h[l], 1, axis=0)[:-1]),
    "slope-of-h-before": lambda s, l: s.f.derivative(s.h[l][:-1]),
    "slope-of-next-step": lambda s, l: _clamped(s.slopes[l], 1),
    "slope-of-next-step-wrapped": lambda s, l: np.roll(s.slopes[l], -1, axis=0),
    "slope-reversed": lambda s, l: s.slopes[l][::-1],
    "slope-is-f": lambda s, l: np.asarray(s.h[l][1:]),
    "slope-squared": lambda s, l: s.slopes[l] * s.slopes[l],
    "slope-inverted": lambda s, l: None if (s.slopes[l] == 0).any() else 1 / s.slopes[l],
    "slope-of-logistic": _logistic_slope,
    "slope-of-tanh": _tanh_slope,
    "slope-without-square": lambda s, l: 1 - s.h[l][1:] if s.conventions.activation == "tanh" else None,
    "slope-plus-for-minus": lambda s, l: 1 + s.h[l][1:] ** 2 if s.conventions.activation == "tanh" else None,
    "slope-minus-omitted": lambda s, l: s.h[l][1:] ** 2 if s.conventions.activation == "tanh" else None,
}
"""What stands for f'(z^(l)(t)), shape (T, B, d_l); None where the deviation means nothing or nothing new."""


def _slope(s: Setting, l: int, slug: str) -> Array | None:
    """What stands for f', worked out once for a network."""
    slope: Array | None = s.once(("slope", slug, l), lambda s: SLOPES[slug](s, l))
    return slope


ORDERS = ("right", "carry-after-slope", "slope-on-carry-only")
"""Whether f' multiplies both what comes from above and what is carried, or one of them alone."""

# ------------------------------------------------------------------------------------ what is carried through time


@dataclass(frozen=True)
class Carry:
    """How errors go from one step to the one before.

    Attributes
    ----------
    matrix : by what dz(t+1), a row, is multiplied, given H; None if nothing is carried
    source : "dz" or "dh", what is carried
    skip : from how many steps later
    last : whether it is always that of the last step
    forward : whether the loop runs forwards, so that the step before is carried
    """

    matrix: Callable[[Array], Array] | None = lambda H: H
    source: str = "dz"
    skip: int = 1
    last: bool = False
    forward: bool = False


CARRIES: Mapping[str, Carry] = {
    "right": Carry(),
    "carry-untransposed": Carry(lambda H: H.T),
    "carry-dropped": Carry(None),
    "carry-without-H": Carry(lambda H: np.eye(len(H))),
    "carry-sign": Carry(lambda H: -H),
    "carry-doubled": Carry(lambda H: 2 * H),
    "carry-without-slope": Carry(source="dh"),
    "carry-untransposed-without-slope": Carry(lambda H: H.T, source="dh"),
    "carry-elementwise": Carry(lambda H: np.diag(np.diag(H))),
    "carry-skips-a-step": Carry(skip=2),
    "carry-of-last-step": Carry(last=True),
    "carry-forwards": Carry(forward=True),
    "carry-forwards-untransposed": Carry(lambda H: H.T, forward=True),
}
"""How errors are carried through time."""


@dataclass(frozen=True)
class Cut:
    """Where the carrying ends.

    Attributes
    ----------
    window : of how many steps a loss is carried back at most
    chunks : after how many steps the carrying is cut, counted from the first step, or from the last if negative
    last : how many of the last steps the loop covers at all
    output : whether the output layer is in that loop too
    """

    window: int | None = None
    chunks: int | None = None
    last: int | None = None
    output: bool = False

    def skipped(self, T: int) -> int:
        """How many of the first steps the loop leaves out."""
        return 0 if self.last is None else max(T - self.last, 0)


CUTS: Mapping[str, Callable[[str], Cut]] = {
    "right": lambda p: Cut(),
    "truncated-window": lambda p: Cut(window=int(p)),
    "truncated-chunks": lambda p: Cut(chunks=int(p)),
    "truncated-chunks-from-end": lambda p: Cut(chunks=-int(p)),
    "last-steps-only": lambda p: Cut(last=int(p), output=True),
    "last-steps-only-hidden": lambda p: Cut(last=int(p)),
}
"""Where the carrying ends, by the number of steps."""

CLIPS = (
    "right",
    "carry-clipped-by-value",
    "carry-clipped-by-norm",
    "carried-delta-clipped-by-value",
    "carried-delta-clipped-by-norm",
    "delta-clipped-by-value",
    "delta-clipped-by-norm",
    "arriving-clipped-by-value",
    "arriving-clipped-by-norm",
)
"""What is clipped in the loop: H^T delta, delta where it is carried, delta itself, or what arrives before f'."""


def _limited(array: Array, clip: Deviation) -> Array:
    """An array with its entries, or the norm of its last axis, limited; shape as it was."""
    limit = float(clip.parameter)
    if clip.slug.endswith("value"):
        return np.asarray(np.clip(array, -limit, limit))
    norm = np.sqrt((array * array).sum(axis=-1, keepdims=True))
    return np.asarray(array * np.where(norm > limit, limit / np.where(norm == 0, 1, norm), 1))


# ---------------------------------------------------------------------------------- what comes from the layer above


def _plain(e: Errors, l: int) -> Array:
    return e.dz[l]


SIGNALS: Mapping[str, Callable[[Errors, int], Array]] = {
    "right": _plain,
    "signal-reversed": lambda e, l: e.dz[l][::-1],
    "signal-of-next-step": lambda e, l: _later(e.dz[l]),
    "signal-of-previous-step": lambda e, l: _later(e.dz[l], -1),
    "signal-of-last-step-only": lambda e, l: np.concatenate([np.zeros_like(e.dz[l][:-1]), e.dz[l][-1:]]),
    "signal-dropped": lambda e, l: np.zeros_like(e.dz[l]),
    "signal-lacks-time": lambda e, l: e.direct[l],
    "signal-before-slope": lambda e, l: e.dh[l],
    "signal-through-H": _plain,
    "signal-untransposed": _plain,
}
"""Which error of layer l + 1 is handed down; "signal-through-H" and "-untransposed" also change the matrix."""


def _matrix_down(s: Setting, l: int, slug: str) -> Array | None:
    """What a row of layer l + 1 is multiplied by on its way down; None if the shapes do not fit."""
    W = s.W[l + 1]
    if slug == "signal-through-H":
        matrix = s.H.get(l + 1)
        return matrix if matrix is not None and matrix.shape == W.shape else None
    if slug == "signal-untransposed":
        return W.T if W.shape[0] == W.shape[1] else None
    return W


# ----------------------------------------------------------------------------------------------------- the law, run


def backward(s: Setting, law: Law, lowest: int = 1) -> Errors | None:
    """The errors that a law gives; None where it means nothing on this network, or only an exception.

    They are worked out down to the layer `lowest`.
    """
    cut = CUTS[law.cut.slug](law.cut.parameter)
    fed = s.once(("error", law.error.slug), ERRORS[law.error.slug])[:, None]
    if cut.output:
        fed = np.where(np.arange(s.T)[:, None, None, None] < cut.skipped(s.T), 0, fed)
    if cut.window is not None:  # every loss step on its own, so that each can be cut at its own step
        each = np.eye(s.T)[:, :, None, None]
        fed = each * fed
    errors = Errors({s.n: fed}, {s.n: fed}, {s.n: fed})
    for l in range(s.n - 1, lowest - 1, -1):
        signal = law.out if l == s.n - 1 else law.down
        matrix = _matrix_down(s, l, signal.slug)
        slope = _slope(s, l, law.slope.slug)
        if matrix is None or slope is None:
            return None
        _through_time(errors, l, SIGNALS[signal.slug](errors, l + 1) @ matrix, slope[:, None], s.H[l], law, cut)
    return errors


def _through_time(errors: Errors, l: int, above: Array, slope: Array, H: Array, law: Law, cut: Cut) -> None:
    """Layer l of the backward pass: what arrives from above, carried through time, times the slope."""
    T, carry, order = len(above), CARRIES[law.carry.slug], law.order.slug
    dz, dh = np.zeros_like(above), np.zeros_like(above)
    matrix = None if carry.matrix is None else carry.matrix(H)
    source = dh if carry.source == "dh" else dz
    clipped = {what for what in ("carried-delta", "carry-", "arriving", "delta") if law.clip.slug.startswith(what)}

    def carried_from(step: int) -> Array:
        sent = _limited(source[step], law.clip) if "carried-delta" in clipped else source[step]
        return _limited(sent @ matrix, law.clip) if "carry-" in clipped else np.asarray(sent @ matrix)

    first = cut.skipped(T)
    for t in range(first, T) if carry.forward else range(T - 1, first - 1, -1):
        carried, source_step = None, _source_step(t, T, carry)
        if matrix is not None and source_step is not None and not _ends(t + 1, T, cut.chunks):
            carried = carried_from(source_step)
        arriving = above[t] if carried is None else above[t] + carried
        if "arriving" in clipped:
            arriving = _limited(arriving, law.clip)
        dh[t] = arriving
        if order == "slope-on-carry-only":
            dz[t] = above[t] if carried is None else above[t] + slope[t] * carried
        elif order == "carry-after-slope" and carried is not None:
            dz[t] = slope[t] * above[t] + carried
        else:
            np.multiply(slope[t], arriving, out=dz[t])
        if "delta" in clipped:
            dz[t] = _limited(dz[t], law.clip)
        if cut.window is not None:
            dz[t, t + cut.window + 1 :] = 0
            dh[t, t + cut.window + 1 :] = 0
    direct = slope * above
    direct[:first] = 0
    errors.dz[l], errors.dh[l], errors.direct[l] = dz, dh, direct


def _source_step(t: int, T: int, carry: Carry) -> int | None:
    """The step, from 0, whose error is carried to step t; None if there is none."""
    if carry.forward:
        return t - 1 if t > 0 else None
    if t + 1 == T:
        return None
    step = T - 1 if carry.last else t + carry.skip
    return step if step < T else None


def _ends(steps: int, T: int, chunks: int | None) -> bool:
    """Whether the carrying is cut between the steps `steps` and `steps` + 1."""
    if chunks is None:
        return False
    return (steps if chunks > 0 else T - steps) % abs(chunks) == 0
