"""What a failing comparison says: which claim, where, which entry, both values, their difference and the bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic.balls import upper_float
from .arithmetic.field import PRIME
from .arithmetic.flint_types import arb
from .arithmetic.rounded import Rounded, used
from .catalogue import equation
from .checking import Comparison
from .manual import Undefined, notation

SIDES = ("manual", "autodiff")
VARIANTS = {"printed": "as printed", "corrected": "as corrected"}
_DIGITS = 12


@dataclass(frozen=True)
class Entry:
    """One entry in which two arrays differ, as text.

    Attributes
    ----------
    at : its index, from 0
    values : what the two sides give
    difference, bound : how far they are apart, and how far they may be
    """

    at: tuple[int, ...]
    values: tuple[str, str]
    difference: str
    bound: str


def describe(comparison: Comparison, network: str = "", sides: tuple[str, str] = SIDES) -> str:
    """A failing comparison as text that names everything, over lines.

    Parameters
    ----------
    comparison
        Over the field, over balls, or of floats with the true value and the bound of each, `Rounded` elements. Line
        0 stands for the left-hand side itself.
    network
        The description of the network, or what else is to be repeated.
    sides
        What to call the two sides.
    """
    key, at = comparison.key, comparison.at
    claim = equation(key.number)
    names = [name for name in at if name not in ("n", "T")]
    where = f" at {_values(at, names)}" if names else ""
    case = f", case {key.case}" if key.case else ""
    line = f"line {key.line}" if key.line else "left-hand side"
    lines = [
        f"equation ({key.number}) {VARIANTS[key.variant]}, {line}{case}, {key.mode}: "
        f"{notation(claim.symbol, claim.left_hand_side(at))}{where}, for {_values(at, ['n', 'T'])}",
        *_what(comparison, sides),
    ]
    return "\n".join([*lines, f"network: {network}"] if network else lines)


def differing(computed: Any, truth: Any) -> Iterator[Entry]:
    """The entries in which two arrays of one shape differ; those of a `Rounded` truth, where they break the bound."""
    for at in np.ndindex(*np.shape(truth)):
        entry = _entry(at, computed[at], truth[at])
        if entry is not None:
            yield entry


def _what(comparison: Comparison, sides: tuple[str, str]) -> list[str]:
    value, truth = comparison.value, comparison.truth
    if isinstance(value, Undefined):
        return [f"no value: the document does not define {value.symbol}"]
    if isinstance(value, Exception):
        return [f"no value: {value}"]
    if value.shape != truth.shape:
        return [f"another shape: {sides[0]} {value.shape}, {sides[1]} {truth.shape}"]
    entries = list(differing(value, truth))
    if not entries:
        return ["no entry differs"]
    first = entries[0]
    table = {
        sides[0]: first.values[0],
        sides[1]: first.values[1],
        "difference": first.difference,
        "bound": first.bound,
    }
    width = max(map(len, table))
    return [
        f"{len(entries)} of {truth.size} entries differ; the first is {list(first.at)}, counted from 0:",
        *(f"  {name:{width}}  {text}" for name, text in table.items()),
    ]


def _entry(at: tuple[int, ...], computed: Any, truth: Any) -> Entry | None:
    if isinstance(truth, Rounded):
        if used([computed], [truth])[0] <= 1:
            return None
        difference = upper_float(abs(arb(float(computed)) - truth.truth)) if np.isfinite(computed) else np.inf
        values = repr(float(computed)), repr(float(truth.truth.mid()))
        return Entry(at, values, f"{difference:.3g}", f"{truth.error:.3g}")
    if isinstance(truth, arb):
        if arb(computed).overlaps(truth):
            return None
        difference, radii = abs(computed - truth), upper_float(arb(computed).rad() + truth.rad())
        return Entry(
            at,
            (arb(computed).str(_DIGITS), truth.str(_DIGITS)),
            difference.str(_DIGITS),
            f"{radii:.3g}, the two radii",
        )
    if computed == truth:
        return None
    exact = f"0, for equality in GF(2^{PRIME.bit_length()} - 1) is exact"
    return Entry(at, (str(computed), str(truth)), str(computed - truth), exact)


def _values(at: Any, names: list[str]) -> str:
    return ", ".join(f"{name} = {at[name]}" for name in names)
