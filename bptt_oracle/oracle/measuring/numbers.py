"""Numbers that are known up to an error: when two of them are the same, and when one is a fraction.

f's gradients are known up to rounding, and what is solved for from them up to what the solve makes of it. Errors are
carried along to first order, entry by entry. A law is accepted if it misses no entry by more than its error, *and* if a
law that is not f's would have been found out: a vector of m entries in general position comes within r of a point,
relative to its length, with a chance of about r^m; of a space of p dimensions with one of r^(m - p); and of one of N
points with one of N r^m.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, log2
from typing import Any

import numpy as np

from ..probes import Array

BITS = 60
"""A fit is accepted if the chance that it is an accident is below 2^-60: some thousand laws are tried."""
BITS_OF_ONE = 30
"""A single thing that is tried, with nothing in it to choose, is accepted below 2^-30."""

_LARGEST_DENOMINATOR = 100
_SIMPLE = (Fraction(1), Fraction(-1), Fraction(2), Fraction(-2), Fraction(1, 2))


@dataclass(frozen=True)
class Known:
    """An array, and how far each entry may be off; of the same shape."""

    value: Array
    error: Array

    @classmethod
    def exactly(cls, value: Array) -> Known:
        """An array without an error of its own."""
        return cls(value, np.zeros_like(value))

    def at(self, index: Any) -> Known:
        """The entries that an index, slices or a mask choose."""
        return Known(self.value[index], self.error[index])


def meets(
    difference: Array,
    error: Array,
    size: Array,
    unknowns: int = 0,
    choices: Collection[Fraction] = (),
) -> bool:
    """Whether a difference is an error alone, of something large enough for that to say anything.

    Parameters
    ----------
    difference, error
        What should be zero, and how far it may be off, entry by entry.
    size
        What was compared; its norm is what the error is small against.
    unknowns
        How many real numbers were chosen to make the difference small.
    choices
        The fractions that were chosen to make it small.
    """
    spent = sum(2 * log2(2 * c.denominator) + log2(1 + abs(c.numerator)) for c in choices)  # fractions as simple as c
    return evidence(difference, error, size, unknowns) - spent >= BITS


def evidence(difference: Array, error: Array, size: Array, unknowns: int = 0) -> float:
    """The b for which a difference would be within its error by accident with a chance of 2^-b; -inf if it is not.

    Parameters as of `meets`.
    """
    if not (abs(difference) <= error).all():
        return -inf
    length, reach = float(np.linalg.norm(size)), float(np.linalg.norm(error))
    if reach == 0:
        return inf
    return (difference.size - unknowns) * log2(length / reach) if length > reach else 0.0


def fraction(value: float, error: float) -> Fraction | None:
    """The simplest fraction that a number known up to `error` can be; None if none stands out.

    Fractions with denominators up to q lie 1 / q^2 apart, so that one of them within `error` of an arbitrary number
    is an accident with a chance of about q^2 error: below 2^-8 it is taken for what was meant.
    """
    for q in range(1, _LARGEST_DENOMINATOR + 1):
        if q * q * error * 2**8 > 1:
            return None
        if abs(value - round(value * q) / q) <= error:
            return Fraction(round(value * q), q)
    return None


@dataclass(frozen=True)
class Coefficient:
    """A fraction times T^power."""

    fraction: Fraction
    power: int = 0

    def at(self, T: int) -> float:
        """Its value in a network of T steps."""
        return float(self.fraction * Fraction(T) ** self.power if self.power else self.fraction)

    def __mul__(self, other: Coefficient) -> Coefficient:
        return Coefficient(self.fraction * other.fraction, self.power + other.power)

    def over(self, other: Coefficient) -> Coefficient:
        """The quotient."""
        return Coefficient(self.fraction / other.fraction, self.power - other.power)

    def __str__(self) -> str:
        number = text_of(self.fraction)
        if self.power < 0:
            return f"{number}/T"
        return number if self.power == 0 else "T" if self.fraction == 1 else f"{number} T"


def text_of(number: Fraction) -> str:
    """A fraction as people write it: 2, 1/3, 0.25."""
    if number.denominator == 1:
        return str(number.numerator)
    digits = str(float(number))
    return digits if Fraction(digits) == number else f"{number.numerator}/{number.denominator}"


def coefficients(found: Sequence[Fraction], T: int) -> list[tuple[Coefficient, ...]]:
    """What fractions found on a network of T steps can be in any network: constants first, then with powers of T."""
    choices = []
    for number in found:
        forms = [Coefficient(number)]
        for power in (-1, 1):
            scaled = number / Fraction(T) ** power
            if T > 2 and scaled in _SIMPLE:
                forms.append(Coefficient(scaled, power))
        choices.append(forms)
    return list(product(*choices))[:8]
