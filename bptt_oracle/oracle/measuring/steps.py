"""Sets of time steps, as they would be written for any length: t = 3, t < T, every second step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Steps:
    """Some of the steps 1..T.

    A step is a number from 1 on, or counted from the end: 0 is T, -1 is T - 1.

    Attributes
    ----------
    kind : "range" (first, last), "class" (m, r: t = r modulo m, or T - t if `from_end`) or "listed"
    numbers : as the kind says
    from_end : for a class, whether it is counted from the end
    """

    kind: str
    numbers: tuple[int, ...]
    from_end: bool = False

    def at(self, T: int) -> frozenset[int]:
        """The steps in a network of T steps."""
        every = range(1, T + 1)
        if self.kind == "class":
            m, r = self.numbers
            return frozenset(t for t in every if ((T - t) if self.from_end else t) % m == r)
        placed = [place(number, T) for number in self.numbers]
        if self.kind == "listed":
            return frozenset(placed) & frozenset(every)
        first, last = placed
        return frozenset(t for t in every if first <= t <= last)

    def text(self, letter: str = "t") -> str:
        """As a condition: "t = 3", "t < T", "t = 2, 4, 6, ...", "every t"."""
        if self.kind == "listed":
            return f"{letter} = {', '.join(map(step, self.numbers))}"
        if self.kind == "class":
            m, r = self.numbers
            if self.from_end:
                return f"{letter} = {step(-r)}, {step(-r - m)}, {step(-r - 2 * m)}, ..."
            return f"{letter} = {r or m}, {(r or m) + m}, {(r or m) + 2 * m}, ..."
        first, last = self.numbers
        if first == last:
            return f"{letter} = {step(first)}"
        if (first, last) == (1, 0):
            return f"every {letter}"
        low = "" if first == 1 else f"{step(first - 1)} < " if first > 1 else f"{step(first)} <= "
        high = "" if last == 0 else f" < {step(last + 1)}" if last < 0 else f" <= {step(last)}"
        if not high:
            return f"{letter} > {step(first - 1)}" if first > 1 else f"{letter} >= {step(first)}"
        return f"{low}{letter}{high}"


EVERY = Steps("range", (1, 0))


def place(number: int, T: int) -> int:
    """The step that a number counted from the start, or from the end, is in a network of T steps."""
    return number if number > 0 else T + number


def step(number: int) -> str:
    """The text of a step: "3", "T", "T-1"."""
    return str(number) if number > 0 else f"T{number or ''}"


def names_of(t: int, T: int) -> tuple[int, int]:
    """The two numbers of a step: from the start, and from the end."""
    return t, t - T


def forms(steps: Collection[int], T: int) -> list[Steps]:
    """All that a set of steps, seen in a network of T steps, can be in any network; the likeliest first."""
    seen = sorted(steps)
    if not seen:
        return []
    first, last = seen[0], seen[-1]
    if len(seen) == T:
        return [EVERY]
    found: list[Steps] = []
    if len(seen) == last - first + 1:
        for low in names_of(first, T):
            found += [Steps("range", (low, high)) for high in names_of(last, T)]
        if first == 1:  # from the start to a step; never "from T - 5 on", which may be before the start
            found = [each for each in found if each.numbers[0] == 1]
        if last == T:
            found = [each for each in found if each.numbers[1] == 0]
        if first == last:
            found = [each for each in found if (each.numbers[0] > 0) == (each.numbers[1] > 0)] or found
        return sorted(found, key=_likelihood)
    found += [each for each in classes(T) if each.at(T) == set(seen)]
    found.append(Steps("listed", tuple(seen)))
    found.append(Steps("listed", tuple(t - T for t in seen)))
    return found


def classes(T: int) -> list[Steps]:
    """Every m-th step, from the start and from the end, for each m of which T steps hold two periods."""
    periods = [(m, r) for m in range(2, T // 2 + 1) for r in range(m)]
    return [Steps("class", (m, r), from_end) for m, r in periods for from_end in (False, True)]


def _likelihood(steps: Steps) -> int:
    """How far its ends are from the ends 1 and T: the nearer, the likelier it is meant."""
    return sum(min(abs(number - 1), abs(number)) if number > 0 else abs(number) for number in steps.numbers)
