"""The catalogue's ranges, "1 <= c < t" or "t = T-1", as conditions on indices."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

_TERM = re.compile(r"\s*([+-]?)\s*([A-Za-z]|\d+)")
_COMPARISONS = {"<=": operator.le, "<": operator.lt, "=": operator.eq}


class ConditionError(ValueError):
    """A condition or an index that cannot be read."""


@dataclass(frozen=True)
class Term:
    """A sum of symbols and numbers, "t-c+1"; its parts are (sign, symbol or number)."""

    text: str
    parts: tuple[tuple[int, str], ...]

    @classmethod
    def parse(cls, text: str) -> Term:
        """The term that `text` spells; ConditionError if it spells none."""
        parts: list[tuple[int, str]] = []
        position = 0
        while (match := _TERM.match(text, position)) and (match[1] or not parts):
            parts.append((-1 if match[1] == "-" else 1, match[2]))
            position = match.end()
        if not parts or text[position:].strip():
            raise ConditionError(f"expected a sum of symbols and numbers such as t-c+1, but got {text!r}")
        return cls(text.strip(), tuple(parts))

    def at(self, values: Mapping[str, int]) -> int:
        """The term's value where its symbols have values."""
        return sum(sign * (int(part) if part.isdigit() else values[part]) for sign, part in self.parts)


@dataclass(frozen=True)
class Condition:
    """A chain of comparisons between terms."""

    text: str
    terms: tuple[Term, ...]
    comparisons: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition that `text` spells; ConditionError if it spells none."""
        parts = re.split(r"(<=|<|=)", text)
        if len(parts) < 3:
            raise ConditionError(f"expected a comparison with <=, < or =, but got {text!r}")
        return cls(text, tuple(Term.parse(part) for part in parts[::2]), tuple(parts[1::2]))

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether the whole chain holds."""
        return all(
            _COMPARISONS[comparison](left.at(values), right.at(values))
            for (left, right), comparison in zip(pairwise(self.terms), self.comparisons, strict=True)
        )


@lru_cache(maxsize=4096)
def indices_where(
    symbols: tuple[str, ...], conditions: tuple[Condition, ...], n: int, T: int
) -> tuple[tuple[int, ...], ...]:
    """All values of the indices that meet the conditions, in order.

    Parameters
    ----------
    symbols
        Names of the indices: "l" runs over 0..n, the others over 0..T, before the conditions.
    conditions
        What the indices, n and T have to meet.
    n, T
        The network's depth and length.
    """
    spans = [range(n + 1) if symbol == "l" else range(T + 1) for symbol in symbols]
    grid = ((at, dict(zip(symbols, at, strict=True)) | {"n": n, "T": T}) for at in product(*spans))
    return tuple(at for at, values in grid if all(condition.holds(values) for condition in conditions))
