"""All tables of a run, each in a process of its own, and their data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

from . import TABLES
from .machine import THREADS, described, environment

Progress = Callable[[str, int, int], None]
"""Told the name of a part, how much of it is done, and of how much."""

SEED = 2016
_LAST = 2000  # characters of what a process wrote before it failed


class BenchmarkError(ValueError):
    """A table that could not be measured."""


@dataclass(frozen=True)
class Part:
    """One table on a number of threads.

    Attributes
    ----------
    table : one of `TABLES`
    threads : "1" or "all"
    """

    table: str
    threads: str

    def __str__(self) -> str:
        return f"{self.table}, {'1 thread' if self.threads == '1' else 'all cores'}"


def parts(tables: Sequence[str], threads: Sequence[str]) -> list[Part]:
    """What is to run.

    Only one pass is measured on all cores as well: the products of the sums and of the checks are too small to be
    divided among cores, and the throughput takes a process on each.
    """
    return [
        Part(table, each) for table in TABLES if table in tables for each in (threads if table == "passes" else ["1"])
    ]


def measure(tables: Sequence[str], threads: Sequence[str], *, quick: bool, progress: Progress) -> dict[str, Any]:
    """The data of all tables that are asked for.

    Raises
    ------
    BenchmarkError
        If one could not be measured, or contenders do not compute the same.
    """
    start = perf_counter()
    found: dict[str, Any] = {"passes": {}}
    settings: dict[str, Any] = {}
    for part in parts(tables, threads):
        said = in_process(part, quick=quick, progress=progress)
        settings.setdefault(part.threads, said["set"])
        if part.table == "passes":
            found["passes"][part.threads] = said["result"]
        else:
            found[part.table] = said["result"]
    return {
        "quick": quick,
        "seed": SEED,
        "machine": described(),
        "settings": {name: settings[name] for name in THREADS if name in settings},
        "seconds": round(perf_counter() - start),
        **{name: found[table] for table, name in TABLES.items() if table in tables},
    }


def in_process(part: Part, *, quick: bool, progress: Progress, given: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What the process of one part says.

    Raises
    ------
    BenchmarkError
        If it says nothing, or that contenders do not compute the same.
    """
    command = [sys.executable, "-m", f"{__package__}.worker", part.table, part.threads, "quick" if quick else "full"]
    with TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env=environment(part.threads, given), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert process.stdout is not None  # it is a pipe
        said: dict[str, Any] = {}
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "done" in said:
                    progress(str(part), said["done"], said["of"])
            process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        if "result" in said:
            return said
        errors.seek(0)
        why = said.get("error") or errors.read().decode(errors="replace")[-_LAST:].strip() or "nothing was said"
    raise BenchmarkError(f"{part}: expected figures, but its process ended with status {process.returncode}: {why}")
