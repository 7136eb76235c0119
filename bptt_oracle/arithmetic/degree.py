r"""How likely the field is to call two different expressions equal: a proof, and the degrees that it needs.

Let p = 2^61 - 1. A program adds, subtracts, multiplies and divides its inputs and integers, and calls oracles
(f, f', exp, log).

**What equal means.** Let K be the field of rational functions over GF(p) in the inputs and in one variable
V(g, r) for every oracle g and every r of K that occurs as an argument of g. (The variables are made one after
another: the argument of a call is made of inputs and of variables of earlier calls.) The *formal value* of a
result is the element of K that the program computes when g(r) is V(g, r). If two results have the same formal
value, they are equal for all inputs and all functions put in the place of the oracles, wherever no division
is by zero: substitute g(r) for V(g, r), which is consistent, because equal arguments have the same variable.

**Theorem.** Let A and B be different elements of K, the formal values of two results. Draw the inputs
independently and uniformly from GF(p), and each oracle uniformly from all functions from GF(p) to itself. The
probability that no division is by zero and the two computed results are equal is at most

    (D + sum over g of C(m_g, 2) D_g) / p,

where D bounds the degree of the numerator of A - B; m_g is at least the number of different arguments of g in
K; and D_g bounds the degree of the numerator of the difference of any two of them.

*Proof.* A program represents each formal value as a fraction whose denominator is a product of numerators of
divisors. At a point where no division is by zero, no such denominator is zero, and the computed value is that
of the fraction.

First the ideal experiment: the inputs and all V(g, r) are independent and uniform, and the program computes
with them. A - B is a fraction whose numerator is not the zero polynomial, and where the computed results are
equal it is zero. By the Schwartz-Zippel lemma (a polynomial of total degree d that is not zero has at most
the share d / p of all points as zeros) this has probability at most D / p. In the same way, two different
arguments of g take the same value with probability at most D_g / p, and some two of them for some g with
probability at most (sum of C(m_g, 2) D_g) / p.

Now the real experiment. Draw as in the ideal one. Let the oracle g have at z the value of V(g, r) for the
first r, in the order of the calls, that takes the value z, and an independent uniform value where no argument
takes the value z. The value of r depends on inputs and earlier variables only, so that each value of each
oracle is uniform and independent of all that was drawn before: these are uniformly random functions. Unless
two different arguments of one oracle take the same value, both experiments compute the same, up to the first
division by zero if there is one. Hence, when the real results exist and are equal, the ideal ones are, or two
arguments have collided.  QED

**What the program draws.** Inputs come from NumPy's generator, without bias. An oracle's value is a keyed
hash, taken to be uniform up to `ORACLE_BIAS` for each value, which adds at most m_g `ORACLE_BIAS`. An
instance in which a division is by zero is drawn anew; with r instances drawn, the probability that any of
them agrees wrongly is at most r times the bound. Of arrays it is enough to consider one entry that differs,
so the bound for an array is that of its largest degree. A disagreement, on the other hand, proves that the
formal values differ.

**From GF(p) to the real numbers.** Everything above also defines formal values over the rational numbers.
Their numerators and denominators have integer coefficients, and reducing them modulo p gives those over
GF(p). Two that differ over the rationals differ over GF(p) too if no non-zero coefficient of the numerator of
A - B is a multiple of p, nor, for the variables to be the same ones, of the difference of two arguments of an
oracle. It is enough that the sum of the absolute values of the coefficients, which `Degree` bounds too, is
below p: see `lifts`.

**Degrees.** `Degree` elements go through the same program and carry bounds for a fraction that represents the
formal value: the degree and the coefficient sum of the numerator, and the denominator as a product of
factors. A sum is brought to the least common multiple of the two products; a product multiplies; dividing by
P / Q multiplies by Q and adds the factor P. The fraction need not be in lowest terms, as the proof does not
need it to be. The value of an oracle is a variable: degree 1 over 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from bptt_oracle.arithmetic.arrays import ObjectArray, elementwise
from bptt_oracle.arithmetic.errors import FieldZeroDivisionError, InexactConstantError, UnorderedError
from bptt_oracle.arithmetic.field import ORACLE_BIAS, PRIME


class _Factor:
    """A polynomial in a denominator; the same object is the same polynomial."""

    __slots__ = ("degree", "norm")

    def __init__(self, degree: int, norm: int) -> None:
        self.degree = degree
        self.norm = norm


_Factors = dict[_Factor, int]
_INTEGERS: dict[int, _Factor] = {}


class Degree:
    """Bounds on a fraction that represents a rational function.

    Elements combine by + - * /, with each other and with integers. They have no order; one equals an integer
    if it was made as that integer, and another element if it is the same object.

    Parameters
    ----------
    degree
        A bound on the degree of the numerator.
    norm
        A bound on the sum of the absolute values of the numerator's coefficients, which are integers.
    integer
        The value, where the element was made as an integer.
    """

    __slots__ = ("_as_factor", "_factors", "degree", "integer", "norm")

    def __init__(self, degree: int, norm: int, integer: int | None = None) -> None:
        self.degree = degree
        self.norm = norm
        self.integer = integer
        self._factors: _Factors = {}
        self._as_factor: _Factor | None = None

    @property
    def denominator(self) -> int:
        """A bound on the degree of the denominator."""
        return _degree(self._factors)

    @property
    def denominator_norm(self) -> int:
        """A bound on the sum of the absolute values of the denominator's coefficients."""
        return _norm(self._factors)

    def __add__(self, other: Any) -> Any:
        that = _operand(other)
        if that is None:
            return NotImplemented
        if self.integer == 0:
            return that
        if that.integer == 0:
            return self
        if self.integer is not None and that.integer is not None:
            return constant(self.integer + that.integer)
        common = dict(self._factors)
        for factor, power in that._factors.items():
            common[factor] = max(common.get(factor, 0), power)
        here, there = _missing(common, self._factors), _missing(common, that._factors)
        return _fraction(
            max(self.degree + _degree(here), that.degree + _degree(there)),
            self.norm * _norm(here) + that.norm * _norm(there),
            common,
        )

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        that = _operand(other)
        return NotImplemented if that is None else self + -that

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __neg__(self) -> Degree:
        if self.integer is not None:
            return constant(-self.integer)
        return _fraction(self.degree, self.norm, self._factors)  # a new object: to an oracle, another argument

    def __mul__(self, other: Any) -> Any:
        that = _operand(other)
        if that is None:
            return NotImplemented
        for one, rest in ((self, that), (that, self)):
            if one.integer == 0:
                return one
            if one.integer in (1, -1):
                return rest if one.integer == 1 else -rest
        if self.integer is not None and that.integer is not None:
            return constant(self.integer * that.integer)
        product = dict(self._factors)
        for factor, power in that._factors.items():
            product[factor] = product.get(factor, 0) + power
        return _fraction(self.degree + that.degree, self.norm * that.norm, product)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        that = _operand(other)
        if that is None:
            return NotImplemented
        if that.integer == 0:
            raise FieldZeroDivisionError("division by the constant 0: no instance of this program is defined")
        if self.integer == 0 or that.integer == 1:
            return self
        divisor = that._numerator()
        quotient = dict(self._factors)
        quotient[divisor] = quotient.get(divisor, 0) + 1
        return _fraction(self.degree + that.denominator, self.norm * that.denominator_norm, quotient)

    def __rtruediv__(self, other: Any) -> Any:
        that = _operand(other)
        return NotImplemented if that is None else that / self

    def _numerator(self) -> _Factor:
        """The numerator as a factor of a denominator, the same one each time."""
        if self._as_factor is None:
            fresh = _Factor(self.degree, self.norm)
            self._as_factor = fresh if self.integer is None else _INTEGERS.setdefault(abs(self.integer), fresh)
        return self._as_factor

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, int) and self.integer == other)

    def __hash__(self) -> int:
        return id(self) if self.integer is None else hash(self.integer)

    def __lt__(self, other: Any) -> bool:
        raise UnorderedError("rational functions over a finite field have no order: compare nothing there")

    __le__ = __gt__ = __ge__ = __lt__

    def __repr__(self) -> str:
        return f"Degree({self.degree} / {self.denominator})"


