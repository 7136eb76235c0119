"""A counterexample worked out in numbers, step by step, so that a reader can redo it on paper.

Everything but the line in question is worked out by the right readings, over balls; decimals are rounded.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..arithmetic import balls
from ..catalogue import Variant, equation
from ..checking import function_of
from ..conditions import indices_where
from ..counterexamples import BITS, decimals
from ..manual import ACTIVATIONS, Derivation, Functions, Network, Quantities, indices, network
from .recorded import RecordedError
from .substitution import NotWrittenError, Written, by, elementwise, matrix, matrix_latex

_ERRORS = ("delta", "gamma", "dJ_dz")


@dataclass(frozen=True)
class Row:
    """One quantity, its LaTeX, at each time where it exists; or for each loss, for the errors."""

    symbol: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A line with its numbers put in.

    Attributes
    ----------
    substituted : LaTeX; None where the line takes the derivative of an expression
    value : LaTeX; None where it has none
    misfit : what does not fit together, in words, or None
    """

    substituted: str | None
    value: str | None
    misfit: str | None


@dataclass(frozen=True)
class WorkedExample:
    """A counterexample with all that leads to it.

    Attributes
    ----------
    parameters : LaTeX of each parameter and initial state, as "H^(1) = ..."
    classes : the class k of each step, counted from 1
    times : the columns of `forward`
    forward, errors : a row for each quantity; `errors` is empty where the line uses none
    printed, corrected : the line; `corrected` is None where the corrected reading is not stated for these indices
    truth : LaTeX of what autodiff gives
    """

    parameters: tuple[str, ...]
    classes: tuple[int, ...]
    times: tuple[int, ...]
    forward: tuple[Row, ...]
    errors: tuple[Row, ...]
    printed: Line
    corrected: Line | None
    truth: str


def worked(number: int, example: Mapping[str, Any]) -> WorkedExample:
    """A counterexample of `verdicts.json`, worked out again.

    Raises
    ------
    RecordedError
        If its program cannot be read, or the right reading does not give what the file says that autodiff gave.
    """
    given = _arguments(number, example["python"])
    net = network(given["params"], given["x"], given["y"], given["h0"], given["f"])
    with balls.precision(BITS):
        functions = Functions(f=ACTIVATIONS[given["f"]])
        exact = net.over(balls.to_balls, functions)
        known = Derivation(exact)
        stated = equation(number)
        truth = known_value(known, stated.symbol, stated.left_hand_side(example["at"]))
        if decimals(truth) != example["autodiff"]:
            raise RecordedError(
                f"the counterexample of equation ({number}): {example['autodiff']} is recorded for autodiff, "
                f"but its network gives {decimals(truth)}"
            )
        asked: set[str] = set()
        readings = {
            variant: _line(exact, known, number, variant, example, asked)
            for variant in ("printed", "corrected")
            if _is_stated(number, variant, example["at"])
        }
        if example["outcome"] == "differs" and readings["printed"].value != _value(_numbers(example["printed"])):
            raise RecordedError(
                f"the counterexample of equation ({number}): {example['printed']} is recorded for the print, "
                f"but its network gives {readings['printed'].value}"
            )
        return WorkedExample(
            parameters=tuple(_parameters(exact)),
            classes=tuple(k + 1 for k in given["y"]),
            times=tuple(range(net.T + 1)),
            forward=tuple(_forward(exact, known)),
            errors=tuple(_errors(known, stated.symbol)) if asked & {*_ERRORS} else (),
            printed=readings["printed"],
            corrected=readings.get("corrected"),
            truth=_latex(truth),
        )


def known_value(known: Quantities, symbol: str, at: tuple[int, ...]) -> Any:
    """The quantity on a left-hand side."""
    found = getattr(known, symbol)
    return found[at] if len(at) != 1 else found[at[0]]


def _arguments(number: int, program: str) -> dict[str, Any]:
    """The network in the program that repeats a counterexample: read, not run."""
    try:
        tree = ast.parse(program)
        [params] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
        [call] = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "replay"
        ]
        found = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
        found["params"] = ast.literal_eval(params)
        return {name: found[name] for name in ("params", "x", "y", "h0", "f")}
    except (SyntaxError, ValueError, KeyError) as error:
        raise RecordedError(f"the counterexample of equation ({number}): its program cannot be read") from error


