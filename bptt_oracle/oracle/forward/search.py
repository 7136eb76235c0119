"""The search for the forward pass whose loss is f's: one mistake, then two.

The loss is one number a network, but one with many digits: passes are run on one small network, and those that give f's
loss there on the others. Where f reports no loss, its gradient in b^(n) takes the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from ..answers import Case
from ..conventions import CHOICES, Conventions
from ..deviations import Deviation
from ..matching import form, relative_bound, sizes
from ..precision import TIMES_OURS, in_float32
from ..probes import Array
from .outputs import COUNTED, LOSS, LOSSES, OUTPUT
from .passing import SLOTS, held_at, is_at, losses_of, slot_of, walk, walk_below, walk_output, weights_of
from .steps import HIDDEN
from .walks import Walk

MOST_STEPS = 60_000
"""How many steps of layers are gone through before the search ends: about 2 seconds."""

EPSILONS = tuple(f"1e-{digits}" for digits in range(5, 13))
"""What is usually added inside a logarithm."""

Found = tuple[Conventions, tuple[Deviation, ...]]


@dataclass(frozen=True)
class Sought:
    """One network, and what a pass has to give on it.

    Attributes
    ----------
    case : the network, with f's answer
    rounding : how far a right program may be from J, relative to it; or from the gradient in b^(n)
    """

    case: Case
    rounding: float

    @classmethod
    def of(cls, case: Case) -> Sought:
        """What f's answer about a network asks for."""
        if case.answer.loss is None:
            return cls(case, relative_bound(case))
        share = case.truth.loss_bound / abs(case.truth.loss)
        if case.conventions.precision == "float32":
            ours = in_float32(case.probe, case.conventions).loss
            assert ours is not None  # it always says one
            share = min(share, TIMES_OURS * max(abs(ours - case.truth.loss) / abs(case.truth.loss), 2.0**-24))
        return cls(case, float(share))

    def fits(self, w: Walk, conventions: Sequence[Conventions], weights: Array) -> list[Conventions]:
        """The conventions, of which these are the `weights_of`, under which a pass gives f's loss, or the gradient."""
        probe, answer = self.case.probe, self.case.answer
        with np.errstate(all="ignore"):
            if answer.loss is not None:
                terms = np.where(weights, weights * w.losses, 0).reshape(len(weights), -1)
                off = abs(terms.sum(axis=1) - answer.loss)
                size = np.maximum(abs(terms).sum(axis=1), abs(answer.loss))
            else:
                yours = answer.grads[-1]["b"]
                made = np.einsum("ctb,tbv->cv", weights, w.y_hat - probe.targets)
                off, size = abs(made - yours).max(axis=1), np.maximum(abs(made).max(axis=1), abs(yours).max())
            near = np.isfinite(size) & (off <= self.rounding * size)
            return [c for c, is_near in zip(conventions, near, strict=True) if is_near]


def search(cases: Sequence[Case], declared: Mapping[str, object]) -> list[Found]:
    """The passes, with as few mistakes as any, that give f's loss on every network, each with its conventions.

    Parameters
    ----------
    cases
        Every network that f answered, on one of which the loss, or the output layer's gradient, is wrong.
    declared
        Conventions that are not to be found out, by name.
    """
    all_sought = [Sought.of(case) for case in cases]
    wrong = [sought for sought in all_sought if sought.case.outside]
    first = min(wrong, key=lambda s: (s.case.probe.plan.kind != "ordinary", s.case.probe.T * s.case.probe.n))
    budget = [float(MOST_STEPS)]
    if whole := of_sizes(cases) or _of_epsilons(cases[0].conventions, all_sought):
        return whole
    for count in (1, 2):
        for activation in _activations(cases[0].conventions, declared)[: 1 if count == 2 else None]:
            candidates = _conventions(cases[0].conventions, declared, activation)
            found = [
                (c, wide)
                for deviations, fitting in _on_one(first, candidates, count, budget)
                for wide in _widened(deviations, first.case.probe.n)
                for c in fitting
                if all(_gives(sought, c, wide) for sought in all_sought)
            ]
            if found:
                return _unlike(found)
    return []


def _activations(c: Conventions, declared: Mapping[str, object]) -> list[object]:
    """The activation that was settled, then the others, unless it was declared."""
    others = [] if "activation" in declared else [name for name in CHOICES["activation"] if name != c.activation]
    return [c.activation, *others]


def _conventions(c: Conventions, declared: Mapping[str, object], activation: object) -> list[Conventions]:
    """Everything that J can be with an activation, what was settled first."""
    times, batches = (
        [getattr(c, name), *(() if name in declared else (o for o in CHOICES[name] if o != getattr(c, name)))]
        for name in ("over_time", "over_batch")
    )
    batches = batches if c.batch != "none" else batches[:1]
    return [c.replace(activation=activation, over_time=t, over_batch=b) for t, b in product(times, batches)]


