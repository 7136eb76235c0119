"""A model checked as it stands: with its own parameters, at its own widths, on sequences that are drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import isfinite

import numpy as np

from ..instances import dyadic
from ..manual import forward_batch
from .answers import Answer, Case, Failure, Limits, Truth
from .bounds import bounds_of
from .calling import Callee, Function
from .comparison import differ, discrepancies, tensor
from .conventions import Conventions
from .findings import Finding, gradients, listed, merged
from .inquiry import Inquiry
from .probes import Array, Plan, Probe
from .reasons import reasons
from .refusals import Refusal
from .result import Mistake, Result
from .settling import settle
from .smoothness import smoothness_of
from .truth import batch_of, decided, truth_of

SEQUENCES = (
    ("short", 4, 2, False),
    ("states", 5, 3, True),
    ("one-step", 1, 3, True),
    ("single", 9, 1, True),
    ("many", 6, 5, False),
    ("long", 32, 1, False),
)
"""Name, T, B, and whether h(0) is random: what every model is asked about."""

SUMMED = (("summed", 12, 8, True),)
"""What it is asked about for the sum of all losses: gradients as large as they get, above most clips."""

_MOST_BYTES = 1 << 24
"""Of the derivatives of every z in every h, which the error bounds need."""

_DRAWS = 5
_APART = 1_000_003


class UncheckableError(ValueError):
    """A model that nothing can be said about. The message says why, and what to do instead."""


@dataclass(frozen=True)
class Asking:
    """A model with a loss.

    Attributes
    ----------
    f : f(params, x, y, h0=[...]), which returns (loss, grads); it takes no parameters but the model's own
    conventions : in which form it is asked, and for which J
    sequences : what it is asked about, as in `SEQUENCES`
    is_known : whether that J is known; else what it is a sum or a mean over is found out
    """

    f: Function
    conventions: Conventions
    sequences: Sequence[tuple[str, int, int, bool]]
    is_known: bool = True


@dataclass(frozen=True)
class Standing:
    """A model's own parameters, in the document's form.

    Attributes
    ----------
    params : n dicts of float64 arrays, as in `Probe`
    biases : n arrays of shape (d_l,): the sizes of what is added up to b, |b_ih| + |b_hh|
    left_out : by layer and name of a gradient, why the model does not have it
    """

    params: list[dict[str, Array]]
    biases: list[Array]
    left_out: Mapping[tuple[int, str], str]

    @property
    def d(self) -> tuple[int, ...]:
        """The widths d_0, ..., d_n."""
        return (self.params[0]["W"].shape[1], *(layer["W"].shape[0] for layer in self.params))

    @cached_property
    def digest(self) -> str:
        """What tells these parameters from others."""
        whole = hashlib.sha256()
        for layer in self.params:
            for array in layer.values():
                whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()[:16]

    def expect_own(self, params: Sequence[dict[str, Array]]) -> None:
        """Refuse to answer about other parameters.

        Raises
        ------
        Refusal
            If H or W is not the model's own.
        """
        for own, asked in zip(self.params, params, strict=True):
            if any((own[name] != asked[name]).any() for name in ("H", "W") if name in own):
                raise Refusal("exception", "a model as it stands is asked about its own parameters alone")

    def plan(self, name: str, T: int, B: int, has_h0: bool) -> Plan:
        """Sequences of at most so many steps, at most so many: fewer for a large model."""
        bytes_of_a_pair = 8 * sum(self.d[1:]) * sum(self.d[1:-1])
        while B * T * T * bytes_of_a_pair > _MOST_BYTES and max(T, B) > 1:
            T, B = (T - 1, B) if T > B else (T, B - 1)
        return Plan(name, self.d, T, B, has_h0, kind=f"own parameters {self.digest}")

    def probe(self, plan: Plan, seed: int) -> Probe:
        """These parameters with sequences that a plan and a seed determine."""
        rng = np.random.default_rng([seed, plan.T, plan.B, *plan.d])
        x = dyadic(rng.standard_normal((plan.T, plan.B, plan.d[0])))
        y = rng.integers(plan.d[-1], size=(plan.T, plan.B))
        h0 = [dyadic(0.5 * plan.h0 * rng.standard_normal((plan.B, width))) for width in plan.d[1:-1]]
        return Probe(plan, seed, self.params, x, y, h0)

    def truth(self, probe: Probe, conventions: Conventions, source: str) -> Truth:
        """What is right, and how far a right program may be from it that adds both biases one after the other."""
        truth = truth_of(probe, conventions, source)
        if all((size == abs(layer["b"])).all() for layer, size in zip(self.params, self.biases, strict=True)):
            return truth
        net = batch_of(probe, conventions)
        sizes = replace(net, b=dict(enumerate(self.biases, start=1)))  # b enters the bounds by its size alone

        def bounded() -> Limits:
            wider = bounds_of(sizes, forward_batch(net), smoothness_of(conventions.activation), conventions.precision)
            return Limits(
                wider.loss,
                [
                    {name: {"H": wider.H, "W": wider.W, "b": wider.b, "b_hh": wider.b}[name][l] for name in layer}
                    for l, layer in enumerate(truth.grads, start=1)
                ],
            )

        return replace(truth, bounded=bounded)

    def unchecked(self) -> Iterator[tuple[str, list[str]]]:
        """Why gradients are left out, and which."""
        for why in dict.fromkeys(self.left_out.values()):
            yield why, [tensor(l, name, {}) for (l, name), reason in self.left_out.items() if reason == why]

    def case(self, case: Case) -> Case:
        """A case in which the gradients that are left out are none that is asked about, and unknown."""

        def kept(layers: Sequence[dict[str, Array]]) -> list[dict[str, Array]]:
            return [
                {name: array for name, array in layer.items() if (l, name) not in self.left_out}
                for l, layer in enumerate(layers, start=1)
            ]

        grads = [
            {
                name: np.full_like(array, np.nan) if (l, name) in self.left_out else array
                for name, array in layer.items()
            }
            for l, layer in enumerate(case.answer.grads, start=1)
        ]
        known = case.truth
        truth = replace(
            known,
            grads=kept(known.grads),
            least=replace(known.least, grads=kept(known.least.grads)),
            bounded=lambda: replace(known.limits, grads=kept(known.bounds)),
        )
        return replace(case, answer=replace(case.answer, grads=grads), truth=truth)


def examine(
    standing: Standing,
    askings: Sequence[Asking],
    *,
    truth: str,
    seed: int,
    time_limit: float,
    diagnose: bool,
    name: str,
    again: str,
) -> Result:
    """The verdict on a model as it stands.

    Parameters
    ----------
    standing
        Its parameters.
    askings
        The model with one or more losses; the result names the conventions of the first.
    truth, seed, time_limit, diagnose, name
        As in `check`.
    again
        The call that repeats this.

    Raises
    ------
    UncheckableError
        If the model is too large, or rounding decides too much in it.
    """
    examination = _Examination(standing, truth, seed)
    with ExitStack() as stack:
        for asking in askings:
            callee = Callee(asking.f, time_limit=time_limit, precision=asking.conventions.precision)
            examination.ask(asking, Inquiry(stack.enter_context(closing(callee)), seed, truth))
        return examination.result(name, again, diagnose=diagnose)


class _Examination:
    """One check, as it goes on."""

    def __init__(self, standing: Standing, source: str, seed: int) -> None:
        self._standing, self._source, self._seed = standing, source, seed
        self._inquiries: list[Inquiry] = []
        self._truths: dict[tuple[object, ...], Truth] = {}
        self._conventions: list[Conventions] = []
        self._declared = [field.name for field in fields(Conventions)]
        self._cases: list[Case] = []
        self._asked: list[str] = []
        self._findings: list[Finding] = []
        self._limits = [f"{listed(names)} not checked: {why}" for why, names in standing.unchecked()]

    def ask(self, asking: Asking, inquiry: Inquiry) -> None:
        """Ask the model with one loss about all sequences, and about the first ones twice."""
        conventions = asking.conventions
        probes = list(self._probes(asking))
        outcomes = [(probe, inquiry.ask_again(probe, conventions)) for probe in probes if not inquiry.is_over]
        answered = [(probe, outcome) for probe, outcome in outcomes if isinstance(outcome, Answer)]
        if answered and not asking.is_known:
            declared = {"activation": conventions.activation, "precision": conventions.precision}
            conventions = settle(answered, conventions, declared, self._truth).conventions
            self._declared = [name for name in self._declared if name not in ("over_time", "over_batch")]
        self._inquiries.append(inquiry)
        self._conventions.append(conventions)
        self._asked += [str(probe) for probe, _ in outcomes]
        self._findings += [Finding.of(o, str(probe)) for probe, o in outcomes if isinstance(o, Failure)]
        for probe, answer in answered:
            truth = self._truth(probe, conventions)
            is_beyond = answer.loss is not None and not isfinite(answer.loss) and not isfinite(truth.loss_bound)
            told = replace(answer, loss=None) if is_beyond else answer  # rounding may bring y^_k to 0 there
            self._cases.append(Case(probe, conventions, told, truth))
        if answered:
            self._repeat(inquiry, next(case for case in self._cases if case.probe is answered[0][0]))

    def _probes(self, asking: Asking) -> Iterator[Probe]:
        """The sequences, cut where the model is large, drawn anew while rounding decides too much."""
        for name, T, B, has_h0 in asking.sequences:
            plan = self._standing.plan(name, T, B, has_h0)
            if plan.T == 1 < T:
                self._limits.append(f"{name} was not asked about: the model is too large")
                continue
            if (plan.T, plan.B) != (T, B):
                self._limits.append(f"{name} has T = {plan.T}, B = {plan.B} instead of {T}, {B}: the model is large")
            seeds = (self._seed + _APART * attempt for attempt in range(_DRAWS))
            drawn = (self._standing.probe(plan, seed).reduced(asking.conventions) for seed in seeds)
            probe = next((p for p in drawn if decided(self._truth(p, asking.conventions))), None)
            if probe is None:
                precision = asking.conventions.precision
                self._limits.append(f"{name} was not asked about: in {precision} rounding decides too much there")
            else:
                yield probe

    def _truth(self, probe: Probe, conventions: Conventions) -> Truth:
        key = (probe.plan, probe.seed, conventions)
        if key not in self._truths:
            self._truths[key] = self._standing.truth(probe, conventions, self._source)
        return self._truths[key]

    def _repeat(self, inquiry: Inquiry, case: Case) -> None:
        """Ask a second time about one network."""
        again = inquiry.ask_again(case.probe, case.conventions)
        if isinstance(again, Failure):
            seen = f"called again after other networks, the second fails: {again.message}"
            self._findings.append(Finding("second-call", seen, (str(case.probe),), again.detail))
        elif changed := differ(case.answer, again, case.truth):
            seen = f"called again after other networks, {gradients(changed)} differ"
            self._findings.append(Finding("second-call", seen, (str(case.probe),)))

    def result(self, name: str, again: str, *, diagnose: bool) -> Result:
        """The verdict, and what goes with it."""
        if not self._asked:
            raise UncheckableError(
                f"{name}: no network could be asked about. {'; '.join(self._limits)}. "
                "Check it with fewer units, in float64, or as_backprop(...) with bptt_oracle.check"
            )
        cases = [self._standing.case(case) for case in self._cases]
        found = [each for case in cases for each in discrepancies(case)]
        found.sort(key=lambda d: d.difference / d.bound if d.bound else float("inf"), reverse=True)
        findings, longer = list(self._findings), [case for case in cases if case.probe.T > 1]
        is_state = any(finding.slug == "second-call" for finding in findings)
        mistakes: list[Mistake] = []
        if any(case.outside for case in longer) and not is_state:
            mistakes, _ = reasons(self._inquiries[0], longer, diagnose=diagnose)
        elif found and not is_state:
            wrong = f"{gradients(each.tensor for each in found)} outside the bounds"
            findings.append(Finding("one-step", wrong, tuple(dict.fromkeys(each.probe for each in found))))
        mistakes += [finding.told() for finding in merged(findings)]
        if found and not mistakes:
            mistakes = [Finding("unknown", gradients(each.tensor for each in found)).told()]
        first = self._conventions[0]
        others = [case.probe.name for case in cases if case.conventions != first]
        remarks = [f"in the network {listed(others)} J is the sum over t and the batch"] if others else []
        return Result(
            ok=not found and not mistakes,
            mistakes=tuple(mistakes),
            discrepancies=tuple(found),
            conventions=first,
            declared=tuple(self._declared),
            remarks=tuple(remarks),
            limits=tuple(self._limits),
            asked=tuple(self._asked),
            truth=self._source,
            seed=self._seed,
            name=name,
            again=again,
        )
