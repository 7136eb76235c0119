"""A verdict as plain text that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from textwrap import indent, wrap
from typing import Any

from .conventions import Conventions
from .result import Discrepancy, Mistake, Result

WIDTH = 100
SHOWN = 4
"""How many discrepancies are shown; the result holds them all."""

_SOURCES = {
    "manual": "the one-pass backprop of section 4, whose equations this project verifies",
    "jax": "what JAX derives from the forward pass",
}


def text(result: Result) -> str:
    """The verdict first, then each mistake, the discrepancies, and what was asked, how, and how to ask it again."""
    count = len(result.asked)
    networks = f"{count} network{'' if count == 1 else 's'}"
    verdict = "right" if result.ok else "WRONG"
    lines = [f"{verdict}: {result.name}, asked about {networks}" if count else f"{verdict}: {result.name}"]
    for number, mistake in enumerate(result.mistakes, start=1):
        lines += ["", *_mistake(number, mistake)]
    if result.discrepancies:
        lines += ["", *_discrepancies(result)]
    lines.append("")
    for remark in result.remarks:
        lines += _item("remark:", remark)
    for limit in result.limits:
        lines += _item("limit:", limit)
    lines += _item("conventions:" if count else "asked with:", _conventions(result))
    lines += _item("held against:", _SOURCES.get(result.truth, result.truth))
    lines += _item("again:", result.again or call(result))
    return "\n".join(lines)


def line(discrepancy: Discrepancy) -> str:
    """One discrepancy in one line, without its network."""
    at = discrepancy
    entry = f" at {list(at.entry)}" if at.entry else ""
    return (
        f"{at.tensor}: {at.outside} of {at.size} outside the bound; the worst{entry}: yours {at.yours!r}, "
        f"right {at.truth!r}, difference {at.difference:.3g}, bound {at.bound:.3g}"
    )


def _mistake(number: int, mistake: Mistake) -> Iterator[str]:
    yield from _paragraph(f"{number}. ", f"{mistake.message} [{mistake.slug}]")
    last = "" if mistake.last_equation is None else f"-({mistake.last_equation})"
    first = mistake.equation
    equation = "" if first is None else f"({first}){last}; see: bptt-oracle explain {first}"
    for label, value in (
        ("where:", mistake.where),
        ("equation:", equation),
        ("looks like:", mistake.looks_like),
        ("instead:", mistake.remedy),
        ("how sure:", mistake.certainty),
        ("or:", ", ".join(mistake.alternatives)),
    ):
        if value:
            yield from _item(label, value, margin="   ")
    if mistake.detail:
        yield indent(mistake.detail, "   | ", lambda _: True)


def _discrepancies(result: Result) -> Iterator[str]:
    found = result.discrepancies
    yield f"outside the bounds, the largest first, entries counted from 0 ({len(found)} in all):"
    for each in found[:SHOWN]:
        yield from _paragraph("   ", f"{each.probe}: {line(each)}")
    if len(found) > SHOWN:
        yield f"   and {len(found) - SHOWN} more"


def _conventions(result: Result) -> str:
    if not result.asked:
        return str(result.conventions)
    declared = [field.name for field in fields(Conventions) if field.name in result.declared]
    if not declared:
        return f"{result.conventions}; all of it found out"
    if len(declared) == len(fields(Conventions)):
        return f"{result.conventions}; as declared"
    return f"{result.conventions}; declared: {', '.join(declared)}; the rest found out"


def call(result: Result, **others: Any) -> str:
    """The call that repeats this one, but for what cannot be written down; with other options that were given."""
    options = [f"seed={result.seed}"]
    options += [f"truth={result.truth!r}"] if result.truth != "manual" else []
    options += [f"{name}={value!r}" for name, value in others.items()]
    for name in (field.name for field in fields(Conventions) if field.name in result.declared):
        value: Any = getattr(result.conventions, name)
        options.append(f"{name}={value!r}" if isinstance(value, str | int) else f"{name}=...")
    return f"bptt_oracle.check({result.name}, {', '.join(options)})"


def _item(label: str, value: str, margin: str = "") -> list[str]:
    return _paragraph(f"{margin}{label:<13} ", value)


def _paragraph(start: str, value: str) -> list[str]:
    """Lines of a value that may have several, folded where they are too long, the first after `start`."""
    rest = " " * len(start)
    lines: list[str] = []
    for each in value.splitlines() or [""]:
        lines += wrap(
            each, WIDTH, initial_indent=rest if lines else start, subsequent_indent=rest, break_long_words=False,
            break_on_hyphens=False, replace_whitespace=False,
        ) or [rest]  # fmt: skip
    return lines
