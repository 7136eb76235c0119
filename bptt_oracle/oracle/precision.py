"""How exactly a backprop computes: in float64, or with something inside that is no more exact than float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..manual import forward_batch, one_pass_batch
from .answers import Answer, Grads, Truth
from .comparison import agrees, is_single, outside, pairs, tensor
from .conventions import CHOICES, Conventions
from .probes import Probe
from .truth import batch_of, decided

Asked = Sequence[tuple[Probe, Answer]]
TruthOf = Callable[[Probe, Conventions], Truth]

TIMES_OURS = 32
"""How much larger than ours a float32 program's errors may be; right ones were seen to reach 7 times ours."""


SHOWING = 2
"""On how many networks (all, if they are fewer) a wrong backprop has to show that something inside is float32."""


class Judge:
    """Says what is wrong in an answer, and what precision answers show."""

    def __init__(self, declared: Mapping[str, Any], truth_of: TruthOf) -> None:
        self._declared = declared
        self._truth_of = truth_of
        self._errors: dict[tuple[int, Conventions], float] = {}

    def precisions(self, conventions: Conventions) -> list[Conventions]:
        """The same in every precision that may be inside, the finest first."""
        names = (self._declared["precision"],) if "precision" in self._declared else CHOICES["precision"]
        return [conventions.replace(precision=name) for name in names]

    def agrees(self, probe: Probe, answer: Answer, conventions: Conventions) -> bool:
        """Whether an answer is so near to the truth that it is right whatever its bounds are."""
        return agrees(answer, self._truth_of(probe, conventions))

    def is_right(self, probe: Probe, answer: Answer, conventions: Conventions, names: set[str]) -> bool:
        """Whether what is named is right, and bounded at all."""
        is_bounded = "J" not in names or np.isfinite(self._truth_of(probe, conventions).loss_bound)
        return bool(is_bounded) and not self.wrong(probe, answer, conventions) & names

    def wrong(self, probe: Probe, answer: Answer, conventions: Conventions) -> set[str]:
        """Names of what lies outside its bound; or, if float32 is a guess, further off than float32 arithmetic goes.

        The bounds hold for the unluckiest program. One that is only guessed to be float32 has to be as exact as such
        programs are: within `TIMES_OURS` of the largest relative error that the one-pass backprop makes in float32.
        """
        truth = self._truth_of(probe, conventions)
        if agrees(answer, truth):
            names = set[str]()
        elif decided(truth):
            names = outside(answer, truth)
        else:
            return names_of(probe, answer)
        if conventions.precision == "float64" or "precision" in self._declared:
            return names
        key = id(probe), conventions
        if key not in self._errors:
            self._errors[key] = relative_error(in_float32(probe, conventions), truth)
        share = TIMES_OURS * self._errors[key]
        return names | {
            name
            for name, yours, right, _ in pairs(answer, truth)
            if abs(right).max() > 0 and not abs(yours - right).max() <= share * abs(right).max()
        }

    def precision(self, asked: Asked, conventions: Conventions) -> str:
        """The precision of what computed the answers.

        Something inside is float32 if every network shows it: all is right in float32, and in each network something
        is not right in float64. One network alone would be a mistake. Of a wrong backprop it is said if its gradients
        are float32 numbers, or if more is right in float32 alone than in float64, and is so by no accident: on several
        networks, or in all that was answered about one.
        """
        precisions = self.precisions(conventions)
        exact, rough = precisions[0], precisions[-1]
        fine = [self.wrong(probe, answer, exact) for probe, answer in asked]
        if exact == rough or not any(fine):
            return exact.precision
        coarse = [self.wrong(probe, answer, rough) for probe, answer in asked]
        if not any(coarse):
            return (rough if all(fine) else exact).precision
        in_rough_alone = [len(f - c) for f, c in zip(fine, coarse, strict=True)]
        in_exact = sum(len(names_of(probe, answer) - f) for (probe, answer), f in zip(asked, fine, strict=True))
        is_shown = sum(map(bool, in_rough_alone)) >= min(SHOWING, len(asked)) or not all(coarse)
        is_rough = is_shown and sum(in_rough_alone) > in_exact
        is_rough = is_rough or all(is_single(answer) for _, answer in asked)
        return (rough if is_rough else exact).precision


def names_of(probe: Probe, answer: Answer) -> set[str]:
    """Names of all that was answered."""
    loss = set() if answer.loss is None else {"J"}
    return loss | {tensor(l, name, layer) for l, layer in enumerate(answer.grads, start=1) for name in layer}


def in_float32(probe: Probe, conventions: Conventions) -> Answer:
    """What the one-pass backprop answers in float32 arithmetic."""
    net = batch_of(probe, conventions)
    layers: dict[str, Any] = {
        name: {l: a.astype(np.float32) for l, a in getattr(net, name).items()} for name in ("H", "W", "b", "h0")
    }
    rows: dict[str, Any] = {name: getattr(net, name).astype(np.float32) for name in ("x", "y", "weights", "shares")}
    net = replace(net, **layers, **rows)
    with np.errstate(all="ignore"):
        run = forward_batch(net)
        found = one_pass_batch(net, run)
    hidden = [{"H": found.H[l], "W": found.W[l], "b": found.b[l]} for l in sorted(found.H)]
    grads: Grads = [*hidden, {"W": found.W[net.n], "b": found.b[net.n]}]
    if conventions.biases == 2:
        grads = [layer | ({"b_hh": layer["b"]} if "H" in layer else {}) for layer in grads]
    return Answer(float(run.loss), [{name: a.astype(np.float64) for name, a in layer.items()} for layer in grads])


def relative_error(answer: Answer, truth: Truth) -> float:
    """The largest error of a tensor relative to its largest entry."""
    errors = [
        float(abs(yours - right).max() / abs(right).max())
        for _, yours, right, _ in pairs(answer, truth)
        if abs(right).max() > 0
    ]
    return max(errors, default=0.0)
