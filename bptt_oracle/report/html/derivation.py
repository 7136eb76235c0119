"""The graph of the derivation as a drawing: a link for each equation, a line for each recorded use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from ..graph import Graph, Node
from ..ranges import MARK, Gap
from .svg import number, tag, text

WIDTH, ROW = 470, 66
_HALF_WIDTH, _HALF_HEIGHT, _STEP = 17, 13, 62.0
_STATUS = {
    "definition": "a definition",
    "holds": "holds as printed",
    "misprint": "a misprint, verified as corrected",
    "unverified": "unverified",
}


def derivation(graph: Graph, gaps: Mapping[int, Gap]) -> Markup:
    """The graph as SVG, what rests on nothing at the top."""
    rows = max((node.layer for node in graph.nodes.values()), default=0) + 1
    farthest = max((abs(place) for place in graph.places.values()), default=0)
    step = min(_STEP, (WIDTH / 2 - _HALF_WIDTH - 3) / max(farthest, 1))

    def at(layer: int, place: float) -> tuple[float, float]:
        return WIDTH / 2 + place * step, 24 + ROW * layer

    places = {number_: at(node.layer, graph.places[number_]) for number_, node in graph.nodes.items()}
    order = sorted(graph.edges, key=lambda edge: edge in graph.skeleton)  # the skeleton on top of the rest
    edges = []
    for edge in order:
        passing = graph.ways.get(edge, ())
        layer = graph.nodes[edge[0]].layer
        between = [at(layer - above, place) for above, place in enumerate(passing, start=1)]
        edges.append(_edge(edge, [places[edge[0]], *between, places[edge[1]]], edge in graph.skeleton))
    nodes = [_node(node, *places[node.number], node.number in gaps) for node in graph.nodes.values()]
    return tag(
        "svg",
        tag("title", "The graph of the derivation", id="graph-title"),
        tag(
            "desc",
            f"{len(nodes)} equations and {len(edges)} recorded uses; an equation stands below all that it rests on.",
            id="graph-desc",
        ),
        tag("g", *edges, class_="edges", aria_hidden="true"),
        *nodes,
        viewBox=f"0 0 {WIDTH} {ROW * (rows - 1) + 48}",
        role="group",
        aria_labelledby="graph-title graph-desc",
        class_="derivation",
    )


def _edge(edge: tuple[int, int], way: Sequence[tuple[float, float]], main: bool) -> Markup:
    """A curve from an equation up to one that it uses; beside them where they stand in one row."""
    user, used = edge
    (x1, y1), (x2, y2) = way[0], way[-1]
    if y1 == y2:
        side = -1 if x1 < x2 else 1  # there and back keep apart
        y = y1 + side * _HALF_HEIGHT
        bend = y + side * (10 + abs(x1 - x2) / 12)
        path = f"M{number(x1)} {number(y)}Q{number((x1 + x2) / 2)} {number(bend)} {number(x2)} {number(y)}"
    else:
        points = [(x1, y1 - _HALF_HEIGHT), *way[1:-1], (x2, y2 + _HALF_HEIGHT)]
        path = f"M{number(points[0][0])} {number(points[0][1])}"
        for (x, y), (x_next, y_next) in pairwise(points):
            reach = min((y - y_next) / 2, 40)
            path += (
                f"C{number(x)} {number(y - reach)} {number(x_next)} {number(y_next + reach)} "
                f"{number(x_next)} {number(y_next)}"
            )
    return tag("path", d=path, class_=f"{'main ' if main else ''}of{user} to{used}", data_edge=f"{user}-{used}")


def _node(node: Node, x: float, y: float, gap: bool) -> Markup:
    """A link to the equation's card: its shape says the verdict, a second outline that all it rests on is verified."""
    rests = "so is all that it rests on" if node.grounded else "but not all that it rests on is verified"
    status = _STATUS[node.verdict] + ("" if not node.verified else f", {rests}")
    status += ", for a range that leaves out steps" if gap else ""
    outlines = [_outline(node, x, y, 0, "node")]
    if node.grounded:
        outlines.append(_outline(node, x, y, 3, "inner"))
    label = text(x, y + 5, f"{node.number}{MARK if gap else ''}")
    return tag(
        "a",
        tag("title", f"({node.number}) {node.states}: {status}"),
        *outlines,
        label,
        href=f"#eq-{node.number}",
        id=f"node-{node.number}",
        class_=f"v-{node.verdict} n{node.number}",
        aria_label=f"Equation {node.number}, {status}",
    )


def _outline(node: Node, x: float, y: float, inset: float, class_: str) -> Markup:
    width, height = _HALF_WIDTH - inset, _HALF_HEIGHT - inset
    if node.verdict == "misprint":
        slant = 7
        corners = [
            *((x - width, y), (x - width + slant, y - height), (x + width - slant, y - height)),
            *((x + width, y), (x + width - slant, y + height), (x - width + slant, y + height)),
        ]
        return tag("polygon", points=" ".join(f"{number(a)},{number(b)}" for a, b in corners), class_=class_)
    rounded = {"definition": 0, "holds": height}.get(node.verdict, 3)
    return tag("rect", x=x - width, y=y - height, width=2 * width, height=2 * height, rx=rounded, class_=class_)
