"""What was done wrong: from f's gradients on a few networks, and the right ones, to mistakes by name.

First the catalogue is searched, with one wrong network kept back; an explanation counts only if it gives f's gradients
on that network too. Where that network shows more than the others, as a clip that only its gradients reach, it is seen
and another one is kept back. What an explanation leaves unexplained is measured, or at least located.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .answers import Case
from .deviations import PLACES, TENSORS, Deviation, role
from .explaining import Explanation
from .laws import SIGNALS
from .matching import items, same
from .measuring import measure
from .mistakes import catalogue, mistake
from .result import Mistake
from .search import Budget, search
from .setting import setting_of
from .variations import simulate_in

_EQUATIONS = {"H": 44, "W": 45, "b": 46}
_LAYERS = {"": ("l", ", l < n"), "output": ("n", ""), "first": ("1", ""), "upper": ("l", ", 1 < l < n")}


def diagnose(cases: Sequence[Case], budget: Budget | None = None) -> list[Mistake]:
    """The mistakes in the backprop that gave these answers; none if all lie within their bounds.

    Parameters
    ----------
    cases
        Networks with f's answers and the truth, right ones and wrong ones: the more they differ, the better.
    budget
        Shared by all diagnoses of one check; its own if left out.
    """
    wrong = _wrong(cases)
    if not wrong:
        return []
    kept_back, budget = _kept_back(cases, wrong), budget or Budget()
    found, reproduced = _searched(cases, wrong, kept_back, budget)
    if found and not reproduced:
        others = [i for i in wrong if i != kept_back]
        if (another := _kept_back(cases, others)) is not None:
            kept_back = another
            _, reproduced = _searched(cases, wrong, kept_back, budget)
    if not reproduced:
        return measure(cases, _unexplained(cases, TENSORS))
    best = reproduced[0]
    named = _named(best, reproduced[1:], len(wrong), confirmed=kept_back is not None)
    return [*named, *measure(cases, _unexplained(cases, best.unexplained_roles))]


def _searched(
    cases: Sequence[Case], wrong: Sequence[int], kept_back: int | None, budget: Budget
) -> tuple[list[Explanation], list[Explanation]]:
    """What explains all networks but the one kept back, and those of these that give f's gradients on that one too."""
    found = [e for e in search([case for i, case in enumerate(cases) if i != kept_back], budget) if e.deviations]
    return found, [e for e in found if all(_reproduces(cases[i], e) for i in wrong)]


def _wrong(cases: Sequence[Case]) -> list[int]:
    """The networks on which a gradient lies outside its bounds."""
    return sorted({item.case for item in items(cases) if not item.right})


def _unexplained(cases: Sequence[Case], roles: Collection[str]) -> set[tuple[str, int, str]]:
    """Network, layer and name of every wrong gradient of these kinds."""
    return {
        (cases[item.case].probe.name, item.l, item.name)
        for item in items(cases)
        if not item.right and role(item.name, item.l, cases[item.case].probe.n) in roles
    }


def _kept_back(cases: Sequence[Case], wrong: Sequence[int]) -> int | None:
    """The wrong network that the search does not see; None if there is but one.

    It is an ordinary one that has company: what it alone could show, as a second hidden layer does, is not kept back.
    """
    ordinary = [i for i in wrong if cases[i].probe.plan.kind == "ordinary"]
    deep = [i for i in ordinary if cases[i].probe.n > 2]
    company = deep if len(deep) > 1 else [i for i in ordinary if i not in deep]
    if len(company) < 2:
        return None
    return max(company, key=lambda i: (cases[i].probe.n, cases[i].probe.B))


def _reproduces(case: Case, explanation: Explanation) -> bool:
    """Whether an explanation gives every gradient of a network that it claims to give."""
    grads = simulate_in(setting_of(case), explanation.deviations)
    return grads is not None and all(
        same(item, grads[item.l - 1][item.name])
        for item in items([case])
        if role(item.name, item.l, case.probe.n) not in explanation.unexplained_roles
    )


def _named(best: Explanation, others: Sequence[Explanation], networks: int, *, confirmed: bool) -> list[Mistake]:
    """The mistakes of an explanation, each with what cannot be told apart from it."""
    certainty = f"reproduced exactly on {networks} network{'s' if networks > 1 else ''}" + (
        ", one of which the search did not see" if confirmed else ""
    )
    merged: dict[tuple[str, str], list[str]] = {}
    for deviation in best.deviations:
        merged.setdefault((deviation.slug, deviation.parameter), []).append(deviation.tensor)
    mistakes = []
    for (slug, parameter), tensors in merged.items():
        alternatives = {str(_bare(d)) for other in others for d in _instead(slug, best, other)}
        alternatives.update(*(best.alternatives.get(Deviation(slug, parameter, tensor), ()) for tensor in tensors))
        chosen = [place for place in PLACES if place in tensors]
        is_accumulator = slug not in SIGNALS and bool(chosen)
        is_of_all = not chosen and catalogue()[slug].equation == min(_EQUATIONS.values())
        mistakes.append(
            mistake(
                slug,
                parameter=parameter,
                tensors=_where(slug, chosen),
                equation=_EQUATIONS[chosen[0][0]] if is_accumulator else None,
                last_equation=max(_EQUATIONS.values()) if is_of_all else None,
                certainty=f"{certainty}; not distinguishable here from {' or '.join(sorted(alternatives))}"
                if alternatives
                else certainty,
                alternatives=tuple(sorted(alternatives)),
                deviations=tuple(str(Deviation(slug, parameter, tensor)) for tensor in tensors),
            )
        )
    return mistakes


def _bare(deviation: Deviation) -> Deviation:
    return Deviation(deviation.slug, deviation.parameter)


def _instead(slug: str, best: Explanation, other: Explanation) -> list[Deviation]:
    """What another explanation has in the place of one mistake of the best; nothing if it has the same."""
    if any(d.slug == slug for d in other.deviations):
        return []
    known = {d.slug for d in best.deviations}
    return [d for d in other.deviations if d.slug not in known]


def _where(slug: str, tensors: Sequence[str]) -> str:
    """The gradients, or the layers for what comes from the layer above."""
    if slug in SIGNALS:
        return "hidden layer n - 1, from the output layer" if tensors else "hidden layers l < n - 1"
    return ", ".join(map(_gradient, tensors)) if tensors else "all gradients"


def _gradient(place: str) -> str:
    kind, _, which = place.partition("-")
    layer, of = _LAYERS[which]
    return f"dJ/d{kind}^({layer}){of}"
