"""The verdict on answers to the test vectors: nothing of their author's is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .answers import Answer, Case, Truth, entries
from .comparison import discrepancies
from .conventions import Conventions
from .diagnosis import diagnose
from .findings import Finding, gradients, listed, merged
from .forward.diagnosis import diagnose as passed
from .probes import PLANS, Probe, draw
from .result import Mistake, Result
from .returned import UnfitError, answer
from .settling import settle
from .submission import Submission, read_submission
from .truth import decided, truth_of
from .vectors import FORM
from .vectors_exact import exact_truth


def grade(path: Path) -> Result:
    """The verdict on a file of answers.

    Every entry is held against the right one, correct to the last bit, inside a bound on what rounding can do in a
    program; the mistake is looked for by its name. The form of the answers is that of the vectors, but for conventions
    that are declared; which J was differentiated, and in what precision, is found out if it is not.

    Parameters
    ----------
    path
        JSON or npz.

    Raises
    ------
    SubmissionError
        If the file cannot be read, or holds no answers.
    """
    submission = read_submission(path)
    with np.errstate(all="ignore"):  # answers may be of any size: where comparing them overflows, they are outside
        return _judged(submission, path)


def _judged(submission: Submission, path: Path) -> Result:
    """The verdict on answers that were read from a file."""
    declared = submission.conventions
    form = FORM.replace(**declared)
    asked, broken, remarks = _sorted(submission, form)
    conventions = _settled(asked, form, declared) if asked else form
    cases = [Case(probe, conventions, said, exact_truth(probe, conventions)) for probe, said in asked]
    reasons: list[Mistake] = []
    if cases:
        reasons, conventions = _reasons(cases, declared)
        cases = _under(cases, conventions)
    found = [each for case in cases for each in discrepancies(case)]
    found.sort(key=lambda d: d.difference / d.bound if d.bound else float("inf"), reverse=True)
    mistakes = [*reasons, *(finding.told() for finding in merged(broken))]
    if found and not mistakes:
        mistakes = [Finding("unknown", gradients(d.tensor for d in found)).told()]
    ok = not found and not mistakes
    if ok and conventions.over_time != "mean":
        what = {"sum": "the sum over t", "last": "J^(T), the loss of the last step"}[conventions.over_time]
        remarks.append(f"right for {what}; the document's J, (1), is the mean over t")
    return Result(
        ok=ok,
        mistakes=tuple(mistakes),
        discrepancies=tuple(found),
        conventions=conventions,
        remarks=tuple(remarks),
        limits=_limits(submission, cases),
        asked=tuple(str(_network(submission, name, form)) for name in submission.answers),
        truth="manual",
        seed=submission.seed,
        name=path.name,
        declared=tuple(declared),
        again=f"bptt-oracle vectors --grade {path}",
    )


def _settled(asked: Sequence[tuple[Probe, Answer]], form: Conventions, declared: Mapping[str, Any]) -> Conventions:
    """The form with what was found out. The activation is that of the vectors, unless all is right for another."""
    truths: dict[tuple[str, Conventions], Truth] = {}

    def guide(probe: Probe, conventions: Conventions) -> Truth:
        key = (probe.name, conventions)
        if key not in truths:
            truths[key] = truth_of(probe, conventions)
        return truths[key]

    stated = settle(asked, form, {"activation": form.activation, **declared}, guide)
    if stated.is_sure or "activation" in declared:
        return stated.conventions
    free = settle(asked, form, declared, guide)
    return free.conventions if free.is_right else stated.conventions


def _network(submission: Submission, name: str, form: Conventions) -> Probe:
    plan = next(plan for plan in PLANS if plan.name == name)
    return draw(plan, submission.seed).reduced(form)


def _sorted(submission: Submission, form: Conventions) -> tuple[list[tuple[Probe, Answer]], list[Finding], list[str]]:
    """The answers that have the structure of the parameters, with their networks; findings on the others; remarks."""
    asked, broken, noted = [], [], dict[str, None]()
    for name, (loss, grads) in submission.answers.items():
        probe = _network(submission, name, form)
        try:
            said, remarks = answer(grads if loss is None else (loss, grads), probe, form)
        except UnfitError as unfit:
            broken.append(Finding.of(unfit.failure, str(probe)))
        else:
            asked.append((probe, said))
            noted |= dict.fromkeys(remarks)
    return asked, broken, list(noted)


def _under(cases: Sequence[Case], conventions: Conventions) -> list[Case]:
    """The same answers, held against what is right under conventions of the same form."""
    return [
        case if case.conventions == conventions
        else Case(case.probe, conventions, case.answer, exact_truth(case.probe, conventions))
        for case in cases
    ]  # fmt: skip


def _reasons(cases: Sequence[Case], declared: Mapping[str, Any]) -> tuple[list[Mistake], Conventions]:
    """Why answers lie outside their bounds, by the catalogue and by the loss; and under which conventions."""
    wrong = {str(case.probe): (case, case.outside) for case in cases}
    in_loss = {where: case for where, (case, names) in wrong.items() if "J" in names}
    if in_loss and (ahead := passed(lambda c: _under(cases, c), cases[0].conventions, declared)) is not None:
        return ahead.mistakes, ahead.conventions
    mistakes = diagnose(cases) if any(names - {"J"} for _, names in wrong.values()) else []
    if mistakes and all(each.slug in ("located", "measured") for each in mistakes) and _are_foreign(cases):
        mistakes = [_foreign(cases[0].probe.seed)]
    if in_loss:
        case = next(iter(in_loss.values()))
        seen = f"{case.answer.loss:.6g} where J is {case.truth.loss:.6g}"
        mistakes.append(Finding("loss", seen, tuple(in_loss)).told())
    return mistakes, cases[0].conventions


def _are_foreign(cases: Sequence[Case]) -> bool:
    """Whether all is wrong, the loss too, and the gradients together are no nearer to the right ones than zeros are."""
    if not all("J" in case.outside and len(case.outside) == 1 + len(case.truth.names) for case in cases):
        return False
    right = np.concatenate([case.truth.entries for case in cases])
    came = np.concatenate([entries(case.answer.grads, case.truth.names) for case in cases])
    return bool(np.linalg.norm(came - right) >= np.linalg.norm(right))


def _foreign(seed: int) -> Mistake:
    """What is said of answers in which all is wrong and unlike what is right."""
    return Mistake(
        slug="located",
        equation=None,
        message="All is wrong, and unlike what is right: these may be answers to other vectors",
        where="everything: all gradients and the loss of every network",
        remedy=f"They were held against vectors of seed {seed}: compare the seed and the conventions in the files of "
        'the vectors, and put others into the file of answers, as "seed" and "conventions".',
        certainty="located, not named",
    )


def _limits(submission: Submission, cases: Sequence[Case]) -> tuple[str, ...]:
    """What the answers cannot show."""
    limits = []
    if missing := [plan.name for plan in PLANS if plan.name not in submission.answers]:
        limits.append(f"no answers to {listed(missing)}: what shows there alone is not seen")
    if loose := [case.probe.name for case in cases if not decided(case.truth)]:
        limits.append(f"{listed(loose)}: rounding has no bound there; take another seed")
    return tuple(limits)
