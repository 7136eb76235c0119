"""The oracle's own score: writes reports/oracle.json, reports/oracle.md and reports/oracle_speed.json.

    python -m benchmarks.score [--quick] [--one-of N] [--only PART ...] [--reports DIR] [--findings FILE]

Everything is drawn from fixed seeds. oracle.json holds counts and names, oracle_speed.json what belongs to a machine. A
part that is not run keeps what the files say of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from bptt_oracle.report.files import as_json, write

from . import alarms, checkers, confusion, mutation, sections, speed
from .catalogued import deviations
from .findings import findings
from .mutants import Mutant
from .programs import PROGRAMS
from .report import as_markdown

REPORTS = Path(__file__).parents[2] / "reports"
PARTS = ("mutants", "catalogue", "alarms", "checkers")
SEED = 2016

FIRST = {"backward": 0, "forward": 2}
"""Which of every N mutants is asked about, by part. The catalogue of the forward pass was completed after a look at
two of every eight; with one of eight, those that are asked about are others."""


@dataclass(frozen=True)
class Extent:
    """How much is done.

    Attributes
    ----------
    every : one of so many mutants, as they stand in the source
    seeds : of the mistakes alone
    pairs : of mistakes, at every depth
    trials : of right backprops
    checked : one of so many mistakes is shown to the other checks too
    """

    every: int
    seeds: tuple[int, ...]
    pairs: int
    trials: int
    checked: int


FULL = Extent(every=8, seeds=(1,), pairs=100, trials=10_000, checked=12)
QUICK = Extent(every=25, seeds=(1,), pairs=10, trials=100, checked=40)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are asked for, and write the reports."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.score", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small share of everything, to see it work")
    parser.add_argument("--one-of", type=int, metavar="N", help="one of so many mutants is asked about")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="what is run")
    parser.add_argument("--processes", type=int, default=2, help="how many work at once")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="where the reports are written")
    parser.add_argument("--findings", type=Path, help="where to list, with diffs, what the oracle did not name")
    options = parser.parse_args(arguments)
    extent = QUICK if options.quick else FULL
    if options.one_of is not None:
        if options.one_of < 1:
            parser.error(f"argument --one-of: expected an integer of at least 1, but got {options.one_of}")
        extent = replace(extent, every=options.one_of)
    data, times, told = _known(options.reports / "oracle.json"), _known(options.reports / "oracle_speed.json"), ""
    data = {"seed": SEED, "quick": options.quick} | {part: data[part] for part in PARTS if part in data}
    parts: dict[str, float] = times.setdefault("seconds of each part", {})
    if "mutants" in options.only:
        start = perf_counter()
        found = mutation.score(options.processes, keep=_one_of(extent.every))
        data["mutants"] = sections.mutation_section(found, extent.every)
        times["diagnosis of wrong mutants"] = speed.diagnoses(found)
        told = findings(found)
        parts["mutants"] = round(perf_counter() - start, 1)
    if "catalogue" in options.only:
        start = perf_counter()
        single = confusion.alone(options.processes, extent.seeds)
        paired = confusion.together(options.processes, SEED, extent.pairs)
        data["catalogue"] = sections.catalogue_section(single, paired)
        parts["catalogue"] = round(perf_counter() - start, 1)
    if "alarms" in options.only:
        start = perf_counter()
        chunks = alarms.score(options.processes, extent.trials)
        data["alarms"] = sections.alarms_section(chunks)
        times["trials of right backprops"] = speed.trials(chunks)
        parts["alarms"] = round(perf_counter() - start, 1)
    if "checkers" in options.only:
        start = perf_counter()
        data["checkers"] = sections.checkers_section(checkers.score(_suspects(extent), options.processes)) | {
            "one of": extent.checked
        }
        parts["checkers"] = round(perf_counter() - start, 1)
    times["verdicts on right programs"] = speed.verdicts()
    write(options.reports / "oracle.json", as_json(data))
    write(options.reports / "oracle_speed.json", as_json(times))
    write(options.reports / "oracle.md", as_markdown(data))
    if options.findings is not None:
        write(options.findings, told)


def _known(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return known


def _one_of(every: int) -> Callable[[Mutant], bool]:
    """Keeps one of so many mutants, wherever it stands."""
    kept = {
        mutant
        for program in PROGRAMS
        for part in mutation.PARTS
        for mutant in list(mutation.mutants(program, part))[FIRST[part] % every :: every]
    }
    return lambda mutant: mutant.id in kept


def _suspects(extent: Extent) -> list[checkers.Suspect]:
    """The programs, every mutant that gives other gradients than its program, and the catalogue."""
    questions = mutation.population(("backward",), (1, 2, 3), _one_of(extent.every))
    deepest = {question.id: question for question in questions}
    programs = [checkers.Suspect(program=name) for name in PROGRAMS]
    mutants = [
        checkers.Suspect(program=question.id.partition(":")[0], mutant=question) for question in deepest.values()
    ]
    catalogue = [checkers.Suspect(deviation=str(deviation)) for deviation in deviations()]
    return [*programs, *[*mutants, *catalogue][:: extent.checked]]


if __name__ == "__main__":
    main()