def _is_stated(number: int, variant: Variant, at: Mapping[str, int]) -> bool:
    stated = equation(number)
    reading = stated.corrected if variant == "corrected" else stated.printed
    if reading is None:
        return False
    symbols = indices(function_of(number, variant))
    return tuple(at[name] for name in symbols) in indices_where(symbols, reading.where, at["n"], at["T"])


def _line(
    exact: Network, known: Derivation, number: int, variant: Variant, example: Mapping[str, Any], asked: set[str]
) -> Line:
    """One line of a reading, its neighbours' values put in; the names that it asks for are added to `asked`."""
    stated, function = equation(number), function_of(number, variant)
    at = [example["at"][name] for name in indices(function)]

    def value_over(net: Network, convert: Callable[[Any], Any]) -> Any:
        def find(name: str, at: tuple[int, ...]) -> Any:
            asked.add(name)
            return convert(known_value(known, name, at))

        lines = function(Quantities(net, find), *at)
        return [next(lines) for _ in range(example["line"])][-1]

    try:
        f = elementwise(exact.functions.f, "f")
        value = value_over(exact.over(_matrix, Functions(f=f)), _matrix)
    except NotWrittenError:
        return Line(None, _latex(value_over(exact, lambda array: array)), None)
    if not isinstance(value, Written):  # undefined
        return Line(None, None, None)
    if value.value is None:
        return Line(value.latex, None, value.misfit)
    needed = known_value(known, stated.symbol, stated.left_hand_side(example["at"])).shape
    wrong = None if value.shape == needed else f"it is {by(value.shape)} where {by(needed)} is needed"
    return Line(value.latex, _latex(value.value), wrong)


def _matrix(array: Any) -> Any:
    return matrix(array, _rows)


def _rows(array: Any) -> list[list[str]]:
    return _numbers(decimals(array))


def _numbers(text: str) -> list[list[str]]:
    rows: list[list[str]] = json.loads(text, parse_int=str, parse_float=str)
    return rows


def _latex(array: Any) -> str:
    return _value(_rows(array))


def _value(rows: list[list[str]]) -> str:
    """A result: a matrix, or a number that needs no brackets."""
    return rows[0][0] if len(rows) == len(rows[0]) == 1 else matrix_latex(rows)


def _parameters(net: Network) -> Iterator[str]:
    for l in range(1, net.n + 1):
        named = {"H": net.H.get(l), "W": net.W[l], "b": net.b[l]}
        yield from (f"{name}^{{({l})}} = {_latex(array)}" for name, array in named.items() if array is not None)
    yield from (f"h^{{({l})(0)}} = {_latex(state)}" for l, state in net.h0.items())


def _forward(net: Network, known: Derivation) -> Iterator[Row]:
    times = range(1, net.T + 1)

    def row(symbol: str, cells: Mapping[int, Any]) -> Row:
        return Row(symbol, tuple(_latex(cells[t]) if t in cells else "" for t in range(net.T + 1)))

    yield row("x^{(t)}", net.x)
    for l in range(1, net.n + 1):
        yield row(f"z^{{({l})(t)}}", {t: known.z[l, t] for t in times})
        if l < net.n:
            yield row(f"h^{{({l})(t)}}", {t: known.h[l, t] for t in range(net.T + 1)})
    yield row(r"\hat{y}^{(t)}", {t: known.y_hat[t] for t in times})
    yield row("y^{(t)}", net.y)


def _errors(known: Derivation, symbol: str) -> Iterator[Row]:
    """delta^(l)(t)(i) for the losses i; and gamma^(l)(t), their sum, where the line is about it."""
    times = range(1, known.T + 1)
    for l in range(known.n, 0, -1):
        for t in reversed(times):
            cells = tuple(_latex(known.delta[l, t, i]) if i >= t else "" for i in times)
            yield Row(rf"\delta^{{({l})({t})(i)}}", cells)
            if symbol == "gamma" and l < known.n:
                total = _latex(known.gamma[l, t])
                yield Row(rf"\gamma^{{({l})({t})}} = {total}", ("",) * known.T)
