"""An activation that the caller gives, as a pair (f, f'): whether it can be one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..manual import Elementwise
from .conventions import ConventionError
from .probes import Array

_REACH = 3.0
_COUNT = 61
_STEP = 2.0**-10


def pair(f: Callable[..., Any], f_prime: Callable[..., Any]) -> Elementwise:
    """The activation of two functions.

    f' is held against differences of f. With steps s and s / 2 these differ from the derivative, and from each other,
    by terms in s^2; the second is off by a third of their difference, to first order, and by the rounding of f. Where
    it is off by more than four times that, f' is not the derivative of f.

    Raises
    ------
    ConventionError
        If one of them is no function of arrays, entry by entry, or if f' is not the derivative of f.
    """
    z = np.linspace(-_REACH, _REACH, _COUNT) + _STEP * np.pi  # off the kinks that activations have at whole numbers
    value, slope = _applied(f, "f", z), _applied(f_prime, "f'", z)
    wide, near = (((_applied(f, "f", z + s) - _applied(f, "f", z - s)) / (2 * s)) for s in (_STEP, _STEP / 2))
    rounding = np.finfo(np.float64).eps * (abs(value) + abs(z)) / _STEP
    off = abs(slope - near) > 4 * (abs(wide - near) + rounding * _COUNT)
    if off.any():
        at = int(np.argmax(abs(slope - near) * off))
        raise ConventionError(
            f"activation: expected a pair (f, f'), but at z = {z[at]:.4g} f' is {slope[at]:.6g}, "
            f"and differences of f give {near[at]:.6g}; give the derivative of f, as a function of z"
        )
    return Elementwise(f, f_prime)


def _applied(function: Callable[..., Any], name: str, z: Array) -> Array:
    try:
        result = np.asarray(function(z.copy()), dtype=np.float64)
    except Exception as error:
        raise ConventionError(
            f"activation: expected {name} to take an array and give one, but it raised "
            f"{type(error).__name__}: {error}; use NumPy's functions"
        ) from error
    if result.shape != z.shape or not np.isfinite(result).all():
        what = f"shape {result.shape}" if result.shape != z.shape else "numbers that are not finite"
        raise ConventionError(f"activation: expected {name} of an array of shape {z.shape}, but got {what}")
    return result
