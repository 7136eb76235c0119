"""A claim with its verdict, and the checks that decide claims, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .bench import Bench

Verdict = Literal["holds", "holds in part", "incomplete", "undefined", "fails", "unverified"]
Found = tuple[Verdict, str, dict[str, Any]]
"""What a check gives: the verdict, the finding and the evidence of a `Claim`."""

Check = Callable[["Bench"], Found]


class CheckError(ValueError):
    """A check decides nothing: its control fails, or no candidate describes what it observed."""


@dataclass(frozen=True)
class Claim:
    """One claim of the document, decided.

    Attributes
    ----------
    slug, section
        Its name here, and where it stands.
    quote
        The document's words.
    verdict
        "holds"; "holds in part": for some of what it speaks of; "incomplete": true, but not all that it needs or
        covers is stated; "undefined": it uses what nothing defines; "fails"; "unverified".
    finding
        A sentence for a reader, its numbers computed.
    evidence
        Instances, seed and counts, JSON-able.
    """

    slug: str
    section: str
    quote: str
    verdict: Verdict
    finding: str
    evidence: dict[str, Any]


class Checks(dict[str, tuple[str, str, Check]]):
    """Section, quote and check of each claim by its slug, in the order of the document."""

    def add(self, slug: str, section: str, quote: str) -> Callable[[Check], Check]:
        """Register the function that follows as the check of a claim."""

        def register(check: Check) -> Check:
            self[slug] = (section, quote, check)
            return check

        return register
