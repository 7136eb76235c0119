"""Why answers are wrong: what the catalogue says, what the loss says, what is right beside it."""

from __future__ import annotations

from collections.abc import Sequence

from .answers import Case
from .contract import batch_of_two, belongs
from .findings import Finding, gradients
from .inquiry import Inquiry
from .mistakes import catalogue
from .result import Mistake

_NO_NAMES = ("located", "unknown")


def reasons(inquiry: Inquiry, cases: Sequence[Case], *, diagnose: bool) -> list[Mistake]:
    """The mistakes behind answers of which at least one lies outside its bounds, the most telling first.

    Parameters
    ----------
    inquiry
        Asks f a few more times, if need be.
    cases
        All networks that were answered, right and wrong.
    diagnose
        Whether the catalogue is searched.
    """
    wrong = [(case, case.outside) for case in cases]
    in_gradients = [case for case, names in wrong if names - {"J"}]
    in_loss = [case for case, names in wrong if "J" in names]
    both = next((case for case in in_loss if any(case is other for other in in_gradients)), None)
    does_belong = belongs(inquiry, both) if both is not None else None
    mistakes: list[Mistake] = []
    if diagnose and in_gradients:
        from .diagnosis import diagnose as named

        mistakes = named(cases)
        if does_belong:  # what is measured of the backward pass is then due to the forward pass
            mistakes = [m for m in mistakes if m.slug in catalogue() and catalogue()[m.slug].kind == "variation"]
    if in_loss:
        mistakes.append(_of_loss(both or in_loss[0], does_belong, bool(in_gradients)).told())
    if all(m.slug in _NO_NAMES for m in mistakes):
        names = {name for _, those in wrong for name in those}
        mistakes += [finding.told() for finding in _symptoms(inquiry, in_gradients, names)]
    return mistakes


def _of_loss(case: Case, does_belong: bool | None, are_gradients_wrong: bool) -> Finding:
    """What is wrong with f's own loss, and what its gradients are the gradients of."""
    seen = f"{case.answer.loss:.6g} where J is {case.truth.loss:.6g}"
    if not are_gradients_wrong:
        seen += "; the gradients are those of J all the same"
    elif does_belong:
        seen += "; the gradients are those of f's own loss: look at the forward pass"
    elif does_belong is False:
        seen += "; nor are the gradients those of f's own loss"
    return Finding("loss", seen, (str(case.probe),))


def _symptoms(inquiry: Inquiry, in_gradients: Sequence[Case], names: set[str]) -> list[Finding]:
    """What can be said without a name."""
    batched = next((case for case in in_gradients if case.probe.B > 1), None)
    found = batch_of_two(inquiry, batched) if batched is not None else None
    symptoms = [] if found is None else [found]
    if in_gradients[0].answer.loss is not None:
        where = tuple(str(case.probe) for case in in_gradients)
        symptoms.append(Finding("loss-and-gradient", f"the loss is J, but not so {gradients(names)}", where))
    return symptoms
