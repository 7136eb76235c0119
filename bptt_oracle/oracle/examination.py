"""The course of one check: what f is asked, in which order, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import Answer, Case, Failure
from .comparison import decimals, discrepancies, is_right_but_rounded, largest_error
from .contract import one_step, overwritten, renewed, repeated
from .conventions import Conventions
from .detection import detect
from .findings import Finding, gradients, listed, merged
from .inquiry import Inquiry
from .precision import Judge
from .probes import Plan, is_sized
from .reasons import reasons
from .result import Result
from .settling import settle

_MISTAKABLE = ("layout", "batch", "biases", "targets", "h0", "activation")
"""What is tried as if it had not been declared, where f is wrong as declared."""

_ROUNDED = (
    "every number that was answered is rounded to {places}; the bounds are on what rounding does inside a program, so "
    "answer with all digits: the shortest text that reads back as the same number"
)

_OF_DEPTH = ("exception", "structure")
"""What f does with a network that has more layers than it knows."""


class Examination:
    """One check, as it goes on.

    Parameters
    ----------
    inquiry
        Asks f.
    declared
        Conventions by name.
    layers
        The largest number of hidden layers that f is declared to take, or None.
    diagnose
        Whether a mistake is looked for in the catalogue.
    """

    def __init__(self, inquiry: Inquiry, declared: Mapping[str, Any], layers: int | None, *, diagnose: bool) -> None:
        self._inquiry, self._declared, self._layers, self._diagnose = inquiry, declared, layers, diagnose
        self._deepest = max(plan.hidden for plan in inquiry.plans)
        self._conventions = Conventions()
        self._plans: list[Plan] = []
        self._state: list[Finding] = []
        self._broken: list[Finding] = []
        self._otherwise: list[Finding] = []
        self._remarks: list[str] = []
        self._limits: list[str] = []

    def result(self, name: str) -> Result:
        """The verdict, and what goes with it."""
        inquiry, deepest = self._inquiry, min(self._layers or self._deepest, self._deepest)
        detected = detect(inquiry, self._declared, deepest)
        self._conventions, first = detected.conventions, detected.plan
        if first is None:
            self._note_silence(detected.failure, detected.forms)
            self._note_declared(deepest)
            return self._told(name)
        self._limits += detected.limits
        inquiry.callee.overwritten.clear()  # what f did in forms that are not its own does not count
        inquiry.callee.remarks.clear()
        self._repeat(first, "called again at once")
        if self._state and not inquiry.callee.can_renew:
            self._plans = [first]
            self._limits.append("no other network was asked about: what f says depends on the calls before")
            return self._told(name)
        self._ask_all(first, deepest)
        self._check_state(first)
        self._settle()
        self._check_contract(first)
        if self._broken or any(case.outside for case in self._cases()):
            self._note_declared(deepest)
        return self._told(name)

    def _note_silence(self, failure: Failure | None, forms: int) -> None:
        """F answered nothing at all."""
        assert failure is not None
        self._broken.append(Finding(failure.slug, failure.message, detail=failure.detail))
        if forms > 1:
            came = "answered in none; this is the one in which it came furthest"
            if failure.slug == "not-finite":
                came = "answered in some, but never with finite numbers alone; this is the first of these"
            self._remarks.append(
                f"f was asked in up to {forms} forms and {came}. "
                "Declare layout, batch, biases, targets or h0 to see another"
            )

    def _note_declared(self, deepest: int) -> None:
        """If f is right when one thing that was declared is found out instead, that is all there is to say.

        Not tried where the gradients of the output layer are right, which they are in no other form.
        """
        if any(f"dJ/dW^({case.probe.n})" not in case.outside for case in self._cases()):
            return
        inquiry, seen = self._inquiry, (dict(self._inquiry.callee.overwritten), dict(self._inquiry.callee.remarks))
        for name in _MISTAKABLE:
            if name not in self._declared or inquiry.is_over:
                continue
            others = {other: value for other, value in self._declared.items() if other != name}
            found = detect(inquiry, others, deepest)
            case = None if found.plan is None else inquiry.case(found.plan, found.conventions)
            if isinstance(case, Case) and not case.outside:
                value, fits = (
                    _declaration(name, value) for value in (self._declared[name], getattr(found.conventions, name))
                )
                message = f"you declared {value}, but the answers are right for {fits}"
                self._otherwise = [Finding("declared-otherwise", message, (str(case.probe),))]
                break
        inquiry.callee.overwritten, inquiry.callee.remarks = seen

    def _repeat(self, plan: Plan, when: str) -> None:
        if (found := repeated(self._inquiry, plan, self._conventions, when)) is not None:
            self._note_state(found)

    def _ask_all(self, first: Plan, deepest: int) -> None:
        """Ask about every network; those of a depth that f does not take are left out again."""
        asked = [first, *(plan for plan in self._inquiry.plans if plan.hidden <= deepest and plan != first)]
        outcomes: dict[Plan, Answer | Failure] = {}
        for plan in asked:
            if self._inquiry.is_over:
                break
            outcomes[plan] = self._ask(plan)
            if isinstance(outcomes[plan], Failure) and self._renew(plan):
                outcomes[plan] = self._ask(plan)
        if left := [plan.name for plan in asked if plan not in outcomes]:
            self._limits.append(f"{listed(left)} were not asked about: too many calls took too long")
        lost = _depths_lost(outcomes)
        if self._layers is not None:  # a smaller number than was declared may be refused
            lost = {} if self._layers in lost else {d: why for d, why in lost.items() if d < self._layers}
        self._plans = [plan for plan in asked if plan in outcomes and plan.hidden not in lost]
        if lost:
            self._plans += self._ask_instead([plan for plan in outcomes if plan.hidden in lost], lost)
        if deepest < self._deepest:
            self._limits.append(f"networks with more than {deepest} hidden layers were not checked, as declared")

    def _ask_instead(self, plans: Sequence[Plan], lost: Mapping[int, Failure]) -> list[Plan]:
        """Networks of depths that f does not take, with the nearest number of hidden layers that it does take."""
        taken = sorted({plan.hidden for plan in self._plans})
        self._limits.append(
            f"takes {listed(map(str, taken))} hidden layer{'s' if taken != [1] else ''} only; networks with "
            f"{listed(map(str, sorted(lost)))} were asked about with as many instead: {lost[min(lost)].message}"
        )
        instead = [plan.with_hidden(min(taken, key=lambda depth: abs(depth - plan.hidden))) for plan in plans]
        for plan in instead:
            if not self._inquiry.is_over:
                self._ask(plan)
        return instead

    def _ask(self, plan: Plan) -> Answer | Failure:
        ask = self._inquiry.ask_fresh if self._inquiry.is_renewing else self._inquiry.ask
        return ask(plan, self._conventions)

    def _renew(self, plan: Plan) -> bool:
        """Whether a fresh f says something else about a network, if there can be one."""
        if self._state or self._inquiry.is_over or not self._inquiry.callee.can_renew:
            return False
        if (found := renewed(self._inquiry, plan, self._conventions)) is not None:
            self._note_state(found)
        return found is not None

    def _note_state(self, found: Finding) -> None:
        """What f says depends on the calls before: from now on, a fresh f is asked, if there can be one."""
        self._state.append(found)
        self._inquiry.is_renewing = self._inquiry.callee.can_renew

    def _check_state(self, first: Plan) -> None:
        """Whether what f says depends on the calls before; if so, and if it can be had, a fresh f is asked instead."""
        if self._state or self._inquiry.is_over:
            return
        if len(self._plans) > 1:
            self._repeat(first, "called again after other networks")
        wrong = [case.probe.plan for case in self._cases() if case.outside]
        if self._inquiry.is_renewing or any(self._renew(plan) for plan in wrong or [first]):
            for plan in wrong:
                self._ask(plan)

    def _settle(self) -> None:
        """Settle the conventions by all answers, if there are any, unless the first one has and the others agree."""
        if not (cases := self._cases()):
            return
        c = self._conventions
        asked = [(case.probe, case.answer) for case in cases]
        is_wrong = any(case.outside for case in cases)
        is_guess = c.precision == "float32" and "precision" not in self._declared
        if is_wrong or (is_guess and Judge(self._declared, self._inquiry.guide).precision(asked, c) != c.precision):
            self._conventions = settle(asked, c, self._declared, self._inquiry.guide).conventions

    def _check_contract(self, first: Plan) -> None:
        """Where f gave no answer, and what it says of a sequence of one step."""
        inquiry, c = self._inquiry, self._conventions
        for plan in self._plans:
            outcome = inquiry.case(plan, c)
            if isinstance(outcome, Failure):
                self._broken.append(Finding.of(outcome, str(inquiry.network(plan, c))))
        is_wrong = any(case.outside for case in self._cases())
        if inquiry.is_over:
            return
        if is_sized(first):
            self._limits.append("asked about one network alone, of the size that was given, in float64")
            return
        if (found := one_step(inquiry, first, c, is_wrong=is_wrong)) is not None:
            self._broken.append(found)

    def _cases(self) -> list[Case]:
        cases = (self._inquiry.case(plan, self._conventions) for plan in self._plans)
        return [case for case in cases if isinstance(case, Case)]

    def _is_only_rounded(self, decimals: int) -> bool:
        """Whether all is right but for rounding the answers; then the conventions are those under which it is."""
        precisions = Judge(self._declared, self._inquiry.guide).precisions(self._conventions)
        for conventions in precisions:
            cases = [case for plan in self._plans if isinstance(case := self._inquiry.case(plan, conventions), Case)]
            if all(is_right_but_rounded(case, decimals) for case in cases):
                self._conventions = conventions
                return True
        return False

    def _told(self, name: str) -> Result:
        """The result. Answers outside their bounds and broken contracts decide; reasons only explain."""
        inquiry, cases = self._inquiry, self._cases()
        found = [each for case in cases for each in discrepancies(case)]
        mistakes = [finding.told() for finding in (*self._state, *overwritten(inquiry, self._plans))]
        rounded = decimals([case.answer for case in cases]) if cases else None
        places = "1 decimal" if rounded == 1 else f"{rounded} decimals"
        if rounded is not None:
            self._remarks.append(_ROUNDED.format(places=places))
        if self._otherwise:  # then what is wrong with the answers is that, and nothing that it looks like
            mistakes += [finding.told() for finding in self._otherwise]
        elif found and rounded is not None and self._is_only_rounded(rounded):
            found = [each for case in self._cases() for each in discrepancies(case)]
            mistakes += [finding.told() for finding in (Finding("rounded", f"to {places}"), *merged(self._broken))]
        else:
            if found and (inquiry.is_renewing or not self._state):
                reasoned, self._conventions = reasons(inquiry, cases, self._declared, diagnose=self._diagnose)
                mistakes += reasoned
                found = [each for case in self._cases() for each in discrepancies(case)]
            mistakes += [finding.told() for finding in merged(self._broken)]
        if found and not mistakes:
            mistakes = [Finding("unknown", gradients(d.tensor for d in found)).told()]
        ok = not found and not mistakes
        found.sort(key=lambda d: d.difference / d.bound if d.bound else float("inf"), reverse=True)
        if ok:
            self._remarks += _conventions_worth_a_word(self._conventions, self._declared, cases)
        return Result(
            ok=ok,
            mistakes=tuple(mistakes),
            discrepancies=tuple(found),
            conventions=self._conventions,
            declared=tuple(self._declared),
            remarks=(*self._remarks, *inquiry.callee.remarks),
            limits=tuple(self._limits),
            asked=tuple(str(inquiry.network(plan, self._conventions)) for plan in self._plans),
            truth=inquiry.source,
            seed=inquiry.seed,
            name=name,
        )


def _declaration(name: str, value: Any) -> str:
    """A convention as an argument of `check`."""
    return f"{name}={value!r}" if isinstance(value, str | int) else f"the {name} that is given"


def _depths_lost(outcomes: Mapping[Plan, Answer | Failure]) -> dict[int, Failure]:
    """The numbers of hidden layers that f takes in no network, if it takes another, and what it does there."""
    depths: dict[int, list[Answer | Failure]] = {}
    for plan, outcome in outcomes.items():
        depths.setdefault(plan.hidden, []).append(outcome)
    lost = {}
    for depth, those in depths.items():
        failures = [o for o in those if isinstance(o, Failure) and o.slug in _OF_DEPTH]
        if len(failures) == len(those):
            lost[depth] = failures[0]
    return lost if len(lost) < len(depths) else {}


def _conventions_worth_a_word(c: Conventions, declared: Mapping[str, Any], cases: Sequence[Case]) -> list[str]:
    """What is not as in the document, in a right backprop."""
    remarks = []
    if c.over_time != "mean":
        what = "the sum over t" if c.over_time == "sum" else "the loss of the last step, J^(T)"
        remarks.append(f"right for {what}; the document's J, (1), is the mean over t")
    if c.precision == "float32" and "precision" not in declared:
        (error, name), case = max((largest_error(case), case.probe.name) for case in cases)
        remarks.append(
            "something inside is no more exact than float32: the largest error of a tensor, relative to its largest "
            f"entry, is {error:.1e}, of {name} in the network {case}"
        )
    return remarks
