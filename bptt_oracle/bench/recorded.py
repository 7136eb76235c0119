"""The schema of `benchmarks.json`, and the data read back."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ..report.recorded import RecordedError

SCHEMA = "benchmarks.schema.json"
_SHOWN = 160  # characters of a message


def schema() -> str:
    """The JSON Schema of `benchmarks.json`, as text."""
    return files("bptt_oracle.bench").joinpath(SCHEMA).read_text(encoding="utf-8")


def check(data: Any, name: str) -> None:
    """Refuse data that break the schema, or whose visits are not those that the document states.

    Raises
    ------
    RecordedError
        With the first place that is wrong.
    """
    for error in Draft202012Validator(json.loads(schema())).iter_errors(data):
        raise RecordedError(f"{name}: breaks its schema at {error.json_path}: {error.message[:_SHOWN]}")
    for way, found in data.get("per_step_sum", {}).get("visits", {}).items():
        for T, visits in found.items():
            expected = int(T) if way == "one pass" else int(T) * (int(T) + 1) // 2
            if visits != expected:
                raise RecordedError(f"{name}: {way}, T = {T}: expected {expected} visits to a layer, but got {visits}")


def read(path: Path) -> dict[str, Any]:
    """The data of a file, checked.

    Raises
    ------
    RecordedError
        If there is no such file, or it does not hold what it should.
    """
    if not path.is_file():
        raise RecordedError(f"{path}: expected the benchmarks, but there is no such file; run `bptt-oracle bench`")
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecordedError(f"{path}: expected JSON, but it cannot be read: {error}") from error
    check(data, str(path))
    return data


def score_beside(folder: Path) -> dict[str, Any] | None:
    """The oracle's own score in a folder of reports, if it is there."""
    path = folder / "oracle.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
