"""A file of answers to the test vectors, JSON or npz, read so that nothing in it can do harm.

Nothing from the file is evaluated or unpickled, and its sizes are looked at before anything of that size is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, NoReturn
from zipfile import ZipFile, ZipInfo, is_zipfile

import numpy as np

from .conventions import CHOICES
from .probes import PLANS, Array
from .reading import gradients, keys, kind, number, parse, printable, shown
from .refusals import Refusal

FORMAT = "bptt-oracle answers"
LARGEST = 1 << 22
"""Bytes that a file may have, and what an npz declares to hold: far more than the answers to all vectors need."""

_KEYS = ("format", "version", "seed", "conventions", "answers")
_IDS = tuple(plan.name for plan in PLANS)
_GRADIENT = re.compile(r"(?P<id>[^.]+)\.grads\.(?P<l>[1-9][0-9]?)\.(?P<name>[^.]+)")
_MOST_AXES = 4
_HEADERS: Mapping[tuple[int, int], Callable[[Any], tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class SubmissionError(ValueError):
    """A file that holds no answers. The message says what was expected and what came."""


@dataclass(frozen=True)
class Submission:
    """Answers as they were handed in.

    Attributes
    ----------
    seed : of the networks
    conventions : declared ones, by name
    answers : by the id of the vector: J, or None, and gradients of whatever shape they came in, all finite
    """

    seed: int
    conventions: dict[str, Any]
    answers: dict[str, tuple[float | None, list[dict[str, Array]]]]


def read_submission(path: Path) -> Submission:
    """The answers in a file.

    Parameters
    ----------
    path
        An npz file if its name or its content says so, else JSON.

    Raises
    ------
    SubmissionError
        If it cannot be read, or holds no answers; the message names the file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        came = f"it cannot be read: {error.strerror}"
        if path.is_dir():
            came = "there is a folder"
        elif not path.exists():
            came = "there is no such file"
        raise SubmissionError(f"{path}: expected a file of answers, JSON or npz, but {came}") from None
    try:
        if len(content) > LARGEST:
            _refuse(f"expected at most {LARGEST} bytes, far more than the answers to all vectors need, but it has more")
        if content.startswith(b"PK") or path.suffix == ".npz":
            return _of_npz(content)
        return _of_json(content)
    except (Refusal, SubmissionError) as error:
        raise SubmissionError(f"{path}: {error}") from None


def _refuse(message: str) -> NoReturn:
    raise SubmissionError(message)


# --------------------------------------------------------------------------------------------------------------- JSON


def _of_json(content: bytes) -> Submission:
    try:
        data = parse(content, "JSON")
    except Refusal as refusal:
        _refuse(f"{refusal}; write the answers anew, as one JSON object")
    if not isinstance(data, dict):
        _refuse(f"expected one JSON object, but got {kind(data)}")
    if unknown := {key: None for key in data if key not in _KEYS}:
        _refuse(f"expected the keys {', '.join(_KEYS)}, but got {keys(unknown)}")
    if data.get("format") != FORMAT:
        _refuse(f'"format": expected "{FORMAT}", but got {kind(data["format"]) if "format" in data else "none"}')
    if data.get("version") != 1 or isinstance(data["version"], bool):
        _refuse(f'"version": expected 1, but got {kind(data["version"]) if "version" in data else "none"}')
    answers = data.get("answers")
    if not isinstance(answers, dict):
        _refuse(f'"answers": expected an object, one answer for each id, but got {kind(answers)}')
    return _submission(
        _seed(data.get("seed", 2016.0)),
        _conventions(data.get("conventions", {})),
        {name: _answer(name, answer) for name, answer in answers.items()},
    )


def _answer(name: str, data: Any) -> tuple[float | None, list[dict[str, Array]]]:
    where = f'"answers"["{printable(name, 60)}"]'
    if not isinstance(data, dict) or not {"grads"} <= set(data) <= {"loss", "grads"}:
        _refuse(f'{where}: expected an object of "grads" and, maybe, "loss", but got {kind(data)}')
    loss = number(data["loss"], f'{where}["loss"]') if "loss" in data else None
    grads = gradients(data["grads"], f'{where}["grads"]')
    if loss is not None and data["loss"] is None:
        _refuse(f"{where}: expected a finite J, but it is null")
    for l, layer in enumerate(data["grads"], start=1):
        for parameter, entries in layer.items():
            if (at := _null(entries)) is not None:
                came = f"entry {list(at)} of {_tensor(parameter, l)}" if at else _tensor(parameter, l)
                _refuse(f"{where}: expected finite numbers, but {came} is null")
    return loss, grads


def _null(data: Any, at: tuple[int, ...] = ()) -> tuple[int, ...] | None:
    """Where the first null stands, which is how some languages write nan and inf; None if there is none."""
    if isinstance(data, list):
        found = (_null(part, (*at, i)) for i, part in enumerate(data))
        return next((each for each in found if each is not None), None)
    return at if data is None else None


def _seed(data: Any) -> int:
    if not isinstance(data, float) or not data.is_integer() or not 0 <= data < 2**53:
        _refuse(f'"seed": expected an integer from 0 to 2^53 - 1, but got {kind(data)}')
    return int(data)


def _conventions(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        _refuse(f'"conventions": expected an object of names and values, but got {kind(data)}')
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in data.items()
    }


# ---------------------------------------------------------------------------------------------------------------- npz


