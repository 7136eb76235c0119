"""The sizes at which one pass is measured: a balanced half of all combinations, less what is too large, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from .networks import Size

LAYERS = (1, 2, 3, 4)
WIDTHS = (32, 128, 256, 512)
STEPS = (50, 1000)
BATCHES = (1, 32)
CLASSES = (100, 10_000)
DTYPES = ("float32", "float64")

MOST_SECONDS = {"1": {1: 0.2, 32: 0.7}, "all": {1: 0.2, 32: 0.2}}
"""How long one call may be expected to take, by threads and B: batches, which take longer, are not to be left out."""

MOST_BYTES = 4 * 2**30

CORNER = Size(2, 256, 1000, 32, 100, "float64")
"""Measured on one thread although it takes longer: wide, long, a batch."""

_OPERATIONS_A_SECOND = {"float32": 60e9, "float64": 30e9}
_SECONDS_A_STEP = 8e-6
_BYTES_A_SECOND = 4e9

QUICK = {
    "1": (
        Size(1, 32, 50, 1, 100, "float64"),
        Size(2, 32, 50, 1, 100, "float32"),
        Size(4, 32, 1000, 1, 100, "float64"),
        Size(2, 128, 50, 32, 100, "float32"),
        Size(1, 256, 50, 32, 100, "float64"),
        Size(1, 128, 50, 1, 10_000, "float32"),
    ),
    "all": (Size(2, 128, 50, 32, 100, "float32"), Size(1, 256, 50, 32, 100, "float64")),
}


@dataclass(frozen=True)
class LeftOut:
    """A size that is in the grid and not measured, and why."""

    size: Size
    why: str


def every() -> list[Size]:
    """All combinations."""
    return [Size(*each) for each in product(LAYERS, WIDTHS, STEPS, BATCHES, CLASSES, DTYPES)]


def balanced(threads: str) -> list[Size]:
    """Half of all for one thread, those whose levels, numbered from 0, have an even sum; a quarter for all cores.

    In the half, every combination of levels of any five of the six factors occurs once; in the quarter, where the
    levels of layers, T and batch add up to an even number as well, every one of layers, widths and |V|.
    """
    factors = (LAYERS, WIDTHS, STEPS, BATCHES, CLASSES, DTYPES)
    found = []
    for levels in product(*(range(len(factor)) for factor in factors)):
        layers, _, steps, batch, _, _ = levels
        if sum(levels) % 2 == 0 and (threads == "1" or (layers + steps + batch) % 2 == 0):
            found.append(Size(*(factor[level] for factor, level in zip(factors, levels, strict=True))))  # type: ignore[arg-type]
    return found


def expected_seconds(size: Size) -> float:
    """About how long one pass takes on one core: for planning alone."""
    return (
        size.operations / _OPERATIONS_A_SECOND[size.dtype]
        + size.layers * size.T * _SECONDS_A_STEP
        + size.bytes / _BYTES_A_SECOND
    )


def grid(threads: str, *, quick: bool) -> tuple[list[Size], list[LeftOut]]:
    """The sizes to measure, the quick ones first; and those left out."""
    if quick:
        return list(QUICK[threads]), []
    chosen, left_out = [], []
    for size in balanced(threads):
        seconds, most = expected_seconds(size), MOST_SECONDS[threads][size.B]
        corner = threads == "1" and size == CORNER
        if size.bytes > MOST_BYTES:
            why = f"about {size.bytes / 2**30:.1f} GiB, more than {MOST_BYTES / 2**30:.0f}"
            left_out.append(LeftOut(size, why))
        elif seconds > most and not corner:
            left_out.append(LeftOut(size, f"about {seconds:.2f} s a call, more than {most:g}"))
        else:
            chosen.append(size)
    return sorted(chosen, key=expected_seconds), left_out
