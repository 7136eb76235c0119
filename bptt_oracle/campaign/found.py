"""What instances say, added up: counters that stay as small however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..instances import Description

Outcome = Literal["verified", "undecided", "failed"]

KEPT = 20
"""How many failures are kept, those of the least numbers; the others are counted."""


@dataclass(frozen=True)
class Judgement:
    """What one instance says.

    Attributes
    ----------
    outcome : whether it verifies the gradients; "undecided" where nothing is proved either way
    comparisons : how many numbers were compared
    shares : the largest error in units of its bound, by side
    why : what is wrong, or undecided
    digits : how many digits JAX's gradients have, in tenths, by platform, format and setting
    """

    outcome: Outcome
    comparisons: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    digits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """An instance that failed.

    Attributes
    ----------
    number : of the instance
    certificate : names it
    why : what is wrong
    shrunk : names the smallest instance that was found to fail likewise; empty if none was looked for
    """

    number: int
    certificate: str
    why: str
    shrunk: str = ""


@dataclass
class Found:
    """What a number of instances of one arithmetic say. `add` may be called in any order.

    Attributes
    ----------
    outcomes : instances by outcome
    comparisons : how many numbers were compared
    shapes : instances by depth and length, as "n,T"
    widths : layers by their width
    activations : instances by f
    largest : the largest error in units of its bound, by side
    digits : instances by platform, format, setting and tenths of digits
    failures : those of the least numbers
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    comparisons: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    widths: Counter[str] = field(default_factory=Counter)
    activations: Counter[str] = field(default_factory=Counter)
    largest: dict[str, float] = field(default_factory=dict)
    digits: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def instances(self) -> int:
        """How many there were."""
        return self.outcomes.total()

    def count(self, description: Description, judgement: Judgement) -> None:
        """Add one instance, except for its failure."""
        self.outcomes[judgement.outcome] += 1
        self.comparisons += judgement.comparisons
        self.shapes[f"{description.n},{description.T}"] += 1
        for width in description.d:
            self.widths[str(width)] += 1
        self.activations[description.f] += 1
        if judgement.outcome == "verified":
            self._stretch(judgement.shares)
        for name, tenths in judgement.digits.items():
            self.digits.setdefault(name, Counter())[str(tenths)] += 1

    def add(self, other: Found) -> None:
        """Add what other instances say."""
        self.outcomes += other.outcomes
        self.comparisons += other.comparisons
        self.shapes += other.shapes
        self.widths += other.widths
        self.activations += other.activations
        self._stretch(other.largest)
        for name, counts in other.digits.items():
            self.digits.setdefault(name, Counter()).update(counts)
        self.failures = sorted([*self.failures, *other.failures], key=lambda failure: failure.number)[:KEPT]

    def _stretch(self, shares: Mapping[str, float]) -> None:
        for side, share in shares.items():
            self.largest[side] = max(self.largest.get(side, 0.0), share)

    def as_data(self) -> dict[str, Any]:
        """The same as JSON has it, in an order of its own."""
        return {
            "outcomes": _ordered(self.outcomes),
            "comparisons": self.comparisons,
            "shapes": _ordered(self.shapes),
            "widths": _ordered(self.widths),
            "activations": _ordered(self.activations),
            "largest": dict(sorted(self.largest.items())),
            "digits": {name: _ordered(counts) for name, counts in sorted(self.digits.items())},
            "failures": [asdict(failure) for failure in self.failures],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Found:
        """What `as_data` gave."""
        return cls(
            outcomes=Counter(data["outcomes"]),
            comparisons=data["comparisons"],
            shapes=Counter(data["shapes"]),
            widths=Counter(data["widths"]),
            activations=Counter(data["activations"]),
            largest=dict(data["largest"]),
            digits={name: Counter(counts) for name, counts in data["digits"].items()},
            failures=[Failure(**failure) for failure in data["failures"]],
        )


@dataclass(frozen=True)
class Done:
    """A block that is done.

    Attributes
    ----------
    number : of the block
    arithmetic : of its instances
    found : what they say
    versions : of the packages that it was done with
    seconds : of processor time; 0 for the first block of an arithmetic that a process does, which compiles and imports
    alone : how many of them drawing and the implementation under test took by themselves
    """

    number: int
    arithmetic: str
    found: Found
    versions: dict[str, str]
    seconds: float = 0.0
    alone: float = 0.0


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts, ordered by the numbers in their keys, if there are any."""

    def key(name: str) -> tuple[list[int], str]:
        parts = name.split(",")
        return ([int(part) for part in parts] if all(part.isdigit() for part in parts) else [], name)

    return {name: counts[name] for name in sorted(counts, key=key)}
