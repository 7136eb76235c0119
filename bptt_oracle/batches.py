"""Random networks of mixed shapes, verified a batch at a time: the manual side's one pass against JAX's padded program.

The comparison has no tolerance. |manual - JAX| has to lie within the sum of the two error bounds that
`arithmetic.rounded` proves. Those take some 20 ms for a network, so first it is compared with what they exceed for
certain, worked out for the whole batch at once (`LeastBounds`); the full bounds decide on the few networks that do not
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from .arithmetic import balls
from .arithmetic.errors import UndecidedError
from .arithmetic.formats import FLOAT64
from .arithmetic.rounded import errors, rounded, to_rounded
from .instances import Instance
from .jaxprs import evaluate
from .least_bounds import LeastBounds
from .manual import Network, one_pass
from .reference import output, padded, padding, quantities

Gradients = dict[str, Any]
"""The gradients of J as the reference has them: "dJ" by layer, "dJ_dh0" and "dJ_dx"."""

Part = Callable[[str], AbstractContextManager[Any]]
"""Entered around each part of the work, by its name: "pad", "JAX", "manual" and "compare"."""

BITS = 96
"""Precision of the true values of the full bounds."""

REFUSED = ("outside", "undecided")
"""The outcomes that verify nothing."""


def verify(instances: Sequence[Instance], size: int | None = None, part: Part = nullcontext) -> list[str]:
    """How each network of a batch is verified.

    Parameters
    ----------
    instances
        Networks that fit `reference.padding.Box`, with activations of `manual.ACTIVATIONS`.
    size
        The batch's size, when it is to be larger than the number of instances; a new one compiles a new program.
    part
        For a clock.

    Returns
    -------
    For each instance an outcome of `judge`.
    """
    with part("pad"):
        cases = [as_reference(instance) for instance in instances]
        batch = padding.pad(cases, size=size)
    with part("JAX"):
        found = padded.gradients(batch)
        found["dJ_dx"].block_until_ready()
    with part("pad"):
        theirs = padding.unpad(found, cases)
    with part("manual"):
        ours = [by_hand(instance.network()) for instance in instances]
    with part("compare"):
        return [judge(*each) for each in zip(instances, ours, theirs, least_limits(instances, batch), strict=True)]


def as_reference(i: Instance) -> padding.Instance:
    """An instance in the reference's form."""
    return padding.Instance(i.description.f, i.coefficients, i.params, i.x, i.y, i.h0)


def by_hand(network: Network) -> Gradients:
    """The gradients of one pass, in the structure of the reference's."""
    found = one_pass(network)
    return {
        "dJ": found.as_params(),
        "dJ_dh0": [state[:, 0] for state in found.h0.values()],
        "dJ_dx": np.concatenate([column.T for column in found.x.values()]),
    }


def leaves(gradients: Any) -> list[Any]:
    """The arrays of gradients in a fixed order: of H, W and b by layer, of h(0), of x."""
    layers = [layer[name] for layer in gradients["dJ"] for name in ("H", "W", "b") if name in layer]
    return [*layers, *gradients["dJ_dh0"], gradients["dJ_dx"]]


def least_limits(instances: Sequence[Instance], batch: padding.Batch) -> list[Gradients]:
    """For each network of a padded batch, what the bounds on its gradients exceed for certain."""
    return padding.unpad(LeastBounds(instances, batch).limits(), [as_reference(instance) for instance in instances])


def judge(instance: Instance, ours: Gradients, theirs: Gradients, limits: Gradients) -> str:
    """How one network is verified: "least", "manual", "both"; or "outside" or "undecided"."""
    return "least" if within_least(ours, theirs, limits) else within_full(instance, ours, theirs)


def within_least(ours: Gradients, theirs: Gradients, limits: Gradients) -> bool:
    """Whether no entry differs by more than its limit."""
    return all(
        bool((abs(a - b) <= limit).all()) for a, b, limit in zip(*map(leaves, (ours, theirs, limits)), strict=True)
    )


def within_full(instance: Instance, ours: Gradients, theirs: Gradients) -> str:
    """Whose bound allows the differences, "manual" or "both"; "outside" if none does, "undecided" if there is none."""
    differences = [abs(a - b) for a, b in zip(leaves(ours), leaves(theirs), strict=True)]
    with balls.precision(BITS):
        try:
            bounds = manual_bounds(instance)
            if all((d <= bound).all() for d, bound in zip(differences, bounds, strict=True)):
                return "manual"
            bounds = [a + b for a, b in zip(bounds, reference_bounds(instance), strict=True)]
        except UndecidedError:  # relu within rounding of its kink: either side may be the one or the other
            return "undecided"
    return "both" if all((d <= bound).all() for d, bound in zip(differences, bounds, strict=True)) else "outside"


def manual_bounds(instance: Instance) -> list[Any]:
    """The error bounds of `one_pass`, by leaf; at the working precision of balls."""
    gradients = by_hand(instance.network().over(lambda a: to_rounded(a, FLOAT64), instance.functions()))
    return [errors(leaf) for leaf in leaves(gradients)]


def reference_bounds(instance: Instance) -> list[Any]:
    """The error bounds of the gradients' program as JAX derived it, by leaf; at the working precision of balls."""
    i = as_reference(instance)
    traced = quantities.trace(i.f, i.params, i.x, i.y, i.h0, output.SOFTMAX, quantities.gradients)
    inputs = [to_rounded(a, FLOAT64) for a in traced.flatten(i.params, i.x, i.y, i.h0)]
    found = traced.unflatten(evaluate(traced.jaxpr, *inputs, constants=lambda number: rounded(number, FLOAT64)))
    return [errors(leaf) for leaf in leaves(found)]