def _of_npz(content: bytes) -> Submission:
    seed, conventions = 2016, dict[str, Any]()
    answers: dict[str, tuple[float | None, dict[int, dict[str, Array]]]] = {}
    for name, array in _arrays(content).items():
        is_float, is_single = array.dtype.kind == "f", array.shape == ()
        if name == "seed" and is_single and array.dtype.kind in "iu":
            seed = _seed(float(array))
        elif name.startswith("conventions.") and is_single and array.dtype.kind in "Uib":
            conventions[name.removeprefix("conventions.")] = array.item()
        elif name.endswith(".loss") and is_single and is_float:
            vector = name.removesuffix(".loss")
            answers[vector] = (float(array), answers.get(vector, (None, {}))[1])
        elif (found := _GRADIENT.fullmatch(name)) and is_float:
            _, layers = answers.setdefault(found["id"], (None, {}))
            layers.setdefault(int(found["l"]), {})[found["name"]] = array.astype(np.float64)
        else:
            _refuse(
                "expected arrays of floats ID.loss and ID.grads.LAYER.NAME, and maybe seed and conventions.NAME, "
                f'but got "{printable(name, 60)}" of dtype {array.dtype}, shape {array.shape}'
            )
    return _submission(
        seed,
        conventions,
        {
            vector: (loss, [layers.get(l, {}) for l in range(1, max(layers, default=0) + 1)])
            for vector, (loss, layers) in answers.items()
        },
    )


def _arrays(content: bytes) -> dict[str, Array]:
    """The arrays of an npz file, by name."""
    found: dict[str, Array] = {}
    if not is_zipfile(BytesIO(content)):
        cut = "it is cut off" if content.startswith(b"PK\3\4") else "it is no zip archive"
        came = cut if content else "it is empty"
        _refuse(f"expected an npz file, but {came}; write the answers anew, with numpy.savez, or as JSON to *.json")
    try:
        with ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            declared = sum(entry.file_size for entry in entries)
            if declared > LARGEST:
                _refuse(f"expected arrays of at most {LARGEST} bytes, but they declare {declared}; none was read")
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                if name in found:
                    _refuse(f'expected each array once, but "{printable(name, 60)}" is there twice')
                found[name] = _array(archive, entry)
    except SubmissionError:
        raise
    except Exception as error:  # a damaged archive makes `zipfile` raise almost anything
        _refuse(f"expected a whole npz file, but {printable(str(error), 200) or type(error).__name__}")
    return found


def _array(archive: ZipFile, entry: ZipInfo) -> Array:
    """One array, of plain numbers or text; its size is known from its header before it is made."""
    name = printable(entry.filename, 60)
    with archive.open(entry) as packed:
        stream = BytesIO(packed.read(entry.file_size))  # no more is unpacked than the entry declares
    try:
        read_header = _HEADERS.get(np.lib.format.read_magic(stream))
        if read_header is None:
            _refuse(f"{name}: expected an array in version 1.0 or 2.0 of NumPy's format")
        shape, is_fortran, dtype = read_header(stream)
    except SubmissionError:
        raise
    except Exception as error:  # of NumPy's parser, which evaluates literals only
        _refuse(f"{name}: expected an array, but its header is none: {printable(str(error), 200)}")
    if dtype.kind not in "fiubU":
        _refuse(f"{name}: expected numbers or text, but got dtype {dtype}; objects are pickles, which are not read")
    rest = stream.read()
    fits = dtype.itemsize and prod(shape) * dtype.itemsize == len(rest) and min(shape, default=0) >= 0
    if not fits or len(shape) > _MOST_AXES:
        _refuse(f"{name}: expected an array of {len(rest)} bytes, but its header says dtype {dtype}, shape {shape}")
    return np.ndarray(shape, dtype, rest, order="F" if is_fortran else "C")


# --------------------------------------------------------------------------------------------------------------- both


def _submission(
    seed: int, conventions: dict[str, Any], answers: dict[str, tuple[float | None, list[dict[str, Array]]]]
) -> Submission:
    """The answers, if they are to vectors that there are, and finite."""
    if not answers:
        _refuse("expected at least one answer, but got none")
    for name, value in conventions.items():
        if name not in CHOICES or type(value) is not type(CHOICES[name][0]) or value not in CHOICES[name]:
            known = (
                f"one of {', '.join(map(str, CHOICES[name]))}"
                if name in CHOICES
                else f"names out of {', '.join(CHOICES)}"
            )
            came = (
                kind(float(value) if type(value) is int else value) if name in CHOICES else f'"{printable(name, 60)}"'
            )
            _refuse(f'"conventions"{f"[{shown(name)}]" if name in CHOICES else ""}: expected {known}, but got {came}')
    for name, (loss, grads) in answers.items():
        if name not in _IDS:
            _refuse(f'expected answers to {", ".join(_IDS)}, but got one to "{printable(name, 60)}"')
        if loss is not None and not np.isfinite(loss):
            _refuse(f"{name}: expected a finite J, but it is {loss}")
        for l, layer in enumerate(grads, start=1):
            for parameter, array in layer.items():
                if not np.isfinite(array).all():
                    at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                    came = f"entry {list(at)} of {_tensor(parameter, l)} is {array[at]}"
                    _refuse(f"{name}: expected finite numbers, but {came}")
    return Submission(seed, conventions, answers)


def _tensor(parameter: str, l: int) -> str:
    return f"dJ/d{printable(parameter, 20)}^({l})"
