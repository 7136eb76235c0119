"""Certificates: names of instances that decided a verdict, each repeatable by itself.

A certificate reads ``field:n=3,T=4,d=2.3.1.4,seed=7`` or ``balls:...``: an exact arithmetic and a description.
"""

from __future__ import annotations

from .arithmetic.errors import RefusalError
from .checking import Key, Tallies, Tally
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
    for key, tally in gathered.tallies.items():
        total[key.variant].add(tally)
    lines = [
        f"{certificate}",
        *(f"{name}: {tally.comparisons} comparisons, {tally.failed} fail" for name, tally in total.items()),
    ]
    wrong = {_line(key, tally) for key, tally in gathered.tallies.items() if tally.failed}
    return "\n".join([*lines, *sorted(wrong)]), not disagreements(gathered.tallies)


def disagreements(tallies: Tallies) -> list[str]:
    """What fails of the equations' right readings: the corrected one, where there is one."""
    corrected = {key.number for key in tallies if key.variant == "corrected"}
    return [
        _line(key, tally)
        for key, tally in tallies.items()
        if tally.failed and not (key.variant == "printed" and key.number in corrected)
    ]


def _line(key: Key, tally: Tally) -> str:
    return f"({key.number}) line {key.line}, {key.variant}, {key.mode}: {tally.failed} of {tally.comparisons}"
