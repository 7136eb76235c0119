"""Which J a backprop differentiates: what no exception tells, its answers do.

The loss that f reports decides, if it is that of a candidate. Else the gradients of the output layer do, which most
wrong backprops still get right. Else the candidate whose output layer has the direction of f's, whatever its length,
and then the nearest length: so that a wrong backprop, too, is judged by sensible conventions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..manual.batch import summed_outer
from .answers import Answer
from .conventions import CHOICES, Conventions
from .precision import Asked, Judge, TruthOf, names_of
from .probes import Array, Probe
from .truth import batch_of, trajectories

DECIDING = 2
"""On how many networks (all, if they are fewer) a candidate must be right to be chosen for it."""


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
    judge = Judge(declared, truth_of)
    if (settled := _as_usual(asked, form, declared, judge)) is not None:
        return settled
    activations = [declared["activation"]] if "activation" in declared else CHOICES["activation"]
    settled = _settle(asked, _candidates(form, declared, activations[:1]), judge)
    return settled if settled.is_right else _settle(asked, _candidates(form, declared, activations), judge)


def _as_usual(asked: Asked, form: Conventions, declared: Mapping[str, Any], judge: Judge) -> Settled | None:
    """The candidate that is preferred to all others, if everything is right under it: most often it is."""
    activation = declared.get("activation", CHOICES["activation"][0])
    usual = judge.precisions(_candidates(form, declared, [activation])[0])[0]
    if any(judge.wrong(probe, answer, usual) for probe, answer in asked):
        return None
    by_loss = any(answer.loss is not None for _, answer in asked)
    return Settled(usual, True, by_loss, True, sum(len(names_of(*each)) for each in asked), 1.0)


def _settle(asked: Asked, candidates: Sequence[Conventions], judge: Judge) -> Settled:
    """The best of some candidates."""
    measured = [_measure(probe, answer, candidates) for probe, answer in asked]
    loss_gaps, top_gaps, cosines, ratios = (np.array(rows) for rows in zip(*measured, strict=True))

    def is_right(candidate: Conventions, watched: Callable[[Probe], set[str]], among: Sequence[int]) -> bool:
        hits = sum(
            any(judge.is_right(*asked[at], c, watched(asked[at][0])) for c in judge.precisions(candidate))
            for at in among
        )
        return hits >= min(DECIDING, len(among))

    every = range(len(asked))
    by_loss = False
    if reporting := [at for at in every if asked[at][1].loss is not None]:
        best = _elected(loss_gaps[reporting])
        by_loss = is_right(candidates[best], lambda probe: {"J"}, reporting)
    if not by_loss:
        best = _elected(top_gaps)
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


def _candidates(form: Conventions, declared: Mapping[str, Any], activations: Sequence[Any]) -> list[Conventions]:
    """Everything that J can be with some activations, in the order in which it is preferred."""

    def choices(name: str) -> tuple[Any, ...]:
        return (declared[name],) if name in declared else CHOICES[name]

    over_batch = choices("over_batch") if form.batch != "none" else (form.over_batch,)
    return [
        form.replace(activation=activation, over_time=time, over_batch=batch)
        for activation, time, batch in product(activations, choices("over_time"), over_batch)
    ]


def _measure(probe: Probe, answer: Answer, candidates: Sequence[Conventions]) -> tuple[list[float], ...]:
    """For every candidate: the gaps of the loss and of the output layer, and its direction and length against f's."""
    layer = answer.grads[-1]
    yours = np.concatenate([layer["W"].ravel(), layer["b"]])
    rows: tuple[list[float], ...] = ([], [], [], [])
    runs = {}
    with np.errstate(all="ignore"):  # a candidate that overflows is none
        for candidate in candidates:
            if candidate.activation not in runs:
                runs[candidate.activation] = _outputs(probe, candidate)
            losses, error, h = runs[candidate.activation]
            net = batch_of(probe, candidate)
            top = error * (net.weights[:, None] * net.shares)[..., None]
            theirs = np.concatenate([summed_outer(top, h).ravel(), top.sum(axis=(0, 1))])
            loss = np.asarray(net.weights @ losses @ net.shares)
            length = np.sqrt(yours @ yours), np.sqrt(theirs @ theirs)
            values = (
                _gap(np.asarray(answer.loss if answer.loss is not None else 0.0), loss),
                _gap(yours, theirs),
                float(abs(yours @ theirs) / (length[0] * length[1])),
                float(abs(np.log(length[0] / length[1]))),
            )
            for row, value, worst in zip(rows, values, (np.inf, np.inf, 0.0, np.inf), strict=True):
                row.append(value if np.isfinite(value) else worst)
    return rows


def _outputs(probe: Probe, candidate: Conventions) -> tuple[Array, Array, Array]:
    """J^(t) of every sequence, (T, B); y^ - y, (T, B, |V|); and h^(n-1), (T, B, d_{n-1})."""
    run = trajectories(probe, candidate)
    chosen = np.take_along_axis(run.y_hat, probe.y[..., None], axis=-1)[..., 0]
    return -np.log(chosen), run.y_hat - probe.targets, run.h[probe.n - 1][1:]


def _gap(yours: Array, theirs: Array) -> float:
    """The distance relative to both sizes, from 0 to 1."""
    return float(abs(yours - theirs).sum() / (abs(yours).sum() + abs(theirs).sum()))


def _elected(gaps: Array) -> int:
    """The candidate that is nearest on most networks: the first of those that are."""
    return int((gaps == gaps.min(axis=1, keepdims=True)).sum(axis=0).argmax())
