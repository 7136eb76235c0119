"""What is worth reading after a run: mutants that were accepted, misnamed or not named, with their diffs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .mutation import Judged, mutants

_KINDS: tuple[tuple[str, Callable[[Judged], bool]], ...] = (
    ("Accepted, and not proved equivalent", lambda each: each.outcome == "accepted" and not each.other),
    ("Accepted as right under other conventions", lambda each: each.outcome == "accepted" and each.other),
    ("Named, and refuted on networks that were not seen", lambda each: each.claim == "refuted"),
    ("Measured, and the equation is not that of the line", lambda each: each.claim == "suspect"),
    ("Wrong, and no word on why", lambda each: each.outcome == "unexplained"),
    ("Only a finding of the contract", lambda each: each.outcome == "contract"),
    ("Located, not named", lambda each: each.outcome == "located"),
    ("Measured", lambda each: each.outcome == "measured" and each.claim != "suspect"),
)


def findings(found: Sequence[Judged]) -> str:
    """A text, the gravest first; each function is shown once, with what the oracle said about it."""
    wrong = [each for each in found if each.population == "wrong"]
    rejected = [each for each in found if each.population == "equivalent" and each.outcome != "accepted"]
    lines = ["# What the oracle did not name", ""]
    for title, is_of in _KINDS:
        lines += _section(title, [each for each in wrong if is_of(each)])
    lines += _section("Equivalent over the field, but rejected", rejected)
    return "\n".join(lines) + "\n"


def _section(title: str, members: Sequence[Judged]) -> list[str]:
    shown: dict[tuple[str, str], Judged] = {}
    for each in members:
        shown.setdefault((each.id.rpartition(":")[0] if each.digest == "" else each.digest, each.part), each)
    lines = [f"## {title}: {len(members)} mutants, {len(shown)} different ones", ""]
    for each in shown.values():
        diff = mutants(each.program, each.part)[each.id].diff()
        lines += [f"### {each.id}, up to {each.hidden} hidden ({each.part})", "", diff, "", each.text, ""]
    return lines
