"""The subcommand `check`: a Python function, or a program in any language, from the command line."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from .options import OPTIONS, Option, OptionError

EXIT_CODES = "exit status: 0 right, 1 wrong, 2 could not run"
EXAMPLES = """\
examples:
  bptt-oracle check my_rnn.py:backprop
  bptt-oracle check package.module:backprop --layout rows --over-time sum
  bptt-oracle check --command './my_backprop --quiet' --layers 1

What is not declared is found out. The function is called as f(params, x, y) and returns (loss, grads) or grads; a
program is asked in lines of JSON, as docs/protocol.md of the project says.

"""

_PYTHON_NAME = "path.py:function, or module:function"


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of a command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="say whether a hand-written backprop is right, and if not, what was done",
        epilog=EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("target", nargs="?", metavar="TARGET", help=f"a function: {_PYTHON_NAME}")
    asked.add_argument("--command", metavar="COMMAND", help="a program and its arguments, which no shell reads")
    declared = parser.add_argument_group("conventions, found out unless declared")
    run = parser.add_argument_group("how it is checked")
    for option in OPTIONS.values():
        _add(declared if option.is_convention else run, option)
    run.add_argument("--hex", action="store_true", help="send floats to a program in C hex instead of decimals")
    written = parser.add_argument_group("what is written")
    written.add_argument("--json", action="store_true", help="print the result as JSON instead of text")
    written.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML too")
    parser.set_defaults(run=_check)


def _add(group: Any, option: Option) -> None:
    """An option whose value is None unless it is given."""

    def read(text: str) -> Any:
        try:
            return option.read(text)
        except OptionError as error:
            raise argparse.ArgumentTypeError(str(error).partition(": ")[2]) from None

    if option.name == "diagnose":
        group.add_argument(
            "--no-diagnosis", dest="diagnose", action="store_false", default=None, help="say only whether it is right"
        )
    elif option.kind is bool:
        group.add_argument(option.flag, action=argparse.BooleanOptionalAction, default=None, help=option.help)
    else:
        shown = (
            "|".join(map(str, option.choices)) or {int: "N", float: "SECONDS", str: "NAME", tuple: "D,D,D"}[option.kind]
        )
        group.add_argument(option.flag, type=read, metavar=shown, help=option.help)


def _check(options: argparse.Namespace) -> int:
    from ..report.files import as_json, write
    from .junit import junit
    from .loading import LoadingError, load
    from .verdict import check

    given = {name: value for name in OPTIONS if (value := getattr(options, name)) is not None}
    if options.hex and options.command is None:
        raise OptionError("--hex is for a program, --command; a function gets arrays")
    with ExitStack() as stack:
        try:
            with redirect_stdout(sys.stderr):  # standard output is for the result
                if ":" in given.get("activation", ""):
                    given["activation"] = _pair(given["activation"])
                if options.command is not None:
                    f, fresh, name = _program(options, given, stack)
                else:
                    target = load(options.target)
                    f, fresh, name = target.function, target.fresh, options.target
                result = check(f, fresh=fresh, name=name, **given)
        except LoadingError as error:
            if error.detail:
                print(error.detail, file=sys.stderr)
            raise
    result = replace(result, again=_again(options, result.seed))
    if options.junit is not None:
        write(options.junit, junit(result))
    print(as_json(_strict(result.as_data())) if options.json else result, end="" if options.json else "\n")
    return 0 if result.ok else 1


def _again(options: argparse.Namespace, seed: int) -> str:
    """The command that repeats this one."""
    words = ["bptt-oracle", "check", *([options.target] if options.command is None else ["--command", options.command])]
    for name, option in OPTIONS.items():
        value = getattr(options, name)
        if option.name == "diagnose":
            words += ["--no-diagnosis"] if value is False else []
        elif option.kind is bool and value is not None:
            words.append(option.flag if value else option.flag.replace("--", "--no-", 1))
        elif value is not None:
            words += [option.flag, ",".join(map(str, value)) if option.kind is tuple else str(value)]
    if options.seed is None:
        words += ["--seed", str(seed)]
    return shlex.join([*words, *(["--hex"] if options.hex else [])])


def _program(
    options: argparse.Namespace, given: dict[str, Any], stack: ExitStack
) -> tuple[Callable[..., Any], Callable[[], Any], str]:
    """A program as f, the factory of fresh ones, and its name; it ends with the stack."""
    from .command import TIME_LIMIT, Command

    try:
        argv = shlex.split(options.command)
    except ValueError as error:
        raise OptionError(
            f"--command: expected words as a shell takes them, but got {options.command!r}: {error}"
        ) from None
    limit = given.get("time_limit", TIME_LIMIT)
    command = stack.enter_context(Command(argv, time_limit=limit, hexadecimal=options.hex))
    given["time_limit"] = command.longest_call  # the program's own limit comes first: it can end the program
    return command, command.fresh, options.command


def _strict(data: Any) -> Any:
    """Data that JSON can hold: a number that is not finite becomes the string "nan", "inf" or "-inf"."""
    match data:
        case dict():
            return {key: _strict(value) for key, value in data.items()}
        case list() | tuple():
            return [_strict(value) for value in data]
        case float() if not isfinite(data):
            return str(data)
    return data


def _pair(text: str) -> Any:
    """An activation (f, f') that a text path.py:name or module:name stands for."""
    from ..manual import Elementwise
    from .loading import LoadingError, load

    value = load(text).value
    if isinstance(value, Elementwise):
        return value
    if not (isinstance(value, tuple | list) and len(value) == 2 and all(map(callable, value))):
        raise LoadingError(f"{text}: expected a pair (f, f') of functions of arrays, but got {value!r}")
    return Elementwise(*value)
