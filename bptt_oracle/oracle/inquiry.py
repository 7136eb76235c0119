"""What f was asked and said, and what is right: each network is drawn, asked about and solved once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import isfinite

from .answers import Answer, Case, Failure, Truth
from .calling import Callee
from .comparison import agrees
from .conventions import ConventionError, Conventions
from .probes import PLANS, Plan, Probe, draw
from .truth import decided, truth_of

MOST_TIMES_OUT = 2
"""After so many calls without an answer in time, f is not asked about anything else."""

_DRAWS = 100
_APART = 1_000_003  # between the seeds of two draws of one network


class UnboundedError(ConventionError):
    """An activation for which nothing is known of what rounding can do."""


class Inquiry:
    """Asks one f about networks, and remembers.

    Parameters
    ----------
    callee
        f, wrapped.
    seed
        Of all networks.
    source
        Where the truth comes from: "manual" or "jax".
    plans
        Of the networks that f is asked about.
    """

    def __init__(self, callee: Callee, seed: int, source: str, plans: Sequence[Plan] = PLANS) -> None:
        self.callee = callee
        self.plans = tuple(plans)
        self.seed = seed
        self.source = source
        self.times_out = 0
        self.is_renewing = False
        self._probes: dict[tuple[Plan, Conventions], Probe] = {}
        self._bounded: set[tuple[Plan, Conventions]] = set()
        self._agreeing: dict[tuple[Plan, Conventions], Answer] = {}
        self._cases: dict[tuple[Plan, Conventions], tuple[Answer | Failure, Case | Failure]] = {}
        self._outcomes: dict[tuple[Plan, int, Conventions], Answer | Failure] = {}

    @property
    def is_over(self) -> bool:
        """Whether f let too many calls go by to be asked on."""
        return self.times_out >= MOST_TIMES_OUT

    def network(self, plan: Plan, conventions: Conventions) -> Probe:
        """The network of a plan as f takes it."""
        key = (plan, conventions)
        if key not in self._probes:
            self._probes[key] = _reduced(plan, self.seed, conventions.batch, conventions.h0)
        return self._probes[key]

    def _draw_bounded(self, plan: Plan, conventions: Conventions) -> bool:
        """Draw the network of a plan anew while not every gradient has a bound; whether it is another one now.

        Raises
        ------
        UnboundedError
            If none of many draws has.
        """
        key, before = (plan, conventions), self.network(plan, conventions)
        if key not in self._bounded:
            for attempt in range(_DRAWS):
                probe = _reduced(plan, self.seed + _APART * attempt, conventions.batch, conventions.h0)
                if decided(self.guide(probe, conventions)):
                    self._probes[key] = probe
                    self._bounded.add(key)
                    break
            else:
                raise UnboundedError(
                    f"{plan.name}: expected a network in which the effect of rounding is bounded, but none of {_DRAWS} "
                    "is; is the given f' the derivative of the given f, without jumps?"
                )
        return self._probes[key].seed != before.seed

    def ask(self, plan: Plan, conventions: Conventions) -> Answer | Failure:
        """What f says about the network of a plan, asked once.

        If it is not within the bounds whatever they are, the network has to have bounds: else f is asked about another.
        """
        if (agreeing := self._agreeing.get((plan, conventions))) is not None:
            return agreeing
        outcome = self.said(plan, conventions)
        if isinstance(outcome, Failure):
            return outcome
        if agrees(outcome, self.guide(self.network(plan, conventions), conventions)):
            self._agreeing[plan, conventions] = outcome
            return outcome
        return self.ask(plan, conventions) if self._draw_bounded(plan, conventions) else outcome

    def said(self, plan: Plan, conventions: Conventions) -> Answer | Failure:
        """What f says about the network of a plan, asked once, whether or not that network has bounds."""
        probe = self.network(plan, conventions)
        key = (plan, probe.seed, form_of(conventions))
        if key not in self._outcomes:
            self._outcomes[key] = self.ask_again(probe, conventions)
        return self._outcomes[key]

    def ask_again(self, probe: Probe, conventions: Conventions) -> Answer | Failure:
        """What f says about a network now; a fresh f, if `is_renewing`."""
        if self.is_renewing:
            self.callee.renew()
        if self.is_over:
            return Failure("time-limit", f"not asked, after {self.times_out} calls that took too long")
        outcome = self.callee.call(probe, conventions)
        self.times_out += isinstance(outcome, Failure) and outcome.slug == "time-limit"
        return outcome

    def ask_fresh(self, plan: Plan, conventions: Conventions) -> Answer | Failure:
        """What a fresh f says about the network of a plan; it takes the place of what was said before."""
        self.callee.renew()
        probe = self.network(plan, conventions)
        outcome = self.ask_again(probe, conventions)
        self._agreeing = {key: answer for key, answer in self._agreeing.items() if key[0] != plan}
        self._outcomes[plan, probe.seed, form_of(conventions)] = outcome
        return self.ask(plan, conventions)

    def guide(self, probe: Probe, conventions: Conventions) -> Truth:
        """What is right about a network under conventions that are only a guess: always by hand, which is quick."""
        return _solved(_Key(probe), _as_truth_sees(conventions), "manual")

    def truth(self, probe: Probe, conventions: Conventions) -> Truth:
        """What is right about a network."""
        return _solved(_Key(probe), _as_truth_sees(conventions), self.source)

    def case(self, plan: Plan, conventions: Conventions) -> Case | Failure:
        """The network of a plan with f's answer and the truth; or why there is no answer.

        A loss that is not finite is a failure, unless rounding may bring y^_k to 0 there: then it is left out.
        """
        outcome, known = self.ask(plan, conventions), self._cases.get((plan, conventions))
        if known is not None and known[0] is outcome:
            return known[1]
        probe = self.network(plan, conventions)
        case = self._cased(probe, conventions, outcome)
        self._cases[plan, conventions] = outcome, case
        return case

    def _cased(self, probe: Probe, conventions: Conventions, outcome: Answer | Failure) -> Case | Failure:
        truth = self.truth(probe, conventions)
        if isinstance(outcome, Failure):
            return outcome
        if outcome.loss is not None and not isfinite(outcome.loss):
            if isfinite(truth.loss_bound):
                return Failure("not-finite", f"J is {outcome.loss}; expected a finite number", tensor="J")
            outcome = replace(outcome, loss=None)
        return Case(probe, conventions, outcome, truth)


class _Key:
    """A network of a plan, all its sequences or the first, all its steps or fewer: equal if these are."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self._key = (probe.plan, probe.seed, probe.T, probe.B, probe.starts_elsewhere)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=256)
