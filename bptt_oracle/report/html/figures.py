"""The plots of the page, drawn from the data alone; each with a caption and the numbers behind it as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import ceil, floor, log10
from statistics import median
from typing import Any

import numpy as np
from markupsafe import Markup

from .svg import Axis, decades, drawing, line, mark, number, polyline, power, tag, text

WIDTH = 400
SIDES = {"manual": "disc", "jax": "diamond"}
NAMES = {"manual": "by hand", "jax": "JAX"}


@dataclass(frozen=True)
class Table:
    """The numbers of a plot."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A plot.

    Attributes
    ----------
    name : its anchor
    title : what it shows
    drawing : SVG
    key : the marks that it uses and what they stand for
    table : the numbers
    """

    name: str
    title: str
    drawing: Markup
    key: tuple[tuple[Markup, str], ...]
    table: Table


def key(*entries: tuple[str, str, str]) -> tuple[tuple[Markup, str], ...]:
    """Samples of marks, by shape, class and meaning."""

    def sample(shape: str, class_: str) -> Markup:
        drawn = line(1, 7, 25, 7, class_) if shape == "line" else mark(13, 7, shape, class_, 4)
        return Markup('<svg viewBox="0 0 26 14" class="sample" aria-hidden="true">{}</svg>').format(drawn)

    return tuple((sample(shape, class_), meaning) for shape, class_, meaning in entries)


# ---------------------------------------------------------------------------------------------------- errors in ulps


def ulps(formats: Mapping[str, Any]) -> Figure | None:
    """Errors of both sides in every format: a mark for each equation; None where nothing was measured."""
    spread = {
        (name, side): [(e[side]["median_ulps"], e[side]["largest_ulps"]) for e in found.values() if _measured(e, side)]
        for name, found in formats.items()
        for side in SIDES
    }
    spread = {key: pairs for key, pairs in spread.items() if pairs}
    if not spread:
        return None
    largest = max(worst for pairs in spread.values() for _, worst in pairs)
    axis = Axis(0.1, 10.0 ** max(1, ceil(log10(largest))), 78, WIDTH - 12, log=True)
    parts, top = [], 26
    for name in dict.fromkeys(name for name, _ in spread):
        parts.append(text(0, top + 18, name, "start", class_="label"))
        for side, shape in SIDES.items():
            parts.append(line(axis.start, top, axis.end, top, "guide"))
            for place, (middle, worst) in enumerate(spread.get((name, side), [])):
                y = top + 2.4 * (place % 5 - 2)
                parts.append(mark(axis.at(worst), y, shape, f"{side} open", 2.2))
                parts.append(mark(axis.at(middle), y, shape, side, 2.2))
            top += 26
        top += 8
    parts = [*_ticks(axis, top - 8, "ulps"), *parts]
    worst_of = {key: max(worst for _, worst in pairs) for key, pairs in spread.items()}
    rows = tuple(
        (name, NAMES[side], number(median(middle for middle, _ in pairs)), number(worst_of[name, side]))
        for (name, side), pairs in spread.items()
    )
    title = "Errors by format, in units in the last place"
    return Figure(
        "plot-ulps",
        title,
        drawing(
            "plot-ulps", WIDTH, top + 26, title, f"Each of {len(spread)} rows has two marks for every equation.", parts
        ),
        key(
            ("disc", "manual", "by hand: median of an equation's entries"),
            ("disc", "manual open", "by hand: largest"),
            ("diamond", "jax", "JAX: median"),
            ("diamond", "jax open", "JAX: largest"),
        ),
        Table(("format", "side", "median of the medians", "largest"), rows),
    )


def _measured(equation: Mapping[str, Any], side: str) -> bool:
    return "median_ulps" in equation[side]


def _decades_around(values: Iterable[float]) -> tuple[float, float]:
    """The powers of ten below and above all values that are not zero; one decade at least."""
    positive = [log10(value) for value in values if value > 0] or [0.0]
    low = floor(min(positive))
    return 10.0**low, 10.0 ** max(low + 1, ceil(max(positive)))


def _ticks(axis: Axis, bottom: float, unit: str) -> Iterator[Markup]:
    """Vertical lines at the powers of ten, with labels below and the unit at the end."""
    for value in decades(axis.low, axis.high):
        yield line(axis.at(value), 12, axis.at(value), bottom, "grid")
        yield text(axis.at(value), bottom + 15, power(value), class_="tick")
    yield text(0, bottom + 15, unit, "start", class_="unit")


# ------------------------------------------------------------------------------------------------------------ growth


def growth(rows: Sequence[Mapping[str, Any]], along: str) -> Figure | None:
    """The error of the worst gradient as networks grow in length ("T") or in depth ("depth"); a panel a format."""
    ordinary = [row for row in rows if row["scale"] == "ordinary"]
    fixed, moving = ("n", "T") if along == "T" else ("T", "n")
    base = next((row[fixed] for row in ordinary if row["along"] == along), None)
    shown = [row for row in ordinary if row[fixed] == base]
    formats = list(dict.fromkeys(row["format"] for row in shown))
    values = sorted({row[moving] for row in shown})
    if len(values) < 2:
        return None
    low, high = _decades_around(row[what] for row in shown for what in ("error", "condition"))
    parts: list[Markup] = []
    for place, name in enumerate(formats):
        left, top = 30 + (place % 2) * 204, 22 + (place // 2) * 150
        x, y = Axis(values[0], values[-1], left + 10, left + 148, log=True), Axis(low, high, top + 100, top, log=True)
        parts.append(text(left, top - 7, name, "start", class_="label"))
        for value in decades(low, high):
            parts.append(line(left, y.at(value), left + 160, y.at(value), "grid"))
            parts.append(text(left - 5, y.at(value) + 4, power(value), "end", class_="tick"))
        parts += [text(x.at(value), top + 116, f"{moving} = {value}", class_="tick") for value in values]
        for side, what, class_ in (
            ("manual", "condition", "bound"),
            ("jax", "error", "jax"),
            ("manual", "error", "manual"),
        ):
            found = sorted((row[moving], row[what]) for row in shown if (row["format"], row["side"]) == (name, side))
            places = [(x.at(value), y.at(measured)) for value, measured in found]
            parts.append(polyline(places, f"{class_} path"))
            if what == "error":
                parts += [mark(*where, SIDES[side], class_) for where in places]
    what = "length T grows, at depth n" if along == "T" else "depth n grows, at length T"
    title = f"Error of the worst gradient, in units of the roundoff, as the {what} = {base}"
    height = 150 * ((len(formats) + 1) // 2)
    return Figure(
        f"plot-{along}",
        title,
        drawing(
            f"plot-{along}", WIDTH, height, title, "A panel for each format, errors in units of its roundoff.", parts
        ),
        key(
            ("disc", "manual", "by hand"),
            ("diamond", "jax", "JAX"),
            ("line", "bound path", "by hand, condition number: what rounding the data alone can do"),
        ),
        Table(
            ("format", moving, "side", "error / u", "condition", "correct digits"),
            tuple(
                (
                    row["format"],
                    str(row[moving]),
                    NAMES[row["side"]],
                    number(row["error"]),
                    number(row["condition"]),
                    number(row["digits"]),
                )
                for row in sorted(shown, key=lambda r: (formats.index(r["format"]), r[moving], r["side"] != "manual"))
            ),
        ),
    )


# -------------------------------------------------------------------------------------------------------------- cost

COST = {"sum": ("square", "sum", "sum over steps"), "one pass": ("disc", "once", "one pass")}


def cost(counts: Mapping[str, Mapping[str, float]], name: str, unit: str, formulas: Sequence[str] = ()) -> Figure:
    """What the sum over steps and one pass cost by length T, with the exponents that fit, and formulas if known."""
    series = {of: sorted((int(T), value) for T, value in found.items()) for of, found in counts.items()}
    lengths = [T for found in series.values() for T, _ in found]
    low, high = _decades_around(value for found in series.values() for _, value in found)
    x, y = Axis(min(lengths), max(lengths), 52, WIDTH - 66, log=True), Axis(low, high, 196, 12, log=True)
    parts = []
    for value in decades(low, high):
        parts.append(line(44, y.at(value), WIDTH - 56, y.at(value), "grid"))
        parts.append(text(38, y.at(value) + 4, power(value), "end", class_="tick"))
    first, last = min(lengths), max(lengths)
    labelled = [T for T in sorted({*lengths}) if T in (first, last) or (log2_is_whole(T) and last >= 2 * T)]
    parts += [text(x.at(T), 216, f"T = {T}" if first == T else T, class_="tick") for T in labelled]
    rows = []
    for of, (shape, class_, meaning) in COST.items():
        found = series[of]
        exponent = fitted_exponent(found)
        places = [(x.at(T), y.at(value)) for T, value in found]
        parts.append(polyline(places, f"{class_} path"))
        parts += [mark(*where, shape, class_) for where in places]
        end = places[-1]
        parts.append(text(end[0] + 10, end[1] + 6, power_of_T(exponent), "start", class_=f"label {class_}"))
        rows.append((meaning, ", ".join(f"{value:.4g}" for _, value in found), f"{exponent:.2f}"))
    title = f"Sum over steps against one pass: {unit}"
    return Figure(
        name,
        title,
        drawing(name, WIDTH, 226, title, "Both axes logarithmic; a straight line is a power of T.", parts),
        key(
            *(
                (shape, class_, f"{meaning}: {formula}" if formula else meaning)
                for (shape, class_, meaning), formula in zip_longest(COST.values(), formulas)
            )
        ),
        Table(
            ("way", f"{unit} at T = {', '.join(str(T) for T, _ in series['sum'])}", "fitted exponent of T"), tuple(rows)
        ),
    )


def power_of_T(exponent: float) -> Markup:
    """T to an exponent, as a label."""
    return Markup("T") + tag("tspan", f"{exponent:.2f}", dy=-5, class_="raised")


def log2_is_whole(value: int) -> bool:
    """Whether a number is a power of two."""
    return value & (value - 1) == 0


def fitted_exponent(points: Sequence[tuple[int, float]]) -> float:
    """The p of the c T^p that is nearest, in logarithms, to points (T, value)."""
    T, value = np.log(np.array(points, dtype=float)).T
    return float(np.polyfit(T, value, 1)[0])


# ---------------------------------------------------------------------------------------------------- wrong readings


def wrong_readings(entries: Sequence[Mapping[str, Any]]) -> Figure:
    """How many networks it took to reject each wrong reading, a mark for each."""
    counted = Counter(entry["examples"] for entry in entries)
    known = [count for count in counted if count is not None]
    columns: list[int | None] = [*range(1, max(5, *known) + 1 if known else 6)]
    if None in counted:
        columns.append(None)
    x = Axis(0, len(columns), 44, WIDTH - 4)
    width = (x.end - x.start) / len(columns)
    wide = max(1, int(width // 9))
    tallest = max(ceil(count / wide) for count in counted.values())
    bottom = 20 + 9 * tallest
    parts = [line(x.start, bottom + 6, x.end, bottom + 6, "axis")]
    for place, column in enumerate(columns):
        label = "none" if column is None else str(column)
        parts.append(text(x.at(place + 0.5), bottom + 22, label, class_="tick"))
        for dot in range(counted[column]):
            at = x.at(place) + 6 + 9 * (dot % wide)
            parts.append(mark(at, bottom - 9 * (dot // wide), "disc" if column else "diamond", "reading", 3))
        parts.append(
            text(x.at(place + 0.5), bottom - 9 * ceil(counted[column] / wide), counted[column], class_="label")
        )
    parts.append(text(0, bottom + 22, "networks", "start", class_="unit"))
    title = f"Networks needed to reject each of {len(entries)} wrong readings"
    return Figure(
        "plot-wrong",
        title,
        drawing("plot-wrong", WIDTH, bottom + 30, title, "A mark for each wrong reading.", parts),
        (),
        Table(
            ("equation", "what is wrong", "networks needed", "comparisons that failed there"),
            tuple(
                (
                    f"({entry['equation']})",
                    entry["wrong"],
                    "not rejected" if entry["examples"] is None else str(entry["examples"]),
                    "" if entry["examples"] is None else f"{entry['failures']} of {entry['comparisons']}",
                )
                for entry in entries
            ),
        ),
    )
