"""How an answer differs from the truth, entry by entry, each held against its own bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .answers import Answer, Case, Limits, Truth, entries
from .probes import Array
from .result import Discrepancy

_MOST_DECIMALS = 12
_ENOUGH_NUMBERS = 20
"""How many different numbers it takes to say that they are rounded, and not few by nature, as ones and zeros are."""


def pairs(answer: Answer, truth: Truth) -> Iterator[tuple[str, Array, Array, Array]]:
    """Name, f's value, the truth and the bound: of J, if f reports it, and of the gradients, output layer first."""
    if answer.loss is not None:
        yield "J", np.asarray(answer.loss), np.asarray(truth.loss), np.asarray(truth.loss_bound)
    for l in range(len(truth.grads), 0, -1):
        yours, right, bounds = answer.grads[l - 1], truth.grads[l - 1], truth.bounds[l - 1]
        for name in right:
            yield tensor(l, name, right), yours[name], right[name], bounds[name]


def tensor(l: int, name: str, layer: dict[str, Array]) -> str:
    """What the gradient of layer l is called in messages: "dJ/dH^(1)", "dJ/db_ih^(1)"."""
    return f"dJ/d{'b_ih' if name == 'b' and 'b_hh' in layer else name}^({l})"


def outside(answer: Answer, truth: Truth) -> set[str]:
    """Names of what lies outside its bound."""
    return set() if agrees(answer, truth) else set(_apart(_named(answer, truth), _named(truth, truth), truth, 1))


def agrees(answer: Answer, truth: Truth) -> bool:
    """Whether an answer is so near to the truth that it is within the bounds whatever they are."""
    return _near(answer.loss, truth.loss, truth, 1) and _all_near(answer, truth.entries, truth, 1)


def discrepancies(case: Case) -> list[Discrepancy]:
    """The worst entry of each tensor that lies outside its bound."""
    if not case.outside:
        return []
    found = []
    for name, yours, right, bound in pairs(case.answer, case.truth):
        inside = _inside(yours, right, bound)
        if inside.all():
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.where(inside, 0, abs(yours - right) / bound)
        at = np.unravel_index(int(excess.argmax()), excess.shape)
        found.append(
            Discrepancy(
                probe=str(case.probe),
                tensor=name,
                entry=tuple(int(i) for i in at),
                yours=float(yours[at]),
                truth=float(right[at]),
                difference=float(abs(yours[at] - right[at])),
                bound=float(bound[at]),
                outside=int((~inside).sum()),
                size=int(inside.size),
            )
        )
    return found


def differ(first: Answer, second: Answer, truth: Truth) -> list[str]:
    """Names of what differs between two answers to the same question by more than rounding: twice the bound."""
    if (first.loss is None) != (second.loss is None):
        return ["J"]
    if repr(first.loss) in ("inf", "-inf", "nan") and repr(first.loss) == repr(second.loss):  # no number, but the same
        first, second = replace(first, loss=None), replace(second, loss=None)
    if _near(first.loss, second.loss, truth, 2) and _all_near(first, entries(second.grads, truth.names), truth, 2):
        return []
    return _apart(_named(first, truth), _named(second, truth), truth, 2)


def largest_error(case: Case) -> tuple[float, str]:
    """The largest error of a gradient relative to the largest entry of its tensor, and the tensor's name."""
    return max(
        (
            (float(abs(yours - right).max() / size), name)
            for name, yours, right, _ in pairs(case.answer, case.truth)
            if (size := abs(right).max()) > 0
        ),
        default=(0.0, ""),
    )


def is_single(answer: Answer) -> bool:
    """Whether every gradient is a float32 number exactly, which a float64 computation gives by no accident."""
    with np.errstate(over="ignore"):
        return all(bool((g == g.astype(np.float32)).all()) for layer in answer.grads for g in layer.values())


def decimals(answers: Sequence[Answer]) -> int | None:
    """To how many decimals all numbers of all answers are rounded, from 1 to 12; None if they are not."""
    arrays = [g.ravel() for answer in answers for layer in answer.grads for g in layer.values()]
    if any(round(x, _MOST_DECIMALS) != x for x in arrays[0][:_ENOUGH_NUMBERS].tolist()):  # nearly always
        return None
    numbers = set(np.concatenate(arrays).tolist()) | {answer.loss for answer in answers if answer.loss is not None}
    if len(numbers) < _ENOUGH_NUMBERS:
        return None
    return next((k for k in range(_MOST_DECIMALS + 1) if all(round(x, k) == x for x in numbers)), 0) or None


def is_right_but_rounded(case: Case, count: int) -> bool:
    """Whether everything in an answer is right but for being rounded to so many decimals."""
    half = 10.0**-count / 2
    return all(
        bool(_inside(yours, right, bound + half).all()) for _, yours, right, bound in pairs(case.answer, case.truth)
    )


def _near(yours: float | None, right: float | None, truth: Truth, times: int) -> bool:
    """Whether two losses, if there are any, are no further apart than so many times what the bound is at least."""
    return yours is None or right is None or abs(yours - right) <= times * truth.least.loss


def _all_near(answer: Answer, right: Array, truth: Truth, times: int) -> bool:
    """The same of all entries of the gradients."""
    return bool(_inside(entries(answer.grads, truth.names), right, times * truth.least_entries).all())


def _named(values: Answer | Truth | Limits, truth: Truth) -> dict[str, Array]:
    """J, unless it is None, and the gradients that the truth has, output layer first, by their names."""
    loss = {} if values.loss is None else {"J": np.asarray(values.loss)}
    return loss | {
        tensor(l, name, truth.grads[l - 1]): values.grads[l - 1][name]
        for l in range(len(truth.grads), 0, -1)
        for name in truth.grads[l - 1]
    }


def _apart(yours: Mapping[str, Array], right: Mapping[str, Array], truth: Truth, times: int) -> list[str]:
    """Names of what is further apart than so many times the bound, which is worked out only if that has to be known."""
    least = _named(truth.least, truth)
    if not (far := [name for name in yours if not _inside(yours[name], right[name], times * least[name]).all()]):
        return []
    bounds = _named(truth.limits, truth)
    return [name for name in far if not _inside(yours[name], right[name], times * bounds[name]).all()]


def _inside(yours: Array, right: Array, bound: Array) -> Array:
    """Where the values are no further apart than the bound; a NaN is nowhere."""
    with np.errstate(invalid="ignore"):
        return np.asarray(abs(yours - right) <= bound)
