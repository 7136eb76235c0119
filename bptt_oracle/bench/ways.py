"""Random networks of mixed shapes, verified in several ways: manual one-pass gradients against JAX's.

Three ways to get JAX's gradients: one program for a padded box of shapes, mapped over many networks; a program for
every shape; and a program for every shape, mapped over many networks of it. Everything that a verification takes is
counted (drawing, padding, both sides, the comparison of all gradients, in H, W, b, h(0) and x), except that the box
is compiled once, before. The exact evidence, over the finite field and over balls, is that of `verify`.

The comparison, of `bptt_oracle.batches`, has no tolerance: differences lie within error bounds that are proved. What
the bounds exceed for certain, worked out for a whole batch at once, allows most networks; the full bounds decide on the
others.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any

import jax
import numpy as np

from .. import worlds
from ..arithmetic import balls
from ..batches import as_reference, by_hand, judge, least_limits, leaves, manual_bounds, verify
from ..evidence import Plan, ball_evidence, field_evidence
from ..instances import Description, Instance, draw, random_description
from ..manual import ACTIVATIONS
from ..reference import padding, quantities
from ..stopwatch import Stopwatch

SEED = 2016
BATCH, SHAPES, MAPPED, EXACT, CHECKED = 256, 2, 64, 4, 6
"""Networks in one batch of the box; shapes with a program each; networks of one shape; instances of exact evidence;
networks of which the limits are checked."""


class Clock(Stopwatch):
    """The stopwatch of a process, one for each share of work."""

    running: Clock


def descriptions(count: int, seed: int) -> list[Description]:
    """Random shapes: n = 1..6, T = 1..12, widths 1..10."""
    rng = np.random.default_rng([SEED, seed])
    return [
        random_description(
            rng,
            seed=number,
            depth=range(1, 7),
            steps=range(1, 13),
            widths=range(1, 11),
            activations=tuple(ACTIVATIONS),
            scales=["ordinary"],
        )
        for number in range(count)
    ]


def verify_padded(seed: int) -> Counter[str]:
    """One batch of mixed shapes in the box."""
    clock = Clock.running
    with clock("draw"):
        instances = [draw(description) for description in descriptions(BATCH, seed)]
    return Counter(verify(instances, part=clock))


def verify_jit(seed: int) -> Counter[str]:
    """Networks of random shapes, a program for each."""
    instances = [draw(description) for description in descriptions(SHAPES, seed)]
    return _verify_shape_by_shape([[instance] for instance in instances])


def verify_vmap(seed: int) -> Counter[str]:
    """Networks of one random shape, one program for them."""
    [description] = descriptions(1, seed)
    return _verify_shape_by_shape([[draw(replace(description, seed=number)) for number in range(MAPPED)]])


def _verify_shape_by_shape(groups: list[list[Instance]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in groups:
        cases = [as_reference(instance) for instance in group]
        given = jax.tree.map(lambda *a: np.stack(a), *[(c.params, c.x, c.y, list(c.h0)) for c in cases])
        run = partial(quantities.gradients, cases[0].f)
        options = {"xla_backend_optimization_level": "0"}  # a program that runs once is not worth optimizing
        if len(group) > 1:
            results = jax.jit(jax.vmap(run), compiler_options=options)(*given)
        else:
            one = jax.jit(run, compiler_options=options)(*jax.tree.map(lambda a: a[0], given))
            results = jax.tree.map(lambda a: a[None], one)
        results = jax.tree.map(np.asarray, results)
        limits = least_limits(group, padding.pad(cases))
        for number, (instance, limit) in enumerate(zip(group, limits, strict=True)):
            theirs = jax.tree.map(itemgetter(number), results)
            found[judge(instance, by_hand(instance.network()), theirs, limit)] += 1
    return found


def verify_field(seed: int) -> Counter[str]:
    """Exact evidence of every line of every equation, from random shapes over the finite field."""
    corners = len(Plan(field=0).descriptions("field"))
    for description in Plan(field=EXACT, seed=SEED + seed).descriptions("field")[corners:]:
        field_evidence(description)
    return Counter(evidence=EXACT)


def verify_balls(seed: int) -> Counter[str]:
    """The same evidence over balls, of real activations."""
    corners = len(Plan(balls=0).descriptions("balls"))
    for description in Plan(balls=EXACT, seed=SEED + seed).descriptions("balls")[corners:]:
        ball_evidence(description)
    return Counter(evidence=EXACT)


def watch(module: Any, function: str, name: str) -> None:
    """Count a module's function under a name from now on."""
    inner = getattr(module, function)

    def timed(*arguments: Any, **options: Any) -> Any:
        with Clock.running(name):
            return inner(*arguments, **options)

    setattr(module, function, timed)


def set_up(seed: int) -> float:
    """Compile the box, load everything else, and watch the parts of the field evidence; the seconds of the first."""
    jax.config.update("jax_enable_compilation_cache", False)  # type: ignore[no-untyped-call]
    Clock.running = Clock()
    start = time.perf_counter()
    verify_padded(seed)
    compiling = time.perf_counter() - start
    field_evidence(Plan(field=1).descriptions("field")[0])
    watch(quantities, "trace", "trace")
    watch(worlds, "evaluate", "evaluate")
    watch(worlds, "field_network", "draw")
    return compiling


def self_check(seed: int) -> Counter[str]:
    """On how many networks the limits lie below the full bounds, and on how many a planted error is found.

    The error is 2^-40 of the largest entry, in networks with small weights, where bounds are far below that.
    """
    found = Counter(networks=CHECKED)
    shapes = descriptions(CHECKED, 10**6 + seed)
    for scale in ("ordinary", "tiny"):
        instances = [draw(replace(shape, scale=scale, d=(*shape.d[:-1], max(2, shape.d[-1])))) for shape in shapes]
        limits = least_limits(instances, padding.pad([as_reference(instance) for instance in instances]))
        for instance, limit in zip(instances, limits, strict=True):
            ours, spoilt = by_hand(instance.network()), by_hand(instance.network())
            if scale == "ordinary":
                with balls.precision(96):
                    bounds = manual_bounds(instance)
                found["below"] += all((a <= b).all() for a, b in zip(leaves(limit), bounds, strict=True))
            else:
                largest = max(leaves(spoilt), key=lambda leaf: float(abs(leaf).max()))
                largest[np.unravel_index(abs(largest).argmax(), largest.shape)] *= 1 + 2.0**-40
                found["spoilt"] += judge(instance, spoilt, ours, limit) == "outside"
    return found
