"""Test vectors: networks with every right number, and with the gradients that each known mistake would give.

Nothing about a vector is typed: what it is a trap for is worked out, by running each mistake of the catalogue on it
and holding what it gives against the bounds inside which a right program stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from .accumulators import ACCUMULATORS
from .answers import Grads, Truth
from .conventions import Conventions
from .deviations import TENSORS, Deviation
from .laws import CUTS, SIGNALS
from .mistakes import catalogue
from .probes import Array, Probe
from .truth import truth_of
from .variations import simulate_in
from .vectors_exact import Enclosure, Exact

FORM = Conventions(batch="time-first", h0=True)
"""How the networks stand in the vectors, and the J whose gradients stand there unless another one is asked for."""

_LIMITS = ("100", "50", "10", "5", "1", "0.5", "0.1", "0.01")
"""Of clips, the highest first."""


@dataclass(frozen=True)
class Wrong:
    """The gradients that a backprop with one mistake would give on a network.

    Attributes
    ----------
    mistakes : texts of the deviations that give them, which cannot be told apart on this network
    grads : all of them, the right ones included
    differing : layer, from 1, and name of those that lie outside the bounds of a float64 program
    """

    mistakes: list[str]
    grads: Grads
    differing: set[tuple[int, str]]


@dataclass(frozen=True)
class Vector:
    """One network with everything about it, correct to the last bit of float64.

    Attributes
    ----------
    probe, conventions : the network, and which J is differentiated
    z, h : z^(l)(t), (T, B, d_l), for layers 1..n; h^(l)(t), (T + 1, B, d_l), the initial state first, for layers 1..n-1
    y_hat : y^(t), (T, B, |V|)
    delta : delta^(l)(t)(i), the gradient of J^(i) in z^(l)(t), shape (T, T, B, d_l), t before i, zero for t > i
    gamma : the sum of delta^(l)(t)(i) over the i that J counts, (T, B, d_l)
    loss, grads : J, and its gradients
    wrong : what mistakes give, where it is wrong
    hides : texts of the deviations that are mistakes, but give what lies inside the bounds on this network
    """

    probe: Probe
    conventions: Conventions
    z: list[Array]
    h: list[Array]
    y_hat: Array
    delta: list[Array]
    gamma: list[Array]
    loss: float
    grads: Grads
    wrong: list[Wrong] = field(default_factory=list)
    hides: list[str] = field(default_factory=list)

    @property
    def trap_for(self) -> list[str]:
        """Names in the catalogue of the mistakes that give wrong gradients here."""
        found = {Deviation.parse(text).slug for wrong in self.wrong for text in wrong.mistakes}
        return [slug for slug in catalogue() if slug in found]


def vector(probe: Probe, conventions: Conventions = FORM) -> Vector:
    """The vector of one network.

    Parameters
    ----------
    probe
        The network.
    conventions
        The activation and the J, in the form of the vectors; the rest of them is that of `FORM`.

    Raises
    ------
    PrecisionTooLowError
        If a number lies so near to the middle between two float64 numbers that 4096 bits do not round it.
    """
    exact = Exact(probe, conventions)
    numbers = exact.rounded(_right)
    found = Vector(probe, conventions, **numbers)
    truth = truth_of(probe, conventions)
    for alternatives in _deviations(probe):
        for deviation in alternatives:
            grads = exact.rounded(partial(_wrong, deviation))
            if grads is not None and (differing := _outside(grads, numbers["grads"], truth)):
                _add(found.wrong, Wrong([str(deviation)], grads, differing))
                break
        else:
            if grads is not None:
                found.hides.append(str(deviation) if len(alternatives) == 1 else deviation.slug)
    return found


def _right(e: Enclosure) -> dict[str, Any]:
    """Every right quantity of a network, over balls."""
    probe, forward = e.probe, e.forward
    hidden, layers = range(1, probe.n), range(1, probe.n + 1)
    by_step = [e.gamma(step) for step in np.eye(probe.T)]
    counted = e.gamma(e.net.weights != 0)
    return {
        "z": [forward.z[l] for l in layers],
        "h": [forward.h[l] for l in hidden],
        "y_hat": forward.y_hat,
        "delta": [np.stack([gamma[l] for gamma in by_step], axis=1) for l in layers],
        "gamma": [counted[l] for l in layers],
        "loss": forward.loss,
        "grads": e.grads,
    }


def _wrong(deviation: Deviation, e: Enclosure) -> Grads | None:
    """What a mistake gives, over balls; None where it means nothing."""
    return simulate_in(e.setting, [deviation])


def _deviations(probe: Probe) -> Iterator[list[Deviation]]:
    """Every mistake of the backward pass, by the gradients it can be made at.

    Where it has a parameter these are alternatives, the one that shows least first: the longest truncation, the highest
    limit of a clip.
    """
    for entry in catalogue().values():
        if entry.kind != "variation":
            continue
        slug = entry.slug
        if slug in ACCUMULATORS:
            yield from ([Deviation(slug, tensor=tensor)] for tensor in TENSORS)
        elif slug in SIGNALS:
            yield from ([Deviation(slug, tensor=tensor)] for tensor in ("", "W-output"))
        elif slug == "scale":
            yield from ([Deviation(slug, parameter)] for parameter in ("T", "B", "-1"))
        elif slug in CUTS:
            yield [Deviation(slug, str(steps)) for steps in range(probe.T - 1, 0, -1)]
        elif "clipped" in slug:
            yield [Deviation(slug, limit) for limit in _LIMITS]
        else:
            yield [Deviation(slug)]


def _outside(grads: Grads, right: Grads, truth: Truth) -> set[tuple[int, str]]:
    """Layer and name of the gradients that lie further from the right ones than a right program may."""
    return {
        (l, name)
        for l, layer in enumerate(right, start=1)
        for name, exact in layer.items()
        if bool((abs(grads[l - 1][name] - exact) > truth.bounds[l - 1][name]).any())
    }


def _add(wrong: list[Wrong], new: Wrong) -> None:
    """Add what a mistake gives, or, if another one gives the same, its name to that one."""
    for known in wrong:
        if all((a[name] == b[name]).all() for a, b in zip(known.grads, new.grads, strict=True) for name in a):
            known.mistakes.extend(new.mistakes)
            return
    wrong.append(new)
