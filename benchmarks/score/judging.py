"""Whether what the oracle says about a wrong backprop is true.

A mistake by name is a claim that can be simulated: it is true if simulating it gives f's gradients, and its loss if the
mistake is one of the forward pass, on random networks that the oracle never saw. A measured one is a statement in
words; it is held against the line that was changed: the equation that it blames has to be among those that the line
carries out.
"""

from __future__ import annotations

from collections.abc import Sequence

from bptt_oracle.oracle.answers import Case
from bptt_oracle.oracle.deviations import Deviation, places
from bptt_oracle.oracle.forward.gradients import simulate_forward
from bptt_oracle.oracle.matching import items, same
from bptt_oracle.oracle.mistakes import catalogue
from bptt_oracle.oracle.result import Mistake, Result
from bptt_oracle.oracle.variations import simulate

_SIMULATED = ("variation", "forward")
"""Kinds of mistakes that can be simulated: of the backward pass, and of the forward pass and the loss."""

OUTCOMES = ("accepted", "named", "measured", "located", "contract", "unexplained")
"""What a check can come to: right; all by name; all by name or measured; some only located; only findings of the
contract, exceptions among them; wrong, and no word on why."""

BY_NAME = ("one-step", "second-call", "fresh-object", "batch-of-two", "arguments-overwritten", "parameters-changed")
"""Findings of the contract that say what is wrong, and not only that something is."""

CLAIMS = ("confirmed", "refuted", "plausible", "suspect", "none")
"""What an explanation is worth: by name, simulated on new networks, it is f or is not; measured, the equation that it
blames is or is not one that the changed line carries out, so that a person should read it, as where a name that is
about all gradients gives less than half of the wrong ones; or nothing was claimed."""

_SAME_QUANTITY = (
    {1, 2},
    {3, 4, 5},
    {6, 7, 26, 36, 42},  # the error that is fed in
    {8, 9, 10, 11, 12, 13, 14, 15, 27, 28, 29, 30, 36, 37, 38, 42, 43},  # the errors of the hidden layers
    {16, 17, 31, 39, 44},
    {18, 19, 20, 21, 32, 33, 40, 45},
    {22, 23, 24, 25, 34, 35, 41, 46},
)
"""Numbers of the equations that state the same thing, in different sections of the document."""


def kind_of(mistake: Mistake) -> str:
    """What a mistake is: its kind in the catalogue, "measured" or "located"; "unexplained" if it says only that."""
    if mistake.slug in ("measured", "located"):
        return mistake.slug
    if mistake.slug == "unknown":
        return "unexplained"
    return catalogue()[mistake.slug].kind


def outcome_of(result: Result) -> str:
    """One of `OUTCOMES`, by the weakest thing that is said about the gradients."""
    if result.ok:
        return "accepted"
    kinds = {kind_of(mistake) for mistake in result.mistakes}
    for kind in ("located", "measured"):
        if kind in kinds:
            return kind
    if kinds & {*_SIMULATED} or all(mistake.slug in BY_NAME for mistake in result.mistakes):
        return "named"
    return "contract" if "contract" in kinds else "unexplained"


def claim_of(result: Result, unseen: Sequence[Case], equations: frozenset[int] | None) -> str:
    """One of `CLAIMS`.

    Parameters
    ----------
    result
        What the oracle said.
    unseen
        What f says about networks that the oracle did not see.
    equations
        Those that the changed line carries out; None if no line is known.
    """
    named = [mistake for mistake in result.mistakes if kind_of(mistake) in _SIMULATED]
    share = _reproduced(named, unseen, is_all=outcome_of(result) == "named") if named else 1.0
    if share is None:
        return "refuted"
    if 2 * share < 1:
        return "suspect"
    measured = [mistake for mistake in result.mistakes if kind_of(mistake) == "measured"]
    if measured and equations is not None:
        blamed = {mistake.equation for mistake in (*named, *measured) if mistake.equation is not None}
        return "plausible" if any(_alike(a, b) for a in blamed for b in equations) else "suspect"
    return "confirmed" if named else "none"


def _reproduced(named: Sequence[Mistake], unseen: Sequence[Case], *, is_all: bool) -> float | None:
    """The share of f's wrong gradients that the named mistakes give, where that matters; None if they are not made.

    They are not if simulating them does not give every gradient; or, if more is said of others, does not leave alone
    what is right, or does not give those that they are about. The share matters for a mistake that is about all
    gradients, beside which others are found. A mistake of the forward pass has to give f's loss as well; it is about
    the gradients only if it says what they are.
    """
    deviations = [Deviation.parse(text) for mistake in named for text in mistake.deviations]
    about = {deviation.tensor for deviation in deviations}
    is_ahead = any(kind_of(mistake) == "forward" for mistake in named)
    same_ones = wrong_ones = 0
    for case in unseen:
        if is_ahead:
            made = simulate_forward(case.probe, case.conventions, deviations)
            if made is None or not _is_loss(case, made[0]):
                return None
            if made[1] is None:
                continue
            grads = made[1]
        elif (simulated := simulate(case.probe, case.conventions, deviations)) is None:
            return None
        else:
            grads = simulated
        for item in items([case]):
            is_same = same(item, grads[item.l - 1][item.name])
            is_about = is_ahead or not about.isdisjoint(places(item.name, item.l, case.probe.n))
            if not is_same and (is_all or item.right or is_about):
                return None
            wrong_ones += not item.right
            same_ones += is_same and not item.right
    return same_ones / wrong_ones if wrong_ones and "" in about and not is_ahead else 1.0


def _is_loss(case: Case, loss: float) -> bool:
    """Whether a loss is f's, but for what rounding can do to the right one, in proportion to the size."""
    yours = case.answer.loss
    if yours is None:
        return True
    share = case.truth.loss_bound / abs(case.truth.loss)
    return abs(yours - loss) <= share * max(abs(yours), abs(loss), abs(case.truth.loss))


def _alike(a: int, b: int) -> bool:
    return a == b or any(a in group and b in group for group in _SAME_QUANTITY)
