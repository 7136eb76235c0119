"""The loss and its gradients in segments of a sequence, whose states need not be kept: (42)-(46).

The forward pass keeps the states at the beginning of each segment alone. The pass back takes the segments from the last
one to the first: it goes through a segment forward once more, then back, with gamma of the step after it. With segments
of sqrt(T) steps, memory grows as sqrt(T), at the price of one more forward pass through the hidden layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np

from .batch import Batch, over_steps
from .calculus import Array
from .output import Output
from .propagation import Way, fastest, gradients_of


@dataclass(frozen=True)
class LossAndGradients:
    """J and its gradients in H, W, b and h(0), by layer, shapes as in `Batch`; that in x, (T, B, d_0), if asked for."""

    loss: Any
    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    h0: Mapping[int, Array]
    x: Array | None


def gradients_in_segments(
    net: Batch, length: int | None = None, *, recompute: bool = True, inputs: bool = False, way: Way | None = None
) -> LossAndGradients:
    """J and its gradients, segment by segment.

    Parameters
    ----------
    net
        A network whose g is softmax, over any numbers.
    length
        How many steps a segment has; sqrt(T), rounded up, if left out.
    recompute
        Whether the states of a segment are worked out anew on the way back, or kept from the way forward. The result
        is the same, bit for bit.
    inputs
        Whether the gradient in x is wanted.
    way
        Through the hidden layers, as of `forward_batch`.
    """
    net = net.of_one_type
    way = way or fastest(net)
    length = length or isqrt(net.T - 1) + 1
    bounds = [(start, min(start + length, net.T)) for start in range(0, net.T, length)]
    beginnings, kept = [net.h0], []
    for start, stop in bounds:
        segment = net.steps(start, stop, beginnings[-1])
        h = way.states(segment)
        beginnings.append({l: h[l][-1].copy() for l in net.hidden})
        kept.append(None if recompute else (segment, h))

    after: dict[int, Array] = {}
    loss: Any = 0
    x = np.empty_like(net.x) if inputs else None
    sums: dict[str, dict[int, Array]] = {"H": {}, "W": {}, "b": {}}
    while bounds:
        beginnings.pop()
        start, stop = bounds.pop()
        if (of_segment := kept.pop()) is None:
            segment = net.steps(start, stop, beginnings[-1])
            of_segment = segment, way.states(segment)
        segment, h = of_segment
        output = Output(segment, segment.below(h, net.n))
        top = output.gradients(output.errors())
        found = gradients_of(segment, h, top, way, after)
        if x is not None:
            x[start:stop] = over_steps(found["hidden"][1], net.W[1]) if net.hidden else top[2]
        after = {l: gamma[0].copy() for l, gamma in found["hidden"].items()}
        loss = output.loss + loss
        for name, total in sums.items():
            for l, term in found[name].items():
                total[l] = np.add(total[l], term, out=total[l]) if l in total else term
    return LossAndGradients(loss, h0=found["h0"], x=x, **sums)
