"""`bptt-oracle check`: a function or a program from the command line, what is printed and written, the exit status."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bptt_oracle.cli import main
from bptt_oracle.manual import ACTIVATIONS, Elementwise
from bptt_oracle.oracle import verdict
from bptt_oracle.oracle.command import TIME_LIMIT, Command
from bptt_oracle.oracle.conventions import CHOICES, Conventions
from bptt_oracle.oracle.options import OPTIONS, OptionError, known
from bptt_oracle.oracle.result import Discrepancy, Result
from bptt_oracle.oracle.verdict import check

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
MODULE = PROGRAM.partition("\nfor line in")[0]
"""A right backprop: as a program, and as a module with `backprop(params, x, y)`."""

TRANSPOSE = ("H.T @ delta", "H @ delta")
QUICK = ("--layers", "1", "--layout", "columns", "--batch", "none", "--no-diagnosis")


@dataclass(frozen=True)
class Done:
    """What a command did: its exit status, what it printed, and what it said on the error stream."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Each test runs in its own folder with its own backprops, and leaves no module behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    for name, source in (("module", MODULE), ("program", PROGRAM)):
        assert source.count(TRANSPOSE[0]) == 1
        Path(f"right_{name}.py").write_text(source)
        Path(f"wrong_{name}.py").write_text(source.replace(*TRANSPOSE))
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("right_", "wrong_", "user_")):
            del sys.modules[name]


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Done:
    """Run a command in this process."""
    capsys.readouterr()
    try:
        status = main(["check", *arguments])
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    said = capsys.readouterr()
    return Done(status, said.out, said.err)


