"""The files of `reports/` that a run writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..report.files import as_json, write
from .page import markdown
from .recorded import SCHEMA, check, read, schema, score_beside

JSON, PAGE = "benchmarks.json", "benchmarks.md"


def write_benchmarks(folder: Path, data: Mapping[str, Any]) -> list[Path]:
    """Write the data of a whole run, their schema and the page; draw the report's page anew, if verdicts are there.

    Returns
    -------
    The paths of what was written.

    Raises
    ------
    RecordedError
        If the data break their schema; nothing is written then.
    """
    check(data, JSON)
    write(folder / JSON, as_json(data))
    write(folder / SCHEMA, schema())
    write(folder / PAGE, rendered(folder))
    paths = [folder / name for name in (JSON, SCHEMA, PAGE)]
    if (folder / "verdicts.json").is_file():
        from ..report.command_line import rendered as report
        from ..report.written import PAGE as REPORT

        write(folder / REPORT, report("html", folder))
        paths.append(folder / REPORT)
    return paths


def rendered(folder: Path) -> str:
    """The page, from what a folder of reports holds.

    Raises
    ------
    RecordedError
        If the data are missing or break their schema.
    """
    return markdown(read(folder / JSON), score_beside(folder))
