"""The benchmarks on the page: plots and tables, from `benchmarks.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import Any

from markupsafe import Markup

from ...bench.contenders import AGAIN, NAMES, ONE_PASS
from ...bench.recorded import check
from ...bench.tables import THREADS, Table, tables
from ...bench.words import figures as written
from ...bench.words import seconds, size_of
from . import figures
from .figures import WIDTH, Figure
from .svg import Axis, decades, drawing, line, mark, polyline, power, text

MARKS = ("disc", "diamond", "square", "ring")


@dataclass(frozen=True)
class Benchmarks:
    """What the page shows.

    Attributes
    ----------
    quick : whether they are those of a quick run
    figures, tables : in order; the tables with a row for every size are in `benchmarks.md` alone
    """

    quick: bool
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]


def section(others: Mapping[str, Any]) -> Benchmarks | None:
    """What there is to show of the files beside the verdicts; None without `benchmarks.json`.

    Raises
    ------
    RecordedError
        If that breaks its schema.
    """
    data = others.get("benchmarks.json")
    if data is None:
        return None
    check(data, "benchmarks.json")
    plots = [passes(found["cells"], threads) for threads, found in data.get("one_pass", {}).items()]
    if "checks" in data:
        plots.append(checks(data["checks"]["sizes"]))
    shown = [_coded_table(table) for table in tables(data, others.get("oracle.json")) if not table.is_long]
    return Benchmarks(data["quick"], tuple(plots), tuple(shown))


def coded(text: str) -> Markup:
    """A text, escaped, with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )


def _coded_table(table: Table) -> Table:
    rows = tuple(tuple(map(coded, row)) for row in table.rows)
    return replace(table, words=coded(table.words), rows=rows)


def cost(measured: Mapping[str, Any]) -> Figure:
    """Median seconds of the sum over steps and of one pass, by length."""
    medians = {
        way: {T: found["median"] for T, found in by_length.items()} for way, by_length in measured["seconds"].items()
    }
    return figures.cost(medians, "plot-seconds", "seconds")


def passes(cells: list[Mapping[str, Any]], threads: str) -> Figure:
    """How many times the time of one pass each contender takes: a mark for every size."""
    name = f"plot-passes-{threads}"
    found = {
        contender: [(each["times_one_pass"][contender]["median"], each["size"]) for each in cells]
        for contender in NAMES
        if contender != ONE_PASS and all(contender in each["times_one_pass"] for each in cells)
    }
    ratios = [ratio for pairs in found.values() for ratio, _ in pairs]
    low, high = floor(log10(min([*ratios, 1.0]))), ceil(log10(max([*ratios, 1.0])))
    axis = Axis(10.0**low, 10.0 ** max(high, low + 1), 84, WIDTH - 12, log=True)
    bottom = 24 + 30 * len(found)
    parts = []
    for value in decades(axis.low, axis.high):
        parts.append(line(axis.at(value), 12, axis.at(value), bottom, "grid"))
        parts.append(text(axis.at(value), bottom + 15, power(value), class_="tick"))
    parts.append(line(axis.at(1), 8, axis.at(1), bottom, "axis"))
    for place, (contender, pairs) in enumerate(found.items()):
        y = 30 + 30 * place
        parts.append(text(0, y + 4, "itself" if contender == AGAIN else contender, "start", class_="label"))
        for index, (ratio, size) in enumerate(pairs):
            shape, class_ = ("disc", "manual") if size["B"] == 1 else ("diamond", "jax")
            parts.append(mark(axis.at(ratio), y + 2.4 * (index % 5 - 2), shape, class_, 2.4))
    title = f"Time over that of one pass, {THREADS[threads]}"
    return Figure(
        name,
        title,
        drawing(name, WIDTH, bottom + 24, title, "A mark for each size; right of 1, one pass is faster.", parts),
        figures.key(("disc", "manual", "B = 1"), ("diamond", "jax", "B = 32")),
        figures.Table(
            ("size", *found),
            tuple(
                (size_of(each["size"]), *(written(each["times_one_pass"][name]["median"]) for name in found))
                for each in cells
            ),
        ),
    )


def checks(sizes: list[Mapping[str, Any]]) -> Figure:
    """Seconds of one check of a gradient by the number of parameters; what is extrapolated is drawn open."""
    name = "plot-checks"
    series = {
        test: [(each["parameters"], *_seconds(each, test)) for each in sizes]
        for test, first in sizes[0]["checks"].items()
        if not isinstance(first, str)
    }
    values = [value for points in series.values() for _, value, _ in points]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    x = Axis(sizes[0]["parameters"], sizes[-1]["parameters"], 44, WIDTH - 112, log=True)
    y = Axis(10.0**low, 10.0 ** max(high, low + 1), 236, 12, log=True)
    parts = []
    for value in decades(y.low, y.high):
        parts.append(line(40, y.at(value), x.end, y.at(value), "grid"))
        parts.append(text(36, y.at(value) + 4, power(value), "end", class_="tick"))
    parts += [text(x.at(each["parameters"]), 254, power(each["parameters"]), class_="tick") for each in sizes]
    parts.append(text(x.end + 16, 254, "parameters", "start", class_="unit"))
    lowest = y.start + 12.0
    for place, (test, points) in enumerate(sorted(series.items(), key=lambda item: item[1][-1][1])):
        shape, class_ = MARKS[place % len(MARKS)], ("manual", "jax")[place % 2]
        where = [(x.at(parameters), y.at(value)) for parameters, value, _ in points]
        parts.append(polyline(where, f"{class_} path"))
        parts += [
            mark(*at, shape, f"{class_}{' open' if is_extrapolated else ''}")
            for at, (*_, is_extrapolated) in zip(where, points, strict=True)
        ]
        lowest = min(lowest - 12, where[-1][1])
        parts.append(text(x.end + 8, lowest + 4, SHORT.get(test, test), "start", class_="label"))
    title = "Seconds of one check of a gradient"
    return Figure(
        name,
        title,
        drawing(name, WIDTH, 262, title, "Both axes logarithmic; open marks are extrapolated.", parts),
        (),
        figures.Table(
            ("check", *(f"{each['parameters']:,} parameters" for each in sizes)),
            tuple(
                (test, *(f"{'≈ ' if is_extrapolated else ''}{seconds(value)}" for _, value, is_extrapolated in points))
                for test, points in series.items()
            ),
        ),
    )


SHORT = {
    "torch gradcheck": "gradcheck",
    "torch gradcheck, fast mode": "gradcheck, fast",
    "jax check_grads": "check_grads",
    "bptt_oracle.check": "this oracle",
}
"""Checks by the names that fit into the plot."""


def _seconds(size: Mapping[str, Any], test: str) -> tuple[float, bool]:
    found = size["checks"][test]
    if found["extrapolated"]:
        return found["times_one_gradient"] * size["checks"]["one gradient"]["seconds"]["median"], True
    return found["seconds"]["median"], False
