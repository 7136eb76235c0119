"""The search for the law and the accumulators that give what f answered.

The error that is fed in is settled by the gradients of the output layer alone. Then laws with one deviation, two and
three are tried on one network, and those that give some of its gradients are held against all ordinary networks. Of
these the cheapest is the answer; laws that cost the same cannot be told apart, and are its alternatives. What shows on
special networks alone, a clip on one with large gradients and a late truncation on a long one, is added at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

import numpy as np

from .accumulators import factors, gathered
from .answers import Case
from .deviations import Deviation
from .explaining import Explanation, View, explain
from .laws import CARRIES, CLIPS, CUTS, ERRORS, ORDERS, RIGHT, SIGNALS, SLOPES, Law, backward
from .matching import factor
from .probes import Array

MOST = 3
"""How many deviations of the law are tried together."""

_KEPT = 12
_SPECIAL = ("large", "long")
_LIMITS = (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 50.0, 100.0)
_ONLY_BETWEEN_HIDDEN = ("signal-through-H", "signal-lacks-time", "signal-before-slope")


def search(cases: Sequence[Case]) -> list[Explanation]:
    """The best explanations, which cannot be told apart; the list is empty if nothing that is wrong is explained.

    Parameters
    ----------
    cases
        The networks that the search may see, at least one of them wrong.
    """
    everything = View.of(cases)
    ordinary = [case for case in cases if case.probe.plan.kind not in _SPECIAL]
    found = _search_ordinary(View.of(ordinary))
    best = [e for law in _distinct([e.law for e in found]) if (e := explain(everything, law)) is not None]
    least = min((len(e.unexplained_roles) for e in found), default=0)
    if any(len(e.unexplained_roles) <= least for e in best):
        return _cheapest(best)
    extended = [e for base in found[:2] for e in _extended(everything, base)]
    return _cheapest([*best, *extended])


def _cheapest(explanations: Sequence[Explanation]) -> list[Explanation]:
    least = min((e.cost for e in explanations), default=0.0)
    return [e for e in explanations if e.cost == least]


def _distinct(laws: Sequence[Law]) -> list[Law]:
    return list(dict.fromkeys(laws))


# ------------------------------------------------------------------------------------------------ ordinary networks


def _search_ordinary(view: View) -> list[Explanation]:
    """The best explanations of what f answered on ordinary networks; that nothing is wrong, if nothing is."""
    wrong = [i for i, its in enumerate(view.items) if not all(item.right for item in its)]
    if not wrong:
        return [Explanation(Law())]
    one = view.only(min(wrong, key=lambda i: _preference(view.cases[i])))
    errors = _errors(one)
    best: list[Explanation] = []
    for count in range(MOST + 1):
        laws = _promising(one, errors, count)
        best = _cheapest([*best, *(e for law in laws if (e := explain(view, law)) is not None)])
        if best and best[0].cost <= count + 1:
            break
    return best


def _preference(case: Case) -> tuple[bool, bool, int]:
    """Small networks first, but those with two hidden layers, where more shows, before the others."""
    probe = case.probe
    return probe.T < 4, probe.n < 3, probe.T * probe.B * sum(probe.d)


def _errors(one: View) -> list[Deviation]:
    """The errors that give a gradient of the output layer on the one network; all of them, if none does."""
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
    most = max(r[:2] for r in ranked)
    chosen = [slug for *rank, slug in ranked if rank[0] and (tuple(rank) == most or slug == "right")]
    return [Deviation(slug) if slug != "right" else RIGHT for slug in chosen or list(ERRORS)]


def _promising(one: View, errors: Sequence[Deviation], count: int) -> list[Law]:
    """Laws of `count` deviations that give gradients of the hidden layers on the one network, the best first."""
    ranked = [(-_matches(one, law), order, law) for order, law in enumerate(_laws(one, errors, count))]
    if count <= 1:
        return [law for *_, law in sorted(ranked, key=lambda r: r[:2])]
    best = min((matches for matches, *_ in ranked), default=0)
    return [law for matches, _, law in ranked if matches == best < 0][:_KEPT]


def _matches(one: View, law: Law) -> int:
    """How many gradients of hidden layers a law gives with the right accumulators, but for a factor."""
    setting = one.settings[0]
    errors = backward(setting, law)
    if errors is None:
        return 0
    count = 0
    for item in one.items[0]:
        if item.l < setting.n:
            f = factors(setting, errors, item.l, item.name)
            count += factor(item, gathered(f.left, f.right)) is not None
    return count


def _laws(one: View, errors: Sequence[Deviation], count: int) -> Iterator[Law]:
    slots = {
        "slope": _of(SLOPES),
        "order": _of(ORDERS),
        "carry": _of(CARRIES),
        "cut": _cuts(one.settings[0].T),
        "clip": _clips(one),
        "out": [Deviation(d.slug, tensor="W-output") for d in _of(SIGNALS) if d.slug not in _ONLY_BETWEEN_HIDDEN],
        "down": _of(SIGNALS) if one.settings[0].n > 2 else [],
    }
    for error in errors:
        others = count - (error is not RIGHT)
        for chosen in combinations(slots, others) if others >= 0 else ():
            for held in product(*(slots[slot] for slot in chosen)):
                law = Law(error=error)
                for slot, deviation in zip(chosen, held, strict=True):
                    law = law.holding(slot, deviation)
                yield law


def _of(slugs: Iterable[str]) -> list[Deviation]:
    return [Deviation(slug) for slug in slugs if slug != "right"]


def _cuts(T: int) -> list[Deviation]:
    return [Deviation(slug, str(steps)) for slug in CUTS if slug != "right" for steps in range(1, T)]


def _clips(one: View) -> list[Deviation]:
    """The clips in the loop whose usual thresholds the right deltas come near."""
    setting = one.settings[0]
    errors = backward(setting, Law())
    if errors is None:
        return []
    largest = max(max(abs(errors.dh[l]).max(), abs(errors.dz[l]).max()) for l in setting.H)
    limits = [limit for limit in _LIMITS if limit < 2 * largest]
    return [Deviation(slug, f"{limit:g}") for slug in CLIPS if slug != "right" for limit in limits]


# ------------------------------------------------------------------------------------------------- special networks


def _extended(view: View, base: Explanation) -> list[Explanation]:
    """What a cut or a clip adds to an explanation, so that it holds for the special networks as well."""
    options: dict[str, list[Deviation]] = {"cut": [], "clip": []}
    for index, case in enumerate(view.cases):
        one = view.only(index)
        if case.probe.plan.kind == "long":
            options["cut"] += [d for d in _cuts(case.probe.T) if _explains(one, base, base.law.holding("cut", d))]
        if case.probe.plan.kind == "large":
            clips = [Deviation(slug, limit) for slug in CLIPS if slug != "right" for limit in _thresholds(one)]
            options["clip"] += [d for d in clips if _explains(one, base, base.law.holding("clip", d))]
    laws = [base.law.holding(slot, d) for slot, found in options.items() for d in found]
    laws += [base.law.holding("cut", cut).holding("clip", clip) for cut, clip in product(*options.values())]
    return [e for law in laws[:_KEPT] if (e := explain(view, law)) is not None]


def _explains(one: View, base: Explanation, law: Law) -> bool:
    """Whether a law explains on one network all that an explanation explains elsewhere."""
    found = explain(one, law)
    return found is not None and found.unexplained_roles <= base.unexplained_roles


def _thresholds(one: View) -> list[str]:
    """Thresholds of a clip: the usual ones, and the largest entries and norms of f's own deltas where they show.

    With one sequence and more units below than steps, dJ/dW = sum of delta(t) h(t)^T is solved for delta(t), and from
    it follow what arrived before f' and what of that was carried.
    """
    s, found = one.settings[0], [f"{limit:g}" for limit in _LIMITS]
    l = s.n - 1
    if s.B > 1 or min(s.d[l], s.d[l - 1]) < s.T:
        return found
    grads = {(item.l, item.name): item.answered for item in one.items[0]}
    above, dz = (_solved(s.below(at)[:, 0], grads[at, "W"]) for at in (s.n, l))
    dh = dz / np.where(s.slopes[l][:, 0] == 0, 1, s.slopes[l][:, 0])
    for array in (dz, dh, dh - above @ s.W[s.n]):
        for largest in (abs(array).max(), np.sqrt((array * array).sum(axis=-1)).max()):
            found += [f"{largest:.2g}", f"{largest:.3g}", f"{largest:.6g}"]
    return list(dict.fromkeys(found))


def _solved(right: Array, gradient: Array) -> Array:
    """The left factors, (T, d), of a gradient that is the sum over t of left right^T."""
    return np.asarray(np.linalg.lstsq(right.T, gradient.T, rcond=None)[0])
