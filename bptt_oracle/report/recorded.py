"""What a folder of reports holds, read back and checked: the data that the page and the errata are made of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = "verdicts.schema.json"
OTHERS = ("floating.json", "theorems.json", "wrong_readings.json", "benchmarks.json", "oracle.json")
"""What may stand beside `verdicts.json`."""


class RecordedError(ValueError):
    """A file of reports that is missing, or does not hold what it should."""


@dataclass(frozen=True)
class Recorded:
    """The data of one folder.

    Attributes
    ----------
    verdicts : the content of `verdicts.json`
    others : the content of each file of `OTHERS` that is there, by its name
    digests : the SHA-256 of each of these files, by its name
    """

    verdicts: Mapping[str, Any]
    others: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def schema() -> str:
    """The JSON Schema of `verdicts.json`, as text."""
    return files("bptt_oracle.report").joinpath(SCHEMA).read_text(encoding="utf-8")


def read(folder: Path) -> Recorded:
    """The data of a folder of reports, checked.

    Raises
    ------
    RecordedError
        If there is no `verdicts.json`, a file is no JSON, or the verdicts break their contract.
    """
    found = load(folder)
    check(found.verdicts, str(folder / "verdicts.json"))
    return found


def load(folder: Path) -> Recorded:
    """The data of a folder of reports, as they are.

    Raises
    ------
    RecordedError
        If there is no `verdicts.json`, or a file is no JSON.
    """
    path = folder / "verdicts.json"
    if not path.is_file():
        raise RecordedError(f"{path}: expected the verdicts, but there is no such file; run `bptt-oracle verify`")
    there = [folder / name for name in OTHERS if (folder / name).is_file()]
    return Recorded(
        _json(path),
        others={other.name: _json(other) for other in there},
        digests={each.name: sha256(each.read_bytes()).hexdigest() for each in (path, *there)},
    )


def check(verdicts: Any, name: str) -> None:
    """Refuse verdicts that break the schema, or whose counts are not those of their equations.

    Raises
    ------
    RecordedError
        With the first place that is wrong.
    """
    for error in Draft202012Validator(json.loads(schema())).iter_errors(verdicts):
        raise RecordedError(f"{name}: breaks its schema at {error.json_path}: {_short(error.message)}")
    entries = verdicts["equations"]
    numbers = [entry["number"] for entry in entries]
    if numbers != sorted(set(numbers)):
        raise RecordedError(f"{name}: expected every equation once, in order, but got {numbers}")
    counted = Counter(entry["verdict"] for entry in entries)
    for verdict in ("definition", "holds", "misprint", "unverified"):
        if verdicts["summary"][verdict] != counted[verdict]:
            raise RecordedError(
                f"{name}: the summary counts {verdicts['summary'][verdict]} equations as {verdict!r}, "
                f"but the equations are {counted[verdict]}"
            )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecordedError(f"{path}: expected JSON, but it cannot be read: {error}") from error


def _short(message: str, length: int = 160) -> str:
    return message if len(message) <= length else f"{message[:length]}..."
