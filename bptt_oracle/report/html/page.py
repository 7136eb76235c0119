"""The page as a whole: the recorded data put into its template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .. import glosses
from ..discrepancies import OUTCOMES
from ..graph import Graph, graph, rests_on
from ..ranges import MARK, gaps
from ..recorded import Recorded
from . import benchmarks, figures, sources
from .cards import VERDICTS, Card, card
from .derivation import derivation
from .mathml import mathml, spoken
from .prose import heading, prose, quotation
from .score import score

SECTIONS = {
    "1": "Loss function",
    "2": "Forward propagation",
    "3.1.1": "The output layer",
    "3.1.2": "Top hidden layer",
    "3.1.3": "Other hidden layers",
    "3.2": "Gradients of parameters",
    "3.3": "Conclusion",
    "4": "Trick for implementation",
}
"""The document's sections."""


@dataclass(frozen=True)
class Section:
    """A section of the document with its equations."""

    number: str
    title: str
    cards: tuple[Card, ...]


def page(recorded: Recorded) -> str:
    """The page, from the recorded data, the catalogue and the sources alone: the same data give the same bytes.

    Raises
    ------
    RecordedError
        If a counterexample is not what its network gives.
    """
    environment = _environment()
    return environment.get_template("page.html.jinja").render(_context(recorded, environment))


@lru_cache
def _environment() -> Environment:
    """Where the templates are, compiled once, and what they call."""
    environment = Environment(
        loader=PackageLoader("bptt_oracle.report.html", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "math": mathml,
        "spoken": spoken,
        "prose": prose,
        "quotation": quotation,
        "heading": heading,
    }
    environment.globals |= {"python": sources.python, "outcomes": OUTCOMES, "gap_mark": MARK, "glosses": glosses}
    environment.filters |= {"thousands": _thousands, "short": _short}
    return environment


def _context(recorded: Recorded, environment: Environment) -> dict[str, Any]:
    data = recorded.verdicts
    found = graph(data["equations"])
    floating = recorded.others.get("floating.json", {"formats": {}, "growth": []})
    wrong = recorded.others.get("wrong_readings.json", {"wrong_readings": []})
    left_out = gaps(data)
    cards = _cards(recorded, found, floating["formats"], wrong["wrong_readings"])
    return {
        "data": data,
        "verdicts": VERDICTS,
        "gaps": left_out,
        "sections": _sections(cards),
        "cards": cards,
        "misprints": [card for card in cards if card.entry["verdict"] == "misprint"],
        "lines": [line for entry in data["equations"] for line in entry["lines"]],
        "graph": found,
        "drawing": derivation(found, left_out),
        "formats": floating["formats"],
        "plots": _plots(floating),
        "cost": _cost(recorded),
        "wrong": wrong,
        "wrong_plot": figures.wrong_readings(wrong["wrong_readings"]) if wrong["wrong_readings"] else None,
        "benchmarks": benchmarks.section(recorded.others),
        "score": score(recorded.others["oracle.json"]) if "oracle.json" in recorded.others else None,
        "tests": {card.tests.path: card.tests for card in cards if card.tests},
        "digests": recorded.digests,
        "objects": sources.objects(),
        "coq": recorded.others.get("theorems.json", {}).get("sources"),
        "style": _asset(environment, "style.css") + _highlights(found),
        "script": _asset(environment, "script.js"),
    }


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _short(number: float) -> str:
    """Two digits, or all that stand before the point."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def _asset(environment: Environment, name: str) -> Markup:
    """A file of the package as it stands."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _highlights(found: Graph) -> Markup:
    """The rules that fade all edges but those of the equation that is pointed at: without a script."""
    pointed = Markup(".derivation:has(.n{0}:is(:hover,:focus-visible)) path:not(.of{0},.to{0}){{opacity:.07}}\n")
    return Markup("").join(pointed.format(number) for number in found.nodes)


def _cards(
    recorded: Recorded, found: Graph, floating: Mapping[str, Any], wrong: Sequence[Mapping[str, Any]]
) -> list[Card]:
    entries, left_out = recorded.verdicts["equations"], gaps(recorded.verdicts)
    tests = sources.checks_of_equations(sources.ROOT)
    below = rests_on({number: node.uses for number, node in found.nodes.items()})
    misprints = {entry["number"] for entry in entries if entry["verdict"] == "misprint"}
    return [
        card(
            entry,
            found.nodes[entry["number"]],
            tuple(sorted(below[entry["number"]] - {entry["number"]})),
            tuple(sorted(below[entry["number"]] & misprints - {entry["number"]})),
            left_out.get(entry["number"]),
            tests.get(entry["number"]),
            floating,
            tuple(reading for reading in wrong if reading["equation"] == entry["number"]),
        )
        for entry in entries
    ]


def _sections(cards: Iterable[Card]) -> list[Section]:
    by_section: dict[str, list[Card]] = {}
    for each in cards:
        by_section.setdefault(each.entry["section"], []).append(each)
    return [Section(number, SECTIONS.get(number, ""), tuple(members)) for number, members in by_section.items()]


def _plots(floating: Mapping[str, Any]) -> list[figures.Figure]:
    plots = [figures.ulps(floating["formats"])]
    plots += [figures.growth(floating["growth"], along) for along in ("T", "depth")]
    return [plot for plot in plots if plot is not None]


def _cost(recorded: Recorded) -> list[figures.Figure]:
    """Visits to a hidden layer, which are counted; and times, where they were measured."""
    counted = [claim["evidence"] for claim in recorded.verdicts["claims"] if "visits" in claim["evidence"]]
    measured = recorded.others.get("benchmarks.json", {}).get("per_step_sum")
    plots = [
        figures.cost(found["visits"], "plot-visits", "visits to each hidden layer", found["formulas"])
        for found in counted
    ]
    if measured is not None:
        plots.append(benchmarks.cost(measured))
    return plots
