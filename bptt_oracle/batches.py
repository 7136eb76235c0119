"""Random networks of mixed shapes, verified a batch at a time: the manual side's one pass against JAX's padded program.

The comparison has no tolerance. |manual - JAX| has to lie within the sum of the two error bounds that
`arithmetic.rounded` proves. Those take some 20 ms for a network, so first it is compared with what they exceed for
certain, worked out for the whole batch at once (`LeastBounds`); the full bounds decide on the few networks that do not
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from .arithmetic import balls
from .arithmetic.errors import RefusalError
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

SHORT = 7
"""Steps of the box for batches of short networks, whose program takes about half as long. Of networks of up to 12
steps, one half has no more."""

REFUSED = ("outside", "undecided")
"""The outcomes that verify nothing."""


@dataclass(frozen=True)
class Judgement:
    """How one network is verified, or why it is not.

    Attributes
    ----------
    how : "least", "manual", "both": by which bound; or "outside" or "undecided"
    share : the largest difference in units of what allows it
    why : of "outside", where the manual side gave no gradients at all
    """

    how: str
    share: float = 0.0
    why: str = ""


def verify(instances: Sequence[Instance], size: int | None = None, part: Part = nullcontext) -> list[str]:
    """How each network of a batch is verified, in a word; as `judgements`."""
    return [judgement.how for judgement in judgements(instances, size, part)]


def judgements(
    instances: Sequence[Instance],
    size: int | None = None,
    part: Part = nullcontext,
    gradient: Callable[[Network], Any] = one_pass,
) -> list[Judgement]:
    """How each network of a batch is verified.

    Parameters
    ----------
    instances
        Networks that fit `reference.padding.Box`, with activations of `manual.ACTIVATIONS`.
    size
        The batch's size, when it is to be larger than the number of instances; a new one compiles a new program.
    part
        For a clock.
    gradient
        The manual side: `manual.one_pass`, or what stands in its place.
    """
    with part("pad"):
        cases = [as_reference(instance) for instance in instances]
        short = max(instance.description.T for instance in instances) <= SHORT
        batch = padding.pad(cases, padding.Box(T=SHORT) if short else None, size=size)
    with part("JAX"):
        found = padded.gradients(batch)
        found["dJ_dx"].block_until_ready()
    with part("manual"):
        ours = [_attempt(gradient, instance) for instance in instances]
    with part("compare"):
        theirs = jax.tree.map(lambda array: np.asarray(array)[: len(instances)], found)
        shares = _shares(_in_the_box(ours, theirs), theirs, LeastBounds(instances, batch).limits())
        return [
            _judgement(number, instances, ours[number], shares[number], theirs, gradient)
            for number in range(len(instances))
        ]


def _attempt(gradient: Callable[[Network], Any], instance: Instance) -> Gradients | str:
    """The gradients of the manual side, or what is wrong with what it gives."""
    try:
        found = by_hand(instance.network(), gradient)
        shapes = [array.shape for array in leaves(found)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    expected = [array.shape for array in leaves(_inputs(instance))]
    return found if shapes == expected else f"gradients of the shapes {shapes}, where the network has {expected}"


def _inputs(instance: Instance) -> Gradients:
    """What gradients are taken in, in their structure."""
    return {"dJ": instance.params, "dJ_dh0": instance.h0, "dJ_dx": instance.x}


def _in_the_box(ours: Sequence[Gradients | str], theirs: Gradients) -> Gradients:
    """The gradients of all networks in the box, and `theirs` where there is none."""
    box: Gradients = jax.tree.map(np.copy, {name: theirs[name] for name in ("dJ", "dJ_dh0", "dJ_dx")})
    layers, states = box["dJ"][::-1], box["dJ_dh0"][::-1]
    for j, found in enumerate(ours):
        if isinstance(found, str):
            continue
        for layer, whole in zip(found["dJ"][::-1], layers, strict=False):
            rows, columns = layer["W"].shape
            whole["W"][j, :rows, :columns] = layer["W"]
            whole["b"][j, :rows] = layer["b"]
            if "H" in layer:
                whole["H"][j, :rows, :rows] = layer["H"]
        for state, whole in zip(found["dJ_dh0"][::-1], states, strict=False):
            whole[j, : len(state)] = state
        T, width = found["dJ_dx"].shape
        box["dJ_dx"][j, :T, :width] = found["dJ_dx"]
    return box


def _shares(ours: Gradients, theirs: Gradients, limits: Gradients) -> Any:
    """For each network the largest difference in units of its limit; infinite where a number is none."""
    largest = []
    with np.errstate(all="ignore"):
        for a, b, limit in zip(*map(leaves, (ours, theirs, limits)), strict=True):
            difference = abs(a - b)
            share = np.where(difference == 0, 0.0, difference / limit)
            largest.append(np.where(np.isnan(share), np.inf, share).max(axis=tuple(range(1, share.ndim))))
    return np.max(largest, axis=0)


def _judgement(
    number: int,
    instances: Sequence[Instance],
    ours: Gradients | str,
    share: float,
    theirs: Gradients,
    gradient: Callable[[Network], Any],
) -> Judgement:
    if isinstance(ours, str):
        return Judgement("outside", np.inf, ours)
    if share <= 1:
        return Judgement("least", float(share))
    instance = instances[number]
    [alone] = padding.unpad(jax.tree.map(lambda array: array[number : number + 1], theirs), [as_reference(instance)])
    return within_full(instance, ours, alone, gradient)


def as_reference(i: Instance) -> padding.Instance:
    """An instance in the reference's form."""
    return padding.Instance(i.description.f, i.coefficients, i.params, i.x, i.y, i.h0)


