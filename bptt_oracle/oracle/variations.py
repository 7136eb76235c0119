"""The gradients that a backprop with given mistakes would answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .accumulators import ACCUMULATORS, factors
from .answers import Grads
from .conventions import Conventions
from .deviations import TENSORS, Deviation, DeviationError, places
from .laws import CARRIES, CLIPS, CUTS, ERRORS, ORDERS, SIGNALS, SLOPES, Law, backward
from .matching import evaluate, sizes
from .probes import Array, Probe
from .setting import Setting

SLOTS: dict[str, Iterable[str]] = {
    "error": ERRORS,
    "slope": SLOPES,
    "order": ORDERS,
    "carry": CARRIES,
    "cut": CUTS,
    "clip": CLIPS,
    "out": SIGNALS,
    "down": SIGNALS,
}
FINISHES = ("scale", "clipped-by-value", "clipped-by-norm", "clipped-by-global-norm")
"""What is done to finished gradients: a factor, a limit of the entries, of the norm, of the norm of all together."""


def simulate(probe: Probe, conventions: Conventions, mistakes: Sequence[str | Deviation]) -> Grads | None:
    """The gradients of a backprop with these mistakes, in the document's form.

    Parameters
    ----------
    probe, conventions
        The network, as the backprop is asked about it.
    mistakes
        Deviations, or their texts: ``carry-untransposed``, ``truncated-window(4)``, ``first-step-skipped@W``. A signal
        is that between hidden layers; ``@W-output`` makes it that from the output layer.

    Returns
    -------
    None where one of them means nothing on this network, or only an exception.

    Raises
    ------
    DeviationError
        If one is not in the catalogue, or two cannot go together.
    """
    deviations = [Deviation.parse(m) if isinstance(m, str) else m for m in mistakes]
    return simulate_in(Setting(probe, conventions), deviations)


def simulate_in(s: Setting, deviations: Sequence[Deviation]) -> Grads | None:
    """The same, with the forward pass at hand."""
    law, gathering, finishing = assorted(deviations)
    errors = backward(s, law)
    if errors is None:
        return None
    names = ("H", "W", "b", "b_hh") if s.conventions.biases == 2 else ("H", "W", "b")
    grads: Grads = []
    for l in range(1, s.n + 1):
        layer: dict[str, Array] = {}
        for name in names if l < s.n else ("W", "b"):
            slug = accumulator(gathering, name, l, s.n)
            gradient = ACCUMULATORS[slug](factors(s, errors, l, name))
            if gradient is None:
                return None
            layer[name] = np.array(gradient)
        grads.append(layer)
    for deviation in finishing:
        _finish(s, grads, deviation)
    return grads


def accumulator(gathering: Mapping[str, str], name: str, l: int, n: int) -> str:
    """The slug of the accumulator of one gradient, given those of the places where one is not right."""
    return next((gathering[place] for place in places(name, l, n) if place in gathering), "right")


def assorted(deviations: Sequence[Deviation]) -> tuple[Law, dict[str, str], list[Deviation]]:
    """Deviations as the law, the accumulator of each kind of gradient, and what is done at the end."""
    law, gathering, finishing = Law(), dict[str, str](), list[Deviation]()
    for deviation in deviations:
        slot = slot_of(deviation)
        if slot == "finish":
            finishing.append(deviation)
        elif slot == "accumulator":
            for tensor in (deviation.tensor,) if deviation.tensor else TENSORS:
                if tensor in gathering:
                    raise DeviationError(
                        f"expected one mistake for the gradient of {tensor}, but got a second: {deviation}"
                    )
                gathering[tensor] = deviation.slug
        elif getattr(law, slot).slug != "right":
            raise DeviationError(f"expected one mistake of the kind {slot}, but got a second: {deviation}")
        else:
            law = law.holding(slot, Deviation(deviation.slug, deviation.parameter, deviation.tensor))
    return law, gathering, finishing


def slot_of(deviation: Deviation) -> str:
    """The slot that a deviation is of: one of the law, "accumulator" or "finish"."""
    slug = deviation.slug
    if slug in FINISHES:
        return "finish"
    if slug in SIGNALS:
        return "out" if deviation.tensor == "W-output" else "down"
    for slot, slugs in SLOTS.items():
        if slug in slugs:
            return slot
    if slug in ACCUMULATORS:
        return "accumulator"
    raise DeviationError(f"expected a mistake that the catalogue names, but got {slug!r}")


def _finish(s: Setting, grads: Grads, deviation: Deviation) -> None:
    """Scale or clip gradients in place."""
    chosen: list[tuple[dict[str, Any], str]] = [
        (layer, name)
        for l, layer in enumerate(grads, start=1)
        for name in layer
        if deviation.tensor in ("", *places(name, l, s.n))
    ]
    if deviation.slug == "scale":
        by = evaluate(deviation.parameter, sizes(s.probe))
        for layer, name in chosen:
            layer[name] = layer[name] * by
        return
    limit = float(deviation.parameter)
    if deviation.slug == "clipped-by-value":
        for layer, name in chosen:
            layer[name] = np.clip(layer[name], -limit, limit)
    elif deviation.slug == "clipped-by-norm":
        for layer, name in chosen:
            layer[name] = _shortened(layer[name], np.sqrt((layer[name] ** 2).sum()), limit)
    else:
        norm = np.sqrt(sum((layer[name] ** 2).sum() for layer, name in chosen))
        for layer, name in chosen:
            layer[name] = _shortened(layer[name], norm, limit)


def _shortened(array: Array, norm: Any, limit: float) -> Array:
    return array * (limit / norm) if norm > limit else array
