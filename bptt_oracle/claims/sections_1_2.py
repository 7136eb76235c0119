"""Sections 1 and 2: the targets, the layers and the initial state of the network."""

from __future__ import annotations

import numpy as np

from ..arithmetic import field
from ..manual import Undefined
from .bench import Bench
from .comparisons import asked, failing, left_open, local, right
from .registry import CheckError, Checks, Found
from .wording import Shape, fitted, keyed, listed, listed_equations, listed_lines, what_fails

CHECKS = Checks()


@CHECKS.add("one-hot-targets", "1", r"$J^{(t)} = -\log \hat{y}_k^{(t)}$")
def _one_hot_targets(bench: Bench) -> Found:
    one_hot, soft, doubled = (bench.world(y=y) for y in ("one-hot", "soft", "doubled"))
    if wrong := failing(one_hot):
        raise CheckError(f"with one-hot targets there fail already {listed_lines(wrong)}")
    undefined = failing(soft, outcomes=("undefined",))
    wrong_soft = failing(soft, outcomes=("differs", "shape"))
    wrong_doubled = failing(doubled, outcomes=("differs", "shape"))
    return (
        "fails" if wrong_soft else "incomplete" if undefined or wrong_doubled else "holds",
        "There is a class k only where the targets are one-hot, which the document nowhere asks for. For other targets "
        f"{listed_lines(undefined)} have no meaning. Of all other lines, "
        f"{what_fails(wrong_soft, 'every one holds')} for soft targets that sum to 1; for targets that sum to 2, "
        f"{what_fails(wrong_doubled, 'every one holds too')}.",
        bench.evidence(
            (one_hot, soft),
            undefined_for_soft_targets=keyed(undefined),
            failing_for_soft_targets=keyed(wrong_soft),
            failing_for_soft_targets_doubled=keyed(wrong_doubled),
        ),
    )


@CHECKS.add("layers", "2", "Assume that we have a $n+1$ layer Recurrent Neural Network")
def _layers(bench: Bench) -> Found:
    worlds = [bench.world(n) for n in (1, 2, 3, 4)]
    layers: dict[str, dict[Shape, set[tuple[int, ...]]]] = {name: {} for name in "hzWbH"}
    for world in worlds:
        looked_up = asked(world)
        for name, found in layers.items():
            shape = (world.network.n, world.network.T)
            found[shape] = {at[:1] for asked_name, at in looked_up if asked_name == name}
    counts = {n: len(layers["h"][n, T] | layers["z"][n, T]) for n, T in layers["h"]}
    family = [f"{low} <= l <= {high}" for low in (0, 1, 2) for high in ("n-2", "n-1", "n")]
    ranges = {name: fitted(("l",), family, found) for name, found in layers.items()}
    as_said = all(count == n + 1 for n, count in counts.items())
    return (
        "holds" if as_said else "fails",
        f"For n = {listed(counts)} the equations speak of {listed(counts.values())} layers, counting the input as "
        f"layer 0: that is {'' if as_said else 'not '}n+1. They use "
        + listed(f"{name}^(l) for {text}" for name, text in ranges.items())
        + ".",
        bench.evidence(worlds, layers=keyed(counts), ranges=ranges),
    )


@CHECKS.add("initial-state", "2", "$H^{(l)}h^{(l)(t-1)}$")
def _initial_state(bench: Bench) -> Found:
    world, from_zero = bench.world(), bench.world(h0="zero")
    states = {at: numbers for (name, at), numbers in left_open(world).items() if name == "h"}
    if any(t != 0 for _, t in states):
        raise CheckError(f"states of other times than 0 are open too: {sorted(states)}")
    asking = set().union(*states.values())
    rng = np.random.default_rng(bench.seed)
    others = {l: field.random_array(rng, world.network.h0[l].shape) for l, _ in sorted(states)}
    q = local(world, lambda name, at: others.get(at[0]) if name == "h" and at[1] == 0 else None)
    depending = set(failing(world, q))
    wrong = failing(world) | failing(from_zero)
    missing = {number: next(right(number)[2](world.local(), 1, 0)) for number in (4, 5)}
    if not all(isinstance(value, Undefined) for value in missing.values()):
        raise CheckError("(4) or (5) gives a value at t = 0")
    needs = listed(f"({number}) would need {value.symbol}" for number, value in missing.items())
    return (
        "undefined" if states else "fails" if wrong else "holds",
        f"{listed_equations(asking)} ask for h^(l)(0), and no equation gives it: at t = 0 {needs}. What "
        f"{listed_equations(depending)} give depends on its value; {listed_equations(asking - depending)} name it, but "
        f"do not depend on it. Whether h^(l)(0) is zero or random, {what_fails(wrong, 'every equation holds')}.",
        bench.evidence((world, from_zero), asking=sorted(asking), depending=sorted(depending), failing=keyed(wrong)),
    )
