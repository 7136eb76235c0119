"""Whether what a variation gives is what f answered: as it is, but for a factor, or clipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from .answers import Case
from .precision import TIMES_OURS, in_float32, relative_error
from .probes import Array, Probe

_BASES = ("B", "T", "T-1", "T+1", "|V|")
_LARGEST_EXPONENT = 2
_LARGEST_DENOMINATOR = 64


@dataclass(frozen=True)
class Item:
    """One gradient of one network that f answered.

    Attributes
    ----------
    case : index of the network among those looked at
    l, name : layer and name
    answered : f's gradient
    rounding : how far, relative to its largest entry, a right program may be from it
    right : whether it lies within its bounds
    largest : the size of its largest entry
    """

    case: int
    l: int
    name: str
    answered: Array
    rounding: float
    right: bool
    largest: float

    @cached_property
    def witnesses(self) -> tuple[int, float, int, float]:
        """Where the two largest entries are, and what they are; for a gradient of one entry, twice the same."""
        flat = self.answered.ravel()
        first, second = np.argsort(abs(flat))[[-1, -min(2, flat.size)]]
        return int(first), float(flat[first]), int(second), float(flat[second])


def items(cases: Sequence[Case]) -> Iterator[Item]:
    """Every gradient of every network.

    The relative bound of a network is that of its worst gradient: a variation is another program of the same length,
    on numbers of the same size, and is allowed the same share of its largest entry.
    """
    for index, case in enumerate(cases):
        rounding = relative_bound(case)
        for l, name in case.tensors():
            g = case.answer.grads[l - 1][name]
            truth, bound = case.truth.grads[l - 1][name], case.truth.bounds[l - 1][name]
            right = bool((abs(g - truth) <= bound).all())
            yield Item(index, l, name, g, rounding, right, float(abs(g).max()))


def relative_bound(case: Case) -> float:
    """The largest bound of a network's gradients, each relative to its own largest entry.

    In float32 the bounds, which hold for the unluckiest program, are no sign of rounding: there it is the error of
    the one-pass backprop in float32, times how much larger such programs' errors may be.
    """
    shares = [
        case.truth.bounds[l - 1][name].max() / size
        for l, name in case.tensors()
        if (size := abs(case.truth.grads[l - 1][name]).max()) > 0
    ]
    bound = float(max(shares, default=0.0))
    if case.conventions.precision == "float64":
        return bound
    return min(bound, TIMES_OURS * relative_error(in_float32(case.probe, case.conventions), case.truth))


def same(item: Item, candidate: Array) -> bool:
    """Whether a candidate is f's gradient, but for rounding."""
    worst = float(abs(item.answered - candidate).max())
    return worst <= item.rounding * item.largest or worst <= item.rounding * float(abs(candidate).max())


def factor(item: Item, candidate: Array) -> float | None:
    """The s for which f's gradient is s times a candidate, but for rounding; 1 if it is the candidate; else None.

    Two entries exclude most candidates. With r the rounding: if f's gradient is s times the candidate, every entry is
    within r / (1 - r) of the largest; so, with the s that the largest entry alone gives, another entry is within 5 r of
    it, if r is at most 1 / 10.
    """
    at, largest, other, its = item.witnesses
    if largest != 0 and item.rounding <= 1 / 10:
        if (there := float(candidate.flat[at])) == 0:
            return None
        if not abs(its - largest / there * float(candidate.flat[other])) <= 5 * item.rounding * abs(largest):
            return None
    size = float(np.vdot(candidate, candidate))
    if size == 0 or not np.isfinite(size):
        return 1.0 if same(item, candidate) else None
    s = float(np.vdot(item.answered, candidate)) / size
    if not np.isfinite(s) or not same(item, s * candidate):
        return None
    return 1.0 if same(item, candidate) else s or None


