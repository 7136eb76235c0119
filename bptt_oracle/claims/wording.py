"""What was observed, in the print's terms: as one range, as single times, as lists of equations and lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from ..catalogue import equation
from ..conditions import Condition, indices_where
from .comparisons import Lines
from .registry import CheckError

Shape = tuple[int, int]
Observed = Mapping[Shape, set[tuple[int, ...]]]

EVERY_TIME = "1 <= t <= T"
_POINTS = ("t = 1", "t = 2", "t = T-2", "t = T-1", "t = T")


def fitted(symbols: tuple[str, ...], family: Iterable[str], observed: Observed, *fixed: str) -> str:
    """The one condition of a family that, with the fixed ones, describes what was observed.

    Parameters
    ----------
    symbols
        Names of the indices.
    family
        The conditions to choose from.
    observed
        The indices at which something was observed, for each (n, T).
    *fixed
        Conditions that hold in any case.

    Raises
    ------
    CheckError
        If none of the family, or more than one, describes it at every (n, T).
    """
    fits = [
        text for text in family if all(at == _indices(symbols, (*fixed, text), shape) for shape, at in observed.items())
    ]
    if len(fits) != 1:
        raise CheckError(f"expected one range of {listed(symbols)} to describe what holds, but {len(fits)} do")
    return fits[0]


def points(observed: Observed, universe: Observed) -> list[str]:
    """The fewest single times that make up what was observed within a universe, for every (n, T).

    Parameters
    ----------
    observed, universe
        The times, for each (n, T).

    Raises
    ------
    CheckError
        If no choice of so many single times makes it up, or more than one does.
    """

    def make_up(texts: tuple[str, ...], shape: Shape) -> set[tuple[int, ...]]:
        return universe[shape] & set().union(*(times_where(text, shape) for text in texts))

    for count in range(len(_POINTS) + 1):
        fits = [
            texts
            for texts in combinations(_POINTS, count)
            if all(at == make_up(texts, shape) for shape, at in observed.items())
        ]
        if fits:
            break
    if len(fits) != 1:
        raise CheckError(f"expected one choice of single times to make up what is left, but {len(fits)} do")
    return list(fits[0])


def _indices(symbols: tuple[str, ...], conditions: Iterable[str], shape: Shape) -> set[tuple[int, ...]]:
    return set(indices_where(symbols, tuple(map(Condition.parse, conditions)), *shape))


def times_where(text: str, shape: Shape) -> set[tuple[int, ...]]:
    """The times of 1..T that a condition admits, for one (n, T)."""
    return _indices(("t",), (EVERY_TIME, text), shape)


def mentions(condition: Condition, symbol: str) -> bool:
    """Whether a symbol occurs in a condition."""
    return any(part == symbol for term in condition.terms for _, part in term.parts)


def listed(words: Iterable[object]) -> str:
    """The words as "a, b and c"; "none"."""
    *first, last = [str(word) for word in words] or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def listed_equations(numbers: Iterable[int]) -> str:
    """The equations as "(6), (7) and (26)"; "none"."""
    return listed(f"({number})" for number in sorted(numbers))


def listed_lines(lines: Lines) -> str:
    """The lines as "lines 2 and 3 of (6), (26)", without lines where the equation has but one."""

    def text(number: int) -> str:
        if len(equation(number).printed.lines) == 1:
            return f"({number})"
        return f"line{'s' if lines[number][1:] else ''} {listed(lines[number])} of ({number})"

    return listed(text(number) for number in sorted(lines))


def what_fails(lines: Lines, nothing: str) -> str:
    """The lines as the subject and verb of a sentence, "(26) and (42) fail"; `nothing` where there are none."""
    one = sum(map(len, lines.values())) == 1
    return f"{listed_lines(lines)} fail{'s' if one else ''}" if lines else nothing


def keyed(found: Mapping[int, Any]) -> dict[str, Any]:
    """With text for keys, as in JSON."""
    return {str(key): value for key, value in sorted(found.items())}
