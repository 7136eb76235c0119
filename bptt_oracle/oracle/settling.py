"""Which J a backprop differentiates: what no exception tells, its answers do.

The loss that f reports decides, if it is that of a candidate. Else the gradients of the output layer do, which most
wrong backprops still get right. Else the candidate whose output layer has the direction of f's, whatever its length,
and then the nearest length: so that a wrong backprop, too, is judged by sensible conventions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from ..manual.batch import rows_of
from .answers import Answer
from .conventions import CHOICES, Conventions
from .precision import Asked, Judge, TruthOf, names_of
from .probes import Array, Probe
from .truth import counts, forward

DECIDING = 2
"""On how many networks (all, if they are fewer) a candidate must be right to be chosen for it."""

NEAR = 2.0**-10
"""How large a gap, relative to both sizes, may be of what is looked at more closely: far more than rounding."""


@dataclass(frozen=True)
class Settled:
    """The conventions that answers fit best, and how well.

    Attributes
    ----------
    conventions
    is_right : whether everything that was answered lies within its bounds
    by_loss, by_top : whether f's loss is right under them, and whether its gradients of the output layer are
    right : how many gradients are right
    likeness : of the direction of the output layer's gradients, from 0 to 1
    """

    conventions: Conventions
    is_right: bool
    by_loss: bool
    by_top: bool
    right: int
    likeness: float

    @property
    def is_sure(self) -> bool:
        """Whether no other form needs to be tried: in a wrong one, so many digits are not right by accident."""
        return self.is_right or self.by_top or (self.by_loss and self.conventions.precision == "float64")

    @property
    def rank(self) -> tuple[Any, ...]:
        """What orders the forms in which f was asked, by how much is right in them."""
        return self.is_right, self.by_top, self.by_loss, self.right, self.likeness


def settle(asked: Asked, form: Conventions, declared: Mapping[str, Any], truth_of: TruthOf) -> Settled:
    """The activation, the sums or means and the precision that the answers fit best.

    Parameters
    ----------
    asked
        Networks, as f was asked about them, and its answers; at least one.
    form
        The form in which f was asked; the rest of it is replaced.
    declared
        Conventions that are not to be found out, by name.
    truth_of
        Gives the truth for a network and conventions.
    """
    return Settling(asked, form, declared, truth_of).settled


class Settling:
    """What `settle` finds out, worked out as far as it is asked for; parameters as there."""

    def __init__(self, asked: Asked, form: Conventions, declared: Mapping[str, Any], truth_of: TruthOf) -> None:
        self._asked, self._form, self._declared, self._judge = asked, form, declared, Judge(declared, truth_of)
        first, *self._others = [declared["activation"]] if "activation" in declared else CHOICES["activation"]
        self._first = _Fit(asked, [_candidates(form, declared, first)])

    @cached_property
    def _every(self) -> _Fit:
        """The fit of the candidates of all activations."""
        others = [_candidates(self._form, self._declared, activation) for activation in self._others]
        return _Fit(self._asked, [self._first.candidates, *others], self._first) if others else self._first

    @cached_property
    def settled(self) -> Settled:
        """The conventions that the answers fit best."""
        if (found := self.at_once) is not None:
            return found
        usual = self._judge.precisions(self._first.candidates[0])[0]
        if not any(self._judge.wrong(probe, answer, usual) for probe, answer in self._asked):
            return self._right(usual)
        settled = _settle(self._first, self._judge)
        return settled if settled.is_right or self._every is self._first else _settle(self._every, self._judge)

    @cached_property
    def at_once(self) -> Settled | None:
        """The same where every answer is so near to a truth that no bound has to be worked out: most often it is."""
        if self._nearest is None:
            return None
        conventions = self._judge.precisions(self._nearest)[0]
        agrees = all(self._judge.agrees(probe, answer, conventions) for probe, answer in self._asked)
        return self._right(conventions) if agrees else None

    @property
    def is_far(self) -> bool:
        """Whether no candidate comes near to f's loss, nor to f's gradients of the output layer."""
        return self._nearest is None

    @cached_property
    def _nearest(self) -> Conventions | None:
        return self._first.nearest or self._every.nearest

    def _right(self, conventions: Conventions) -> Settled:
        by_loss = any(answer.loss is not None for _, answer in self._asked)
        return Settled(conventions, True, by_loss, True, sum(len(names_of(*each)) for each in self._asked), 1.0)


class _Fit:
    """How near candidates come to answers.

    Parameters
    ----------
    asked
        Networks and answers.
    candidates
        What J can be, by activation.
    known
        The same of the first activation.
    """

    def __init__(self, asked: Asked, candidates: Sequence[list[Conventions]], known: _Fit | None = None) -> None:
        self.asked, self.candidates = asked, [candidate for each in candidates for candidate in each]
        self._own, self._known = candidates if known is None else candidates[1:], known

    @cached_property
    def loss_gaps(self) -> Array:
        """Gaps of the loss, (reporting networks, candidates)."""
        own = [[_loss_gaps(*self.asked[at], those) for at in self.reporting] for those in self._own]
        return np.concatenate(own if self._known is None else [self._known.loss_gaps, *own], axis=1)

    @cached_property
    def of_top(self) -> Array:
        """Gaps of the output layer, cosines, ratios of the lengths: (3, networks, candidates)."""
        own = [np.stack([_of_top(*each, those) for each in self.asked], axis=1) for those in self._own]
        return np.concatenate(own if self._known is None else [self._known.of_top, *own], axis=2)

    @cached_property
    def reporting(self) -> list[int]:
        """Which answers have a loss."""
        return [at for at, (_, answer) in enumerate(self.asked) if answer.loss is not None]

    @cached_property
    def by_loss(self) -> int | None:
        """The candidate that most losses are nearest to; None where no loss is reported."""
        return _elected(self.loss_gaps) if self.reporting else None

    @cached_property
    def by_top(self) -> int:
        """The candidate whose output layer is nearest in most networks."""
        return _elected(self.of_top[0])

    @cached_property
    def nearest(self) -> Conventions | None:
        """The candidate of the nearest loss, or else of the nearest output layer, if it is as near as `NEAR` says."""
        if self.by_loss is not None and (self.loss_gaps[:, self.by_loss] <= NEAR).all():
            return self.candidates[self.by_loss]
        return self.candidates[self.by_top] if (self.of_top[0][:, self.by_top] <= NEAR).all() else None


def _settle(fit: _Fit, judge: Judge) -> Settled:
    """The best of some candidates."""
    asked, candidates = fit.asked, fit.candidates
    _, cosines, ratios = fit.of_top

    def is_right(candidate: Conventions, watched: Callable[[Probe], set[str]], among: Sequence[int]) -> bool:
        hits = sum(
            any(judge.is_right(*asked[at], c, watched(asked[at][0])) for c in judge.precisions(candidate))
            for at in among
        )
        return hits >= min(DECIDING, len(among))

    best = fit.by_top if fit.by_loss is None else fit.by_loss
    by_loss = fit.by_loss is not None and is_right(candidates[best], lambda probe: {"J"}, fit.reporting)
    if not by_loss:
        best = fit.by_top
    every = range(len(asked))
    by_top = is_right(candidates[best], lambda probe: {f"dJ/dW^({probe.n})", f"dJ/db^({probe.n})"}, every)
    likeness = cosines.mean(axis=0)
    if not by_loss and not by_top:
        model = candidates[int(likeness.argmax())]  # its multiples have the same direction
        same = [
            at
            for at, c in enumerate(candidates)
            if c.activation == model.activation and (c.over_time == "last") == (model.over_time == "last")
        ]
        best = min(same, key=lambda at: ratios[:, at].sum())
    conventions = candidates[best].replace(precision=judge.precision(asked, candidates[best]))
    wrong = [judge.wrong(probe, answer, conventions) for probe, answer in asked]
    right = sum(len(names_of(probe, answer)) for probe, answer in asked) - sum(map(len, wrong))
    return Settled(conventions, not any(wrong), by_loss, by_top, right, float(likeness[best]))


def _candidates(form: Conventions, declared: Mapping[str, Any], activation: Any) -> list[Conventions]:
    """Everything that J can be with an activation, in the order in which it is preferred."""

    def choices(name: str) -> tuple[Any, ...]:
        return (declared[name],) if name in declared else CHOICES[name]

    over_batch = choices("over_batch") if form.batch != "none" else (form.over_batch,)
    return [
        form.replace(activation=activation, over_time=time, over_batch=batch)
        for time, batch in product(choices("over_time"), over_batch)
    ]


def _loss_gaps(probe: Probe, answer: Answer, candidates: Sequence[Conventions]) -> Array:
    """How far f's loss is from that of each candidate of one activation, relative to both sizes, from 0 to 1."""
    assert answer.loss is not None  # it reports one
    with np.errstate(all="ignore"):  # a candidate that overflows is none
        run = forward(probe, candidates[0])
        weighted = (counts(probe, candidate) for candidate in candidates)
        losses = np.array([weights @ run.losses @ shares for weights, shares in weighted])
        gaps = abs(answer.loss - losses) / (abs(answer.loss) + abs(losses))
    return np.where(np.isfinite(gaps), gaps, np.inf)