def _drawn(plan: Plan, seed: int) -> Probe:
    """A network, drawn once in a process: nobody writes into it, since f gets copies."""
    return draw(plan, seed)


@lru_cache(maxsize=256)
def _reduced(plan: Plan, seed: int, batch: str, h0: bool) -> Probe:
    """A network as it is asked about, once for all conventions that ask the same of it."""
    return _drawn(plan, seed).reduced(Conventions(batch=batch, h0=h0))


@lru_cache(maxsize=1024)
def _solved(key: _Key, conventions: Conventions, source: str) -> Truth:
    """The truth about a network, worked out once in a process."""
    return truth_of(key.probe, conventions, source)


def forget() -> None:
    """Forget the networks and truths that are kept from check to check, as a new process has none."""
    _drawn.cache_clear()
    _reduced.cache_clear()
    _solved.cache_clear()


@lru_cache(maxsize=256)
def _as_truth_sees(conventions: Conventions) -> Conventions:
    """The conventions with everything reset that does not change the truth."""
    default = Conventions()
    return conventions.replace(layout=default.layout, batch=default.batch, targets=default.targets, h0=default.h0)


@lru_cache(maxsize=256)
def form_of(conventions: Conventions) -> Conventions:
    """The conventions with everything reset that f cannot see from its arguments."""
    default = Conventions()
    return conventions.replace(
        over_time=default.over_time,
        over_batch=default.over_batch,
        activation=default.activation,
        precision=default.precision,
    )
