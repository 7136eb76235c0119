"""Small parts of drawings: elements, and axes from numbers to places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from markupsafe import Markup, escape


def tag(name: str, *children: Any, **attributes: Any) -> Markup:
    """An element; names of attributes with `_` for `-`, and `class_`; numbers are rounded to hundredths."""
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), number(value) if _is_number(value) else value)
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(name, given, inside)


def number(value: float) -> str:
    """A number of a drawing, to hundredths."""
    rounded = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if rounded == "-0" else rounded


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Axis:
    """A scale from numbers to places.

    Attributes
    ----------
    low, high : the numbers at its ends
    start, end : their places
    log : whether equal distances are equal ratios
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a number; of one beyond an end, the end."""
        inside = min(max(value, self.low), self.high)
        low, high = (log10(self.low), log10(self.high)) if self.log else (self.low, self.high)
        share = ((log10(inside) if self.log else inside) - low) / (high - low)
        return self.start + share * (self.end - self.start)


def decades(low: float, high: float) -> list[float]:
    """The powers of ten from `low` to `high`, both powers of ten themselves."""
    return [10.0**k for k in range(round(log10(low)), round(log10(high)) + 1)]


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power(value: float) -> str:
    """A power of ten as a label: 0.1, 1, 10, 100, and beyond that with an exponent."""
    exponent = round(log10(value))
    return number(value) if -2 < exponent < 3 else f"10{str(exponent).translate(_RAISED)}"


def text(x: float, y: float, content: Any, anchor: str = "middle", **attributes: Any) -> Markup:
    """A label."""
    return tag("text", content, x=x, y=y, text_anchor=anchor, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A line through points."""
    return tag("polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y in points), class_=class_)


def mark(x: float, y: float, shape: str, class_: str, size: float = 3) -> Markup:
    """A mark of a series: "disc", "ring", "diamond" or "square"."""
    if shape in ("disc", "ring"):
        return tag("circle", cx=x, cy=y, r=size, class_=f"{class_} {shape}")
    if shape == "square":
        return tag("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, class_=class_)
    far = 1.3 * size
    corners = [(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
    return tag("polygon", points=" ".join(f"{number(a)},{number(b)}" for a, b in corners), class_=class_)


def drawing(name: str, width: float, height: float, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    """A drawing with its text alternative; it takes the width that it is given."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        *parts,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_=name,
    )