def shortest(value: float, bound: float) -> str:
    """The decimal with the fewest digits that is a value, but for a relative error of at most `bound`."""
    digits = (f"{value:.{count}g}" for count in range(1, 18))
    return next((text for text in digits if abs(float(text) - value) <= bound * abs(value)), repr(value))


# -------------------------------------------------------------------------------- factors, as the sizes explain them


def sizes(probe: Probe) -> dict[str, float]:
    """What a factor may depend on, for one network."""
    T, B = float(probe.T), float(probe.B)
    return {"B": B, "T": T, "T-1": T - 1, "T+1": T + 1, "|V|": float(probe.d[-1])}


def form(found: Sequence[tuple[dict[str, float], float, float]]) -> str | None:
    """The simplest expression c B^a T^b |V|^k that gives each factor; None if there is none.

    Parameters
    ----------
    found
        For each gradient: the sizes of its network, the factor, and the relative bound on it.
    """
    for exponents in _EXPONENTS:
        constants = []
        for at, s, bound in found:
            if any(at[base] == 0 for base, _ in exponents):  # T - 1, where T = 1
                break
            constants.append(
                (s / prod(at[base] ** e for base, e in exponents), 4 * bound)
            )  # two gradients, each with its bound, above and below
        else:
            if (constant := _common(constants)) is not None:
                return _expression(constant, exponents)
    return None


def evaluate(expression: str, at: dict[str, float]) -> float:
    """The value of a factor that `form` named, for one network's sizes."""
    above, _, below = expression.partition(" / ")
    return _value(above, at) / (_value(below, at) if below else 1)


def _value(product_of: str, at: dict[str, float]) -> float:
    result = 1.0
    for part in product_of.strip("()").split(" "):
        base, _, power = part.partition("^")
        result *= at.get(base.strip("()"), 0.0) ** int(power or 1) if base.strip("()") in at else float(Fraction(part))
    return result


def _common(constants: Sequence[tuple[float, float]]) -> Fraction | float | None:
    """The one constant that all are, within their bounds: a small fraction if there is one."""
    first = constants[0][0]
    if not np.isfinite(first):
        return None
    nice = Fraction(first).limit_denominator(_LARGEST_DENOMINATOR)
    for constant in (nice, first):
        if constant != 0 and all(abs(c - float(constant)) <= bound * abs(c) for c, bound in constants):
            return constant
    return None


def _all_exponents() -> list[tuple[tuple[str, int], ...]]:
    """All products of powers of at most two sizes, T by one name only, the simplest first."""
    span = [e for e in range(-_LARGEST_EXPONENT, _LARGEST_EXPONENT + 1) if e]
    ones = [((base, e),) for base, e in product(_BASES, span)]
    twos = [
        (*a, *b)
        for a, b in product(ones, ones)
        if _BASES.index(a[0][0]) < _BASES.index(b[0][0]) and not (a[0][0][0] == b[0][0][0] == "T")
    ]
    return sorted([(), *ones, *twos], key=lambda es: (sum(abs(e) for _, e in es), len(es)))


_EXPONENTS = _all_exponents()


def _expression(constant: Fraction | float, exponents: Sequence[tuple[str, int]]) -> str:
    number = Fraction(constant) if isinstance(constant, Fraction) else None
    above = [_power(base, e) for base, e in exponents if e > 0]
    below = [_power(base, -e) for base, e in exponents if e < 0]
    if number is None:
        above.insert(0, repr(float(constant)))
    else:
        if number.denominator != 1:
            below.insert(0, str(number.denominator))
        if number.numerator != 1 or not above:
            above.insert(0, str(number.numerator))
    text = " ".join(above)
    if not below:
        return text
    return f"{text} / {' '.join(below) if len(below) == 1 else '(' + ' '.join(below) + ')'}"


def _power(base: str, e: int) -> str:
    base = f"({base})" if len(base) > 1 and "|" not in base else base
    return base if e == 1 else f"{base}^{e}"
