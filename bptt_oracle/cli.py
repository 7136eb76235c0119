"""The command line: a thin door to the library."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from stat import S_ISFIFO
from typing import Any, NoReturn

from .bench import command_line as bench_command_line
from .campaign import command_line as campaign_command_line
from .oracle import command_line, vectors_cli
from .report import command_line as report_command_line

EXIT_CODES = (
    "exit status: 0 all is decided and as claimed, 1 a discrepancy without a correction that holds, 2 could not run"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        with _reader_may_leave():
            return int(options.run(options))
    except KeyboardInterrupt:
        print("bptt-oracle: interrupted; a report is written whole or not at all", file=sys.stderr)
        return 2
    except (BrokenExecutor, ImportError, OSError, ValueError) as error:
        print(f"bptt-oracle: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """What is printed into a pipe is dropped once its reader has left, as `head` does: the exit status stays."""
    try:
        number = sys.stdout.fileno()
        is_pipe = S_ISFIFO(os.fstat(number).st_mode)
    except (AttributeError, OSError):  # standard output is closed, or no file
        is_pipe = False
    if not is_pipe:
        yield
        return
    sys.stdout.flush()
    pipe = io.BufferedWriter(_Pipe(number, "w", closefd=False))
    with (
        io.TextIOWrapper(pipe, sys.stdout.encoding, sys.stdout.errors, write_through=True) as stream,
        redirect_stdout(stream),
    ):
        yield


class _Pipe(io.FileIO):
    """A pipe that takes everything, whether or not somebody reads it."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bptt-oracle",
        description="Is the derivation of backpropagation through time right, equation by equation? "
        "And is a backprop of your own?",
        epilog=EXIT_CODES,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    verify = commands.add_parser(
        "verify", help="verify every line of all 46 equations and write the reports", epilog=EXIT_CODES
    )
    verify.add_argument(
        "--reports",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="where to write (default: reports)",
    )
    verify.add_argument(
        "--field",
        type=_count,
        default=200,
        metavar="N",
        help="random shapes over the finite field (default: 200)",
    )
    verify.add_argument("--balls", type=_count, default=12, metavar="N", help="random shapes over balls (default: 12)")
    verify.add_argument(
        "--floating",
        type=_count,
        default=4,
        metavar="N",
        help="random networks in each float format (default: 4)",
    )
    verify.add_argument("--seed", type=_seed, default=2016, metavar="N", help="of every random draw (default: 2016)")
    verify.add_argument(
        "--certificate",
        metavar="ID",
        help="repeat one instance, for instance field:n=3,T=4,d=2.3.1.4,seed=7; writes nothing",
    )
    verify.set_defaults(run=_verify)

    explain = commands.add_parser("explain", help="print the card of one equation, checked on the spot")
    explain.add_argument("number", type=int, metavar="N", help="the number of an equation, 1 to 46")
    explain.set_defaults(run=_explain)

    command_line.add_parser(commands)
    vectors_cli.add_parser(commands)
    report_command_line.add_parser(commands)
    campaign_command_line.add_parser(commands)
    bench_command_line.add_parser(commands)
    return parser


def _count(text: str) -> int:
    return _integer(text, least=1)


def _seed(text: str) -> int:
    return _integer(text, least=0)


def _integer(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected an integer of at least {least}, but got {text!r}")
    return number


def _verify(options: argparse.Namespace) -> int:
    from rich.console import Console

    from .report.terminal import progress_bar, summary, verdict_table

    console = Console()
    if options.certificate is not None:
        from .certificates import repeat

        text, agrees = repeat(options.certificate)
        console.print(text, markup=False, highlight=False)
        return 0 if agrees else 1

    from .report.files import prepare
    from .report.written import write_reports
    from .verdicts import as_data
    from .verification import gather

    prepare(options.reports)
    with progress_bar(Console(stderr=True)) as bar:
        tasks: dict[str, object] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)  # type: ignore[arg-type]

        evidence = gather(options.field, options.balls, options.floating, options.seed, progress)
    data = as_data(evidence)
    paths = write_reports(options.reports, evidence, data)
    console.print(verdict_table(data))
    console.print()
    console.print(summary(data))
    console.print(f"written: {', '.join(map(str, paths))}", soft_wrap=True)
    if data["missing"]:
        reasons = "; ".join(f"{stage}: {why}" for stage, why in data["missing"].items())
        print(f"bptt-oracle: not run: {reasons}", file=sys.stderr)
        return 2
    counts = [*data["nodes"], *data["quantities"].values()]
    disagreements = sum(count["disagreements"] for count in counts)
    if disagreements:
        print(
            f"bptt-oracle: {disagreements} disagreements with JAX, in `nodes` or `quantities` of {paths[0]}",
            file=sys.stderr,
        )
    undecided = data["summary"]["unverified"] or any(claim["verdict"] == "unverified" for claim in data["claims"])
    return 1 if disagreements or undecided else 0


def _explain(options: argparse.Namespace) -> int:
    from .report.card import card

    print(card(options.number))
    return 0


if __name__ == "__main__":
    sys.exit(main())