def _of_top(probe: Probe, answer: Answer, candidates: Sequence[Conventions]) -> Array:
    """The gradients of the output layer of each candidate of one activation against f's, (3, candidates).

    How far they are, as above; the size of the cosine; and the ratio of the lengths, as the size of its logarithm.
    """
    top = answer.grads[-1]
    yours = np.concatenate([top["W"].ravel(), top["b"]])
    with np.errstate(all="ignore"):
        run, count = forward(probe, candidates[0]), len(candidates)
        weighted = (counts(probe, candidate) for candidate in candidates)
        shares = np.stack([weights[:, None] * shares for weights, shares in weighted])
        h = run.net.below(run.h, probe.n)
        errors = (shares[..., None] * (run.y_hat - probe.targets)).reshape(count, -1, probe.d[-1]).swapaxes(1, 2)
        W = errors @ rows_of(h)
        theirs = np.concatenate([W.reshape(count, -1), errors.sum(axis=2)], axis=1)
        length, lengths = np.sqrt(yours @ yours), np.sqrt((theirs * theirs).sum(axis=1))
        values = np.array(
            [
                abs(yours - theirs).sum(axis=1) / (abs(yours).sum() + abs(theirs).sum(axis=1)),
                abs(theirs @ yours) / (length * lengths),
                abs(np.log(length / lengths)),
            ]
        )
    return np.where(np.isfinite(values), values, [[np.inf], [0.0], [np.inf]])


def _elected(gaps: Array) -> int:
    """The candidate that is nearest on most networks: the first of those that are."""
    return int((gaps == gaps.min(axis=1, keepdims=True)).sum(axis=0).argmax())
