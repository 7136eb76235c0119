"""Why answers are wrong: what the catalogue says, what the loss says, what is right beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .answers import Case
from .contract import batch_of_two, belongs
from .conventions import Conventions
from .findings import Finding, gradients, told_apart
from .inquiry import Inquiry
from .mistakes import catalogue
from .result import Mistake
from .search import Budget

_NO_NAMES = ("located", "unknown")


def reasons(
    inquiry: Inquiry, cases: Sequence[Case], declared: Mapping[str, Any] | None = None, *, diagnose: bool
) -> tuple[list[Mistake], Conventions]:
    """The mistakes behind answers of which at least one lies outside its bounds, the most telling first.

    Parameters
    ----------
    inquiry
        Asks f a few more times, if need be.
    cases
        All networks that were answered, right and wrong.
    declared
        Conventions that are not to be found out, by name; None where f can be asked about its own parameters alone, and
        no mistake is looked for in its forward pass.
    diagnose
        Whether the catalogue is searched.

    Returns
    -------
    The mistakes, and the conventions under which they are f's: those of the cases, unless its forward pass is wrong.
    """
    wrong = [(case, case.outside) for case in cases]
    in_gradients = [case for case, names in wrong if names - {"J"}]
    in_loss = [case for case, names in wrong if "J" in names]
    mistakes, budget = list[Mistake](), Budget()
    if diagnose and in_gradients and (not in_loss or declared is None):
        from .diagnosis import diagnose as named

        mistakes = named(cases, budget)
    if diagnose and declared is not None and (in_loss or _may_be_ahead(in_gradients, mistakes)):
        from .forward.diagnosis import diagnose as passed

        if (found := passed(lambda c: _under(inquiry, cases, c), cases[0].conventions, declared, budget)) is not None:
            return found.mistakes, found.conventions
    if in_loss:
        both = next((case for case in in_loss if any(case is other for other in in_gradients)), None)
        does_belong = belongs(inquiry, both) if both is not None else None
        if does_belong:  # what is measured of the backward pass is then due to the forward pass
            mistakes = [m for m in mistakes if m.slug in catalogue() and catalogue()[m.slug].kind == "variation"]
        if diagnose and declared is not None:
            from .forward.location import located

            mistakes += located(inquiry, in_loss)
        mistakes.append(_of_loss(both or in_loss[0], does_belong, bool(in_gradients)))
    is_ahead = diagnose and _may_be_ahead(in_gradients, mistakes)
    if all(m.slug in _NO_NAMES for m in mistakes):
        names = {name for _, those in wrong for name in those}
        mistakes += [finding.told() for finding in _symptoms(inquiry, in_gradients, names)]
    if is_ahead and not any(m.slug == "batch-of-two" for m in mistakes):
        where = tuple(str(case.probe) for case in in_gradients if _is_top_wrong(case))
        mistakes.insert(0, Finding("forward-or-backward", networks=where).told())
    return mistakes, cases[0].conventions


def _under(inquiry: Inquiry, cases: Sequence[Case], conventions: Conventions) -> list[Case]:
    """The same networks under other conventions of the same form."""
    found = (inquiry.case(case.probe.plan, conventions) for case in cases)
    return [case for case in found if isinstance(case, Case)]


def _may_be_ahead(in_gradients: Sequence[Case], mistakes: Sequence[Mistake]) -> bool:
    """Whether f, which reports no loss, gives wrong gradients of the output layer for which there is no name."""
    is_silent = all(case.answer.loss is None for case in in_gradients)
    is_wrong = any(_is_top_wrong(case) for case in in_gradients)
    return is_silent and is_wrong and not any(m.slug in catalogue() or m.slug == "measured" for m in mistakes)


def _is_top_wrong(case: Case) -> bool:
    """Whether the gradient is wrong that depends on y^ and nothing else."""
    return f"dJ/db^({case.probe.n})" in case.outside


def _of_loss(case: Case, does_belong: bool | None, are_gradients_wrong: bool) -> Mistake:
    """What is wrong with f's own loss, and what its gradients are the gradients of."""
    assert case.answer.loss is not None  # it is wrong
    yours, right = told_apart(case.answer.loss, case.truth.loss)
    seen = f"{yours} where J is {right}"
    if not are_gradients_wrong:
        found = Finding("loss", f"{seen}; the gradients are those of J all the same", (str(case.probe),)).told()
        looks_like = "a factor, a term or a step of the loss alone: no gradient depends on it"
        return replace(found, looks_like=looks_like, remedy="Compare the lines that add up the loss with (1) and (2).")
    if does_belong:
        seen += "; the gradients are those of f's own loss: look at the forward pass"
    elif does_belong is False:
        seen += "; nor are the gradients those of f's own loss"
    return Finding("loss", seen, (str(case.probe),)).told()


def _symptoms(inquiry: Inquiry, in_gradients: Sequence[Case], names: set[str]) -> list[Finding]:
    """What can be said without a name."""
    batched = next((case for case in in_gradients if case.probe.B > 1), None)
    found = batch_of_two(inquiry, batched) if batched is not None else None
    symptoms = [] if found is None else [found]
    if in_gradients[0].answer.loss is not None:
        where = tuple(str(case.probe) for case in in_gradients)
        symptoms.append(Finding("loss-and-gradient", f"the loss is J, but not so {gradients(names)}", where))
    return symptoms
