"""How f takes a network, and which J it differentiates: what was not declared is found out by asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from .answers import Answer, Failure
from .conventions import CHOICES, Conventions
from .inquiry import Inquiry
from .probes import Plan
from .settling import Settled, Settling, settle

_TELLING = ("not-finite", "shape", "structure")
"""Failures that say more than an exception does: f ran to its end."""


@dataclass(frozen=True)
class Detected:
    """What was found out.

    Attributes
    ----------
    conventions
    plan : whose network was answered first; None if f answered none, in any form
    failure : what f did in the form that came furthest, if it answered none
    forms : in how many forms it was asked
    limits : what f takes no argument for
    """

    conventions: Conventions
    plan: Plan | None
    failure: Failure | None = None
    forms: int = 0
    limits: tuple[str, ...] = ()


def detect(inquiry: Inquiry, declared: Mapping[str, Any], layers: int) -> Detected:
    """The conventions of f: those declared, and for the others the first form in which it answers rightly.

    If there is none, the form whose answer fits best; if f never answers, the one in which it came furthest.

    Parameters
    ----------
    inquiry
        Asks f.
    declared
        Conventions by name; never overruled.
    layers
        The largest number of hidden layers to ask about.
    """
    has_h0 = declared.get("h0", inquiry.callee.accepts_h0())
    forms = _forms(declared, (True, False) if has_h0 is None else (has_h0,))
    failures: list[tuple[tuple[int, int], Failure, Conventions]] = []
    for plan in _first(inquiry.plans, layers):
        found = _best(inquiry, plan, forms, declared, failures)
        if (found is None or not found.is_sure) and inquiry.callee.can_renew:
            found = _best(inquiry, plan, forms, declared, failures, is_renewed=True)
        if found is None:
            continue
        conventions = found.conventions
        if has_h0 is None and conventions.h0 and _ignores_h0(inquiry, plan, conventions):
            conventions = conventions.replace(h0=False)
        return Detected(conventions, plan, limits=_limits(conventions, declared))
    _, failure, conventions = max(failures, key=lambda tried: tried[0])
    return Detected(conventions, None, failure, len(forms))


def _first(plans: Sequence[Plan], layers: int) -> list[Plan]:
    """The first plan with one hidden layer, with two, ...: where f is first asked anything."""
    first = {plan.hidden: plan for plan in reversed(plans)}
    return [first[hidden] for hidden in sorted(first) if hidden <= layers]


def _forms(declared: Mapping[str, Any], h0: tuple[bool, ...]) -> list[dict[str, Any]]:
    """Every form in which f can be asked, as arguments of `Conventions`, the likeliest first."""
    names = ("targets", "biases", "batch", "layout")
    choices = [(declared[name],) if name in declared else CHOICES[name] for name in names]
    others = {name: value for name, value in declared.items() if name not in (*names, "h0")}
    return [
        {**others, **dict(zip(names, values, strict=True)), "h0": passed} for passed, *values in product(h0, *choices)
    ]


def _best(
    inquiry: Inquiry,
    plan: Plan,
    forms: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    failures: list[tuple[tuple[int, int], Failure, Conventions]],
    *,
    is_renewed: bool = False,
) -> Settled | None:
    """What f's answers about one network say, a fresh f's for each form if wanted; `failures` gets what fails."""
    found: dict[int, Settled] = {}
    far: dict[int, Conventions] = {}
    for order, choices in enumerate(forms):
        form = Conventions(**choices)
        outcome = inquiry.ask_fresh(plan, form) if is_renewed else inquiry.said(plan, form)
        if isinstance(outcome, Failure):
            reached = 10**6 if outcome.slug in _TELLING else inquiry.callee.reached
            failures.append(((reached, -order), outcome, form))
            if inquiry.is_over:
                break
            continue
        settling = Settling([(inquiry.network(plan, form), outcome)], form, declared, inquiry.guide)
        if settling.is_far:
            far[order] = form
            continue
        settled = settling.at_once or _settled(inquiry, plan, form, declared)
        if settled is not None:
            found[order] = settled
            if settled.is_sure:
                break
    else:
        closer = {order: _settled(inquiry, plan, form, declared) for order, form in far.items()}
        found |= {order: settled for order, settled in closer.items() if settled is not None}
    return max(found.items(), key=lambda each: (each[1].rank, -each[0]))[1] if found else None


def _settled(inquiry: Inquiry, plan: Plan, form: Conventions, declared: Mapping[str, Any]) -> Settled | None:
    """What f's answer about a network in a form says, the network drawn anew if not all of its gradients have bounds.

    None if there is no answer about the network that was drawn anew.
    """
    outcome = inquiry.ask(plan, form)
    if isinstance(outcome, Failure):
        return None
    return settle([(inquiry.network(plan, form), outcome)], form, declared, inquiry.guide)


def _ignores_h0(inquiry: Inquiry, plan: Plan, conventions: Conventions) -> bool:
    """Whether f, which takes any keyword, gives the same answer when h(0) is another one."""
    first = inquiry.ask(plan, conventions)
    probe = inquiry.network(plan, conventions)
    other = inquiry.ask_again(replace(probe, h0=[state + np.ones_like(state) for state in probe.h0]), conventions)
    if not (isinstance(first, Answer) and isinstance(other, Answer)) or first.loss != other.loss:
        return False
    return all(
        bool((g == other.grads[l][name]).all()) for l, layer in enumerate(first.grads) for name, g in layer.items()
    )


def _limits(conventions: Conventions, declared: Mapping[str, Any]) -> tuple[str, ...]:
    if conventions.h0 or "h0" in declared:
        return ()
    return ("h(0) is zero in every network: f takes no h0",)
