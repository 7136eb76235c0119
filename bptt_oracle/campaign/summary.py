"""The report of a campaign: what its instances found, the same bytes for the same plan, however often it stopped.

There is nothing in it that belongs to one run: no time, no rate, no machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import floor
from typing import Any

from ..environment import environment
from ..report.files import as_json
from .found import Found
from .plan import SIZES, Plan
from .running import State

SCHEMA = "bptt-oracle campaign 1"

_OF_PADDED = (
    "Of `padded` the largest error / bound may be near 1 without being alarming: it is in units of a lower limit of "
    "the bound, which costs less, and only what exceeds that is held against the bound itself."
)


def as_data(plan: Plan, state: State) -> dict[str, Any]:
    """The report as data."""
    total = Found()
    for name in plan.arithmetics:
        total.add(state.found.get(name, Found()))
    return {
        "schema": SCHEMA,
        "plan": plan.as_data(),
        "versions": environment(),
        "instances": total.instances,
        "outcomes": {name: total.outcomes[name] for name in ("verified", "undecided", "failed")},
        "comparisons": total.comparisons,
        "arithmetics": {
            name: state.found[name].as_data() | {"failures": len(state.found[name].failures)}
            for name in plan.arithmetics
            if name in state.found
        },
        "failures": [
            {
                "number": failure.number,
                "certificate": failure.certificate,
                "why": failure.why,
                "repeat": repeating(failure.certificate),
                "shrunk": failure.shrunk and repeating(failure.shrunk),
            }
            for failure in total.failures
        ],
    }


def repeating(certificate: str) -> str:
    """The command that repeats one instance."""
    return f"bptt-oracle campaign --repeat {certificate}"


def text_json(data: Mapping[str, Any]) -> str:
    """The report as JSON."""
    return as_json(data)


def markdown(data: Mapping[str, Any]) -> str:
    """The report to read."""
    outcomes, plan = data["outcomes"], data["plan"]
    lines = [
        "# Campaign",
        "",
        f"{data['instances']:,} instances from seed {plan['seed']}: {outcomes['verified']:,} verified, "
        f"{outcomes['undecided']:,} undecided, {outcomes['failed']:,} failed; {data['comparisons']:,} numbers "
        "compared.",
        "",
        "| arithmetic | instances | verified | undecided | failed | numbers | shapes (n, T) | largest error / bound |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name, found in data["arithmetics"].items():
        counts = Counter(found["outcomes"])
        largest = ", ".join(f"{_down(share)} ({side})" for side, share in found["largest"].items()) or "exact"
        lines.append(
            f"| {name} | {counts.total():,} | {counts['verified']:,} | {counts['undecided']:,} | "
            f"{counts['failed']:,} | {found['comparisons']:,} | {len(found['shapes'])} | {largest} |"
        )
    if "padded" in data["arithmetics"]:
        lines += ["", _OF_PADDED]
    lines += ["", *_covered(data), *_unreached(plan, data["arithmetics"])]
    digits = {name: counts for found in data["arithmetics"].values() for name, counts in found["digits"].items()}
    if digits:
        lines += ["", *_digits(digits)]
    if data["failures"]:
        lines += ["", *_failures(data)]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return "\n".join([*lines, "", f"Under test: `{plan['gradient']}`. Made with {versions}.", ""])


def _down(share: float) -> str:
    """A share to three digits, rounded down: what is below 1 does not look like 1."""
    return f"{floor(share * 1000) / 1000:.3f}"


def _unreached(plan: Mapping[str, Any], reached: Mapping[str, Any]) -> list[str]:
    """Which arithmetics no block was of, and why."""
    left = [name for name in plan["arithmetics"] if name not in reached]
    if not left:
        return []
    *before, _ = (SIZES[name] for name in plan["arithmetics"])
    blocks = ", ".join(f"{SIZES[name]:,} ({name})" for name in plan["arithmetics"])
    return [
        "",
        f"Not reached: {', '.join(left)}. Blocks of instances go round the arithmetics, {blocks}; from "
        f"{sum(before) + 1:,} instances on all of them are reached, and `--arithmetic` chooses among them.",
    ]


def _covered(data: Mapping[str, Any]) -> list[str]:
    """Which shapes were met, of all instances."""
    shapes, activations, widths = Counter[str](), Counter[str](), Counter[str]()
    for found in data["arithmetics"].values():
        shapes += Counter(found["shapes"])
        activations += Counter(found["activations"])
        widths += Counter(found["widths"])
    possible = data["plan"]["depth"] * data["plan"]["steps"]
    return [
        f"Shapes: {len(shapes)} of the {possible} pairs of n and T, widths "
        f"{min(map(int, widths))} to {max(map(int, widths))}; f: "
        + ", ".join(f"{name} {activations[name]:,}" for name in sorted(activations))
        + ".",
    ]


def _digits(digits: Mapping[str, Mapping[str, int]]) -> list[str]:
    """JAX's digits by platform and setting."""
    lines = [
        "| JAX on | sequences side by side | format | matmul precision | networks | digits, least | median |",
        "|---|--:|---|---|--:|--:|--:|",
    ]
    for name, counts in digits.items():
        platform, copies, format, setting = name.rsplit(", ", 3)
        tenths = sorted(Counter({int(key): count for key, count in counts.items()}).elements())
        lines.append(
            f"| {platform} | {copies} | {format} | {setting} | {len(tenths):,} | {tenths[0] / 10:.1f} | "
            f"{tenths[len(tenths) // 2] / 10:.1f} |"
        )
    if all(name.startswith("cpu,") for name in digits):
        lines += ["", "JAX found no accelerator: these are a CPU's digits, which no setting changes."]
    return lines


def _failures(data: Mapping[str, Any]) -> list[str]:
    listed, failed = data["failures"], data["outcomes"]["failed"]
    lines = [f"## {failed:,} failed" + (f", the first {len(listed)}" if len(listed) < failed else ""), ""]
    for failure in listed:
        lines += [f"* number {failure['number']}: {failure['why']}", f"  `{failure['repeat']}`"]
        if failure["shrunk"]:
            lines.append(f"  smallest: `{failure['shrunk']}`")
    return lines
