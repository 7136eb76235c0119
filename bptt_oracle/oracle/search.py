"""The search for the law and the accumulators that give what f answered.

The error that is fed in is settled by the gradients of the output layer alone. Then laws with one deviation, two and
three are tried on one small network, and the best are held against all networks. What does not show on the small
network, as a clip on one with large gradients and a late truncation on a long one, is added where it shows. Of all
explanations the cheapest is the answer; those that cost the same cannot be told apart, and are its alternatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np

from .accumulators import ACCUMULATORS, factors, gathered
from .answers import Case
from .deviations import Deviation, role
from .explaining import Explanation, View, explain
from .laws import CARRIES, CLIPS, CUTS, ERRORS, LAW_SLOTS, ORDERS, RIGHT, SIGNALS, SLOPES, Law, backward
from .matching import factor, same
from .probes import Array
from .setting import Setting
from .variations import accumulator

MOST = 3
"""How many deviations of the law are tried together."""

MOST_WORK = 5_000_000
"""After how much work a search ends with the best that it has: about 5 seconds, since a unit is about a microsecond."""

_KEPT = 12
_GROWN = 2
_PER_LAYER, _PER_STEP, _PER_NETWORK = 90, 8, 5000
"""What it costs anyway to work out a layer, and a step of it, and to try all accumulators on a network."""
_NUMBERS, _PRODUCTS = 20, 2000
"""How many numbers, and how many products of two, are worked out for the cost of a unit."""
_LIMITS = (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 50.0, 100.0)
_ONLY_BETWEEN_HIDDEN = ("signal-through-H", "signal-lacks-time", "signal-before-slope")


def search(cases: Sequence[Case], budget: Budget) -> list[Explanation]:
    """The best explanations, which cannot be told apart.

    Parameters
    ----------
    cases
        The networks that the search may see, at least one of them wrong.
    budget
        How much may be worked out.
    """
    view = View.of(cases)
    wrong = [i for i, its in enumerate(view.items) if not all(item.right for item in its)]
    order = sorted(wrong, key=lambda i: _preference(cases[i]))
    one = view.only(order[0])
    errors = _errors(one)
    best: list[Explanation] = []
    for count in range(MOST + 1 if len(errors) < len(ERRORS) else MOST):
        promising = _promising(one, errors, count, budget)
        on_one = [e for law in promising if budget.allows(one, law) and (e := explain(one, law)) is not None]
        bases = sorted(on_one, key=lambda e: e.cost)[:_KEPT]
        found = [e for base in bases if budget.allows(view, base.law) and (e := explain(view, base.law)) is not None]
        if bases and not budget.is_spent and not any(e.unexplained_roles <= bases[0].unexplained_roles for e in found):
            grown = (_grown(view, order, base, base.law, _GROWN, budget) for base in _cheapest(bases)[:_GROWN])
            found += [e for each in grown for e in each]
        best = _cheapest([*best, *found])
        if budget.is_spent or (best and best[0].cost <= count + 1):
            break
    return best


class Budget:
    """How much work a search may do, counted in what it works out, not in time: the same on every machine.

    Attributes
    ----------
    spent : how much was done, of `MOST_WORK`
    most : the largest piece of it
    """

    def __init__(self) -> None:
        self.spent = self.most = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether nothing more is to be tried."""
        return self.spent >= MOST_WORK

    def allows(self, view: View, law: Law, lowest: int | None = None) -> bool:
        """Whether a law may be tried on networks: all accumulators, or the right ones down to a layer `lowest`."""
        if self.is_spent:
            return False
        work = sum(_work(s, law, lowest) for s in view.settings)
        self.spent, self.most = self.spent + work, max(self.most, work)
        return True


def _work(s: Setting, law: Law, lowest: int | None) -> float:
    """What it takes to try a law on a network: the overhead of its layers and steps, its numbers and products.

    Fitted to the time that it takes on networks of all kinds. Where every loss step is carried on its own, there are T
    times as many numbers. All accumulators are as many products again each.
    """
    layers = s.n - (lowest or 1)
    losses = s.T if CUTS[law.cut.slug](law.cut.parameter).window is not None else 1
    products = s.B * sum(W.size for W in s.W.values()) + s.B * sum(H.size for H in s.H.values())
    step = _PER_STEP + losses * (s.B * sum(s.d) / _NUMBERS + products / _PRODUCTS)
    work = layers * (_PER_LAYER + s.T * step)
    return work if lowest else work + _PER_NETWORK + len(ACCUMULATORS) * s.T * products / _PRODUCTS