def _fraction(degree: int, norm: int, factors: _Factors) -> Degree:
    result = Degree(degree, norm)
    result._factors = factors
    return result


def _operand(value: Any) -> Degree | None:
    if isinstance(value, Degree):
        return value
    return constant(value) if isinstance(value, (int, np.integer, np.bool_)) else None


def _missing(common: _Factors, factors: _Factors) -> _Factors:
    return {factor: power - factors.get(factor, 0) for factor, power in common.items()}


def _degree(factors: _Factors) -> int:
    return sum(factor.degree * power for factor, power in factors.items())


def _norm(factors: _Factors) -> int:
    product = 1
    for factor, power in factors.items():
        product *= factor.norm**power
    return product


def constant(value: Any) -> Degree:
    """An integer as an element.

    Raises
    ------
    InexactConstantError
        For a number that is no integer.
    """
    if isinstance(value, Degree):
        return value
    number = int(value)
    if number != value:
        raise InexactConstantError(f"expected an integer, because the field is exact, but got {value!r}")
    return Degree(0, abs(number), number)


def variable() -> Degree:
    """A variable: an input drawn at random, or the value of an oracle."""
    return Degree(1, 1)


def variables(shape: int | tuple[int, ...]) -> ObjectArray:
    """Different variables, one for each random input.

    Parameters
    ----------
    shape
        Any shape, () included.

    Returns
    -------
    Object array of that shape, of `Degree`.
    """
    return elementwise(lambda _: variable(), np.empty(shape, dtype=object))


