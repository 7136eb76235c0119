"""The graph of the derivation: which equation asked for a value of which, and what that says of both.

The edges are those that were recorded while the derivation ran; nothing here adds one or leaves one out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

VERIFIED = ("definition", "holds", "misprint")
"""Verdicts on an equation of which one reading, the printed or the corrected one, is verified."""

_SWEEPS = 24
_PASSING = 0.5


@dataclass(frozen=True)
class Node:
    """One equation.

    Attributes
    ----------
    number, verdict, states : of the equation
    verified : whether one of its readings is verified
    grounded : whether that is so for all that it rests on, too
    uses, used_by : the equations that it asked for a value, and those that asked it
    layer : 0 for what rests on nothing but itself; otherwise one more than the highest of what it rests on
    """

    number: int
    verdict: str
    states: str
    verified: bool
    grounded: bool
    uses: tuple[int, ...]
    used_by: tuple[int, ...]
    layer: int


@dataclass(frozen=True)
class Graph:
    """All equations and what they use.

    Attributes
    ----------
    nodes : by number
    edges : (M, N) if equation (M) asked for a value of equation (N), as it was recorded
    skeleton : the edges without those between equations that a longer way joins as well
    places : where a drawing has each node in its layer, from 0 at its middle, neighbours 1 apart
    ways : where an edge of the skeleton passes the layers between, from the user up
    """

    nodes: Mapping[int, Node]
    edges: tuple[tuple[int, int], ...]
    skeleton: frozenset[tuple[int, int]]
    places: Mapping[int, float]
    ways: Mapping[tuple[int, int], tuple[float, ...]]


def graph(entries: Iterable[Mapping[str, Any]]) -> Graph:
    """The graph of the equations of `verdicts.json`."""
    by_number = {entry["number"]: entry for entry in entries}
    uses = {number: tuple(entry["uses"]) for number, entry in by_number.items()}
    below = rests_on(uses)
    verified = {number: entry["verdict"] in VERIFIED for number, entry in by_number.items()}
    skeleton = _skeleton(uses, below)
    layers = _layers(uses, below)
    places, ways = _arranged(layers, skeleton)
    nodes = {
        number: Node(
            number=number,
            verdict=entry["verdict"],
            states=entry["states"],
            verified=verified[number],
            grounded=all(verified[other] for other in {number, *below[number]}),
            uses=uses[number],
            used_by=tuple(user for user, used in uses.items() if number in used),
            layer=layers[number],
        )
        for number, entry in by_number.items()
    }
    edges = tuple((user, used) for user, all_used in uses.items() for used in all_used)
    return Graph(nodes, edges, skeleton, places, ways)


def rests_on(uses: Mapping[int, Iterable[int]]) -> dict[int, frozenset[int]]:
    """For each equation all that it rests on, directly or through others; itself if it rests on itself."""
    found = {}
    for number in uses:
        seen: set[int] = set()
        waiting = list(uses[number])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += uses[other]
        found[number] = frozenset(seen)
    return found


def _skeleton(uses: Mapping[int, tuple[int, ...]], below: Mapping[int, frozenset[int]]) -> frozenset[tuple[int, int]]:
    """The edges that no longer way replaces; those within a circle, such as (4) and (5), all stay."""

    def replaced(user: int, used: int) -> bool:
        return user not in below[used] and any(
            used in below[other] and user not in below[other] for other in uses[user] if other != used
        )

    return frozenset((user, used) for user in uses for used in uses[user] if not replaced(user, used))


def _layers(uses: Mapping[int, tuple[int, ...]], below: Mapping[int, frozenset[int]]) -> dict[int, int]:
    layers: dict[int, int] = {}

    def layer(number: int) -> int:
        if number not in layers:
            circle = {other for other in below[number] if number in below[other]} | {number}
            under = {used for member in circle for used in uses[member]} - circle
            height = max((layer(used) + 1 for used in under), default=0)
            layers.update(dict.fromkeys(circle, height))
        return layers[number]

    for number in uses:
        layer(number)
    return layers


Slot = int | tuple[int, int, int]
"""What takes room in a layer: an equation, or an edge that passes by (its user, what it uses, the layer)."""


def _arranged(
    layers: Mapping[int, int], skeleton: frozenset[tuple[int, int]]
) -> tuple[dict[int, float], dict[tuple[int, int], tuple[float, ...]]]:
    """The places of the nodes and of the edges that pass them.

    An order within each layer in which those that are joined stand near each other: each goes to the mean of its
    neighbours, layer by layer, down and up again.
    """
    rows: list[list[Slot]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for number in sorted(layers):
        rows[layers[number]].append(number)
    neighbours: dict[Slot, list[Slot]] = {number: [] for number in layers}
    for user, used in sorted(skeleton):
        way: list[Slot] = [(user, used, layer) for layer in range(layers[user] - 1, layers[used], -1)]
        for passing in way:
            rows[passing[2]].append(passing)  # type: ignore[index]
            neighbours[passing] = []
        for one, other in pairwise([user, *way, used]):
            neighbours[one].append(other)
            neighbours[other].append(one)
    place: dict[Slot, float] = {}
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = {slot: _mean([place[other] for other in neighbours[slot] if other in place]) for slot in row}
            row.sort(key=lambda slot: (wanted[slot], str(slot)))
            place |= _spread(row)
    ways = {
        (user, used): tuple(place[user, used, layer] for layer in range(layers[user] - 1, layers[used], -1))
        for user, used in skeleton
    }
    return {number: place[number] for number in layers}, ways


def _mean(places: list[float]) -> float:
    return sum(places) / len(places) if places else 0.0


def _spread(row: list[Slot]) -> dict[Slot, float]:
    """Places for a layer in its order, around 0: 1 for each equation, less for an edge that passes."""
    widths = [1.0 if isinstance(slot, int) else _PASSING for slot in row]
    ends = list(accumulate(widths))
    return {slot: end - width / 2 - ends[-1] / 2 for slot, width, end in zip(row, widths, ends, strict=True)}
