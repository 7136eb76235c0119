"""A forward pass with given mistakes: what it goes through, and its loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..conventions import Conventions
from ..deviations import Deviation, DeviationError
from ..matching import evaluate, sizes
from ..probes import Array, Probe
from .outputs import COUNTED, LOSS, LOSSES, OUTPUT, output
from .steps import HIDDEN, hidden
from .walks import Activation, Walk

SLOTS: Mapping[str, frozenset[str]] = {
    slot: frozenset(table) - {"right"} for slots in (HIDDEN, OUTPUT, LOSS) for slot, table in slots.items()
} | {"total": frozenset({"loss-scaled", "loss-constant", "loss-epsilon"})}
"""The deviations of every slot; those of the last one have a number, or an expression in the sizes of the network."""

_SLOT_OF: Mapping[str, str] = {slug: slot for slot, slugs in SLOTS.items() for slug in slugs}


def is_ahead(deviation: Deviation) -> bool:
    """Whether a deviation is one of the forward pass or of the loss."""
    return deviation.slug in _SLOT_OF


def slot_of(deviation: Deviation) -> str:
    """The slot that a deviation of the forward pass is of.

    Raises
    ------
    DeviationError
        If it is none.
    """
    if deviation.slug not in _SLOT_OF:
        raise DeviationError(f"expected a mistake of the forward pass, but got {deviation.slug!r}")
    return _SLOT_OF[deviation.slug]


def is_at(deviation: Deviation, l: int, n: int) -> bool:
    """Whether a deviation concerns layer l of n."""
    slot = slot_of(deviation)
    if l == n:
        return deviation.tensor == "output-layer" or slot not in HIDDEN
    match deviation.tensor:
        case "":
            return slot in HIDDEN
        case "first-layer":
            return l == 1
        case "lower-layers":
            return l < n - 1
        case "upper-layers":
            return l > 1
        case "top-layer":
            return l == n - 1
    return False


def held_at(deviations: Iterable[Deviation], l: int, n: int) -> dict[str, str]:
    """The slug that each slot of a layer holds.

    Raises
    ------
    DeviationError
        If two are of one slot.
    """
    held: dict[str, str] = {}
    for deviation in deviations:
        if is_at(deviation, l, n):
            slot = slot_of(deviation)
            if slot in held:
                raise DeviationError(
                    f"expected one mistake of the kind {slot} in a layer, but got a second: {deviation}"
                )
            held[slot] = deviation.slug
    return held


def walk(
    probe: Probe, conventions: Conventions, deviations: Sequence[Deviation], start: Walk | None = None
) -> Walk | None:
    """What a forward pass with these mistakes goes through; None where one of them means nothing, or an exception.

    Parameters
    ----------
    probe, conventions
        The network, as f is asked about it.
    deviations
        The mistakes.
    start
        Other parameters than those of the network.
    """
    w = walk_below(probe, conventions, deviations, start)
    return w if w is not None and walk_output(w, probe, conventions, deviations) else None


def walk_below(
    probe: Probe, conventions: Conventions, deviations: Sequence[Deviation], start: Walk | None = None
) -> Walk | None:
    """The part of `walk` below the output layer."""
    w = Walk.at(probe, conventions.biases) if start is None else start
    f, n = activation_of(conventions), w.n
    with np.errstate(all="ignore"):  # what overflows is no answer of any program that is asked about
        for l in range(1, n):
            if not hidden(w, l, probe.h0[l - 1], probe.T, f, held_at(deviations, l, n)):
                return None
    return w


def walk_output(w: Walk, probe: Probe, conventions: Conventions, deviations: Sequence[Deviation]) -> bool:
    """The rest of `walk`, the output layer and the loss, which replaces another rest; whether there is a way."""
    held = held_at(deviations, w.n, w.n)
    with np.errstate(all="ignore"):
        if not output(w, activation_of(conventions), held):
            return False
        w.losses = losses_of(w, probe, held)
        for deviation in deviations:
            if deviation.slug == "loss-scaled":
                w.losses = w.losses * evaluate(deviation.parameter, sizes(probe))
            elif deviation.slug == "loss-constant":
                share = evaluate(deviation.parameter, sizes(probe)) / weights_of(probe, conventions).sum()
                w.losses = np.full(w.losses.shape, share)
            elif deviation.slug == "loss-epsilon":
                w.losses = -np.log((w.y_hat * probe.targets).sum(axis=-1) + float(deviation.parameter))
    return True


def losses_of(w: Walk, probe: Probe, held: Mapping[str, str]) -> Array:
    """J^(t) of every sequence, shape (T, B), zero where it does not count."""
    losses = LOSSES[held.get("loss", "right")](w.y_hat, probe.targets, w.n)
    return COUNTED[held.get("counted", "right")](losses)


def activation_of(conventions: Conventions) -> Activation:
    """The activation, over complex numbers too: their imaginary part is a derivative."""
    f = conventions.functions.f

    def apply(z: Array) -> Array:
        if not np.iscomplexobj(z):
            return np.asarray(f(z))
        return np.asarray(f(z.real) + 1j * f.derivative(z.real) * z.imag)

    return apply


def weights_of(probe: Probe, conventions: Conventions) -> Array:
    """How much each loss counts in J, shape (T, B)."""
    T, B = probe.T, probe.B
    over_time = {"mean": np.full(T, 1 / T), "sum": np.ones(T), "last": np.eye(T)[-1]}[conventions.over_time]
    over_batch = np.full(B, 1 / B) if conventions.over_batch == "mean" else np.ones(B)
    return np.asarray(over_time[:, None] * over_batch)


def loss_of(w: Walk, probe: Probe, conventions: Conventions) -> Array:
    """J; complex where the pass is."""
    weights = weights_of(probe, conventions)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(weights, weights * w.losses, 0).sum())
