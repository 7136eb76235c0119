"""Which few of many columns, with which fractions, an array is the sum of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

import numpy as np

from ..probes import Array
from .numbers import Known, fraction, meets

Key = TypeVar("Key", bound=Hashable)

_ALIKE = float(np.sqrt(np.finfo(np.float64).eps))
"""Columns whose angle is below this cannot be told apart: their coefficients would lose half of all digits."""
_MOST = 8
"""A law of more terms than this is no law that anybody wrote."""


@dataclass(frozen=True)
class Columns(Generic[Key]):
    """What may add up to a target: a name for each column, and its entries with how far they may be off.

    Attributes
    ----------
    keys : the names
    value, error : shape (entries, columns)
    """

    keys: Sequence[Key]
    value: Array
    error: Array

    @classmethod
    def of(cls, parts: Mapping[Key, Known]) -> Columns[Key]:
        """Arrays of any one shape, each a column."""
        value = np.array([part.value.ravel() for part in parts.values()]).T
        return cls(list(parts), value, np.array([part.error.ravel() for part in parts.values()]).T)

    def only(self, kept: Array) -> Columns[Key]:
        """The columns that a mask keeps."""
        keys = [key for key, keep in zip(self.keys, kept, strict=True) if keep]
        return Columns(keys, self.value[:, kept], self.error[:, kept])


def fit(target: Known, columns: Columns[Key], size: Array | None = None) -> dict[Key, Fraction] | None:
    """The coefficients with which columns add up to a target; None if there are none.

    Let c be the law's own coefficients, A the columns and e the errors of both: the law leaves no more than
    e_target + |c| e_columns in any entry, so that least squares leave no more in norm. What passes that has its
    coefficients cleared of all that may be zero and replaced by fractions, given that errors of so many entries do not
    conspire: a coefficient is off by the root of the squares in |A^+| e. The fractions then have to meet every entry.

    Parameters
    ----------
    target
        One-dimensional.
    columns
        Of those that are dependent the first is kept.
    size
        What the target is to be compared with, if it may be zero itself.
    """
    if (abs(target.value) <= target.error).all():
        return {} if meets(target.value, target.error, target.value if size is None else size) else None
    columns = columns.only(_independent(columns)) if columns.keys else columns
    while columns.keys:
        if len(columns.keys) >= target.value.size:
            return None
        length = np.linalg.norm(columns.value, axis=0)
        q, r = np.linalg.qr(columns.value / length)
        c = np.linalg.solve(r, q.T @ target.value) / length
        reach = target.error + columns.error @ abs(c)
        left = target.value - columns.value @ c
        if np.linalg.norm(left) > np.linalg.norm(reach) + _own_rounding(columns.value, c):
            return None
        uncertain = np.sqrt(np.linalg.solve(r, q.T) ** 2 @ reach**2) / length
        nonzero = abs(c) > uncertain
        if nonzero.all():
            return _as_fractions(target, columns, c, uncertain)
        columns = columns.only(nonzero)
    return None


def _own_rounding(value: Array, c: Array) -> float:
    """How far least squares in float64 may be from their least: rounding of the products, by entry."""
    eps = float(np.finfo(np.float64).eps)
    return float(value.shape[1] * eps * np.linalg.norm(abs(value) @ abs(c)))


def _as_fractions(target: Known, columns: Columns[Key], c: Array, uncertain: Array) -> dict[Key, Fraction] | None:
    if len(columns.keys) > _MOST:
        return None
    found: list[Fraction] = []
    for number, off in zip(c, uncertain, strict=True):
        if (exact := fraction(float(number), float(off))) is None:
            return None
        found.append(exact)
    numbers = np.array([float(number) for number in found])
    rounding = _own_rounding(columns.value, numbers) / np.sqrt(len(target.value))
    reach = target.error + columns.error @ abs(numbers) + rounding
    if not meets(target.value - columns.value @ numbers, reach, target.value, choices=found):
        return None
    return {key: number for key, number in zip(columns.keys, found, strict=True) if number}


def _independent(columns: Columns[Key]) -> Array:
    """Which columns are not zero and no combination of those before them."""
    length = np.linalg.norm(columns.value, axis=0)
    kept = length > np.linalg.norm(columns.error, axis=0)
    if kept.any():
        r = np.linalg.qr(columns.value[:, kept] / length[kept], mode="r")
        of_rank = np.zeros(kept.sum(), dtype=bool)
        of_rank[: len(r)] = abs(np.diagonal(r)) > _ALIKE
        kept[kept] = of_rank
    return np.asarray(kept)
