"""How errors grow with length and depth: both sides' gradients of J against the truth, in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import Any

import jax
import numpy as np

from .arithmetic import balls
from .arithmetic.formats import FORMATS
from .attribution import attribute, tensors
from .floating import BITS, network_in, ulps
from .instances import Description, Instance, draw
from .manual import Network, one_pass
from .reference.quantities import gradients_jit
from .worlds import plain_arrays, reference_activation

LENGTHS = (1, 4, 16)
DEPTHS = (1, 4)


@dataclass(frozen=True)
class Row:
    """One network, one format, one side.

    Attributes
    ----------
    along : "T" or "depth"; n, T : the network's
    scale : of its weights
    format, side : "manual" or "jax"
    median_ulps, largest_ulps : over all entries of all gradients
    digits : correct decimal digits of the worst gradient, relative to its largest entry
    cause, condition, error, tensor, step : of that gradient; see `attribution.Attribution`
    """

    along: str
    n: int
    T: int
    scale: str
    format: str
    side: str
    median_ulps: float
    largest_ulps: float
    digits: float
    cause: str
    condition: float
    error: float
    tensor: str
    step: str


def growth(name: str, seed: int = 2016, lengths: Sequence[int] = LENGTHS, depths: Sequence[int] = DEPTHS) -> list[Row]:
    """The rows of one format: networks of width 3 of growing length, then of growing depth, and a saturated one."""
    networks = [("T", 2, T, "ordinary") for T in lengths] + [("depth", n, 4, "ordinary") for n in depths]
    networks.append(("T", 3, 8, "saturated"))
    rows = []
    for along, n, T, scale in networks:
        instance = draw(Description(n, T, (2,) + (3,) * n, scale=scale, seed=seed))
        rows += list(_rows(along, instance, name))
    return rows


def _rows(along: str, instance: Instance, name: str) -> Iterator[Row]:
    description = instance.description
    network = network_in(instance, name)
    with np.errstate(all="ignore"):
        ours = tensors(one_pass(network))
    with balls.precision(BITS):
        truth = tensors(one_pass(network.over(lambda array: balls.to_balls(np.asarray(array)), instance.functions())))
        for side, computed in (("manual", ours), ("jax", _jax(network, instance))):
            off = sorted(
                distance for tensor, true in truth.items() for distance in ulps(computed[tensor], true, FORMATS[name])
            )
            worst = max(attribute(instance, name, computed), key=lambda found: found.error, default=None)
            if worst is None or not off:
                continue  # every gradient is zero
            relative = worst.error * FORMATS[name].u
            yield Row(
                along=along,
                n=description.n,
                T=description.T,
                scale=description.scale,
                format=name,
                side=side,
                median_ulps=round(off[len(off) // 2], 2),
                largest_ulps=round(off[-1], 2),
                digits=round(min(-log10(relative) if relative > 0 else inf, -log10(FORMATS[name].u)), 2),
                cause=worst.cause,
                condition=round(worst.condition, 2),
                error=round(worst.error, 2),
                tensor=worst.tensor,
                step=f"{worst.step[0]}, t = {worst.step[1]}",
            )


def _jax(network: Network, instance: Instance) -> Mapping[str, Any]:
    params, x, y, h0 = plain_arrays(network)
    layers = jax.tree.map(np.asarray, gradients_jit(reference_activation(instance), params, x, y, h0)["dJ"])
    return {
        f"{name}^({l})": layer[name][:, None] if name == "b" else layer[name]
        for l, layer in enumerate(layers, start=1)
        for name in layer
    }
