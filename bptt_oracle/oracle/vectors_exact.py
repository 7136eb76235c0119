"""What programs give on a network, correct to the last bit of float64.

The right program and every variation of it run over balls: what comes out provably holds the exact result, and is
rounded to the nearest float64. So the numbers are the same on every machine, whatever its BLAS and its libm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arithmetic.balls import nearest_float64, precision, radii, to_balls
from ..arithmetic.errors import PrecisionTooLowError
from ..manual import Batch, BatchForward, BatchGradients, forward_batch, one_pass_batch
from .answers import Grads, Truth
from .conventions import Conventions
from .probes import Array, Probe
from .setting import Setting
from .truth import Run, batch_of, truth_of

_BITS = (256, 4096)
"""Working precisions, tried in this order. What is exactly zero takes the last: only a ball below half of the smallest
float64 determines that one."""


@dataclass(frozen=True)
class Enclosure:
    """One network over balls, at one precision, with its right forward pass.

    Attributes
    ----------
    probe, conventions : the network, and which J is differentiated
    net, forward : of the manual side
    """

    probe: Probe
    conventions: Conventions
    net: Batch
    forward: BatchForward

    @cached_property
    def right(self) -> BatchGradients:
        """The right gradients."""
        return one_pass_batch(self.net, self.forward)

    @property
    def grads(self) -> Grads:
        """The right gradients in the structure of the parameters."""
        H, W, b = self.right.H, self.right.W, self.right.b
        return [({"H": H[l]} if l in H else {}) | {"W": W[l], "b": b[l]} for l in range(1, self.probe.n + 1)]

    @cached_property
    def setting(self) -> Setting:
        """What every variation of the backward pass starts from."""
        net, forward = self.net, self.forward
        h = {0: np.concatenate([np.zeros_like(net.x[:1]), net.x]), **forward.h}
        run = Run(forward.z, h, forward.y_hat, self.right.gamma, net.weights, net.shares, forward.loss)
        return Setting(self.probe, self.conventions, run)

    def gamma(self, weights: Array) -> Mapping[int, Array]:
        """The gradient in z^(l)(t), by layer, of the sum over i of weights[i-1] J^(i), each sequence on its own."""
        ones = to_balls(np.ones(self.probe.B))
        return one_pass_batch(replace(self.net, weights=to_balls(weights), shares=ones), self.forward).gamma


class Exact:
    """Quantities of one network, rounded from enclosures.

    Parameters
    ----------
    probe, conventions
        The network, and which J is differentiated.
    """

    def __init__(self, probe: Probe, conventions: Conventions) -> None:
        self._probe, self._conventions = probe, conventions
        self._enclosures: dict[int, Enclosure] = {}

    def rounded(self, quantity: Callable[[Enclosure], Any]) -> Any:
        """A quantity that is worked out over balls, every number in it the float64 nearest to the exact one.

        Parameters
        ----------
        quantity
            Gives a number, an array, None, or lists and dicts of such.

        Raises
        ------
        PrecisionTooLowError
            If 4096 bits do not determine a number, as where it lies halfway between two float64 numbers.
        """
        for bits in _BITS:
            with precision(bits):
                try:
                    return _nearest(quantity(self._at(bits)))
                except PrecisionTooLowError:
                    if bits == _BITS[-1]:
                        raise
        raise AssertionError  # the loop returns or raises

    def _at(self, bits: int) -> Enclosure:
        if bits not in self._enclosures:
            self._enclosures[bits] = _enclosure(self._probe, self._conventions)
        return self._enclosures[bits]


def exact_truth(probe: Probe, conventions: Conventions) -> Truth:
    """The right loss and gradients to the last bit, with the bounds of `truth_of` on how far off a program may be.

    Raises
    ------
    PrecisionTooLowError
        If 4096 bits do not determine a number.
    """
    exact = Exact(probe, conventions)
    loss, grads = exact.rounded(lambda e: [e.forward.loss, e.grads])
    if conventions.biases == 2:
        grads = [layer | {"b_hh": layer["b"]} if "H" in layer else layer for layer in grads]
    return replace(truth_of(probe, conventions), loss=float(loss), grads=grads)


def _enclosure(probe: Probe, conventions: Conventions) -> Enclosure:
    """The network over balls of the current precision.

    Raises
    ------
    PrecisionTooLowError
        If it is not known of some z^(l)(t) on which side of zero it lies, where an activation may have a kink.
    """
    floats = batch_of(probe, conventions)
    net = replace(
        floats,
        H={l: to_balls(H) for l, H in floats.H.items()},
        W={l: to_balls(W) for l, W in floats.W.items()},
        b={l: to_balls(b) for l, b in floats.b.items()},
        x=to_balls(floats.x),
        y=to_balls(floats.y),
        h0={l: to_balls(h0) for l, h0 in floats.h0.items()},
        weights=to_balls(floats.weights != 0) / (probe.T if conventions.over_time == "mean" else 1),
        shares=to_balls(floats.shares != 0) / (probe.B if conventions.over_batch == "mean" else 1),
    )
    forward = forward_batch(net)
    for l in net.H:
        z = forward.z[l]
        if any(entry.contains(0) and not entry.is_exact() for entry in z.flat):
            raise PrecisionTooLowError(f"an entry of z^({l}) is too close to zero: widest ball {radii(z).max()}")
    return Enclosure(probe, conventions, net, forward)


def _nearest(quantity: Any) -> Any:
    """Numbers and arrays of balls as float64, in whatever lists and dicts they come."""
    match quantity:
        case None:
            return None
        case dict():
            return {name: _nearest(value) for name, value in quantity.items()}
        case list():
            return [_nearest(value) for value in quantity]
    array = np.asarray(quantity)
    if array.dtype != object:
        raise TypeError("expected balls, but on the way they became floats, whose rounding is not known")
    return nearest_float64(array) + 0.0  # no -0.0 for zero
