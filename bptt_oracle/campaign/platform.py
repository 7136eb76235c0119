"""How many digits JAX's gradients have on the platform that it finds, against enclosures of the true ones.

An accelerator multiplies float32 matrices in fewer bits unless it is told otherwise. So each network runs in float32
with every setting of `jax.default_matmul_precision` that matters, and in float64, where there is nothing to set. It
does so as one sequence, whose steps are products with vectors, and as copies of it side by side, which are products of
matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import floor, log10
from typing import Any

import jax

from ..arithmetic import balls
from ..arithmetic.balls import upper_float
from ..batches import as_reference, by_hand, leaves
from ..floating import DTYPES
from ..instances import Description, Instance, draw
from ..manual import one_pass
from ..reference import padded, padding

SETTINGS = (("float64", "highest"), ("float32", "highest"), ("float32", "high"), ("float32", "default"))
"""A format, and a setting of `jax.default_matmul_precision`."""

COPIES = (1, 16)
"""Of a network's sequence, side by side."""

BATCH = 64
"""Of padded networks: one compiled program for each setting."""

BITS = 128
"""Precision of the enclosures, far beyond that of either format."""

MOST = 170
"""Tenths of digits of a result that is right to the last bit."""


@lru_cache
def platform_name() -> str:
    """What JAX runs on, such as "cpu" or "gpu: NVIDIA H100"."""
    device = jax.devices()[0]
    return device.platform if device.platform == "cpu" else f"{device.platform}: {device.device_kind}"


def digits_of(descriptions: Sequence[Description]) -> list[dict[str, int]]:
    """For each network and setting, how many tenths of digits all gradients share with the true ones, at least.

    Digits are counted from the largest entry of each gradient: those of H, W and b by layer, of h(0), of x.
    """
    found: list[dict[str, int]] = [{} for _ in descriptions]
    for start in range(0, len(descriptions), BATCH):
        instances = [draw(description) for description in descriptions[start : start + BATCH]]
        cases = [as_reference(instance) for instance in instances]
        true = [_enclosures(instance) for instance in instances]
        for copies, (format, setting) in product(COPIES, SETTINGS):
            batch = padding.pad(cases, dtype=DTYPES[format], size=BATCH)
            with jax.default_matmul_precision(setting):
                result = padded.gradients_side_by_side(batch, copies)
            for number, theirs in enumerate(padding.unpad(result, cases)):
                digits = min(_tenths(*each) for each in zip(leaves(theirs), true[number], strict=True))
                found[start + number][f"{platform_name()}, {copies}, {format}, {setting}"] = digits
    return found


def _enclosures(instance: Instance) -> list[Any]:
    """The true gradients, by leaf; float32 holds the numbers of an instance, so they are those of either format."""
    with balls.precision(BITS):
        return leaves(by_hand(instance.network().over(balls.to_balls, instance.functions()), one_pass))


def _tenths(computed: Any, true: Any) -> int:
    """Tenths of digits that all entries of an array share with the true ones, counted from the largest of these."""
    with balls.precision(BITS):
        size = max(upper_float(abs(entry)) for entry in true.flat)
        gaps = [(balls.ball(float(a)) - b).abs_lower() for a, b in zip(computed.flat, true.flat, strict=True)]
    error = max(map(float, gaps))  # none where the enclosure holds what was computed
    if error <= size * 10.0 ** (-MOST / 10):
        return MOST
    return max(0, floor(-10 * log10(error / size))) if size > 0 else 0