def _cheapest(explanations: Sequence[Explanation]) -> list[Explanation]:
    least = min((e.cost for e in explanations), default=0.0)
    unique = {(e.law, tuple(e.accumulators)): e for e in explanations if e.cost == least}
    return list(unique.values())


def _grown(
    view: View, order: Sequence[int], base: Explanation, law: Law, more: int, budget: Budget
) -> list[Explanation]:
    """What a law that explains one network needs besides, in the slots that are free, to explain all of them."""
    index = next((i for i in order if not _explains(view.only(i), base, law, budget)), None)
    if index is None:
        found = explain(view, law) if budget.allows(view, law) else None
        return [] if found is None else [found]
    if more == 0:
        return []
    one, longer_ones = view.only(index), list[Law]()
    for slot, deviations in _slots(one, thresholds=True).items():
        if getattr(law, slot) is RIGHT:
            longer = [law.holding(slot, deviation) for deviation in deviations]
            longer_ones += [each for each in longer if _explains(one, base, each, budget)]
    return [e for each in longer_ones[:_KEPT] for e in _grown(view, order, base, each, more - 1, budget)]


def _explains(one: View, base: Explanation, law: Law, budget: Budget) -> bool:
    """Whether a law explains on one network all that an explanation explains elsewhere, in the same way."""
    setting, (its,) = one.settings[0], one.items
    gathering = {d.tensor: d.slug for d in base.accumulators if d.slug in ACCUMULATORS}
    is_finished = len(gathering) < len(base.accumulators)  # something is done to finished gradients
    if not budget.allows(one, law, None if is_finished else 1) or (errors := backward(setting, law)) is None:
        return False
    if is_finished:
        found = explain(one, law)
        return found is not None and found.unexplained_roles <= base.unexplained_roles
    for item in its:
        tensor = role(item.name, item.l, setting.n)
        if tensor not in base.unexplained_roles:
            slug = accumulator(gathering, item.name, item.l, setting.n)
            candidate = ACCUMULATORS[slug](factors(setting, errors, item.l, item.name))
            if candidate is None or not same(item, candidate):
                return False
    return True


def _preference(case: Case) -> tuple[bool, bool, int]:
    """Small ordinary networks first, but those with two hidden layers, where more shows, before the others."""
    probe = case.probe
    return probe.plan.kind != "ordinary", probe.n < 3, probe.T * probe.B * sum(probe.d)


def _errors(one: View) -> dict[Deviation, int]:
    """The right error, and those that give most gradients of the output layer on one network: how many each gives."""
    setting, ranked = one.settings[0], []
    wanted = [item for item in one.items[0] if item.l == setting.n]
    for slug in ERRORS:
        fed = ERRORS[slug](setting)
        matches = [
            s
            for item in wanted
            if (s := factor(item, gathered(fed, setting.below(item.l) if item.name == "W" else None))) is not None
        ]
        ranked.append((len(matches), sum(s == 1 for s in matches), slug))
    most = max(rank for *rank, _ in ranked)
    return {
        RIGHT if slug == "right" else Deviation(slug): given
        for given, exactly, slug in ranked
        if slug == "right" or [given, exactly] == most
    }


def _promising(one: View, errors: Mapping[Deviation, int], count: int, budget: Budget) -> list[Law]:
    """Laws of `count` deviations that give most gradients of the hidden layers on the one network.

    Of those that give as many, the first are those whose error gives most gradients of the output layer.
    """
    ranked, tops = [], dict[tuple[int, ...], int]()
    for order, law in enumerate(_laws(one, errors, count)):
        if budget.is_spent:
            break
        ranked.append((-_matches(one, law, tops, budget), -errors[law.error], order, law))
    best = min((matches for matches, *_ in ranked), default=0)
    if best == 0:  # perhaps no accumulator is right
        return [law for *_, law in ranked] if count <= 1 else []
    return [law for matches, *_, law in sorted(ranked, key=lambda each: each[:-1]) if matches == best][:_KEPT]


def _matches(one: View, law: Law, tops: dict[tuple[int, ...], int], budget: Budget) -> int:
    """How many gradients of hidden layers a law gives with the right accumulators, but for a factor.

    Where it gives none of the top hidden layer, those below are not worked out. `tops` holds the count for that layer,
    which what comes down from it does not change, by the other deviations: each is one object in all laws of a count.
    """
    n, top = one.settings[0].n, tuple(id(getattr(law, slot)) for slot in LAW_SLOTS if slot != "down")
    if top not in tops:
        tops[top] = _given(one, law, range(n - 1, n)) if budget.allows(one, law, n - 1) else 0
    if n == 2 or tops[top] == 0 or not budget.allows(one, law, 1):
        return tops[top]
    return tops[top] + _given(one, law, range(1, n - 1))


