"""How well a law explains what f answered: which accumulator each gradient needs, which factor, which clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .accumulators import ACCUMULATORS, factors
from .answers import Case
from .deviations import PLACES, TENSORS, Deviation, role
from .laws import RIGHT, Errors, Law, backward
from .matching import Item, factor, form, items, same, shortest, sizes
from .probes import Array
from .setting import Setting, setting_of

_NOT_NAMED = 2.0
_ONE_MORE_TENSOR = 0.125
"""What a gradient that stays unexplained costs, and another one with the same deviation, next to 1 for a deviation."""


@dataclass(frozen=True)
class View:
    """The networks that a search may look at, each with its forward pass and f's gradients."""

    cases: Sequence[Case]
    settings: Sequence[Setting]
    items: Sequence[Sequence[Item]]

    @classmethod
    def of(cls, cases: Sequence[Case]) -> View:
        """The view of some cases."""
        found: list[list[Item]] = [[] for _ in cases]
        for item in items(cases):
            found[item.case].append(item)
        return cls(cases, [setting_of(case) for case in cases], found)

    def only(self, index: int) -> View:
        """One network of these."""
        return View.of([self.cases[index]])


@dataclass
class Explanation:
    """One law with what else it needs.

    Attributes
    ----------
    law : the law
    accumulators : deviations of accumulators, factors and clips
    alternatives : for a deviation of an accumulator, the slugs that give the same gradients
    unexplained_roles : the kinds of gradients some of which it does not give
    """

    law: Law
    accumulators: list[Deviation] = field(default_factory=list)
    alternatives: dict[Deviation, tuple[str, ...]] = field(default_factory=dict)
    unexplained_roles: set[str] = field(default_factory=set)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """All that it takes."""
        return (*self.law.deviations, *self.accumulators)

    @property
    def count(self) -> int:
        """How many mistakes it takes: one that is made at several gradients is one."""
        return len(self.law.deviations) + len({(d.slug, d.parameter) for d in self.accumulators})

    @property
    def cost(self) -> float:
        """The lower, the better it explains."""
        repeated = len(self.deviations) - self.count
        return self.count + _ONE_MORE_TENSOR * repeated + _NOT_NAMED * len(self.unexplained_roles)


def explain(view: View, law: Law) -> Explanation | None:
    """What it takes, with a law, to give the gradients of every network; None if the law gives none that count."""
    found: dict[str, list[_Options]] = {}
    for setting, its in zip(view.settings, view.items, strict=True):
        errors = backward(setting, law)
        if errors is None:
            return None
        for item in its:
            found.setdefault(role(item.name, item.l, setting.n), []).append(_Options(setting, errors, item))
    result = Explanation(law)
    scaled: dict[str, list[tuple[_Options, float]]] = {}
    for tensor in TENSORS:
        chosen = _choose(found.get(tensor, []), tensor, result)
        if chosen is not None:
            scaled[tensor] = chosen
    _name_factors(view, scaled, result)
    return result if _is_supported(result) else None


def _is_supported(explanation: Explanation) -> bool:
    """Whether what the law says shows in more than the gradient of a bias, which many a law gives by accident."""
    law, lost = explanation.law, explanation.unexplained_roles
    if law.error is not RIGHT and "W-output" in lost:
        return False
    hidden = [deviation for deviation in law.deviations if deviation is not law.error]
    return not hidden or not {"H", "W"} <= lost


class _Options:
    """What gives one gradient: slugs of accumulators, each with its factor; worked out when asked."""

    def __init__(self, setting: Setting, errors: Errors, item: Item) -> None:
        self.setting, self.item = setting, item
        self._factors = factors(setting, errors, item.l, item.name)
        self._known: dict[str, float | None] = {}
        self._candidates: dict[str, Array | None] = {}

    def candidate(self, slug: str) -> Array | None:
        if slug not in self._candidates:
            self._candidates[slug] = ACCUMULATORS[slug](self._factors)
        return self._candidates[slug]

    def factor(self, slug: str) -> float | None:
        """The factor with which an accumulator gives the gradient; None if with none."""
        if slug not in self._known:
            candidate = self.candidate(slug)
            self._known[slug] = None if candidate is None else factor(self.item, candidate)
        return self._known[slug]


Chosen = list[tuple[_Options, float]]


def _choose(options: list[_Options], tensor: str, result: Explanation) -> Chosen | None:
    """The accumulators that give the gradients of one kind go into the result; their factors are returned.

    One accumulator for all layers comes before one for the first layer and another for those above. None if no
    accumulators do it, which the result notes, or if there is nothing to explain.
    """
    if not options:
        return None
    split = {place: [o for o in options if (o.item.l == 1) == is_first] for place, is_first in _sides(tensor)}
    ways = [_givers({tensor: options}), _givers(split) if split and all(split.values()) else None]
    rated = [(max(rank for rank, *_ in way.values()), way) for way in ways if way is not None]
    if rated:
        _, way = min(rated, key=lambda each: each[0])
        for place, (_, slug, _, others) in way.items():
            if slug != "right":
                result.accumulators.append(Deviation(slug, tensor=place))
                result.alternatives[result.accumulators[-1]] = others
        return [pair for _, _, chosen, _ in way.values() for pair in chosen]
    if (clipped := _clipped_by_value(options)) is not None:
        slug, limit = clipped
        if slug != "right":
            result.accumulators.append(Deviation(slug, tensor=tensor))
        result.accumulators.append(Deviation("clipped-by-value", limit, tensor))
        return None
    result.unexplained_roles.add(tensor)
    return None


