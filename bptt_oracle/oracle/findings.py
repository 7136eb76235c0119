"""What is not as it has to be, beside a gradient outside its bounds; and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .answers import Failure
from .mistakes import mistake
from .result import Mistake


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it has to be.

    Attributes
    ----------
    slug : its name in the catalogue
    message : what was seen, in a phrase that follows the catalogue's sentence and a colon
    networks : on which networks, as text
    detail : a traceback
    """

    slug: str
    message: str = ""
    networks: tuple[str, ...] = ()
    detail: str = ""

    @classmethod
    def of(cls, failure: Failure, network: str) -> Finding:
        """The finding that f gave no answer about a network."""
        return cls(failure.slug, failure.message, (network,), failure.detail)

    def told(self) -> Mistake:
        """The finding in the words of the catalogue."""
        found = mistake(self.slug, where=_on(self.networks), certainty="seen", detail=self.detail)
        return replace(found, message=f"{found.message.removesuffix('.')}: {self.message}") if self.message else found


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, those of one kind in one: the first, on all their networks."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.slug, []).append(finding)
    return [
        replace(kind[0], networks=tuple(dict.fromkeys(network for finding in kind for network in finding.networks)))
        for kind in kinds.values()
    ]


def listed(names: Iterable[str]) -> str:
    """Names in one phrase: "J, dJ/dH^(1) and dJ/dW^(1)"."""
    *most, last = list(names) or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def gradients(names: Iterable[str]) -> str:
    """Names of gradients in one phrase, J first."""
    return listed(sorted(set(names), key=lambda name: (name != "J", name)))


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with six digits, or as many as it takes to tell them apart."""
    texts = ((f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in range(6, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (repr(one), repr(other)))


def _on(networks: Sequence[str]) -> str:
    if len(networks) == 1:
        return f"network {networks[0]}"
    return f"networks {listed(name.split(' (')[0] for name in networks)}" if networks else ""
