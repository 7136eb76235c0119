"""Which mutants are no mistakes: those that compute the same function as the right program, found out exactly.

A mutant and its program run over the finite field on the same random networks, twice each, so that what a first call
leaves behind shows. If all results are equal, so are the functions for all real numbers, on networks of these shapes
(`elements` says why). What they do to their arguments counts as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptt_oracle.arithmetic.field import random_array, to_field
from bptt_oracle.oracle.arguments import Arguments, arguments
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import Plan, draw

from .elements import in_the_field, settled
from .programs import Function, load

SHAPES = (
    Plan("one step", (3, 2, 4), T=1, B=2, h0=True),
    Plan("plain", (2, 3, 4), T=5, B=2, h0=True),
    Plan("square", (3, 3, 3), T=3, B=3, h0=True),
    Plan("two", (3, 2, 4, 5), T=4, B=3, h0=True),
    Plan("two square", (2, 2, 2, 2), T=2, B=2, h0=True),
    Plan("three", (2, 4, 3, 5, 2), T=4, B=2, h0=True),
)
"""Shapes of the networks; those of k hidden layers stand before those of k + 1."""


@dataclass(frozen=True)
class Behaviour:
    """What a program does on all shapes of up to some number of hidden layers, exactly.

    Attributes
    ----------
    digest : of all results; equal for the same function
    answered : on how many shapes with more than one step it gave an answer, "always", "sometimes" or "never"
    """

    digest: str
    answered: str


def behaviour(source: str, conventions: Conventions, hidden: int, seed: int = 1) -> Behaviour:
    """What a program does over the field.

    Parameters
    ----------
    source
        Its text.
    conventions
        How it takes its arguments.
    hidden
        The number of hidden layers of the deepest networks.
    seed
        Of the networks and of the random functions.
    """
    text, names = in_the_field(source, seed)
    digest, answers = hashlib.sha256(), []
    f = load(text, "field", **names)
    for shape in SHAPES:
        if shape.hidden > hidden:
            continue
        for _ in range(2):
            result = _result(f, field_arguments(shape, conventions, seed), field_arguments(shape, conventions, seed))
            digest.update(result.encode() + b"\0")
            if shape.T > 1:
                answers.append(not result.startswith("!"))
    return Behaviour(digest.hexdigest(), "always" if all(answers) else "sometimes" if any(answers) else "never")


def field_arguments(shape: Plan, conventions: Conventions, seed: int) -> Arguments:
    """Arguments of f with uniformly random elements of the field for all numbers; targets stay as they are."""
    probe = draw(shape, seed).reduced(conventions)
    given = arguments(probe, conventions)
    rng = np.random.default_rng([seed, shape.T, shape.B, *shape.d])
    return Arguments(
        params=[{name: random_array(rng, array.shape) for name, array in layer.items()} for layer in given.params],
        x=random_array(rng, given.x.shape),
        y=given.y if conventions.targets == "classes" else to_field(given.y),
        h0=None if given.h0 is None else [random_array(rng, state.shape) for state in given.h0],
    )


def _result(f: Function, given: Arguments, pristine: Arguments) -> str:
    """What f returns and does to its arguments, as text; after a "!" why there is no answer."""
    keywords = {} if given.h0 is None else {"h0": given.h0}
    try:
        loss, grads = f(given.params, given.x, given.y, **keywords)
        if not _is_fit(grads, pristine.params):
            return "!form"
        answer = [_text(loss)] + [f"{name}:{_text(layer[name])}" for layer in grads for name in sorted(layer)]
    except Exception as error:
        return f"!{type(error).__name__}"
    kept = [_text(array) for _, array in _arrays(given)] == [_text(array) for _, array in _arrays(pristine)]
    return "\n".join([*answer, f"arguments kept: {kept}"])


def _is_fit(grads: Any, params: Any) -> bool:
    """Whether gradients have the names and shapes of the parameters; those of biases may be columns."""
    return len(grads) == len(params) and all(
        layer.keys() <= grad.keys()
        and all(
            np.shape(grad[name]) in ((a.shape, (a.size, 1)) if a.ndim == 1 else (a.shape,)) for name, a in layer.items()
        )
        for grad, layer in zip(grads, params, strict=True)
    )


def _arrays(given: Arguments) -> list[tuple[str, Any]]:
    layers = [(name, layer[name]) for layer in given.params for name in sorted(layer)]
    return [*layers, ("x", given.x), ("y", given.y), *(("h0", state) for state in given.h0 or [])]


def _text(value: Any) -> str:
    array = np.asarray(value)
    return f"{array.shape} {' '.join(str(int(settled(entry))) for entry in array.flat)}"
