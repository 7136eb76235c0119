"""How smooth an activation is, and how far the usual programs for f and f' are from them.

The errors are absolute, in units of the format's u, for an argument that is exact. A library's exp, log, tanh or sin is
within 8 ulps (`arithmetic.formats`), that is 16 u of the result; each elementary operation adds u of its result, and
twice that where the result is stored once more. The functions that programs put together, and what follows:

tanh
    tanh(z): 16. (e^z - e^-z) / (e^z + e^-z) and (e^2z - 1) / (e^2z + 1): 16 + 1 from the numerator, as much from the
    denominator, and the quotient. 2 / (1 + e^-2z) - 1 and 1 - 2 / (1 + e^2z): 2 (16 + 2) and the difference. In all at
    most 40. f' as 1 - h h or (1 - h)(1 + h): 2 |h| times the error of h, its square, and 4. f' as 1 / cosh^2 or
    4 / (e^z + e^-z)^2: 40 f'.
logistic
    1 / (1 + e^-z), e^z / (1 + e^z), 1 - 1 / (1 + e^z): (1 - h) h 16 for the exponential, and 3. (1 + tanh(z / 2)) / 2:
    8 and 2. At most 20. f' as h (1 - h) or h - h h: |1 - 2 h| <= 1 times that, its square, and 4. f' as
    e^z / (1 + e^z)^2: 40 f'.
softplus
    log(1 + e^z): 16 for the exponential, 2 for the sum, 16 h for the logarithm; log1p(e^-|z|) + max(z, 0): 8, 12, and
    2 h for the sum. At most 24 + 20 h. f' as the logistic: 20. f' as 1 - e^-h: e^-h times the error of h, at most
    24 + 20 / e, and 18. At most 60.
sine
    sin(z): 16 h. f' as cos(z): 16.
relu, identity
    Exact, but stored twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manual import Elementwise

Array = NDArray[Any]


@dataclass(frozen=True)
class Smoothness:
    """What the error analysis needs to know of an activation.

    Attributes
    ----------
    curvature : |f''(z)| of z, h = f(z) and f'(z); those of named activations have |f'| <= 1 and |f''| <= 1
    third : the largest |f'''|
    value : (a, c): a program's f is within u (a + c |f|)
    slope : (a, c, e): a program's f' is within u (a + c |f'| + e |f|)
    kinked : whether f' jumps at 0
    """

    curvature: Callable[[Array, Array, Array], Array]
    third: float
    value: tuple[float, float]
    slope: tuple[float, float, float]
    kinked: bool = False


def _none(z: Array, h: Array, slope: Array) -> Array:
    return np.zeros_like(z)


SMOOTHNESS: Mapping[str, Smoothness] = MappingProxyType(
    {
        "tanh": Smoothness(lambda z, h, slope: 2 * abs(h) * slope, 2, (40, 0), (5, 40, 80)),
        "logistic": Smoothness(lambda z, h, slope: slope * abs(1 - 2 * h), 1 / 8, (20, 2), (25, 40, 0)),
        "relu": Smoothness(_none, 0, (0, 2), (0, 0, 0), kinked=True),
        "softplus": Smoothness(lambda z, h, slope: slope * (1 - slope), 1 / 8, (24, 20), (60, 0, 0)),
        "sine": Smoothness(lambda z, h, slope: abs(h), 1, (0, 18), (18, 0, 0)),
        "identity": Smoothness(_none, 0, (0, 2), (0, 0, 0)),
    }
)

WINDOW = 1 / 256
"""How far around z a given f' is looked at."""


def smoothness_of(activation: str | Elementwise) -> Smoothness:
    """What is known of an activation by name, or assumed of a pair (f, f') that a caller gives.

    A given f' is taken to change, within the errors of z, at most twice as fast as it does over `WINDOW` to either
    side; and a program's f and f' to be within 64 u (1 + |f|) and 64 u (1 + |f'|).
    """
    if isinstance(activation, str):
        return SMOOTHNESS[activation]
    f_prime = activation.derivative

    def curvature(z: Array, h: Array, slope: Array) -> Array:
        change = np.maximum(abs(f_prime(z + WINDOW) - slope), abs(slope - f_prime(z - WINDOW)))
        return np.asarray(2 * change / WINDOW)

    return Smoothness(curvature, 0, (64, 64), (64, 64, 0))
