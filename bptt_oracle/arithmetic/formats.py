"""Floating-point formats, and how far their operations may be from exact.

The model, for the result of one operation whose exact value on the operands is v:

    computed = v (1 + d) + z,    |d| <= u,    |z| <= eta,

u being the unit roundoff. IEEE 754 with rounding to nearest gives it with z = 0 for every normal result.
Below the smallest normal number, x86 processors under XLA write and read zero instead of subnormal numbers,
while NumPy keeps them; |z| <= eta = the smallest normal number covers both, and also a consumer that reads
zero where another reads the subnormal number. float16 is never flushed (its conversions ignore the
processor's setting), so there eta is half the spacing of its subnormal numbers. Results kept in more bits, as
XLA does inside a fused loop, are nearer to v than the model allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import frexp
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Format:
    """A binary floating-point format.

    Parameters
    ----------
    name
        NumPy's name of it.
    precision
        Bits of the significand, the leading one included; at most 53.
    least_exponent, greatest_exponent
        The smallest normal number is 2^least_exponent; all numbers are below 2^(greatest_exponent + 1).
    flushes
        Whether subnormal numbers may be replaced by zero.
    library_ulps
        How many ulps of the result a library's exp, log, log1p, tanh, sin or cos may be off.
    log1p_below_zero_ulps
        The same for log1p at negative arguments.
    """

    name: str
    precision: int
    least_exponent: int
    greatest_exponent: int
    flushes: bool
    library_ulps: float
    log1p_below_zero_ulps: float

    @cached_property
    def u(self) -> float:
        """The unit roundoff, 2^-precision."""
        return 2.0**-self.precision

    @cached_property
    def smallest_normal(self) -> float:
        """The smallest positive normal number."""
        return 2.0**self.least_exponent

    @cached_property
    def eta(self) -> float:
        """The absolute part of an operation's error, from underflow."""
        return self.smallest_normal if self.flushes else self.smallest_normal * self.u

    @cached_property
    def largest(self) -> float:
        """The largest finite number."""
        return (2 - 2 * self.u) * 2.0**self.greatest_exponent

    def represents(self, value: int | float | Fraction) -> bool:
        """Whether the format holds the number exactly."""
        try:
            number = float(value)
        except OverflowError:
            return False
        if number != value or abs(number) > self.largest:
            return False
        significand, exponent = frexp(number)  # in [1/2, 1), so that the leading bit is worth 2^(exponent - 1)
        digits = self.precision - max(0, self.least_exponent + 1 - exponent)
        return (significand * 2.0**digits).is_integer()


# The errors of library functions, in ulps of the result. NumPy's own accuracy tests (test_umath_accuracy.py)
# allow 4 ulps from the correctly rounded result in float32 (log), 2 in float64 (tanh), and 1 in float16, that
# is 4.5, 2.5 and 1.5 from the true one. JAX's table of accuracies (docs/accuracy.md; x86 CPUs and NVIDIA
# GPUs, not TPUs) has as its largest for these functions 7.0 in float64 and 5.5 in float32 (tanh), 1.0 in
# float16 and 0.5 in bfloat16. bfloat16 is computed in float32 and rounded: half an ulp, and 8 ulps of
# float32, of which 2^16 make one of bfloat16, hence 0.5 + 2^-13.
#
# JAX's log1p in float64 (jaxlib 0.10, CPU) is off by up to 120 ulps between -1/2 and -0.29, which that table
# does not show; elsewhere it is within 2. A test measures every constant here against balls.
FLOAT64: Final = Format("float64", 53, -1022, 1023, True, 8.0, 160.0)
FLOAT32: Final = Format("float32", 24, -126, 127, True, 8.0, 8.0)
BFLOAT16: Final = Format("bfloat16", 8, -126, 127, True, 0.5 + 2**-13, 0.5 + 2**-13)
FLOAT16: Final = Format("float16", 11, -14, 15, False, 2.0, 2.0)

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {format.name: format for format in (FLOAT64, FLOAT32, BFLOAT16, FLOAT16)}
)
