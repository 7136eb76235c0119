"""The output layer and the loss, (1)-(3), with a mistake in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..probes import Array
from .steps import BELOW, BIAS, INPUT
from .walks import Activation, Walk

# ------------------------------------------------------------------------------------------------------------ y_hat


def _exp(z: Array) -> Array:
    return np.asarray(np.exp(z - _largest(z)))


def _largest(z: Array) -> Array:
    return np.asarray(z.real.max(axis=-1, keepdims=True))


def _over(axes: tuple[int, ...], largest: tuple[int, ...] | None = None) -> Callable[[Array], Array]:
    """A softmax whose sum runs over these axes of (T, B, |V|), and the largest logit is that over others."""

    def softmax(z: Array) -> Array:
        e = np.exp(z - z.real.max(axis=axes if largest is None else largest, keepdims=True))
        return np.asarray(e / e.sum(axis=axes, keepdims=True))

    return softmax


_softmax = _over((2,))

SOFTMAX: Mapping[str, Callable[[Array], Array]] = {
    "right": _softmax,
    "softmax-not-normalised": np.exp,
    "softmax-not-normalised-shifted": _exp,
    "softmax-over-time": _over((0,)),
    "softmax-over-batch": _over((1,)),
    "softmax-over-batch-and-classes": _over((1, 2)),
    "softmax-over-time-and-classes": _over((0, 2)),
    "softmax-over-everything": _over((0, 1, 2)),
    "softmax-sum-over-time": _over((0,), (2,)),
    "softmax-sum-over-batch": _over((1,), (2,)),
    "softmax-sum-over-batch-and-classes": _over((1, 2), (2,)),
    "softmax-sum-over-time-and-classes": _over((0, 2), (2,)),
    "softmax-sum-over-everything": _over((0, 1, 2), (2,)),
    "softmax-largest-over-time": _over((2,), (0,)),
    "softmax-largest-over-batch": _over((2,), (1,)),
    "softmax-of-softmax": lambda z: _softmax(_softmax(z)),
    "softmax-by-mean": lambda z: z.shape[-1] * _softmax(z),
    "softmax-is-logistic": lambda z: np.asarray(1 / (1 + np.exp(-z))),
    "softmax-without-exp": lambda z: np.asarray(z / z.sum(axis=-1, keepdims=True)),
    "softmax-sum-shifted-only": lambda z: np.asarray(np.exp(z) / _exp(z).sum(axis=-1, keepdims=True)),
    "softmax-sum-not-shifted": lambda z: np.asarray(_exp(z) / np.exp(z).sum(axis=-1, keepdims=True)),
}
"""y^, shape (T, B, |V|), given z^(n)."""

LOGITS: Mapping[str, Callable[[Activation, Array], Array]] = {
    "right": lambda f, z: z,
    "logits-negated": lambda f, z: -z,
    "logits-activated": lambda f, z: f(z),
}
"""What y^ is made of, given f and z^(n)."""

OUTPUT: Mapping[str, Mapping[str, object]] = {
    "input": INPUT,
    "below": BELOW,
    "bias": BIAS,
    "logits": LOGITS,
    "softmax": SOFTMAX,
}
"""The slots of the output layer."""


def output(w: Walk, f: Activation, held: Mapping[str, str]) -> bool:
    """Go through the output layer; whether there is a way. Parameters as of `steps.hidden`."""
    l = w.n
    below = BELOW[held.get("below", "right")](w, l)
    given = None if below is None else INPUT[held.get("input", "right")](w, l, below)
    bias = BIAS[held.get("bias", "right")](w, l)
    if below is None or given is None or bias is None:
        return False
    w.below[l], w.z[l] = below, LOGITS[held.get("logits", "right")](f, given + bias)
    w.y_hat = SOFTMAX[held.get("softmax", "right")](w.z[l])
    return True


# --------------------------------------------------------------------------------------------------------- the loss

Targets = Callable[[Array, int], Array]


def _of_class(
    value: Callable[[Array], Array], targets: Targets = lambda y, n: y
) -> Callable[[Array, Array, int], Array]:
    """Something of y^_k."""

    def losses(y_hat: Array, y: Array, n: int) -> Array:
        return value((y_hat * targets(y, n)).sum(axis=-1))

    return losses


def _of_sequence(by: int) -> Callable[[Array, Array, int], Array]:
    """The loss of each target under y^ of another sequence."""
    return lambda y_hat, y, n: np.asarray(-np.log((np.roll(y_hat, by, axis=1) * y).sum(axis=-1)))


def _minus_log(value: Array) -> Array:
    return np.asarray(-np.log(value))


def _clamped(by: int) -> Targets:
    return lambda y, n: y[np.clip(np.arange(len(y)) + by, 0, len(y) - 1)]


def _steps_rolled(by: int) -> Targets:
    return lambda y, n: np.roll(y, by, axis=0)


def _classes_rolled(by: int) -> Targets:
    return lambda y, n: np.roll(y, by, axis=-1)


def _at(step: Callable[[int], int]) -> Targets:
    return lambda y, n: np.broadcast_to(y[min(step(n), len(y) - 1)], y.shape)


def _squared(share: float) -> Callable[[Array, Array, int], Array]:
    return lambda y_hat, y, n: np.asarray(share * ((y_hat - y) * (y_hat - y)).sum(axis=-1))


def _binary(y_hat: Array, y: Array, n: int) -> Array:
    return np.asarray(-(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)).sum(axis=-1))


LOSSES: Mapping[str, Callable[[Array, Array, int], Array]] = {
    "right": _of_class(_minus_log),
    "loss-sign": _of_class(np.log),
    "loss-without-log": _of_class(lambda y: -y),
    "loss-without-log-positive": _of_class(lambda y: y),
    "loss-class-before": _of_class(_minus_log, _classes_rolled(-1)),
    "loss-class-after": _of_class(_minus_log, _classes_rolled(1)),
    "loss-target-late": _of_class(_minus_log, _clamped(1)),
    "loss-target-early": _of_class(_minus_log, _clamped(-1)),
    "loss-target-late-wrapped": _of_class(_minus_log, _steps_rolled(-1)),
    "loss-target-early-wrapped": _of_class(_minus_log, _steps_rolled(1)),
    "loss-target-of-first-step": _of_class(_minus_log, _at(lambda n: 0)),
    "loss-target-of-last-step": _of_class(_minus_log, _at(lambda n: -1)),
    "loss-target-of-layer-number": _of_class(_minus_log, _at(lambda n: n - 2)),
    "loss-of-sequence-before": _of_sequence(1),
    "loss-of-sequence-after": _of_sequence(-1),
    "loss-of-every-class": lambda y_hat, y, n: np.asarray(-np.log(y_hat).sum(axis=-1)),
    "loss-is-entropy": lambda y_hat, y, n: np.asarray(-(y_hat * np.log(y_hat)).sum(axis=-1)),
    "loss-of-other-classes": _of_class(lambda y: -np.log(1 - y)),
    "loss-squared": _squared(1.0),
    "loss-squared-half": _squared(0.5),
    "loss-binary": _binary,
}
"""J^(t) of every sequence, shape (T, B), given y^, y as rows, both (T, B, |V|), and n."""


def _steps(chosen: slice) -> Callable[[Array], Array]:
    def mask(losses: Array) -> Array:
        counted = np.zeros(losses.shape)
        counted[chosen] = 1
        return np.asarray(np.where(counted, losses, 0))

    return mask


def _first_sequence(losses: Array) -> Array:
    counted = np.zeros_like(losses)
    counted[:, 0] = losses[:, 0]
    return counted


COUNTED: Mapping[str, Callable[[Array], Array]] = {
    "right": lambda losses: losses,
    "loss-first-step-skipped": _steps(slice(1, None)),
    "loss-last-step-skipped": _steps(slice(None, -1)),
    "loss-first-step-only": _steps(slice(0, 1)),
    "loss-last-step-only": _steps(slice(-1, None)),
    "loss-first-sequence-only": _first_sequence,
}
"""The losses that count, the others zero."""

LOSS: Mapping[str, Mapping[str, object]] = {"loss": LOSSES, "counted": COUNTED}
"""The slots of the loss."""
