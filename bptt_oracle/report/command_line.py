"""The subcommand `report`: what `verify` recorded, in other forms, without running it again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

FORMATS = {
    "html": "the page, to read offline",
    "md": "the discrepancy report, in Markdown",
    "json": "the verdicts, checked against their schema",
    "latex": "an errata sheet for the derivation's author",
}
_EPILOG = """\
What is read is what `bptt-oracle verify` wrote: verdicts.json, and what stands beside it. The page is written to
DIR/index.html, the other forms to standard output, unless --output names a file.

exit status: 0 written, 2 the recorded data are missing or not as they should be
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of a command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="write what was recorded as a page, as Markdown, as JSON or as an errata sheet",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    forms = "; ".join(f"{name}: {meaning}" for name, meaning in FORMATS.items())
    parser.add_argument("--format", choices=list(FORMATS), default="html", help=f"{forms} (default: html)")
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), metavar="DIR", help="what to read (default: reports)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    from .files import write

    text = rendered(options.format, options.reports)
    output = options.output
    if output is None and options.format == "html":
        output = options.reports / "index.html"
    if output is None:
        sys.stdout.write(text)
    else:
        write(output, text)
        print(f"written: {output}")
    return 0


def rendered(form: str, folder: Path) -> str:
    """What is recorded in a folder, in one of `FORMATS`.

    Raises
    ------
    RecordedError
        If the data are missing, or not as they should be.
    """
    from .recorded import read

    recorded = read(folder)
    if form == "html":
        from .html import page

        return page(recorded)
    if form == "latex":
        from .errata import latex

        return latex(recorded)
    if form == "md":
        from .discrepancies import markdown

        return markdown(recorded.verdicts)
    from .files import as_json

    return as_json(recorded.verdicts)
