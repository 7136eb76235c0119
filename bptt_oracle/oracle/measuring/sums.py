"""Which products of deltas and states a gradient adds up, as measured: (44)-(46) term by term."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from ..probes import Array
from .network import Network, outer_sum
from .numbers import Coefficient, Known, coefficients, fraction, meets
from .steps import Steps, classes, forms, names_of, place

Table = list[list[Fraction | None]]
"""The coefficient of delta(k) h(j)^T in row k - 1, column j; None where h(j) or delta(k) is zero."""

SHIFTS = (0, -1, 1, -2, 2, -3, 3)
_EXCEPTIONS = 2


@dataclass(frozen=True)
class Weights:
    """How often the step k counts: `usual`, but `other` on some steps; or the number of the step, if `ramp`."""

    usual: Coefficient
    steps: Steps | None = None
    other: Fraction = Fraction(0)
    ramp: str = ""

    def at(self, T: int) -> list[float]:
        """For k = 1..T."""
        usual, other = self.usual.at(T), float(self.other)
        if self.ramp:
            return [usual * float(_RAMPS[self.ramp](k, T)) for k in range(1, T + 1)]
        chosen = self.steps.at(T) if self.steps else frozenset()
        return [other if k in chosen else usual for k in range(1, T + 1)]


_RAMPS: Mapping[str, Callable[[int, int], int]] = {
    "k": lambda k, T: k,
    "T+1-k": lambda k, T: T + 1 - k,
    "k-1": lambda k, T: k - 1,
    "T-k": lambda k, T: T - k,
}


@dataclass(frozen=True)
class Sum:
    """What a gradient adds up: weight(k) delta(k) h(j)^T for those j that `meets` says, and single products.

    Attributes
    ----------
    kind : "shift" (j = the right one + by), "reversed" (delta(k) with what belongs to T + 1 - k, + by), "state" (j = by
        for every k), "delta" (k = by for every j), "all", "earlier" or "later" (every j up to the right one; from it)
    by : as the kind says; steps count from the start, or from the end if not positive
    weights : of the steps
    single : further products (k, j, coefficient)
    beside : the same sum of other products, for all k: by, and a coefficient; None if there is none
    """

    kind: str
    by: int
    weights: Weights
    single: tuple[tuple[int, int, Fraction], ...] = ()
    beside: tuple[int, Fraction] | None = None

    @property
    def alike(self) -> bool:
        """Whether these are the right products, all multiplied by the same: it may as well be in the deltas."""
        plain = self.kind == "shift" and not self.by and not self.single and self.beside is None
        return plain and not self.weights.ramp and self.weights.steps is None

    def table(self, T: int, offset: int) -> Array:
        """The coefficient of delta(k) h(j)^T, shape (T, T + 1); the right j is k + offset."""
        C = np.zeros((T, T + 1))
        for k, weight in enumerate(self.weights.at(T), start=1):
            for j in met(self.kind, self.by, k, T, offset):
                C[k - 1, j] = weight
        if self.beside is not None:
            by, c = self.beside
            for k in range(1, T + 1):
                for j in met("shift", by, k, T, offset):
                    C[k - 1, j] += float(c)
        for k, j, c in self.single:
            if 1 <= place(k, T) <= T and 0 <= _state(j, T) <= T:
                C[place(k, T) - 1, _state(j, T)] += float(c)
        return C


def _state(j: int, T: int) -> int:
    """The time of a state: 0..., or from the end, -1 being T."""
    return j if j >= 0 else T + 1 + j


def met(kind: str, by: int, k: int, T: int, offset: int) -> list[int]:
    """The times j of the states that delta(k) meets."""
    right = range(1 + offset, T + offset + 1)
    match kind:
        case "shift":
            chosen = [k + offset + by]
        case "reversed":
            chosen = [T + 1 - k + offset + by]
        case "state":
            chosen = [_state(by, T)]
        case "delta":
            chosen = list(right) if k == place(by, T) else []
        case "all":
            chosen = list(right)
        case "earlier":
            chosen = [j for j in right if j <= k + offset]
        case _:
            chosen = [j for j in right if j >= k + offset]
    return [j for j in chosen if 0 <= j <= T]


def offset_of(name: str) -> int:
    """The right j for delta(k) is k + this."""
    return -1 if name == "H" else 0


def gathered(found: Sum, net: Network, l: int, name: str, delta: Known) -> Known:
    """The gradient that a sum gives of deltas; its h(j) of x^(0) is zero."""
    s, T = net.setting, net.T
    if name not in ("H", "W"):
        weights = np.array(found.weights.at(T))[:, None, None]
        return Known((weights * delta.value).sum(axis=(0, 1)), (abs(weights) * delta.error).sum(axis=(0, 1)))
    C = found.table(T, offset_of(name))
    states = s.h[l if name == "H" else l - 1]
    value = outer_sum(delta.value, np.einsum("kj,jbi->kbi", C, states))
    return Known(value, outer_sum(delta.error, np.einsum("kj,jbi->kbi", abs(C), abs(states))))


def coefficients_of(net: Network, l: int, name: str, delta: Known) -> Table | None:
    """The coefficients C for which f's gradient is the sum of C[k, j] delta(k) h(j)^T; None if it is no such sum.

    For a bias, of C[k] delta(k): one column. They are unique, since the deltas and the states are independent; each has
    to be a fraction, and with the fractions the sum has to be met.
    """
    if net.B > 1:
        return None
    steps = [k for k in range(net.T) if delta.value[k].any()]
    rows = delta.value[steps, 0]  # (steps, d_l)
    if not steps or len(steps) > rows.shape[1] or np.linalg.matrix_rank(rows) < len(steps):
        return None
    if name in ("H", "W"):
        left = net.left_factors(l, name)
        if left is None:
            return None
        columns = net.positions(l, name)
        target = left.at(np.array(columns))
    else:
        b = net.gradient(l, name)
        columns, target = [0], Known(b.value[None], b.error[None])
    inverse = np.linalg.pinv(rows)  # (d_l, steps)
    C = target.value @ inverse
    carried = delta.error[steps, 0]
    uncertain = np.sqrt((target.error + abs(C) @ carried) ** 2 @ inverse**2)
    table: Table = [[None] * (net.T + 1 if name in ("H", "W") else 1) for _ in range(net.T)]
    exact, chosen = np.zeros_like(C), []
    for (row, j), (column, k) in product(enumerate(columns), enumerate(steps)):
        number = fraction(float(C[row, column]), float(uncertain[row, column]))
        if number is None:
            return None
        table[k][j], exact[row, column] = number, float(number)
        chosen.append(number)
    reach = target.error + abs(exact) @ carried
    if not meets(target.value - exact @ rows, reach, target.value, choices=chosen):
        return None
    return table


def readings(table: Table, T: int, name: str) -> list[Sum]:
    """The simplest sums that have these coefficients in a network of T steps; none if they show no pattern."""
    best: list[Sum] = []
    least = 10**6
    for kind, by in _kinds(T, name):
        weights, rest = _split(table, kind, by, T, offset_of(name))
        beside = _beside(rest, T, offset_of(name)) if kind == "shift" else None
        if weights is None or (len(rest) > _EXCEPTIONS and beside is None):
            continue
        found = [w for w in _weights(weights, T) if kind == "shift" or not (w.steps or w.ramp)]
        if not found:
            continue
        cost = min(4 * len(rest), 4 if beside else 4 * T) + (kind != "shift") * 2 + min(_cost(w) for w in found)
        if cost < least:
            singles = [] if beside else [_single(entry, T) for entry in rest]
            best = [Sum(kind, by, w, chosen, beside) for w in found for chosen in product(*singles)]
            least = cost
    return best[:16]


def likely(T: int, name: str) -> Iterator[Sum]:
    """Sums to be tried where the coefficients cannot be solved for: other products, or one step more or less."""
    once, zero = Coefficient(Fraction(1)), Coefficient(Fraction(0))
    for kind, by in _kinds(T, name):
        if (kind, by) != ("shift", 0):
            yield Sum(kind, by, Weights(once))
    for k in range(1, T + 1):
        for steps in forms({k}, T):
            yield from (Sum("shift", 0, Weights(once, steps, Fraction(other))) for other in (0, 2))
            yield Sum("shift", 0, Weights(zero, steps, Fraction(1)))


def _kinds(T: int, name: str) -> Iterator[tuple[str, int]]:
    yield "shift", 0
    if name not in ("H", "W"):
        return
    yield from (("shift", by) for by in SHIFTS[1:])
    yield from (("reversed", by) for by in SHIFTS[:5])
    yield from (("state", by) for by in (-1, *range(T), *range(-2, -T - 1, -1)))
    yield from (("delta", by) for by in (0, *range(1, T), *range(-1, 1 - T, -1)))
    yield from ((kind, 0) for kind in ("all", "earlier", "later"))


def _split(
    table: Table, kind: str, by: int, T: int, offset: int
) -> tuple[list[Fraction | None] | None, list[tuple[int, int, Fraction]]]:
    """The weight of each step in a sum of some kind, None where it does not show; and the products outside of it."""
    weights: list[Fraction | None] = []
    rest = []
    for k in range(1, T + 1):
        row = table[k - 1]
        inside = {0} if len(row) == 1 else set(met(kind, by, k, T, offset))
        seen = {number for j in inside if (number := row[j]) is not None}
        if len(seen) > 1:
            return None, []
        weights.append(next(iter(seen), None))
        rest += [(k, j, c) for j, c in enumerate(row) if c and j not in inside]
    return (weights if any(weights) or not rest else None), rest


def _beside(rest: list[tuple[int, int, Fraction]], T: int, offset: int) -> tuple[int, Fraction] | None:
    """The one other sum that further products are, if all of it is there, but for h(0), which may be zero."""
    places = {(k, j): c for k, j, c in rest}
    if len(places) <= _EXCEPTIONS or len({j - k for k, j in places}) > 1 or len(set(places.values())) > 1:
        return None
    [by] = {j - k - offset for k, j in places}
    whole = {(k, j) for k in range(1, T + 1) for j in met("shift", by, k, T, offset) if j}
    return (by, next(iter(places.values()))) if whole <= places.keys() else None


def _weights(found: Sequence[Fraction | None], T: int) -> Iterator[Weights]:
    """What the weights of the steps can be in a network of any length."""
    shown = {k: w for k, w in enumerate(found, start=1) if w is not None}
    usual = max(set(shown.values()), key=lambda w: (list(shown.values()).count(w), w != 0))
    for (c,) in coefficients([usual], T):
        others = {k: w for k, w in shown.items() if w != usual}
        if not others:
            yield Weights(c)
            continue
        if len(set(others.values())) == 1:
            unseen = set(range(1, T + 1)) - shown.keys()
            named = forms(others, T) + [each for each in forms(others.keys() | unseen, T) if unseen]
            if len(others) == 1:
                named += [each for each in classes(T) if each.at(T) == set(others)]
            yield from (Weights(c, each, next(iter(others.values()))) for each in dict.fromkeys(named))
    if len(shown) > 2 and len(set(shown.values())) > 2:
        for ramp, number in _RAMPS.items():
            if any(w and not number(k, T) for k, w in shown.items()):
                continue
            ratios = {w / number(k, T) for k, w in shown.items() if number(k, T)}
            if len(ratios) == 1:
                yield from (Weights(c, ramp=ramp) for (c,) in coefficients(list(ratios), T))


def _cost(weights: Weights) -> int:
    if weights.ramp:
        return 2
    if weights.steps is None:
        return 0 if weights.usual.fraction == 1 else 1
    return 2 if weights.steps.kind != "listed" else 2 + len(weights.steps.numbers)


def _single(entry: tuple[int, int, Fraction], T: int) -> list[tuple[int, int, Fraction]]:
    """The names that a single product has: each time from the start or from the end."""
    k, j, c = entry
    return [(a, b, c) for a in names_of(k, T) for b in (j, j - T - 1)]


NOTHING = Sum("shift", 0, Weights(Coefficient(Fraction(0))))
"""The sum in which no step counts."""