def constants(array: Any) -> ObjectArray:
    """An array of integers as elements; object array of the same shape.

    Raises
    ------
    InexactConstantError
        As `constant` does.
    """
    return elementwise(constant, np.asarray(array))


class DegreeOracle:
    """An oracle over `Degree` elements: each argument that is an object of its own gets its own variable."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        # By the identity of the argument, which is kept alive here, or by its integer.
        self._values: dict[tuple[str, int], tuple[Degree, Degree]] = {}

    def __call__(self, array: Any) -> Any:
        """The variables for the entries of an array of any shape, as an object array, or for one element."""
        if isinstance(array, np.ndarray):
            return elementwise(self._at, array)
        return self._at(array)

    def _at(self, value: Any) -> Degree:
        argument = constant(value)
        integer = argument.integer
        key = ("object", id(argument)) if integer is None else ("integer", integer)
        known = self._values.get(key)
        if known is None:
            known = self._values[key] = (argument, variable())
        return known[1]

    def calls(self) -> int:
        """A bound on the number of different arguments."""
        return len(self._values)

    def degree(self) -> int:
        """A bound on the degree of the numerator of the difference of two arguments.

        The numerator of P/Q - P'/Q' is PQ' - P'Q, of degree at most the largest deg P plus the largest deg Q.
        """
        arguments = [argument for argument, _ in self._values.values()]
        return max((a.degree for a in arguments), default=0) + max((a.denominator for a in arguments), default=0)

    def norm(self) -> int:
        """A bound on the coefficient sum of that numerator."""
        arguments = [argument for argument, _ in self._values.values()]
        largest = max((a.norm for a in arguments), default=0)
        return 2 * largest * max((a.denominator_norm for a in arguments), default=1)


@dataclass(frozen=True)
class DegreeOracles:
    """The functions of a network over `Degree` elements; one bundle for both programs that are compared."""

    f: DegreeOracle = field(default_factory=DegreeOracle)
    f_prime: DegreeOracle = field(default_factory=DegreeOracle)
    exp: DegreeOracle = field(default_factory=DegreeOracle)
    log: DegreeOracle = field(default_factory=DegreeOracle)

    def functions(self) -> dict[str, DegreeOracle]:
        """The four by the names that `bptt_oracle.jaxprs.evaluate` looks up."""
        return {"f": self.f, "f_prime": self.f_prime, "exp": self.exp, "log": self.log}


def difference_degree(a: Any, b: Any) -> int:
    """A bound on the degree of the numerator of a - b, over all entries.

    Parameters
    ----------
    a, b
        Arrays of `Degree` (or integers) that broadcast.
    """
    return max((x.degree for x in _differences(a, b)), default=0)


def failure_probability(degree: int, oracles: DegreeOracles, attempts: int = 1) -> Fraction:
    """A bound on the probability that two different results are found equal; see the module for the proof.

    Parameters
    ----------
    degree
        `difference_degree` of the two results.
    oracles
        The bundle that both programs were run with over `Degree` elements.
    attempts
        How many instances were drawn until no division was by zero.

    Returns
    -------
    An exact fraction; 1 at most.

    Raises
    ------
    ValueError
        For a negative degree or fewer than one attempt.
    """
    if degree < 0 or attempts < 1:
        raise ValueError(f"expected a degree >= 0 and attempts >= 1, but got {degree} and {attempts}")
    each = list(oracles.functions().values())
    collisions = sum(comb(oracle.calls(), 2) * oracle.degree() for oracle in each)
    bias = ORACLE_BIAS * sum(oracle.calls() for oracle in each)
    return min(Fraction(1), attempts * (Fraction(degree + collisions, PRIME) + bias))


def lifts(a: Any, b: Any, oracles: DegreeOracles) -> bool:
    """Whether equality over GF(p) implies equality over the rational and the real numbers; see the module.

    Parameters
    ----------
    a, b
        The two results over `Degree` elements, arrays that broadcast.
    oracles
        The bundle that both programs were run with.

    Returns
    -------
    False where the bounds do not prove it.
    """
    norms = [x.norm for x in _differences(a, b)]
    return all(norm < PRIME for norm in [*norms, *(oracle.norm() for oracle in oracles.functions().values())])


def _differences(a: Any, b: Any) -> Iterable[Degree]:
    left, right = np.broadcast_arrays(constants(a), constants(b))
    return [x - y for x, y in zip(left.flat, right.flat, strict=True)]
