"""Reading what somebody else's program wrote: JSON, strictly, and the numbers in it, exactly."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from .probes import Array
from .refusals import Refusal

_HEX = re.compile(r"[-+]?0x[0-9a-f]*\.?[0-9a-f]*(p[-+]?[0-9]+)?", re.IGNORECASE)
_NOT_FINITE = re.compile(r"([-+]?)(?:(nan)(?:\([^)\"]*\))?|inf(?:inity)?)(?![a-z0-9_])", re.IGNORECASE)
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_DEEPEST = 4
_SHOWN = 60


def parse(text: bytes, expected: str) -> Any:
    """The value of a JSON text, every number in it a float.

    Parameters
    ----------
    text
        The whole text.
    expected
        What it should be, for messages: "one JSON object in a line".

    Raises
    ------
    Refusal
        "garbage" for what is no JSON, repeats a key or is nested too deep, "not-finite" for nan and inf as C prints
        them. (`NaN` and `Infinity`, which JSON does not know either, are taken for the numbers that they name.)
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise Refusal("garbage", f"expected {expected}, but got bytes that are no UTF-8") from None
    try:
        return json.loads(decoded, parse_int=float, object_pairs_hook=_object)
    except RecursionError:
        message = "expected an answer of lists three deep, but its lists are nested far deeper"
        raise Refusal("garbage", message) from None
    except json.JSONDecodeError as error:
        if found := _NOT_FINITE.match(decoded, error.pos):
            raise Refusal("not-finite", f"the answer holds {found[0]}, at character {error.pos + 1}") from None
        raise Refusal("garbage", f"expected {expected}, but {_why(decoded.strip(), error)}") from None


def _why(text: str, error: json.JSONDecodeError) -> str:
    """Why a text is no JSON, in words that follow a "but"."""
    at = error.pos + 1
    if not text:
        return "it is empty"
    if text[0] in "{[" and error.msg == "Extra data":
        return f"more follows it, from character {at} on"
    rest = error.doc.rstrip()[error.pos :]
    is_begun = any(word.startswith(rest) for word in _WORDS) or not rest.strip("-+.0123456789eE")
    if text[0] in "{[" and (is_begun or error.msg.startswith("Unterminated string")):
        return f"it is cut off after character {len(error.doc.rstrip())}"
    return f"it is none at character {at} ({error.msg[:1].lower()}{error.msg[1:]})"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, each of whose keys stands once."""
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise Refusal("garbage", f"expected each key once in an object, but {shown(key)} stands twice")
        data[key] = value
    return data


def gradients(data: Any, name: str = '"grads"') -> list[dict[str, Array]]:
    """The float64 arrays of a list of objects, one for each layer, of whatever shape they came in.

    Raises
    ------
    Refusal
        "structure" if it is anything else.
    """
    if not isinstance(data, list):
        raise Refusal("structure", f"{name}: expected a list of objects, one for each layer, but got {kind(data)}")
    grads = []
    for l, layer in enumerate(data):
        if not isinstance(layer, dict):
            raise Refusal("structure", f'{name}[{l}]: expected an object such as "params"[{l}], but got {kind(layer)}')
        grads.append({key: _array(value, f'{name}[{l}]["{printable(key)}"]') for key, value in layer.items()})
    return grads


def _array(data: Any, name: str) -> Array:
    """The float64 array of nested lists of numbers."""
    try:
        return np.array(_numbers(data, name, _DEEPEST), dtype=np.float64)
    except ValueError:
        raise Refusal("structure", f"{name}: expected an array, but its rows differ in length") from None


def _numbers(data: Any, name: str, deepest: int) -> Any:
    if isinstance(data, list) and deepest:
        return [_numbers(part, name, deepest - 1) for part in data]
    return number(data, name)


def number(data: Any, name: str) -> float:
    """A float64: of a JSON number, a string in C hex, or one of the ways to say that it is not finite.

    Raises
    ------
    Refusal
        "structure" for anything else.
    """
    if isinstance(data, float):
        return data
    if data is None:
        return np.nan
    if isinstance(data, str):
        if found := _NOT_FINITE.fullmatch(data):
            return np.nan if found[2] else float(f"{found[1]}inf")
        if _HEX.fullmatch(data):
            try:
                return float.fromhex(data)
            except OverflowError:
                return float("-inf" if data.startswith("-") else "inf")
            except ValueError:  # "0x" and "0x." have no digit
                pass
    raise Refusal(
        "structure", f'{name}: expected numbers, or strings in C hex such as "0x1.8p-3", but got {kind(data)}'
    )


def printable(text: str, longest: int = 500) -> str:
    """A program's words in one line that a terminal can be shown."""
    begins = text[:longest] + (" ..." if len(text) > longest else "")
    return "".join(
        each if each.isprintable() else " " if each.isspace() else "\N{REPLACEMENT CHARACTER}" for each in begins
    )


def kind(data: Any) -> str:
    """What a value of JSON is, in a few words."""
    match data:
        case None:
            return "null"
        case bool():
            return "true" if data else "false"
        case str():
            return f"the string {shown(data)}"
        case list():
            return "a list"
        case dict():
            return f"an object with the keys {keys(data)}"
    return f"the number {shown(data)}"


def keys(data: dict[str, Any]) -> str:
    """The keys of an object, as a list in words."""
    return printable(", ".join(f'"{key}"' for key in data), _SHOWN) or "none"


def shown(data: Any) -> str:
    """The beginning of a value, as JSON."""
    if isinstance(data, float) and data.is_integer():
        data = int(data)
    return printable(json.dumps(data), _SHOWN)
