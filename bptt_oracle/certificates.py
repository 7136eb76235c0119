"""Certificates: names of instances that decided a verdict, each repeatable by itself.

A certificate reads ``field:n=3,T=4,d=2.3.1.4,seed=7`` or ``balls:...``: an exact arithmetic and a description.
"""

from __future__ import annotations

from .arithmetic.errors import RefusalError
from .checking import Tally
from .evidence import ball_evidence, field_evidence
from .instances import Description, DescriptionError

_JOBS = {"field": field_evidence, "balls": ball_evidence}


def repeat(certificate: str) -> tuple[str, bool]:
    """Run one instance again.

    Returns
    -------
    What was found, as text; and whether every equation agrees in its right reading.

    Raises
    ------
    DescriptionError
        If the certificate cannot be read.
    RefusalError
        If the instance decides nothing: a division by zero, enclosures too wide.
    """
    world, separator, text = certificate.partition(":")
    if not separator or world not in _JOBS:
        raise DescriptionError(
            f"expected a certificate such as field:n=2,T=3,d=1.2.3,seed=0, or balls:..., but got {certificate!r}"
        )
    gathered = _JOBS[world](Description.parse(text))
    if gathered.undecided:
        raise RefusalError(f"{certificate} decides nothing: a divisor is zero, or enclosures are too wide")
    total = {"printed": Tally(), "corrected": Tally()}
    wrong: list[str] = []
    corrected = {key.number for key in gathered.tallies if key.variant == "corrected"}
    agrees = True
    for key, tally in gathered.tallies.items():
        total[key.variant].add(tally)
        if tally.failed:
            wrong.append(
                f"({key.number}) line {key.line}, {key.variant}, {key.mode}: {tally.failed} of {tally.comparisons}"
            )
            agrees &= key.variant == "printed" and key.number in corrected
    lines = [
        f"{certificate}",
        *(f"{name}: {tally.comparisons} comparisons, {tally.failed} fail" for name, tally in total.items()),
    ]
    return "\n".join([*lines, *sorted(set(wrong))]), agrees