def _given(one: View, law: Law, layers: range) -> int:
    """How many gradients of some layers a law gives with the right accumulators, but for a factor."""
    setting = one.settings[0]
    if (errors := backward(setting, law, layers[0])) is None:
        return 0
    count = 0
    for item in one.items[0]:
        if item.l in layers:
            f = factors(setting, errors, item.l, item.name)
            count += factor(item, gathered(f.left, f.right)) is not None
    return count


def _laws(one: View, errors: Iterable[Deviation], count: int) -> Iterator[Law]:
    slots = _slots(one, thresholds=False)
    if count == MOST:
        del slots["clip"]  # which is seldom, and of which there are many: it is added to a law with fewer
        slots["cut"] = [cut for cut in slots["cut"] if not _is_of_loop(cut)]  # the same
    for error in errors:
        others = count - (error is not RIGHT)
        for chosen in combinations(slots, others) if others >= 0 else ():
            for held in product(*(slots[slot] for slot in chosen)):
                yield Law(error=error, **dict(zip(chosen, held, strict=True)))


def _slots(one: View, *, thresholds: bool) -> dict[str, list[Deviation]]:
    """What each slot but that of the error may hold, where it can show on one network."""
    setting = one.settings[0]
    limits = _thresholds(one) if thresholds else _limits(one)
    return {
        "slope": _of(SLOPES),
        "order": _of(ORDERS),
        "carry": _of(CARRIES),
        "cut": [Deviation(d.slug, str(steps)) for d in _of(CUTS) for steps in range(1 + _is_of_loop(d), setting.T)],
        "clip": [Deviation(d.slug, limit) for d in _of(CLIPS) for limit in limits],
        "out": [Deviation(d.slug, tensor="W-output") for d in _of(SIGNALS) if d.slug not in _ONLY_BETWEEN_HIDDEN],
        "down": _of(SIGNALS) if setting.n > 2 else [],
    }


def _of(slugs: Iterable[str]) -> list[Deviation]:
    return [Deviation(slug) for slug in slugs if slug != "right"]


def _is_of_loop(cut: Deviation) -> bool:
    """Whether a cut leaves out steps of the whole loop: at least two are left, of one alone the sums say as much."""
    return CUTS[cut.slug]("1").last is not None


def _limits(one: View) -> list[str]:
    """The usual thresholds of a clip that the right deltas come near."""
    setting = one.settings[0]
    errors = backward(setting, Law())
    assert errors is not None  # the right law is one on every network
    largest = max(np.sqrt((errors.dh[l] ** 2).sum(axis=-1)).max() for l in setting.H)
    return [f"{limit:g}" for limit in _LIMITS if limit < 2 * largest]


def _thresholds(one: View) -> list[str]:
    """Thresholds of a clip: the usual ones, and the largest entries and norms of f's own deltas where they show.

    With one sequence and more units below than steps, dJ/dW = sum of delta(t) h(t)^T is solved for delta(t), and from
    it follow what arrived before f' and what of that was carried.
    """
    s, found = one.settings[0], [f"{limit:g}" for limit in _LIMITS]
    l = s.n - 1
    grads = {(item.l, item.name): item.answered for item in one.items[0]}
    if s.B > 1 or min(s.d[l], s.d[l - 1]) < s.T or not {(s.n, "W"), (l, "W")} <= grads.keys():
        return found
    above, dz = (_solved(s.below(at)[:, 0], grads[at, "W"]) for at in (s.n, l))
    dh = dz / np.where(s.slopes[l][:, 0] == 0, 1, s.slopes[l][:, 0])
    for array in (dz, dh, dh - above @ s.W[s.n]):
        for largest in (abs(array).max(), np.sqrt((array * array).sum(axis=-1)).max()):
            found += [f"{largest:.2g}", f"{largest:.3g}", f"{largest:.6g}"]
    return list(dict.fromkeys(found))


def _solved(right: Array, gradient: Array) -> Array:
    """The left factors, (T, d), of a gradient that is the sum over t of left right^T."""
    return np.asarray(np.linalg.lstsq(right.T, gradient.T, rcond=None)[0])
