"""The finite field GF(2^61 - 1), and random functions on it.

An element is python-flint's `nmod`, and an array is a NumPy object array of them, so that `@ * + - /`, `.T`
and `.sum()` are exact. Two programs that agree at a random point are the same rational function of their
inputs, up to the probability that `bptt_oracle.arithmetic.degree` bounds; two that differ there are certainly
different.

The functions of a network (its activation f, the derivative f', softmax's exp, log) are *oracles*: fixed
random functions of the field, independent of one another. A program that is right for them is right for every
differentiable f, because nothing but f' = df/dz was used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bptt_oracle.arithmetic.arrays import ObjectArray, elementwise
from bptt_oracle.arithmetic.errors import FieldZeroDivisionError, InexactConstantError
from bptt_oracle.arithmetic.flint_types import nmod

PRIME: Final = 2**61 - 1

_DIGEST_BYTES: Final = 16

ORACLE_BIAS: Final = Fraction(PRIME, 2 ** (8 * _DIGEST_BYTES))
"""A bound, below 2^-67, on how far one value of an `Oracle` is from uniform (total variation).

With N = 2^128 equally likely digests and N = qp + r, 0 <= r < p, the residue of r of the p classes has
probability (q + 1)/N and that of the others q/N. Each is within 1/N of 1/p, so half the sum of the p
differences is at most p/(2N) < p/N.
"""


def element(value: object) -> Any:
    """One element of the field from an integer, a fraction or an element.

    Parameters
    ----------
    value
        A Python or NumPy integer or boolean, a `fractions.Fraction` whose denominator is no multiple of
        `PRIME`, an `nmod` of this field, or a float that is an integer of at most 2^53 in magnitude.

    Raises
    ------
    InexactConstantError
        For any other number: a float such as 0.333... is not the rational that was meant.
    FieldZeroDivisionError
        For a fraction whose denominator is zero in the field.
    """
    if isinstance(value, nmod) and value.modulus() == PRIME:
        return value
    if isinstance(value, (int, np.integer, np.bool_)):
        return nmod(int(value), PRIME)
    if isinstance(value, Fraction):
        return divide(nmod(value.numerator, PRIME), nmod(value.denominator, PRIME))
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) <= 2**53:
        return nmod(int(value), PRIME)
    raise InexactConstantError(
        f"expected an integer, a Fraction or an element of GF({PRIME}), because the field is exact, "
        f"but got {value!r} ({type(value).__name__}): write a fraction as a division of integers"
    )


def to_field(array: npt.ArrayLike) -> ObjectArray:
    """Bring an array into the field, entry by entry.

    Parameters
    ----------
    array
        Array-like of any shape whose entries `element` accepts.

    Returns
    -------
    Object array of the same shape, of `nmod`. No entry is a fixed-width NumPy integer, which would overflow
    in silence.

    Raises
    ------
    InexactConstantError, FieldZeroDivisionError
        As `element` does.
    """
    return elementwise(element, np.asarray(array))


def random_array(rng: np.random.Generator, shape: int | tuple[int, ...]) -> ObjectArray:
    """Independent uniform elements of the field.

    Parameters
    ----------
    rng
        Its bounded integers are drawn by rejection, hence without bias.
    shape
        Any shape, zero extents and () included.

    Returns
    -------
    Object array of that shape, of `nmod`.
    """
    return to_field(np.asarray(rng.integers(0, PRIME, size=shape, dtype=np.int64)))


def divide(a: Any, b: Any) -> Any:
    """The quotient a / b in the field, for elements or arrays that broadcast.

    Raises
    ------
    FieldZeroDivisionError
        When (an entry of) b is the zero of the field.
    """
    with naming_division_by_zero():
        return a / b


@contextmanager
def naming_division_by_zero() -> Iterator[None]:
    """A block in which a `/` by the field's zero, at whatever depth, raises `FieldZeroDivisionError`."""
    try:
        yield
    except FieldZeroDivisionError:
        raise
    except ZeroDivisionError as error:
        raise FieldZeroDivisionError(
            f"division by the zero of GF({PRIME}) ({error}): the instance is degenerate, draw it anew"
        ) from error


class Oracle:
    """A fixed random function of the field.

    The same seed and name give the same function on every machine and in every run. The value at a residue is
    BLAKE2b of the residue, keyed with the seed and the name, read as a 128-bit number and reduced modulo
    `PRIME`; `ORACLE_BIAS` bounds its distance from uniform. Values are remembered, so that a repeated
    argument costs a dictionary look-up. That a keyed hash behaves like a random function is the assumption
    under which the probabilities of `bptt_oracle.arithmetic.degree` hold; that a disagreement is real needs
    no assumption.

    Parameters
    ----------
    seed
        Any integer.
    name
        Tells the functions of one seed apart: "f", "f_prime", ...
    """

    __slots__ = ("_key", "_values", "name", "seed")

    def __init__(self, seed: int, name: str) -> None:
        self.seed = int(seed)
        self.name = name
        self._key = blake2b(f"{len(name)}:{name}:{self.seed}".encode(), digest_size=32).digest()
        self._values: dict[int, Any] = {}

    def __call__(self, array: Any) -> Any:
        """The function at each entry of an array of any shape, as an object array, or at one element."""
        if isinstance(array, np.ndarray):
            return elementwise(self._at, array)
        return self._at(array)

    def calls(self) -> int:
        """How many different arguments the function was asked for."""
        return len(self._values)

    def _at(self, value: Any) -> Any:
        residue = int(element(value))
        known = self._values.get(residue)
        if known is None:
            digest = blake2b(residue.to_bytes(8, "little"), key=self._key, digest_size=_DIGEST_BYTES).digest()
            known = self._values[residue] = nmod(int.from_bytes(digest, "little") % PRIME, PRIME)
        return known

    def __repr__(self) -> str:
        return f"Oracle({self.seed}, {self.name!r})"


@dataclass(frozen=True)
class Oracles:
    """The functions of a network as random oracles of one seed, independent of one another."""

    seed: int
    f: Oracle = field(init=False)
    f_prime: Oracle = field(init=False)
    exp: Oracle = field(init=False)
    log: Oracle = field(init=False)

    def __post_init__(self) -> None:
        for name in ("f", "f_prime", "exp", "log"):
            object.__setattr__(self, name, Oracle(self.seed, name))

    def functions(self) -> dict[str, Oracle]:
        """The four by the names that `bptt_oracle.jaxprs.evaluate` looks up."""
        return {"f": self.f, "f_prime": self.f_prime, "exp": self.exp, "log": self.log}

    def calls(self) -> int:
        """How many values were drawn in all, over the four functions."""
        return sum(oracle.calls() for oracle in self.functions().values())