def _on_one(
    sought: Sought, conventions: Sequence[Conventions], count: int, budget: list[float]
) -> Iterator[tuple[tuple[Deviation, ...], list[Conventions]]]:
    """Passes of `count` mistakes that give what is sought on one network, with the conventions under which they do.

    A mistake of the loss is tried on the y^ of a pass that was run anyway.
    """
    probe, n = sought.case.probe, sought.case.probe.n
    ends: list[tuple[Deviation, ...]] = [()] if sought.case.answer.loss is None else [(), *((d,) for d in _of(LOSS))]
    if count == 2:
        ends += [(Deviation(a), Deviation(b)) for a, b in product(LOSSES, COUNTED) if "right" not in (a, b)]
    held = [[(end, held_at(end, n, n)) for end in ends if len(end) == length] for length in range(count + 1)]
    weights = np.array([weights_of(probe, c) for c in conventions])
    w, known = None, None  # the pass below the output layer, and its mistakes
    for ahead in _ahead(n, count):
        budget[0] -= probe.T * n
        if budget[0] < 0:
            return
        if (below := tuple(d for d in ahead if not is_at(d, n, n))) != known:
            w, known = walk_below(probe, conventions[0], below), below
        if w is None or not walk_output(w, probe, conventions[0], ahead):
            continue
        for end, slots in held[count - len(ahead)]:
            with np.errstate(all="ignore"):
                w.losses = losses_of(w, probe, slots)
            if fitting := sought.fits(w, conventions, weights):
                yield (*ahead, *end), fitting


def _ahead(n: int, most: int) -> Iterator[tuple[Deviation, ...]]:
    """No mistake, one, and two, of different slots of one place, or of the hidden layers and the output layer."""
    yield ()
    places = ("",) if n == 2 else ("", "first-layer", "upper-layers", "top-layer", "lower-layers") if n > 3 else (
        "", "first-layer", "top-layer"
    )  # fmt: skip
    by_place = {place: _of(HIDDEN, place) for place in places}
    top = [*_of({name: OUTPUT[name] for name in ("below", "input", "bias")}, "output-layer"),
           *_of({name: OUTPUT[name] for name in ("logits", "softmax")})]  # fmt: skip
    singles = [d for those in by_place.values() for d in those] + top
    yield from ((d,) for d in singles)
    if most == 2:
        for those in (*by_place.values(), top):
            yield from (pair for pair in combinations(those, 2) if slot_of(pair[0]) != slot_of(pair[1]))
        yield from product(by_place[""], top)


def _of(slots: Mapping[str, object], place: str = "") -> list[Deviation]:
    return [Deviation(slug, tensor=place) for slot in slots for slug in _ordered(slot)]


def _ordered(slot: str) -> list[str]:
    table = {**HIDDEN, **OUTPUT, **LOSS}[slot]
    return [slug for slug in table if slug in SLOTS[slot]]


def _widened(deviations: tuple[Deviation, ...], n: int) -> Iterator[tuple[Deviation, ...]]:
    """The same mistakes at every place that is the same on a network of n layers."""
    ways = []
    for d in deviations:
        if d.tensor == "output-layer" or slot_of(d) not in HIDDEN:
            places: tuple[str, ...] = (d.tensor,)
        elif n == 2:
            places = ("", "first-layer", "top-layer")
        elif n == 3:
            places = {"top-layer": ("top-layer", "upper-layers"), "first-layer": ("first-layer", "lower-layers")}.get(
                d.tensor, (d.tensor,)
            )
        else:
            places = (d.tensor,)
        ways.append([Deviation(d.slug, d.parameter, place) for place in places])
    yield from product(*ways)


def _gives(sought: Sought, conventions: Conventions, deviations: Sequence[Deviation]) -> bool:
    w, weights = walk(sought.case.probe, conventions, deviations), weights_of(sought.case.probe, conventions)
    return w is not None and bool(sought.fits(w, [conventions], weights[None]))


def _unlike(found: Sequence[Found]) -> list[Found]:
    """Of the same mistakes at several places, between which no network decides, the first."""
    unique: dict[object, Found] = {}
    for c, deviations in found:
        unique.setdefault(tuple((d.slug, d.parameter) for d in deviations), (c, deviations))
    return list(unique.values())


def of_sizes(cases: Sequence[Case]) -> list[Found]:
    """The mistakes of the whole loss: what it is whatever the network holds, or how many times too large it is."""
    ways: tuple[tuple[str, Callable[[Case], float]], ...] = (
        ("loss-constant", lambda case: 1.0),
        ("loss-scaled", lambda case: case.truth.loss),
    )
    found: list[Found] = []
    for slug, of in ways:
        known = [(sizes(c.probe), c.answer.loss / of(c), Sought.of(c).rounding) for c in cases if c.answer.loss]
        several = {tuple(at.values()) for at, *_ in known}
        expression = form(known) if len(known) == len(cases) and len(several) > 2 else None
        if expression is not None and expression != "-1":  # the sign alone has a name of its own
            found.append((cases[0].conventions, (Deviation(slug, expression),)))
    return found


def _of_epsilons(conventions: Conventions, all_sought: Sequence[Sought]) -> list[Found]:
    """The epsilon inside the logarithm of the loss with which it is f's, if there is one."""
    if any(sought.case.answer.loss is None for sought in all_sought):
        return []
    ways = ((Deviation("loss-epsilon", epsilon),) for epsilon in EPSILONS)
    return [(conventions, way) for way in ways if all(_gives(sought, conventions, way) for sought in all_sought)]
