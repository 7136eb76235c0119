"""Evaluate the program that JAX derived, one primitive at a time, over any kind of number.

`jax.make_jaxpr(jax.grad(loss))(...)` is the program of autodiff: a list of primitives. `evaluate` walks it
over NumPy arrays. Object arrays bring an arithmetic of their own (a finite field, balls, running error
bounds, degrees), and the program then computes there. What has no rule is refused by name: nothing is
approximated.

Values of integer and boolean type stay ordinary NumPy arrays in every case, because they are indices,
counters and predicates. They are concrete, and so a branch or a loop follows the values it meets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr

from bptt_oracle import jaxpr_rules, jaxpr_structure  # noqa: F401 -- importing them registers the rules
from bptt_oracle.arithmetic.arrays import Array
from bptt_oracle.jaxpr_walk import (
    FUNCTIONS,
    RULES,
    ArrayFunction,
    JaxprError,
    MissingFunctionError,
    OutOfBoundsError,
    Run,
    UnknownPrimitiveError,
    WrongArgumentsError,
)

__all__ = [
    "JaxprError",
    "MissingFunctionError",
    "OutOfBoundsError",
    "UnknownPrimitiveError",
    "WrongArgumentsError",
    "evaluate",
    "known_primitives",
]


def evaluate(
    program: ClosedJaxpr,
    *args: Any,
    functions: Mapping[str, ArrayFunction] | None = None,
    constants: Callable[[Any], Any] | None = None,
    counter: Counter[str] | None = None,
) -> list[Array]:
    """Evaluate a closed jaxpr.

    Parameters
    ----------
    program
        What `jax.make_jaxpr` returns.
    args
        One array for each input, of the input's shape. If any is an object array, every floating value of the
        program is an object array, and a change from one floating type to another is none; otherwise values
        are NumPy arrays of the types that the program states.
    functions
        Elementwise functions by the name of their primitive ("exp", "tanh", "f", ...), from an array to an
        array of its shape. They come before the rules. Without an entry, exp, log, log1p, expm1, tanh, sin,
        cos and sqrt are NumPy's, which for an object array call the element's method of that name, and
        logistic is 1 / (1 + exp(-x)).
    constants
        How a number in the program's text, or in an object array, becomes an element: `field.element`,
        `balls.ball`, ... It gets a Python integer where the number is one, and otherwise a float, which is
        the dyadic rational that it is. Without it, integers stay Python integers, and any other number is
        refused.
    counter
        Counts each primitive evaluated, by name, those of nested programs and of every pass of a loop
        included. What no output depends on is not evaluated.

    Returns
    -------
    One array for each output, of the output's shape.

    Raises
    ------
    UnknownPrimitiveError, MissingFunctionError, WrongArgumentsError, OutOfBoundsError
        As their descriptions say; the message names the primitive and what to do.
    InexactConstantError, NotFiniteError
        When a number has no meaning among the elements.
    UndecidedError, UnorderedError
        When elements are compared whose order cannot be known, or that have none.
    """
    arrays = [np.asarray(arg) for arg in args]
    invars = program.jaxpr.invars
    if len(arrays) != len(invars):
        raise WrongArgumentsError(f"expected {len(invars)} arguments, one for each input, but got {len(arrays)}")
    for position, (array, var) in enumerate(zip(arrays, invars, strict=True)):
        if array.shape != var.aval.shape:
            raise WrongArgumentsError(
                f"argument {position}: expected shape {var.aval.shape}, the input's, but got {array.shape}"
            )
    run = Run(
        exact=any(array.dtype == object for array in arrays),
        functions={} if functions is None else functions,
        constants=constants,
        counter=Counter() if counter is None else counter,
    )
    return run.program(program, [run.bring(a, var.aval.dtype) for a, var in zip(arrays, invars, strict=True)])


def known_primitives() -> frozenset[str]:
    """The names of the primitives that `evaluate` has a rule or a default function for."""
    return frozenset(RULES) | frozenset(FUNCTIONS)
