"""How measured numbers are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def figures(value: float, digits: int = 3) -> str:
    """A number with so many digits that count, thousands apart, and no exponent."""
    if value == 0:
        return "0"
    whole = f"{value:.{digits - 1}e}"
    exponent = int(whole.partition("e")[2])
    return f"{float(whole):,.{max(0, digits - 1 - exponent)}f}"


def seconds(value: float) -> str:
    """A time in the largest unit of which it is one or more."""
    size, unit = next((each for each in _UNITS if value >= each[0]), _UNITS[-1])
    return f"{figures(value / size)} {unit}"


def timed(found: Mapping[str, Any] | str) -> str:
    """The median of times with its quartiles; or why there are none."""
    if isinstance(found, str):
        return found
    if found["count"] == 1:
        return f"{seconds(found['median'])} (once)"
    size, unit = next((each for each in _UNITS if found["median"] >= each[0]), _UNITS[-1])
    middle, lower, upper = (figures(found[name] / size) for name in ("median", "lower", "upper"))
    return f"{middle} {unit} ({lower} to {upper})"


def spread(found: Mapping[str, Any]) -> str:
    """A median with its quartiles."""
    middle, lower, upper = (figures(found[name]) for name in ("median", "lower", "upper"))
    return middle if found["count"] == 1 else f"{middle} ({lower} to {upper})"


def size_of(found: Mapping[str, Any]) -> str:
    """A size."""
    return (
        f"{found['layers']} hidden of {found['width']}, T = {found['T']}, B = {found['B']}, "
        f"|V| = {found['classes']:,}, {found['dtype']}"
    )