def program(name: str) -> str:
    """The command that starts a program in the current folder."""
    return shlex.join([sys.executable, name])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `check` is called with, in place of what it would do."""
    calls: list[dict[str, Any]] = []

    def recorded(f: Any, **options: Any) -> Result:
        calls.append({"f": f, **options})
        return Result(True, (), (), Conventions())

    monkeypatch.setattr(verdict, "check", recorded)
    return calls


# ---- the verdict


def test_a_right_function_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    done = command(capsys, "right_module.py:backprop", *QUICK)
    from right_module import backprop  # type: ignore[import-not-found]

    options: dict[str, Any] = {"layers": 1, "layout": "columns", "batch": "none", "diagnose": False}
    expected = check(backprop, name="right_module.py:backprop", **options)
    assert expected.ok
    again = (
        "bptt-oracle check right_module.py:backprop --layout columns --batch none --layers 1 --no-diagnosis --seed 2016"
    )
    assert done == Done(0, f"{replace(expected, again=again)}\n", "")


def test_a_size_is_asked_about_and_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    done = command(capsys, "right_module.py:backprop", "--widths", "3,7,5", "--T", "6", "--layout", "columns")
    assert done.status == 0
    assert "asked about 1 network\n" in done.out
    again = "again: bptt-oracle check right_module.py:backprop --layout columns --widths 3,7,5 --T 6 --seed 2016"
    assert " ".join(done.out.split()).endswith(again)


def test_a_wrong_function_is_wrong_and_the_mistake_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    done = command(capsys, "wrong_module:backprop", "--layers", "1", "--json")
    data = json.loads(done.out)
    assert (done.status, done.err) == (1, "")
    assert data["ok"] is False
    assert [mistake["slug"] for mistake in data["mistakes"]] == ["carry-untransposed"]


def test_a_program_gets_the_verdict_of_the_function_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    for kind, status in (("right", 0), ("wrong", 1)):
        of_function = command(capsys, f"{kind}_module.py:backprop", *QUICK, "--json")
        of_program = command(capsys, "--command", program(f"{kind}_program.py"), *QUICK, "--json")
        assert of_program.status == of_function.status == status
        own = {"name": "", "again": ""}
        assert json.loads(of_program.out) | own == json.loads(of_function.out) | own


def test_a_program_may_be_sent_hex(capsys: pytest.CaptureFixture[str]) -> None:
    source = PROGRAM.replace("json.loads(line)", "json.loads(line, object_hook=unhex)")
    Path("hex.py").write_text(
        "def unhex(data):\n"
        "    def read(value):\n"
        "        if isinstance(value, list): return [read(each) for each in value]\n"
        "        return float.fromhex(value) if isinstance(value, str) else value\n"
        "    return {key: read(value) for key, value in data.items()}\n" + source
    )
    assert command(capsys, "--command", program("hex.py"), *QUICK, "--hex").status == 0


def test_what_the_conventions_are_is_found_out_for_a_program_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sum.py").write_text(PROGRAM.replace(" / T", ""))
    done = command(capsys, "--command", program("sum.py"), "--no-diagnosis", "--json")
    data = json.loads(done.out)
    assert done.status == 0
    assert data["conventions"] == {
        "layout": "columns",
        "batch": "none",
        "biases": 1,
        "over_time": "sum",
        "over_batch": "mean",
        "activation": "tanh",
        "targets": "classes",
        "h0": False,
        "precision": "float64",
    }


def test_that_a_program_takes_initial_states_is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    source = PROGRAM.replace("backprop(params, x, y)", "backprop(params, x, y, h0)")
    source = source.replace("h, loss, errors = [np.zeros(len(b))]", "h, loss, errors = [h0]")
    Path("states.py").write_text(
        source.replace(
            'request["y"])',
            'request["y"], np.array(request["h0"][0]) if "h0" in request else 0 * np.array(request["params"][0]["b"]))',
        )
    )
    done = command(capsys, "--command", program("states.py"), *QUICK, "--json")
    data = json.loads(done.out)
    assert done.status == 0
    assert data["conventions"]["h0"] is True


# ---- programs that do not answer

HOSTILE = {
    "crash": (f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})", "SIGSEGV"),
    "garbage": ("print('Epoch 1', flush=True)", "Epoch 1"),
    "too-large": (
        "import os\nfor _ in range(10**8 // 10**6): os.write(1, b'0.5,' * 10**6)",
        "far more than its numbers need",
    ),
    "time-limit": ("import time; time.sleep(600)", "expected an answer within 0.2 s"),
}


@pytest.mark.parametrize("slug", HOSTILE)
def test_a_program_that_does_not_answer_is_contained_and_reported(
    capsys: pytest.CaptureFixture[str], slug: str
) -> None:
    source, said = HOSTILE[slug]
    Path("hostile.py").write_text(f"import sys\nfor line in sys.stdin:\n  exec({source!r})\n")
    arguments = (
        "--command",
        program("hostile.py"),
        *QUICK,
        "--json",
        *(["--time-limit", "0.2"] * (slug == "time-limit")),
    )
    done = command(capsys, *arguments)
    data = json.loads(done.out)
    assert done.status == 1
    assert slug in [mistake["slug"] for mistake in data["mistakes"]]
    assert said in done.out


def test_a_program_that_crashes_on_some_networks_is_asked_about_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("some.py").write_text(
        PROGRAM.replace("    T = len(x)\n", "    T = len(x)\n    if T > 40: __import__('os').abort()\n")
    )
    done = command(capsys, "--command", program("some.py"), *QUICK, "--json")
    data = json.loads(done.out)
    assert done.status == 1
    assert [mistake["slug"] for mistake in data["mistakes"]] == ["crash"]
    assert "SIGABRT" in data["mistakes"][0]["message"] + data["mistakes"][0]["detail"]
    assert data["discrepancies"] == []


# ---- what is printed and written


def test_what_the_function_prints_does_not_disturb_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    Path("user_loud.py").write_text(
        f"print('imported')\n{MODULE.replace('    T = len(x)', '    T = len(x); print(T)')}"
    )
    done = command(capsys, "user_loud.py:backprop", *QUICK, "--json")
    assert json.loads(done.out)["ok"] is True
    assert done.err.startswith("imported\n")


def test_json_has_no_numbers_that_json_does_not_have(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    infinite = Discrepancy("plain", "J", (), float("nan"), 0.0, float("inf"), 0.0, 1, 1)
    result = Result(False, (), (infinite,), Conventions(activation=Elementwise(abs, abs)))
    monkeypatch.setattr(verdict, "check", lambda f, **options: result)
    done = command(capsys, "right_module.py:backprop", "--json")

    def refuse(text: str) -> None:
        raise AssertionError(text)

    data = json.loads(done.out, parse_constant=refuse)
    assert done.status == 1
    assert data["conventions"]["activation"] == "given"
    assert (data["discrepancies"][0]["yours"], data["discrepancies"][0]["difference"]) == ("nan", "inf")


def test_junit_xml_is_written_beside_the_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = command(capsys, "wrong_module.py:backprop", *QUICK, "--junit", "new/report.xml")
    assert done.status == 1
    assert done.out
    root = ET.parse(tmp_path / "new" / "report.xml").getroot()
    assert root.find("testsuite/testcase[@name='verdict']/failure") is not None


def test_a_junit_file_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = command(capsys, "right_module.py:backprop", *QUICK, "--junit", "right_module.py/report.xml")
    assert (done.status, done.out) == (2, "")
    assert re.fullmatch(
        r"bptt-oracle: \[Errno \d+\] Not a directory: .*\n|bptt-oracle: \[Errno \d+\] File exists: .*\n", done.err
    )


# ---- options


def test_the_options_are_the_arguments_of_check_and_their_choices_the_conventions() -> None:
    arguments = {name for name, each in inspect.signature(check).parameters.items() if each.kind is each.KEYWORD_ONLY}
    assert set(OPTIONS) == arguments - {"fresh", "name"}
    for name, choices in CHOICES.items():
        if name == "activation":
            assert OPTIONS[name].help.startswith(", ".join(ACTIVATIONS))
        elif name == "h0":
            assert OPTIONS[name].kind is bool
        else:
            assert OPTIONS[name].choices == choices
        assert OPTIONS[name].is_convention


def test_only_what_is_given_is_declared(capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]]) -> None:
    assert command(capsys, "right_module.py:backprop").status == 0
    [call] = asked
    assert call.keys() == {"f", "fresh", "name"}
    assert call["name"] == "right_module.py:backprop"
    assert call["f"].__name__ == call["fresh"]().__name__ == "backprop"


def test_every_option_reaches_check(capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]]) -> None:
    values: dict[str, Any] = {
        "layout": "rows",
        "batch": "batch-first",
        "biases": 2,
        "over_time": "last",
        "over_batch": "sum",
        "activation": "logistic",
        "targets": "rows",
        "precision": "float32",
        "layers": 2,
        "widths": (3, 4, 5),
        "T": 6,
        "B": 2,
        "truth": "jax",
        "seed": 7,
        "time_limit": 2.5,
    }
    texts = {name: str(value) for name, value in values.items()} | {"widths": "3,4,5"}
    flags = [part for name, text in texts.items() for part in (f"--{name.replace('_', '-')}", text)]
    done = command(capsys, "right_module.py:backprop", *flags, "--no-h0", "--no-diagnosis")
    assert done.err == ""
    [call] = asked
    assert {name: call[name] for name in OPTIONS} == values | {"h0": False, "diagnose": False}
    assert command(capsys, "right_module.py:backprop", "--h0").status == 0
    assert asked[1]["h0"] is True


def test_a_program_has_its_own_limit_and_is_started_anew_for_a_fresh_one(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = []

    def recorded(f: Command, **options: Any) -> Result:
        asked.append({"f": f, **options})
        fresh.append(options["fresh"]())
        return Result(True, (), (), Conventions())

    monkeypatch.setattr(verdict, "check", recorded)
    command(capsys, "--command", program("right_program.py"))
    command(capsys, "--command", program("right_program.py"), "--time-limit", "2", "--hex")
    for call, other, limit in zip(asked, fresh, (TIME_LIMIT, 2.0), strict=True):
        assert isinstance(call["f"], Command)
        assert call["f"].time_limit == other.time_limit == limit
        assert call["time_limit"] > limit
        assert call["f"].argv == other.argv == (sys.executable, "right_program.py")
    assert [call["f"].hexadecimal for call in asked] == [False, True]


@pytest.mark.parametrize("pair", ["(np.tanh, lambda u: 1 - np.tanh(u) ** 2)", "Elementwise(np.tanh, np.cos)"])
def test_an_activation_may_be_a_pair_of_functions(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]], pair: str
) -> None:
    Path("user_pair.py").write_text(f"import numpy as np\nfrom bptt_oracle.manual import Elementwise\npair = {pair}\n")
    assert command(capsys, "right_module.py:backprop", "--activation", "user_pair.py:pair").status == 0
    assert isinstance(asked[0]["activation"], Elementwise)
    assert asked[0]["activation"](0.0) == 0


def test_an_option_is_read_as_what_it_is() -> None:
    assert OPTIONS["h0"].read("True") is True
    assert OPTIONS["biases"].read("2") == 2
    assert OPTIONS["time_limit"].read("0.5") == 0.5
    for name, text in [("h0", "yes"), ("biases", "3"), ("layers", "0"), ("seed", "1.5"), ("time_limit", "nan")]:
        with pytest.raises(OptionError, match=f"^{name}: expected .*, but got '{text}'$"):
            OPTIONS[name].read(text)
    with pytest.raises(OptionError, match=r"^here: expected one of the options layout, .*, but got 'fresh'$"):
        known({"seed": 1, "fresh": None}, "here")


# ---- what cannot be run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("", "bptt-oracle check: one of the arguments TARGET --command is required"),
        ("a.py:f --command ./b", "bptt-oracle check: argument --command: not allowed with argument TARGET"),
        ("a.py", "bptt-oracle: expected path.py:function or module:function, but got 'a.py'"),
        ("a.py:f", "bptt-oracle: a.py:f: expected a file with Python code, but there is no file 'a.py'"),
        (
            "right_module.py:back",
            "bptt-oracle: right_module.py:back: expected a function back, but the functions there are: backprop",
        ),
        ("right_module.py:np", "bptt-oracle: right_module.py:np: expected a function, but np is a module"),
        (
            "--command ./none",
            "bptt-oracle: expected a program that can be started, but './none' cannot: No such file or directory",
        ),
        ("--command=", "bptt-oracle: expected a program and its arguments, but got nothing"),
        (
            '--command "\'"',
            'bptt-oracle: --command: expected words as a shell takes them, but got "\'": No closing quotation',
        ),
        ("right_module.py:backprop --hex", "bptt-oracle: --hex is for a program, --command; a function gets arrays"),
        (
            "right_module.py:backprop --layout diagonal",
            "bptt-oracle check: argument --layout: expected one of columns, rows, but got 'diagonal'",
        ),
        (
            "right_module.py:backprop --layers 0",
            "bptt-oracle check: argument --layers: expected an integer of at least 1, but got '0'",
        ),
        (
            "right_module.py:backprop --widths 3,x,5",
            "bptt-oracle check: argument --widths: expected at least three integers from 1, with commas, "
            "but got '3,x,5'",
        ),
        (
            "right_module.py:backprop --widths 3,5",
            "bptt-oracle check: argument --widths: expected at least three integers from 1, with commas, but got '3,5'",
        ),
        ("right_module.py:backprop --T 3", "bptt-oracle: T, B: expected only beside widths; give widths too"),
        (
            "right_module.py:backprop --time-limit 0",
            "bptt-oracle check: argument --time-limit: expected a number of seconds above 0, but got '0'",
        ),
        (
            "right_module.py:backprop --activation tan",
            f"bptt-oracle: activation: expected one of {', '.join(ACTIVATIONS)}, but got 'tan'; "
            "for another one give a pair (f, f')",
        ),
        (
            "right_module.py:backprop --activation right_module.py:json",
            "bptt-oracle: right_module.py:json: expected a pair (f, f') of functions of arrays, but got",
        ),
    ],
)
def test_what_cannot_be_run_says_why_in_one_line(capsys: pytest.CaptureFixture[str], arguments: str, line: str) -> None:
    done = command(capsys, *shlex.split(arguments))
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(line)
    assert done.err.count("\n") == 1


def test_a_file_that_raises_is_shown_with_its_traceback_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("user_broken.py").write_text("rates = []\nprint(rates[3])\n")
    done = command(capsys, "user_broken.py:backprop")
    assert (done.status, done.out) == (2, "")
    *trace, last = done.err.splitlines()
    assert last == "bptt-oracle: user_broken.py:backprop: importing it raised IndexError: list index out of range"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "IndexError: list index out of range"


def test_the_help_and_a_wrong_command_line_cost_no_numpy() -> None:
    program = (
        "import sys\n"
        "from bptt_oracle.cli import main\n"
        "for arguments in (['check', '--help'], ['check'], ['--help']):\n"
        "    try: main(arguments)\n"
        "    except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "bptt_oracle.oracle.command_line" in done.stderr.split()
    assert {"numpy", "jax", "rich", "bptt_oracle.manual"} & set(done.stderr.split()) == set()
    assert "exit status: 0 right, 1 wrong, 2 could not run" in done.stdout
