"""A network in the form in which one backprop takes it: its layout, its batch, its biases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..instances import dyadic
from .conventions import Conventions
from .probes import Array, Probe


@dataclass(frozen=True)
class Arguments:
    """What f is called with: f(params, x, y), and h0=h0 unless that is None. Every array is contiguous and writable."""

    params: list[dict[str, Array]]
    x: Array
    y: Array
    h0: list[Array] | None

    def named(self) -> Iterator[tuple[str, Any]]:
        """Every argument with its name: "params", "x", "y", "h0"."""
        yield "params", self.params
        yield "x", self.x
        yield "y", self.y
        yield "h0", self.h0


def arguments(probe: Probe, conventions: Conventions, precision: str = "float64", *, is_own: bool = True) -> Arguments:
    """Fresh arrays that f may do with as it likes; or, if they are not its own, none that may be written into.

    Parameters
    ----------
    probe
        As `Probe.reduced` gives it: one sequence if the conventions know no batch.
    conventions
        "rows" has W and H transposed; without a batch x is (T, d_0), y is (T,) and h0 has arrays of shape (d_l,).
        With two biases b_ih + b_hh is b, exactly, and neither is zero where b is not small: one alone is not enough.
    precision
        Of every array of floats.
    is_own
        Whether f owns them; else they may be the network's own.
    """
    dtype, made = np.dtype(precision), _copy if is_own else np.asarray
    targets = probe.targets.astype(dtype) if conventions.targets == "rows" else probe.y
    return Arguments(
        params=[
            {name: made(array, dtype) for name, array in _layer(layer, conventions).items()} for layer in probe.params
        ],
        x=made(_batched(probe.x, conventions.batch), dtype),
        y=made(_batched(targets, conventions.batch), targets.dtype),
        h0=[made(state[0] if conventions.batch == "none" else state, dtype) for state in probe.h0]
        if conventions.h0
        else None,
    )


def halves(b: Array) -> tuple[Array, Array]:
    """b_ih and b_hh, uneven: multiples of 2^-12 like b itself, so that their sum is b in float32 too."""
    b_hh = dyadic(b * 0.375)
    return b - b_hh, b_hh


def changed(given: Arguments, pristine: Arguments) -> list[str]:
    """Names of the arguments that are no longer, bit for bit, what they were: "params", "x", "y", "h0"."""
    return [
        name for (name, now), (_, then) in zip(given.named(), pristine.named(), strict=True) if not _same(now, then)
    ]


def _layer(layer: dict[str, Array], conventions: Conventions) -> dict[str, Array]:
    arrays: dict[str, Array] = {name: layer[name] for name in ("H", "W") if name in layer}
    if conventions.layout == "rows":
        arrays = {name: array.T for name, array in arrays.items()}
    if conventions.biases == 2 and "H" in layer:
        arrays["b_ih"], arrays["b_hh"] = halves(layer["b"])
    else:
        arrays["b"] = layer["b"]
    return arrays


def _batched(array: Array, batch: str) -> Array:
    """(T, B, ...) as it is, as (B, T, ...), or its only sequence as (T, ...)."""
    if batch == "none":
        return array[:, 0]
    return array.swapaxes(0, 1) if batch == "batch-first" else array


def _copy(array: Array, dtype: np.dtype[Any]) -> Array:
    return np.array(array, dtype=dtype, order="C")


def _same(now: Any, then: Any) -> bool:
    if type(now) is not type(then):
        return False
    if type(then) is np.ndarray:
        return bool(now.dtype == then.dtype and now.shape == then.shape and now.tobytes() == then.tobytes())
    if type(then) is dict:
        return now.keys() == then.keys() and all(_same(now[name], then[name]) for name in then)
    if type(then) is list:
        return len(now) == len(then) and all(map(_same, now, then))
    return now is then
