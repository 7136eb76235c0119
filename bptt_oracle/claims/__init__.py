"""What the document claims in prose, or leaves open: each claim with a verdict that running code gives.

The checks compute in GF(2^61 - 1), where f, f', exp and log are random oracles. What holds and what fails for
another g than softmax is confirmed over balls, with the real exp and log. A check that cannot run, or that
decides nothing, gives the verdict "unverified" with the reason.
"""

from __future__ import annotations

from . import section_3, section_4_gamma, section_4_sums, sections_1_2
from .bench import Bench
from .registry import CheckError, Claim, Verdict

__all__ = ["CheckError", "Claim", "Verdict", "claim", "claims", "claims_about"]

_CHECKS = sections_1_2.CHECKS | section_3.CHECKS | section_4_sums.CHECKS | section_4_gamma.CHECKS
"""All checks, in the order of the document."""


def claims(seed: int = 2016) -> list[Claim]:
    """All claims, decided, in the order of the document.

    Parameters
    ----------
    seed
        Of all instances; the same seed gives the same on every machine.
    """
    bench = Bench(seed)
    return [_decided(slug, bench) for slug in _CHECKS]


def claim(slug: str, seed: int = 2016) -> Claim:
    """One claim, decided.

    Parameters
    ----------
    slug
        Its name.
    seed
        As for `claims`.

    Raises
    ------
    KeyError
        If there is no claim of that name.
    """
    return _decided(slug, Bench(seed))


def claims_about(number: int, seed: int = 2016) -> list[Claim]:
    """The claims about the range of one equation, and about what it asks for and nothing defines.

    Parameters
    ----------
    number
        Of the equation.
    seed
        As for `claims`.
    """
    bench = Bench(seed)
    ranges = {f"range-{number}"} & _CHECKS.keys()
    found = [_decided(slug, bench) for slug in ("initial-state", "delta-before-t", *ranges)]
    return [each for each in found if number in (each.evidence.get("equation"), *each.evidence.get("asking", ()))]


def _decided(slug: str, bench: Bench) -> Claim:
    section, quote, check = _CHECKS[slug]
    try:
        return Claim(slug, section, quote, *check(bench))
    except CheckError as error:
        reason = f"The check decides nothing: {error}."
    except Exception as error:
        reason = f"The check could not run: {type(error).__name__}: {error}."
    return Claim(slug, section, quote, "unverified", reason, {"seed": bench.seed})
