"""Where the forward pass goes wrong, if no known mistake gives f's loss: what has to be zero for it to be right.

With H = 0 there is no term H h(t-1), with W^(n) = 0 the hidden layers have no say, and so on: f is asked about one
network with such parts of it zero. Where its loss is right then, and wrong else, the mistake is in what was taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..answers import Answer, Case
from ..comparison import outside
from ..inquiry import Inquiry
from ..probes import Array, Probe
from ..result import Mistake
from ..truth import decided, truth_of

Change = Callable[[Probe], Probe]


def located(inquiry: Inquiry, cases: Sequence[Case]) -> list[Mistake]:
    """Where the loss goes wrong, in one statement; none if f says too little to tell.

    Parameters
    ----------
    inquiry
        Asks f a few more times.
    cases
        Networks on which f's loss is wrong.
    """
    case = min(cases, key=lambda each: (each.probe.plan.kind != "ordinary", each.probe.T * sum(each.probe.d)))
    asked = _Asked(inquiry, case)
    n = case.probe.n
    hidden = range(1, n)
    no_say = asked.is_right(_zero({"W": [n]}))
    if no_say is None:
        return []
    if not no_say:
        if asked.is_right(_zero({"W": [n], "b": [n]})):
            return _told(asked, 5, "b^(n) is zero", "b^(n) in (5), and how (3) makes y^ of the logits", "layer n")
        if asked.is_right(lambda probe: _zero({"W": [n], "b": [n]})(probe.steps(1))):
            return _told(asked, 1, "T = 1", "the sum over the steps in (1)", "J")
        return _told(asked, 2, "", "(1)-(3): y^ and the loss are wrong even where every logit is zero", "layer n and J")
    for name, where, what in (
        ("h0", "t = 1", "h(0) in (5)"),
        ("H", "", "the term H^(l) h^(l)(t-1) of (5)"),
        ("b", "", "the term b^(l) of (5)"),
    ):
        one = [l for l in hidden if asked.is_right(_zero({name: [l]}))]
        if one and n > 2:
            return _told(
                asked, 5, f"{_name(name, str(one[0]))} is zero", what, f"layer {one[0]}{where and ', ' + where}"
            )
        if one or asked.is_right(_zero({name: list(hidden)})):
            text = f"{'every ' if n > 2 else ''}{_name(name, 'l' if n > 2 else '1')} is zero"
            return _told(asked, 5, text, what, f"hidden layers{where and ', ' + where}")
    if asked.is_right(lambda probe: probe.steps(1)):
        return _told(asked, 5, "T = 1", "what is taken from another step, in (5) or in the loss", "t > 1")
    if case.probe.B > 1 and asked.is_right(lambda probe: probe.sequences(slice(0, 1))):
        return _told(
            asked,
            5,
            "there is one sequence",
            "how a batch is treated, in (5) or in the loss",
            "every sequence but the first",
        )
    for l in hidden:
        if asked.is_right(_zero({"W": [l]})):
            return _told(asked, 5, f"W^({l}) is zero", f"the term W^({l}) h^({l - 1})(t) of (5)", f"layer {l}")
    return _told(
        asked, 4, "W^(n) is zero", "(4) and (5): f and what goes into it, and W^(n) h^(n-1)(t)", "hidden layers"
    )


class _Asked:
    """Asks f about one network with changes."""

    def __init__(self, inquiry: Inquiry, case: Case) -> None:
        self._inquiry, self.case = inquiry, case
        self.name = "J" if case.answer.loss is not None else f"dJ/db^({case.probe.n})"

    def is_right(self, change: Change) -> bool | None:
        """Whether f is right about the changed network; None if it gives no answer, or nothing bounds it."""
        probe, c = change(self.case.probe), self.case.conventions
        truth = truth_of(probe, c, self._inquiry.source)
        outcome = self._inquiry.ask_again(probe, c)
        if not isinstance(outcome, Answer) or not decided(truth):
            return None
        return self.name not in outside(outcome, truth)


def _zero(chosen: dict[str, list[int]]) -> Change:
    """The change that makes parameters, or initial states, of some layers zero."""

    def change(probe: Probe) -> Probe:
        params: list[dict[str, Array]] = [
            {name: np.zeros_like(a) if l in chosen.get(name, ()) else a for name, a in layer.items()}
            for l, layer in enumerate(probe.params, start=1)
        ]
        h0 = [np.zeros_like(h) if l in chosen.get("h0", ()) else h for l, h in enumerate(probe.h0, start=1)]
        return replace(probe, params=params, h0=h0)

    return change


def _name(name: str, l: str) -> str:
    return f"h^({l})(0)" if name == "h0" else f"{name}^({l})"


def _told(asked: _Asked, equation: int, when: str, what: str, where: str) -> list[Mistake]:
    seen = f"the loss is right as soon as {when}, and wrong else" if when else "the loss is wrong whatever goes into it"
    if asked.name != "J":
        seen = seen.replace("the loss", asked.name)
    return [
        Mistake(
            slug="located",
            equation=equation,
            message=f"{seen}: look at {what} (network {asked.case.probe.name})",
            where=where,
            remedy=f"Compare the forward pass with ({equation}).",
            certainty="located, not named",
        )
    ]
