"""The smallest network on which a reading fails, with small integers for numbers, and the lines that repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from .arithmetic import balls
from .arithmetic.errors import RefusalError
from .catalogue import Equation, Reading, Variant, equation
from .checking import Comparison, Outcome, Sources, compare, function_of
from .instances import Description, Instance
from .manual import Undefined, indices, network
from .worlds import World, ball_world, plain_arrays

BITS = 256
DIGITS = 6
_ATTEMPTS = 12  # draws of values for each shape

Claim = tuple[Equation, Reading, int, Outcome]


@dataclass(frozen=True)
class Counterexample:
    """One network, and one set of indices, on which a line of a reading fails.

    Attributes
    ----------
    number, variant, line : the failing claim
    outcome : "undefined", "shape" or "differs"
    at : the indices, with n and T
    instance : the network, its numbers small integers
    left, right : what autodiff gives for the left-hand side, and what the line gives, as text
    """

    number: int
    variant: Variant
    line: int
    outcome: Outcome
    at: Mapping[str, int]
    instance: Instance
    left: str
    right: str

    def python(self) -> str:
        """The lines of Python that repeat it."""
        i = self.instance
        where = ", ".join(f"{name}={value}" for name, value in self.at.items() if name not in "nT")
        h0 = ", ".join(map(_plain, i.h0))
        layers = ",\n    ".join(
            "{" + ", ".join(f'"{name}": {_plain(array)}' for name, array in layer.items()) + "}" for layer in i.params
        )
        return (
            "from bptt_oracle import replay\n\n"
            f"params = [\n    {layers},\n]\n"
            f'print(replay({self.number}, "{self.variant}", params, '
            f"x={_plain(i.x)}, y={[int(row.argmax()) for row in i.y]}, "
            f'h0=[{h0}], f="{i.description.f}", line={self.line}'
            f"{', ' + where if where else ''}))"
        )


def smallest(number: int, line: int, outcome: Outcome, variant: Variant = "printed") -> Counterexample | None:
    """The smallest counterexample found to one line that fails with `outcome`, or None.

    Shapes are tried from the smallest on, by depth and length together and then by widths, with a number of random
    small integers for each; then every number is replaced by 0, or else by 1, where the line still fails.
    """
    claim = equation(number), equation(number).reading(variant), line, outcome
    for shape in _shapes():
        for seed in range(_ATTEMPTS):
            instance, world = _candidate(shape, seed)
            if world is not None and _failure_in(world, *claim) is not None:
                return _described(_shrunk(instance, claim), claim)
    return None


def replay(
    number: int,
    variant: Variant,
    params: Sequence[Mapping[str, Any]],
    x: Any,
    y: Sequence[int],
    h0: Sequence[Any],
    f: str,
    line: int,
    **at: int,
) -> str:
    """What autodiff and a line of a reading give on one network, side by side.

    Parameters
    ----------
    number, variant, line
        The line of the reading of an equation.
    params, x, y, h0, f
        A network with class indices as targets, and the name of its activation.
    at
        The equation's indices.

    Raises
    ------
    ValueError
        If the equation has no such reading or line, or is not stated for these indices; NetworkError if the arrays
        make no network.
    """
    stated = equation(number).reading(variant)
    if not 1 <= line <= len(stated.lines):
        raise ValueError(f"line: equation ({number}) has the lines 1..{len(stated.lines)}, but got {line}")
    needed = set(indices(function_of(number, variant)))
    if needed != set(at):
        raise ValueError(
            f"equation ({number}): expected the indices {', '.join(sorted(needed)) or 'none'}, "
            f"but got {', '.join(sorted(at)) or 'none'}"
        )
    checked = network(params, x, y, h0, f)
    layers, rows, targets, states = plain_arrays(checked)
    description = Description(checked.n, checked.T, checked.d, f=f)
    instance = Instance(description, layers, rows, targets, states, (0.0,) * 5)
    for comparison in _comparisons(_world(instance), equation(number), stated):
        if comparison.key.line == line and all(comparison.at[name] == value for name, value in at.items()):
            left, right = _texts(comparison)
            return (
                f"equation ({number}), {variant}, line {line}, at {_indices(comparison.at)}: {comparison.outcome}\n"
                f"autodiff: {left}\nthe line: {right}"
            )
    raise ValueError(f"equation ({number}) is not stated for {at} on this network")


def _shapes() -> Iterator[Description]:
    """Shapes from the smallest on: by depth and length together, then by their widths."""
    for n, T in sorted(product(range(1, 5), range(1, 4)), key=lambda shape: (sum(shape), shape)):
        for d in sorted(product((1, 2), repeat=n + 1), key=lambda widths: (sum(widths), widths)):
            if d[-1] > 1:  # one class leaves no error to propagate
                yield Description(n, T, d, f="identity")


def _integers(shape: Description, seed: int) -> Instance:
    rng = np.random.default_rng([seed, shape.n, shape.T, *shape.d])

    def draw(*size: int) -> Any:
        return rng.integers(-1, 3, size=size).astype(float)

    d = shape.d
    params = [
        ({"H": draw(d[l], d[l])} if l < shape.n else {}) | {"W": draw(d[l], d[l - 1]), "b": draw(d[l])}
        for l in range(1, shape.n + 1)
    ]
    y = np.eye(d[-1])[rng.integers(d[-1], size=shape.T)]
    x, h0 = draw(shape.T, d[0]), [draw(d[l]) for l in range(1, shape.n)]
    return Instance(shape, params, x, y, h0, (0.0,) * 5)


@lru_cache(maxsize=512)
def _candidate(shape: Description, seed: int) -> tuple[Instance, World | None]:
    """A network that every search tries, made once, and its world; none if the enclosures do not decide there."""
    instance = _integers(shape, seed)
    try:
        return instance, _world(instance)
    except RefusalError:
        return instance, None


def _world(instance: Instance) -> World:
    with balls.precision(BITS):
        return ball_world(instance)


def _comparisons(world: World, equation: Equation, reading: Reading) -> list[Comparison]:
    with balls.precision(BITS):
        function = function_of(equation.number, reading.variant)
        return list(compare(world, equation, reading, function, "local", Sources(world)))


def _failure_in(world: World, equation: Equation, reading: Reading, line: int, outcome: Outcome) -> Comparison | None:
    try:
        comparisons = _comparisons(world, equation, reading)
    except RefusalError:
        return None  # enclosures do not decide, for instance because the line divides by zero here
    return next((c for c in comparisons if c.key.line == line and c.outcome == outcome), None)


def _failure(instance: Instance, claim: Claim) -> Comparison | None:
    try:
        world = _world(instance)
    except RefusalError:
        return None
    return _failure_in(world, *claim)


def _shrunk(instance: Instance, claim: Claim) -> Instance:
    """The instance with every number replaced by 0, or else by 1, wherever the line still fails."""
    for name, position, index in list(_entries(instance)):
        for value in (0.0, 1.0):
            if _array(instance, name, position)[index] == value:
                break
            candidate = _with(instance, name, position, index, value)
            if _failure(candidate, claim) is not None:
                instance = candidate
                break
    return instance


def _entries(instance: Instance) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    arrays = [("x", 0, instance.x)]
    arrays += [("h0", l, state) for l, state in enumerate(instance.h0)]
    arrays += [(name, l, array) for l, layer in enumerate(instance.params) for name, array in layer.items()]
    for name, position, array in arrays:
        for index in np.ndindex(*array.shape):
            yield name, position, index


def _array(instance: Instance, name: str, position: int) -> Any:
    if name == "x":
        return instance.x
    return instance.h0[position] if name == "h0" else instance.params[position][name]


def _with(instance: Instance, name: str, position: int, index: tuple[int, ...], value: float) -> Instance:
    changed = _array(instance, name, position).copy()
    changed[index] = value
    if name == "x":
        return replace(instance, x=changed)
    if name == "h0":
        return replace(instance, h0=[changed if l == position else state for l, state in enumerate(instance.h0)])
    params = [dict(layer) for layer in instance.params]
    params[position][name] = changed
    return replace(instance, params=params)


def _described(instance: Instance, claim: Claim) -> Counterexample:
    comparison = _failure(instance, claim)
    assert comparison is not None  # it failed a moment ago
    left, right = _texts(comparison)
    key = comparison.key
    return Counterexample(key.number, key.variant, key.line, comparison.outcome, comparison.at, instance, left, right)


def _texts(comparison: Comparison) -> tuple[str, str]:
    value = comparison.value
    if isinstance(value, Undefined):
        right = f"undefined: the document gives no meaning to {value.symbol}"
    elif isinstance(value, Exception):
        right = "no value: the shapes of its factors do not compose"
    elif comparison.outcome == "shape":
        right = f"{decimals(value)}, of shape {value.shape} where {comparison.truth.shape} is needed"
    else:
        right = decimals(value)
    return decimals(comparison.truth), right


def decimals(array: Any) -> str:
    """An array of balls as nested lists of decimals, rounded to `DIGITS` places."""

    def text(number: Any) -> str:
        rounded = f"{float(balls.ball(number).mid()):.{DIGITS}f}".rstrip("0").rstrip(".")
        return "0" if rounded in ("-0", "") else rounded

    return "[" + ", ".join("[" + ", ".join(text(entry) for entry in row) + "]" for row in array) + "]"


def _plain(array: Any) -> str:
    return str(np.asarray(array).astype(int).tolist())


def _indices(at: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in at.items())
