"""The walk over a jaxpr: the values it carries, the rules it looks up, and what it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from bptt_oracle.arithmetic.arrays import Array, elementwise
from bptt_oracle.arithmetic.errors import InexactConstantError, NotFiniteError

ArrayFunction = Callable[..., Any]


class JaxprError(ValueError):
    """A program, or what it was given, cannot be evaluated."""


class UnknownPrimitiveError(JaxprError):
    """A primitive, or a variant of one, for which there is no rule."""


class MissingFunctionError(JaxprError):
    """The elements do not know a function of the program, and the caller gave none."""


class WrongArgumentsError(JaxprError):
    """The arguments do not fit the program's inputs."""


class OutOfBoundsError(JaxprError):
    """An index lies outside an array where JAX promises nothing about the result."""


RULES: dict[str, Callable[..., Any]] = {}
FUNCTIONS: dict[str, ArrayFunction] = {}

# bfloat16 and its like are `np.generic` only.
_NUMBERS = (int, float, np.generic)


def rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the rule of one or more primitives.

    A rule is a function of the run, the inputs as arrays, and the primitive's parameters by name. It returns
    the result, or a list of results; a 0-d result may be an element.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            RULES[name] = function
        return function

    return register


@dataclass(frozen=True)
class Run:
    """What stays the same during one evaluation.

    Parameters
    ----------
    exact
        Whether floating values are object arrays.
    functions, constants, counter
        As for `bptt_oracle.jaxprs.evaluate`.
    """

    exact: bool
    functions: Mapping[str, ArrayFunction]
    constants: Callable[[Any], Any] | None
    counter: Counter[str]

    def program(self, program: ClosedJaxpr | Jaxpr, args: Sequence[Array]) -> list[Array]:
        """The results of a program, closed or without constants, on values of this run."""
        if not isinstance(program, ClosedJaxpr):  # from JAX 0.12 on, every program carries its constants
            return self._walk(program, (), args)
        variables: list[Any] = program.jaxpr.constvars
        consts = [self.bring(c, v.aval.dtype) for c, v in zip(program.consts, variables, strict=True)]
        return self._walk(program.jaxpr, consts, args)

    def _walk(self, jaxpr: Jaxpr, consts: Sequence[Array], args: Sequence[Array]) -> list[Array]:
        env: dict[Any, Array] = dict(zip(jaxpr.constvars, consts, strict=True))
        env.update(zip(jaxpr.invars, args, strict=True))

        def read(atom: Any) -> Array:
            if isinstance(atom, Literal):
                aval: Any = atom.aval
                return self.bring(atom.val, aval.dtype)
            return env[atom]

        for step in _steps(jaxpr):
            self.counter[step.name] += 1
            results = self._apply(step.name, step.params, [read(atom) for atom in step.inputs])
            for (var, shape, dtype), result in zip(step.outputs, results, strict=True):
                env[var] = self._stated(step.name, result, shape, dtype)
        return [read(atom) for atom in jaxpr.outvars]

    def _apply(self, name: str, params: Mapping[str, Any], inputs: list[Array]) -> Sequence[Any]:
        function = self.functions.get(name) or FUNCTIONS.get(name)
        if function is not None:
            try:
                return [function(*inputs)]
            except TypeError as error:
                raise MissingFunctionError(
                    f"{name} cannot be applied to the elements ({error}): pass functions={{{name!r}: ...}}, "
                    "a function from an array to an array of the same shape"
                ) from error
        if name not in RULES:
            raise UnknownPrimitiveError(
                f"no rule for the primitive {name!r}: write the program without it, or pass "
                f"functions={{{name!r}: ...}} if it is an elementwise function"
            )
        try:
            results = RULES[name](self, *inputs, **params)
        except TypeError as error:
            raise JaxprError(f"{name} cannot be applied to the values it got ({error})") from error
        return results if isinstance(results, list) else [results]

    def _stated(self, name: str, result: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        """A rule's result as an array of the type and shape that the program states."""
        if self.elements(dtype):
            array = as_array(result, object)
            if array.dtype != object:
                raise JaxprError(f"{name}: expected elements, but got an array of type {array.dtype}")
        else:
            array = np.asarray(result, dtype=dtype)
        if array.shape != shape:
            raise JaxprError(f"{name}: expected the shape {shape}, as the program states, but got {array.shape}")
        return array

    def elements(self, dtype: Any) -> bool:
        """Whether values of this type are object arrays in this run."""
        return self.exact and is_floating(dtype)

    def bring(self, value: Any, dtype: Any) -> Array:
        """A value from outside the program (an argument, a constant, a literal), as a value of this run."""
        array = np.asarray(value)
        if self.elements(dtype):
            return elementwise(lambda x: self.constant(x) if isinstance(x, _NUMBERS) else x, array)
        if array.dtype == object:
            raise WrongArgumentsError(
                f"expected numbers of type {dtype}, because the program uses them as indices or predicates, "
                "but got an object array"
            )
        return array.astype(dtype, copy=False)

    def constant(self, value: Any) -> Any:
        """A number as an element; an infinity, which no element equals, stays a float to compare with."""
        number = int(value) if isinstance(value, (int, np.integer, np.bool_)) else float(value)
        if isnan(number):
            raise NotFiniteError("the constant nan has no meaning over exact elements: write the program without it")
        if not isfinite(number):
            return number
        if number == int(number):
            number = int(number)
        elif self.constants is None:
            raise InexactConstantError(
                f"the constant {number!r} is not an integer, and the rational that was meant cannot be "
                "known: write the program with a division of integers (x / T for x * (1 / T)), or, if the "
                "elements are real numbers, pass constants=, the function that makes an element of a float"
            )
        return number if self.constants is None else self.constants(number)


@dataclass(frozen=True)
class _Step:
    """An equation of a jaxpr, with what the walk asks of it at every pass."""

    name: str
    params: Mapping[str, Any]
    inputs: Sequence[Any]
    outputs: Sequence[tuple[Any, tuple[int, ...], Any]]  # variable, shape, type


_KNOWN_STEPS: WeakKeyDictionary[Jaxpr, list[_Step]] = WeakKeyDictionary()


def _steps(jaxpr: Jaxpr) -> list[_Step]:
    """The equations that an output depends on, in order, and those with effects."""
    known = _KNOWN_STEPS.get(jaxpr)
    if known is None:
        known = _KNOWN_STEPS[jaxpr] = _live_steps(jaxpr)
    return known


def _live_steps(jaxpr: Jaxpr) -> list[_Step]:
    needed: set[Any] = {atom for atom in jaxpr.outvars if not isinstance(atom, Literal)}
    steps = []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or not needed.isdisjoint(equation.outvars):
            needed.update(atom for atom in equation.invars if not isinstance(atom, Literal))
            variables: list[Any] = equation.outvars
            outputs = [(var, var.aval.shape, var.aval.dtype) for var in variables]
            steps.append(_Step(equation.primitive.name, equation.params, equation.invars, outputs))
    steps.reverse()
    return steps


def is_floating(dtype: Any) -> bool:
    """Whether the type is a floating one; bfloat16 and its like count, whose kind is "V"."""
    return np.dtype(dtype).kind not in "iub"


def filled(shape: tuple[int, ...], value: Any, dtype: Any) -> Array:
    """Array of one value."""
    result: Array = np.empty(shape, dtype=dtype)
    result[...] = value
    return result


def as_array(value: Any, dtype: Any) -> Array:
    """An array as it is, an element as a 0-d array."""
    return value if isinstance(value, np.ndarray) else filled((), value, dtype)


def refuse_elements(name: str, array: Array) -> None:
    """Raise for a primitive that means something for numbers only.

    Raises
    ------
    UnknownPrimitiveError
        When the array holds elements.
    """
    if array.dtype == object:
        raise UnknownPrimitiveError(f"no rule for {name} over exact elements: write the program without it")
