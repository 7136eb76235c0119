"""What gradients f may give with a wrong forward pass.

Most often the backward pass is right as a text: (42)-(46), on what the forward pass left. What that is depends on the
program: the states as they were kept, or as they went into the products; f' from h or from z. Or the backward pass is
that of the wrong forward pass, and the gradients are those of f's own loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..answers import Grads
from ..conventions import Conventions
from ..deviations import Deviation
from ..probes import Array, Probe
from ..setting import Setting
from ..truth import Run
from ..variations import simulate_in
from .passing import is_ahead, loss_of, walk, weights_of
from .walks import Walk

STEP = 2.0**-200
"""Of a complex step: its square is nothing, so that the imaginary part is the derivative times the step."""

GRADIENTS, OWN, RIGHT = "gradients", "own", "right"
READINGS = {"before": ("kept", "used"), "below": ("passed", "kept", "used"), "slope": ("kept", "passed", "z")}
"""Where (42)-(46) may take h(t-1), h^(l-1)(t) and f' from: what was kept, what went up, what went into a product, z."""


class Walked(Setting):
    """What (42)-(46) are applied to after a forward pass with mistakes.

    Parameters
    ----------
    probe, conventions
        The network.
    w
        The forward pass.
    reading
        Where the states and f' come from, as in `READINGS`.
    """

    def __init__(self, probe: Probe, conventions: Conventions, w: Walk, reading: Sequence[str]) -> None:
        weights, shares = weights_of(probe, conventions), np.ones(probe.B)
        run = Run(w.z, w.state, w.y_hat, {}, weights[:, 0] * probe.B, shares / probe.B, 0.0)
        super().__init__(probe, conventions, run)
        self.weights = weights[..., None]
        self._walk, (self._before, self._below, slope) = w, reading
        self.__dict__["slopes"] = {l: self._slope(l, slope) for l in self.H}

    def _slope(self, l: int, of: str) -> Array:
        if of == "z":
            return np.asarray(self.f.derivative(self.z[l]))
        value = self.slope_of_value(self.h[l][1:] if of == "kept" else self._walk.passed[l])
        return np.asarray(self.f.derivative(self.z[l])) if value is None else value

    def before(self, l: int) -> Array:
        """h^(l)(t-1) for t = 1..T, shape (T, B, d_l)."""
        return self._walk.before[l] if self._before == "used" else super().before(l)

    def below(self, l: int) -> Array:
        """h^(l-1)(t) for t = 1..T, shape (T, B, d_{l-1})."""
        match self._below:
            case "used":
                return self._walk.below[l]
            case "passed":
                return self._walk.passed[l - 1]
        return super().below(l)


def own_gradients(probe: Probe, conventions: Conventions, deviations: Sequence[Deviation]) -> Grads | None:
    """The gradients of the loss of a forward pass with mistakes, by complex steps: exact but for rounding."""
    grads: Grads = []
    for l, layer in enumerate(probe.params, start=1):
        names = [*layer, "b_hh"] if conventions.biases == 2 and "H" in layer else list(layer)
        found = {}
        for name in names:
            gradient = np.zeros(layer["b" if name == "b_hh" else name].shape)
            for at in np.ndindex(gradient.shape):
                start = _shifted(probe, conventions, l, name, at)
                if (w := walk(probe, conventions, deviations, start)) is None:
                    return None
                gradient[at] = float(loss_of(w, probe, conventions).imag) / STEP
            found[name] = gradient
        grads.append(found)
    return grads


def _shifted(probe: Probe, conventions: Conventions, l: int, name: str, at: tuple[int, ...]) -> Walk:
    """The beginning of a pass with an imaginary step in one parameter."""
    start = Walk.at(probe, conventions.biases)
    if name in ("b", "b_hh"):
        parts = [part.astype(complex) for part in start.b[l]]
        parts[name == "b_hh"][at] += 1j * STEP
        start.b[l] = (parts[0], parts[1])
        return start
    matrices = start.H if name == "H" else start.W
    matrices[l] = matrices[l].astype(complex)
    matrices[l][at] += 1j * STEP
    return start


def simulate_forward(
    probe: Probe, conventions: Conventions, mistakes: Sequence[str | Deviation]
) -> tuple[float, Grads | None] | None:
    """The loss and the gradients of a backprop whose forward pass has mistakes, in the document's form.

    Parameters
    ----------
    probe, conventions
        The network, as the backprop is asked about it.
    mistakes
        Deviations of the forward pass; ``gradients(...)``, which says where the backward pass takes its states from:
        three words of `READINGS`, "own" for the gradients of its own loss, "right" for those of J; and deviations of
        the backward pass.

    Returns
    -------
    None where one of them means nothing on this network; gradients of None where nothing is said of them.
    """
    deviations = [Deviation.parse(m) if isinstance(m, str) else m for m in mistakes]
    reading = next((d.parameter for d in deviations if d.slug == GRADIENTS), None)
    ahead = [d for d in deviations if is_ahead(d)]
    back = [d for d in deviations if not is_ahead(d) and d.slug != GRADIENTS]
    if (w := walk(probe, conventions, ahead)) is None:
        return None
    loss = float(loss_of(w, probe, conventions))
    if reading is None:
        return loss, None
    if reading == OWN:
        return loss, own_gradients(probe, conventions, ahead)
    setting = Setting(probe, conventions) if reading == RIGHT else Walked(probe, conventions, w, reading.split(" "))
    return loss, simulate_in(setting, back)
