"""The protocol by which a program in any language answers: one JSON object in a line, each way.

This module turns a network into the line of a request and the line of an answer into arrays; `program` moves the
lines. docs/protocol.md describes the protocol to the author of a program, and `lines.schema.json` states it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from .probes import Array
from .reading import gradients, keys, kind, number, parse, printable, shown
from .refusals import Refusal

PROTOCOL = 1
"""The version of the protocol. What is added to a request keeps it; anything that breaks a program raises it."""

NAMES = ("H", "W", "b", "b_ih", "b_hh")
"""The arrays of a layer, in the order in which a request holds them."""

ANSWERS_ALONE = "Standard output is for answers alone, each whole in one line; write all else to standard error."

_SHOWN = 60

_PER_NUMBER, _BESIDE = 256, 1 << 16


def longest_answer(params: Sequence[Mapping[str, ArrayLike]]) -> int:
    """How many bytes the answer about these parameters may have.

    A gradient has as many numbers as the parameters, and a float64 takes up to 24 characters in its shortest decimal
    and in C hex, so 256 for each leave room for any way to write them, and 65536 for what stands beside.
    """
    return _BESIDE + _PER_NUMBER * sum(np.size(array) for layer in params for array in layer.values())


def request(
    identity: int,
    params: Sequence[Mapping[str, ArrayLike]],
    x: ArrayLike,
    y: ArrayLike,
    h0: Sequence[ArrayLike] | None = None,
    *,
    hexadecimal: bool = False,
) -> str:
    """The line that asks for the gradients of one network, without its line break.

    Parameters
    ----------
    identity
        The number of the request, which its answer repeats.
    params, x, y, h0
        As a backprop takes them: in its own layout, with its own batch and biases.
    hexadecimal
        Whether every float is sent as a string in C hex, "0x1.8000000000000p-3". Otherwise it is the shortest decimal
        that reads as the same float64.
    """
    write = _hexadecimal if hexadecimal else _decimal
    inputs = np.asarray(x)
    biases = [layer["b"] if "b" in layer else layer["b_ih"] for layer in params]
    data: dict[str, Any] = {
        "protocol": PROTOCOL,
        "id": identity,
        "d": [inputs.shape[-1], *map(np.size, biases)],
        "x_shape": list(inputs.shape),
        "params": [{name: write(np.asarray(layer[name])) for name in NAMES if name in layer} for layer in params],
        "x": write(inputs),
        "y": write(np.asarray(y)),
    }
    if h0 is not None:
        data["h0"] = [write(np.asarray(state)) for state in h0]
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _decimal(array: Array) -> Any:
    """The nested lists of an array: `json` writes a float in the shortest decimal."""
    return array.tolist()


def _hexadecimal(array: Array) -> Any:
    """The nested lists of an array, its floats as strings in C hex."""
    if array.dtype.kind != "f":
        return array.tolist()
    if array.ndim == 0:
        return float(array).hex()
    return [_hexadecimal(part) for part in array]


def answer(line: bytes, identity: int) -> tuple[float | None, list[dict[str, Array]]]:
    """Loss and gradients from the line of an answer; None for a loss that it does not give.

    The gradients are float64 arrays of whatever shape they came in. A number that is not finite is kept as such.

    Raises
    ------
    Refusal
        "garbage" if the line is no answer of the protocol, "not-finite" if it holds nan or inf as C prints them,
        "structure" if the gradients are no list of objects of arrays of numbers, "exception" for an answer "error".
    """
    data = _parsed(line)
    if not isinstance(data, dict):
        _refuse("garbage", f"expected one JSON object in a line, but got {kind(data)}", line)
    if data.get("id") != identity or isinstance(data["id"], bool):
        got = shown(data["id"]) if "id" in data else "none"
        _refuse("garbage", f'expected the answer to the request with "id" {identity}, but its "id" is {got}', line)
    if "error" in data:
        said = data["error"] if isinstance(data["error"], str) else json.dumps(data["error"])
        raise Refusal("exception", f"the program says that it could not: {printable(said)}")
    if "grads" not in data:
        _refuse("garbage", f'expected "grads" or "error", but the keys are {keys(data)}', line)
    return number(data["loss"], '"loss"') if "loss" in data else None, gradients(data["grads"])


def _parsed(line: bytes) -> Any:
    try:
        return parse(line, "one JSON object in a line")
    except Refusal as refusal:
        if refusal.slug == "garbage":
            _refuse(refusal.slug, refusal.message, line)
        raise


def _refuse(slug: str, message: str, line: bytes) -> NoReturn:
    """Refuse a line, and show how it begins."""
    beginning = printable(line[: 4 * _SHOWN + 1].decode(errors="replace"), _SHOWN)
    raise Refusal(slug, f"{message}; the line: {beginning}", ANSWERS_ALONE) from None