def by_hand(network: Network, gradient: Callable[[Network], Any] = one_pass) -> Gradients:
    """The gradients of the manual side, in the structure of the reference's."""
    found = gradient(network)
    return {
        "dJ": found.as_params(),
        "dJ_dh0": [found.h0[l][:, 0] for l in sorted(found.h0)],
        "dJ_dx": np.concatenate([found.x[t].T for t in sorted(found.x)]),
    }


def leaves(gradients: Any) -> list[Any]:
    """The arrays of gradients in a fixed order: of H, W and b by layer, of h(0), of x."""
    layers = [layer[name] for layer in gradients["dJ"] for name in ("H", "W", "b") if name in layer]
    return [*layers, *gradients["dJ_dh0"], gradients["dJ_dx"]]


def least_limits(instances: Sequence[Instance], batch: padding.Batch) -> list[Gradients]:
    """For each network of a padded batch, what the bounds on its gradients exceed for certain."""
    return padding.unpad(LeastBounds(instances, batch).limits(), [as_reference(instance) for instance in instances])


def judge(instance: Instance, ours: Gradients, theirs: Gradients, limits: Gradients) -> str:
    """How one network is verified, in a word, if its gradients are known on both sides."""
    return "least" if within_least(ours, theirs, limits) else within_full(instance, ours, theirs).how


def within_least(ours: Gradients, theirs: Gradients, limits: Gradients) -> bool:
    """Whether no entry differs by more than its limit."""
    return all(
        bool((abs(a - b) <= limit).all()) for a, b, limit in zip(*map(leaves, (ours, theirs, limits)), strict=True)
    )


def within_full(
    instance: Instance, ours: Gradients, theirs: Gradients, gradient: Callable[[Network], Any] = one_pass
) -> Judgement:
    """Whether the manual side's bound allows the differences, or both bounds do."""
    differences = [abs(a - b) for a, b in zip(leaves(ours), leaves(theirs), strict=True)]
    if not all(np.isfinite(difference).all() for difference in differences):
        return Judgement("outside", np.inf)
    with balls.precision(BITS):
        try:
            bounds = manual_bounds(instance, gradient)
            share = _share(differences, bounds)
            if share <= 1 and all(np.isfinite(bound).all() for bound in bounds):
                return Judgement("manual", share)
            bounds = [a + b for a, b in zip(bounds, reference_bounds(instance), strict=True)]
        except RefusalError as error:  # relu within rounding of its kink: either side may be the one or the other
            return Judgement("undecided", why=str(error))
        except Exception as error:
            return Judgement("outside", np.inf, f"{type(error).__name__}: {error}")
    share = _share(differences, bounds)
    if share > 1:
        return Judgement("outside", share)
    finite = all(np.isfinite(bound).all() for bound in bounds)
    return Judgement("both", share) if finite else Judgement("undecided", why="no finite bound is proved")


def _share(differences: Sequence[Any], bounds: Sequence[Any]) -> float:
    """The largest difference in units of its bound; infinite where a number is none."""
    with np.errstate(all="ignore"):
        shares = [np.where(d == 0, 0.0, d / bound) for d, bound in zip(differences, bounds, strict=True)]
    return max(float(np.where(np.isnan(share), np.inf, share).max()) for share in shares)


def manual_bounds(instance: Instance, gradient: Callable[[Network], Any] = one_pass) -> list[Any]:
    """The error bounds of the manual side, by leaf; at the working precision of balls."""
    gradients = by_hand(instance.network().over(lambda a: to_rounded(a, FLOAT64), instance.functions()), gradient)
    return [errors(leaf) for leaf in leaves(gradients)]


def reference_bounds(instance: Instance) -> list[Any]:
    """The error bounds of the gradients' program as JAX derived it, by leaf; at the working precision of balls."""
    i = as_reference(instance)
    traced = quantities.trace(i.f, i.params, i.x, i.y, i.h0, output.SOFTMAX, quantities.gradients)
    inputs = [to_rounded(a, FLOAT64) for a in traced.flatten(i.params, i.x, i.y, i.h0)]
    found = traced.unflatten(evaluate(traced.jaxpr, *inputs, constants=lambda number: rounded(number, FLOAT64)))
    return [errors(leaf) for leaf in leaves(found)]
