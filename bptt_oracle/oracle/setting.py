"""One network under conventions, with its forward pass: what every variation of the backward pass starts from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from .answers import Case
from .conventions import Conventions
from .probes import Array, Probe
from .truth import Run, trajectories


class Setting:
    """One network under conventions, with its forward pass: what every variation starts from.

    Parameters
    ----------
    probe, conventions
        The network, as the backprop is asked about it.
    run
        What the right program goes through on it, over any numbers; in float64 if left out.
    """

    def __init__(self, probe: Probe, conventions: Conventions, run: Run | None = None) -> None:
        run = trajectories(probe, conventions) if run is None else run
        self.probe, self.conventions = probe, conventions
        self.n, self.T, self.B, self.d = probe.n, probe.T, probe.B, probe.d
        self.H = {l: probe.params[l - 1]["H"] for l in range(1, probe.n)}
        self.W = {l: probe.params[l - 1]["W"] for l in range(1, probe.n + 1)}
        self.z, self.h, self.y_hat, self.y = run.z, run.h, run.y_hat, probe.targets
        self.f = conventions.functions.f
        self.weights = (run.weights[:, None] * run.shares)[..., None]
        self._known: dict[object, Any] = {}

    def once(self, key: object, make: Callable[[Setting], Any]) -> Any:
        """What is made of this network, worked out once for a key; nobody writes into it."""
        if key not in self._known:
            self._known[key] = make(self)
        return self._known[key]

    def below(self, l: int) -> Array:
        """h^(l-1)(t) for t = 1..T, shape (T, B, d_{l-1})."""
        return np.asarray(self.h[l - 1][1:])

    def before(self, l: int) -> Array:
        """h^(l)(t-1) for t = 1..T, shape (T, B, d_l)."""
        return np.asarray(self.h[l][:-1])

    @cached_property
    def slopes(self) -> dict[int, Array]:
        """f'(z^(l)(t)), shape (T, B, d_l), of every hidden layer."""
        return {l: np.asarray(self.f.derivative(self.z[l])) for l in self.H}

    def slope_of_value(self, h: Array) -> Array | None:
        """The slope as the usual activations have it from h = f(z); None for the others."""
        match self.conventions.activation:
            case "tanh":
                return np.asarray(1 - h * h)
            case "logistic":
                return np.asarray(h * (1 - h))
            case "relu":
                return np.asarray((h > 0) * 1.0)
        return None


def setting_of(case: Case) -> Setting:
    """What the backward pass starts from on a network that f was asked about."""
    return Setting(case.probe, case.conventions) if case.setting is None else case.setting
