"""The subcommand `bench`: a thin door."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from . import TABLES

_EPILOG = """\
tables: sums, the sum over steps against one pass, by length; passes, one pass against torch, JAX, a plain loop and the
matrix products alone; checks, one check of a gradient by the oracle and by others; throughput, random networks
verified a second. Without --only, benchmarks.json, its schema and benchmarks.md are written to DIR, and index.html is
drawn anew if the verdicts are there. torch is measured where it is installed.

exit status: 0 measured, 2 not: a contender computes something else, or it could not run; nothing is written then
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of a command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="measure how fast it all is on this machine, beside torch, JAX and a plain loop",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="all tables in some 3 minutes, on few sizes")
    parser.add_argument(
        "--only", nargs="+", choices=list(TABLES), metavar="TABLE", help=f"print these alone: {', '.join(TABLES)}"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the data there too")
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), metavar="DIR", help="where to write (default: reports)"
    )
    parser.add_argument("--threads", choices=("1", "all"), help="of one pass (default: both, one after the other)")
    parser.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    from rich.console import Console

    from ..report.files import as_json, prepare, write
    from ..report.terminal import progress_bar
    from .machine import THREADS
    from .page import tables_as_text
    from .run import measure
    from .written import write_benchmarks

    whole = options.only is None and options.threads is None
    if whole:
        prepare(options.reports)
    if options.json is not None:
        prepare(options.json.resolve().parent)
    tasks: dict[str, Any] = {}
    with progress_bar(Console(stderr=True)) as bar:

        def progress(part: str, done: int, of: int) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(part, total=of)
            bar.update(tasks[part], completed=done)

        threads = THREADS if options.threads is None else (options.threads,)
        data = measure(options.only or list(TABLES), threads, quick=options.quick, progress=progress)
    sys.stdout.write(tables_as_text(data))
    if options.json is not None:
        write(options.json, as_json(data))
        print(f"written: {options.json}")
    if whole:
        print(f"written: {', '.join(map(str, write_benchmarks(options.reports, data)))}")
    return 0
