"""What a backprop must keep to beside being right: the same answer to the same question, its arguments untouched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..instances import dyadic
from .answers import Answer, Case, Failure, Truth
from .comparison import differ, outside
from .conventions import Conventions
from .findings import Finding, gradients
from .inquiry import Inquiry
from .probes import Array, Plan, Probe
from .truth import truth_of


def repeated(inquiry: Inquiry, plan: Plan, conventions: Conventions, when: str) -> Finding | None:
    """Ask f a second time about a network; "second-call" if it says something else."""
    first, probe = inquiry.ask(plan, conventions), inquiry.network(plan, conventions)
    second = inquiry.ask_again(probe, conventions)
    return _unlike(first, second, inquiry.truth(probe, conventions), "second-call", when, probe)


def renewed(inquiry: Inquiry, plan: Plan, conventions: Conventions) -> Finding | None:
    """Ask a fresh f about a network; "fresh-object" if it says something else. What it says counts from then on."""
    first, second = inquiry.ask(plan, conventions), inquiry.ask_fresh(plan, conventions)
    probe = inquiry.network(plan, conventions)
    when = "the other one after calls with other networks"
    return _unlike(first, second, inquiry.truth(probe, conventions), "fresh-object", when, probe)


def overwritten(inquiry: Inquiry, plans: Sequence[Plan]) -> list[Finding]:
    """What f changed in its arguments when it was asked about networks of these plans."""
    found = []
    for name, changed in inquiry.callee.overwritten.items():
        if networks := tuple(plan.name for plan in plans if plan.name in changed):
            slug = "parameters-changed" if name == "params" else "arguments-overwritten"
            found.append(Finding(slug, "" if name == "params" else name, networks))
    return found


def one_step(inquiry: Inquiry, plan: Plan, conventions: Conventions, *, is_wrong: bool) -> Finding | None:
    """Ask f about a sequence of one step; "one-step" if it fails, or is wrong where f is not `is_wrong` anyway."""
    probe = inquiry.network(plan, conventions).steps(1)
    outcome = inquiry.ask_again(probe, conventions)
    if isinstance(outcome, Failure):
        return Finding("one-step", outcome.message, (str(probe),), outcome.detail)
    wrong = set() if is_wrong else outside(outcome, inquiry.truth(probe, conventions))
    return Finding("one-step", f"{gradients(wrong)} outside the bounds", (str(probe),)) if wrong else None


def batch_of_two(inquiry: Inquiry, case: Case) -> Finding | None:
    """Ask f about the first two sequences of a batch on which it is wrong, together and each alone."""
    c, probe = case.conventions, case.probe

    def wrong(chosen: slice) -> set[str] | None:
        part = probe.sequences(chosen)
        outcome = inquiry.ask_again(part, c)
        return None if isinstance(outcome, Failure) else outside(outcome, truth_of(part, c, inquiry.source))

    alone = [wrong(slice(at, at + 1)) for at in range(2)]
    if alone != [set(), set()]:
        return None
    together = wrong(slice(0, 2))
    return Finding("batch-of-two", f"{gradients(together)} outside the bounds", (str(probe),)) if together else None


def belongs(inquiry: Inquiry, case: Case) -> bool | None:
    """Whether f's gradient is the derivative of f's own loss; None if f does not say enough to tell.

    Along a direction v, D(s) = (J(p + s v) - J(p - s v)) / 2 s has an error of c s^2 + O(s^4), so that
    (4 D(s / 2) - D(s)) / 3 has one of O(s^4) only. It is taken to be at most the whole step from D(s / 2) to there, and
    the rounding of a J to be at most the bound on the right J's, in proportion. Both are estimates, and nothing else
    follows from what they decide than where to look for the mistake.
    """
    c, probe, answer = case.conventions, case.probe, case.answer
    if answer.loss is None:
        return None
    rng = np.random.default_rng(probe.seed)
    noise = case.truth.loss_bound * max(1.0, abs(answer.loss) / max(abs(case.truth.loss), case.truth.loss_bound))
    step = 2.0**-10 if c.precision == "float64" else 2.0**-4  # near the fifth root of the unit roundoff
    for _ in range(2):
        direction = _direction(rng, probe, c)
        slope = sum(
            float((answer.grads[l][name] * v).sum()) for l, layer in enumerate(direction) for name, v in layer.items()
        )
        wide, narrow = (_difference(inquiry, probe, c, direction, s) for s in (step, step / 2))
        if wide is None or narrow is None:
            return None
        best = (4 * narrow - wide) / 3
        error = abs(best - narrow) + (4 * 2 * noise / step + noise / step) / 3
        if abs(slope - best) > error:
            return False
    return True


def _direction(rng: np.random.Generator, probe: Probe, c: Conventions) -> list[dict[str, Array]]:
    """Multiples of 2^-12 of a size near 1; in H and W alone where b is given in two parts."""
    return [
        {name: dyadic(rng.standard_normal(p.shape)) for name, p in layer.items() if c.biases == 1 or name != "b"}
        for layer in probe.params
    ]


def _difference(
    inquiry: Inquiry, probe: Probe, c: Conventions, direction: list[dict[str, Array]], step: float
) -> float | None:
    """The central difference of f's own loss."""
    losses = []
    for s in (step, -step):
        params = [
            {name: p + s * v[name] if name in v else p for name, p in layer.items()}
            for layer, v in zip(probe.params, direction, strict=True)
        ]
        outcome = inquiry.ask_again(replace(probe, params=params), c)
        if isinstance(outcome, Failure) or outcome.loss is None:
            return None
        losses.append(outcome.loss)
    return (losses[0] - losses[1]) / (2 * step)


def _unlike(
    first: Answer | Failure, second: Answer | Failure, truth: Truth, slug: str, when: str, probe: Probe
) -> Finding | None:
    """A finding if one of two outcomes is a failure, or they differ by more than rounding."""
    if isinstance(first, Failure) and isinstance(second, Failure):
        return None
    if isinstance(first, Failure) or isinstance(second, Failure):
        failure = first if isinstance(first, Failure) else second
        assert isinstance(failure, Failure)
        which = "the first fails" if failure is first else "the second fails"
        return Finding(slug, f"{when}, {which}: {failure.message}", (str(probe),), failure.detail)
    changed = differ(first, second, truth)
    return Finding(slug, f"{when}, {gradients(changed)} differ", (str(probe),)) if changed else None
