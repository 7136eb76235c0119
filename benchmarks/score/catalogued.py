"""Backprops with mistakes of the catalogue in them, made by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from bptt_oracle.oracle.accumulators import ACCUMULATORS
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.deviations import PLACES, Deviation, DeviationError
from bptt_oracle.oracle.laws import CUTS
from bptt_oracle.oracle.probes import Plan, Probe, draw
from bptt_oracle.oracle.truth import truth_of
from bptt_oracle.oracle.variations import FINISHES, SLOTS, assorted, simulate

from .programs import Function

_FACTORS = ("T", "1 / T", "B", "1 / B", "2", "1 / 2", "-1", "|V|")
_LIMITS = ("1", "5")
_WINDOWS = ("1", "2", "4")
_CHUNKS = ("2", "3", "5")

_OF_LAST_STEP = ("error-at-every-step",)
_SQUARE = Plan("square", (3, 3, 3, 3, 3), T=4, B=2, h0=True)


@cache
def deviations() -> list[Deviation]:
    """Everything that can be simulated, each with every parameter and each gradient that it can be about."""
    found = []
    for slot, slugs in SLOTS.items():
        tensor = "W-output" if slot == "out" else ""
        found += [Deviation(slug, parameter, tensor) for slug in slugs for parameter in _parameters(slug)]
    found += [Deviation(slug, "", tensor) for slug in ACCUMULATORS for tensor in PLACES]
    found += [Deviation(slug, parameter) for slug in FINISHES for parameter in _parameters(slug)]
    return [deviation for deviation in found if deviation.slug != "right" and _means_something(deviation)]


def _parameters(slug: str) -> tuple[str, ...]:
    """The numbers that people choose, where a mistake has one."""
    if slug == "scale":
        return _FACTORS
    if "clipped" in slug:
        return _LIMITS
    return _WINDOWS if slug == "truncated-window" else _CHUNKS if slug in CUTS else ("",)


def _means_something(deviation: Deviation) -> bool:
    """Whether a mistake can be made in a network with three hidden layers of the same width."""
    conventions = conventions_for(np.random.default_rng(0), [deviation])
    return simulate(draw(_SQUARE, seed=1).reduced(conventions), conventions, [deviation]) is not None


def conventions_for(rng: np.random.Generator, chosen: Sequence[Deviation]) -> Conventions:
    """Random conventions in which the mistakes mean something."""
    is_last = any(deviation.slug in _OF_LAST_STEP for deviation in chosen)
    return Conventions(
        layout=str(rng.choice(["columns", "rows"])),
        batch=str(rng.choice(["time-first", "batch-first"])),
        over_time="last" if is_last else str(rng.choice(["mean", "sum"])),
        over_batch=str(rng.choice(["mean", "sum"])),
        activation=str(rng.choice(["tanh", "tanh", "logistic"])),
        h0=True,
    )


def pairs(rng: np.random.Generator, count: int) -> list[tuple[Deviation, Deviation]]:
    """Random pairs of mistakes that can be made together: two slugs, then what each is about."""
    by_slug: dict[str, list[Deviation]] = {}
    for deviation in deviations():
        by_slug.setdefault(deviation.slug, []).append(deviation)
    every, found = list(by_slug.values()), list[tuple[Deviation, Deviation]]()
    while len(found) < count:
        slugs = (every[int(index)] for index in rng.choice(len(every), size=2, replace=False))
        first, second = (of_slug[int(rng.integers(len(of_slug)))] for of_slug in slugs)
        try:
            assorted((first, second))
        except DeviationError:
            continue
        found.append((first, second))
    return found


def wrong_backprop(chosen: Sequence[Deviation], conventions: Conventions) -> Function:
    """f(params, x, y, h0) with some mistakes; the loss that it reports is right.

    It raises `ValueError` where a mistake means nothing, as a program does in which shapes do not fit.
    """

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        probe = as_probe(params, x, y, h0, conventions)
        grads = simulate(probe, conventions, chosen)
        if grads is None:
            raise ValueError(f"{' and '.join(map(str, chosen))}: no such network")
        rows = conventions.layout == "rows"
        loss = truth_of(probe, conventions).loss
        return loss, [{name: g.T if rows else g for name, g in layer.items()} for layer in grads]

    return f


def as_probe(params: Any, x: Any, y: Any, h0: Any, conventions: Conventions) -> Probe:
    """The network that f is asked about, back in the document's own form; one bias."""
    rows, batch_first = conventions.layout == "rows", conventions.batch == "batch-first"
    columns = [{name: a.T if rows else a for name, a in layer.items()} for layer in params]
    x, y = (x.swapaxes(0, 1), y.swapaxes(0, 1)) if batch_first else (x, y)
    widths = (x.shape[2], *(layer["W"].shape[0] for layer in columns))
    return Probe(Plan("asked", widths, T=len(x), B=x.shape[1]), 0, columns, x, y, list(h0))