Giver = tuple[int, str, Chosen, tuple[str, ...]]
"""What gives some gradients: its rank, 0 the best, its slug, the factors, and what else gives them as exactly."""


def _givers(places: Mapping[str, list[_Options]]) -> dict[str, Giver] | None:
    """The best accumulator for each place; None if one place has none."""
    found = {place: _giver(options) for place, options in places.items()}
    return None if None in found.values() else {place: each for place, each in found.items() if each is not None}


def _giver(options: list[_Options]) -> Giver | None:
    """The accumulator that gives all of some gradients: exactly or else but for factors, the right one first."""
    giving: list[Giver] = []
    for slug in ACCUMULATORS:
        chosen: Chosen = []
        for o in options:
            if (s := o.factor(slug)) is None:
                break
            chosen.append((o, s))
        else:
            is_exact = all(s == 1 for _, s in chosen)
            giving.append(((slug != "right") + 2 * (not is_exact), slug, chosen, ()))
            if slug == "right" and is_exact:
                break
    if not giving:
        return None
    rank, slug, chosen, _ = min(giving, key=lambda each: each[0])
    others = tuple(name for other, name, *_ in giving if other == rank == 1 and name != slug)
    return rank, slug, chosen, others


def _clipped_by_value(options: list[_Options]) -> tuple[str, str] | None:
    """The accumulator whose entries are clipped in all gradients, and the limit; None if they are not."""
    largest = max(options, key=lambda o: o.item.largest)
    if largest.item.largest == 0:
        return None
    text = shortest(largest.item.largest, largest.item.rounding)
    limit = float(text)

    def is_clipped(o: _Options, slug: str) -> bool:
        candidate = o.candidate(slug)
        return candidate is not None and same(o.item, candidate.clip(-limit, limit))

    for slug in ACCUMULATORS:
        candidate = largest.candidate(slug)
        if candidate is None or same(largest.item, candidate):
            continue
        if is_clipped(largest, slug) and all(is_clipped(o, slug) for o in options):
            return slug, text
    return None


def _name_factors(view: View, scaled: dict[str, Chosen], result: Explanation) -> None:
    """Name the factors: one for all gradients, one for a kind of them, or the limit of a norm."""
    everything = [pair for chosen in scaled.values() for pair in chosen]
    if all(s == 1 for _, s in everything):
        return
    if (common := _form(view, everything)) is not None:
        result.accumulators.append(Deviation("scale", common))
        return
    if (limit := _clip_by_norm(everything, of_all=True)) is not None:
        result.accumulators.append(Deviation("clipped-by-global-norm", limit))
        return
    for tensor, chosen in scaled.items():
        if (found := _factors_at(view, tensor, chosen)) is None:
            result.unexplained_roles.add(tensor)
        else:
            result.accumulators += found


def _factors_at(view: View, tensor: str, chosen: Chosen) -> list[Deviation] | None:
    """The factors or norms of one kind of gradients: of all layers, or of the first and of those above it."""
    split = {
        place: [pair for pair in chosen if (pair[0].item.l == 1) == is_first] for place, is_first in _sides(tensor)
    }
    for way in ({tensor: chosen}, split) if split else ({tensor: chosen},):
        named = [_factor_of(view, place, those) for place, those in way.items() if those]
        if None not in named:
            return [deviation for each in named if each is not None for deviation in each]
    return None


def _sides(tensor: str) -> list[tuple[str, bool]]:
    """The places of the first hidden layer and of those above it; none for the output layer."""
    return [(f"{tensor}-first", True), (f"{tensor}-upper", False)] if f"{tensor}-first" in PLACES else []


def _factor_of(view: View, place: str, chosen: Chosen) -> list[Deviation] | None:
    """The one factor, or the limit of the norms, at a place; nothing if there is none; None if there are others."""
    if all(s == 1 for _, s in chosen):
        return []
    if (own := _form(view, chosen)) is not None:
        return [Deviation("scale", own, place)]
    if (limit := _clip_by_norm(chosen, of_all=False)) is not None:
        return [Deviation("clipped-by-norm", limit, place)]
    return None


def _form(view: View, chosen: Chosen) -> str | None:
    return form([(sizes(view.cases[o.item.case].probe), s, o.item.rounding) for o, s in chosen])


def _clip_by_norm(chosen: Chosen, *, of_all: bool) -> str | None:
    """The limit of the norm of every gradient, or of all gradients of a network; None if there is none."""
    groups: dict[object, list[tuple[_Options, float]]] = {}
    for o, s in chosen:
        groups.setdefault(o.item.case if of_all else id(o), []).append((o, s))
    limits, whole = list[tuple[float, float]](), list[tuple[float, float]]()
    for group in groups.values():
        ratios = [s for _, s in group]
        rounding = max(o.item.rounding for o, _ in group)
        if max(ratios) - min(ratios) > 4 * rounding or max(ratios) > 1:
            return None
        norm = float(np.sqrt(sum((o.item.answered**2).sum() for o, _ in group)))
        (limits if min(ratios) < 1 else whole).append((norm, rounding))
    if not limits:
        return None
    first, bound = limits[0]
    if any(abs(limit - first) > 4 * rounding * first for limit, rounding in limits):
        return None
    if any(norm - first > 4 * rounding * norm for norm, rounding in whole):  # it would have been shortened
        return None
    return shortest(first, 4 * bound)
