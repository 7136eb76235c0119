"""Equations that hold where they are printed, but whose printed range leaves out steps at which they hold too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MARK = "†"


@dataclass(frozen=True)
class Gap:
    """What a printed range leaves out.

    Attributes
    ----------
    number : of the equation
    printed, holds_on : the range as printed, and the one on which the equation holds
    left_out : the single times that the print leaves out
    slug : of the claim that found it
    """

    number: int
    printed: str
    holds_on: str
    left_out: tuple[str, ...]
    slug: str

    @property
    def sentence(self) -> str:
        """In words, with the markup of `notation`."""
        times = " and ".join(self.left_out)
        return (
            f"({self.number}) holds where it is printed, for {self.printed}; but that leaves out {times}, where it "
            "holds as well and is needed."
        )


def gaps(data: Mapping[str, Any]) -> dict[int, Gap]:
    """The gaps by equation, from the claims about ranges; a misprint's range is its misprint, and no gap."""
    verdicts = {entry["number"]: entry["verdict"] for entry in data["equations"]}
    found = (_gap(claim) for claim in data["claims"] if claim["evidence"].get("left_out"))
    return {gap.number: gap for gap in found if verdicts[gap.number] in ("holds", "definition")}


def _gap(claim: Mapping[str, Any]) -> Gap:
    evidence = claim["evidence"]
    return Gap(
        evidence["equation"], evidence["printed"], evidence["holds_on"], tuple(evidence["left_out"]), claim["slug"]
    )


def counted(found: Iterable[int]) -> str:
    """The equations with a gap, as a remark to a count: "1 of them, (37), for a range that leaves out steps"."""
    numbers = [f"({number})" for number in found]
    return f"{len(numbers)} of them, {' and '.join(numbers)}, for a range that leaves out steps" if numbers else ""
