"""A failing instance made smaller, as long as it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..instances import Description
from .judging import Gradient, judge_all


def shrink(arithmetic: str, description: Description, gradient: Gradient) -> Description:
    """The smallest instance on the way from a failing one that still fails: the same one again each time."""
    while True:
        for candidate in smaller(description):
            [judgement] = judge_all(arithmetic, [candidate], gradient)
            if judgement.outcome == "failed":
                description = candidate
                break
        else:
            return description


def smaller(description: Description) -> Iterator[Description]:
    """Instances that are simpler in one thing, the boldest first: depth, length, widths, then the rest."""
    n, T, d = description.n, description.T, description.d
    for fewer in dict.fromkeys((1, n // 2, n - 1)):
        if 1 <= fewer < n:
            yield replace(description, n=fewer, d=(*d[:fewer], d[-1]))
    for shorter in dict.fromkeys((1, T // 2, T - 1)):
        if 1 <= shorter < T:
            yield replace(description, T=shorter)
    for l, width in enumerate(d):
        for narrower in dict.fromkeys((1, width // 2, width - 1)):
            if 1 <= narrower < width:
                yield replace(description, d=(*d[:l], narrower, *d[l + 1 :]))
    plain = Description(n, T, d, h0="zero")
    for name in ("h0", "y", "scale", "f", "seed"):
        simpler = replace(description, **{name: getattr(plain, name)})
        if simpler != description:
            yield simpler
