"""The subcommand `vectors`: write test vectors, and grade answers to them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXIT_CODES = "exit status: 0 written, or right; 1 wrong; 2 could not run"
EXAMPLES = """\
examples:
  bptt-oracle vectors vectors
  bptt-oracle vectors vectors --networks all --activation logistic
  bptt-oracle vectors --grade answers.json

docs/vectors.md of the project describes the files.

"""


class OptionsError(ValueError):
    """Options that do not go together."""


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of a command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "vectors",
        help="write networks with all their right numbers, or grade a program's answers to them",
        epilog=EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--grade", type=Path, metavar="FILE", help="answers to be graded, JSON or npz")
    written = parser.add_argument_group("what is written")
    written.add_argument("--networks", metavar="NAME,...", help="names of networks, or all (default: a small set)")
    written.add_argument("--activation", metavar="NAME", help="tanh (default), logistic, relu, softplus, sine")
    written.add_argument("--over-time", metavar="mean|sum|last", help="what J is of the J^(t) (default: mean)")
    written.add_argument("--seed", type=int, metavar="N", help="of every network (default: 2016)")
    parser.add_argument("--json", action="store_true", help="with --grade: print the result as JSON instead of text")
    parser.set_defaults(run=_vectors)


def _vectors(options: argparse.Namespace) -> int:
    given = [name for name in ("networks", "activation", "over_time", "seed") if getattr(options, name) is not None]
    if (options.folder is None) == (options.grade is None):
        raise OptionsError("vectors: expected DIR, where to write, or --grade FILE, and not both")
    if options.grade is not None and given:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise OptionsError(f"vectors: {named} is of no use with --grade; the file of answers says what it answers")
    if options.json and options.grade is None:
        raise OptionsError("vectors: --json is for --grade; what is written is JSON in any case")
    return _write(options) if options.grade is None else _grade(options)


def _write(options: argparse.Namespace) -> int:
    from .probes import PLANS
    from .vectors import FORM
    from .vectors_files import SMALL, write_vectors

    conventions = FORM.replace(
        **{name: value for name in ("activation", "over_time") if (value := getattr(options, name)) is not None}
    )
    seed = 2016 if options.seed is None else options.seed
    if seed < 0:
        raise OptionsError(f"--seed: expected an integer of at least 0, but got {seed}")
    names = SMALL if options.networks is None else tuple(options.networks.split(","))
    if names == ("all",):
        names = tuple(plan.name for plan in PLANS)
    for path in write_vectors(options.folder, names, conventions, seed):
        print(path)
    return 0


def _grade(options: argparse.Namespace) -> int:
    from ..report.files import as_json
    from .grading import grade

    result = grade(options.grade)
    print(as_json(result.as_data()) if options.json else result, end="" if options.json else "\n")
    return 0 if result.ok else 1
