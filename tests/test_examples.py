"""The examples do what they are there for, and the page about the oracle prints what they give."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from bptt_oracle.oracle.conventions import CHOICES
from bptt_oracle.oracle.options import OPTIONS
from bptt_oracle.oracle.text import WIDTH
from bptt_oracle.report.transcripts import (
    BEGIN,
    END,
    PAGES,
    PROMPT,
    commands,
    masked,
    missing,
    repeated,
    shortened,
    transcripts,
    with_transcripts,
)

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
C = EXAMPLES / "c"
PAGE = (ROOT / "docs" / "oracle.md").read_text(encoding="utf-8")
TRANSCRIPTS = {commands(transcript)[-1]: transcript for transcript in transcripts(PAGE)}
SHOWN = {
    commands(transcript)[-1]: transcript
    for name in PAGES
    for transcript in transcripts((ROOT / name).read_text(encoding="utf-8"))
}
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

MISTAKES = {
    "bptt-oracle check examples/numpy/wrong.py:backprop": ["carry-untransposed"],
    "bptt-oracle check examples/numpy/unnamed.py:backprop": ["measured"],
    "bptt-oracle check examples/numpy/forward.py:backprop": ["forward-h0-at-every-step"],
    "bptt-oracle check --command 'node examples/javascript/wrong.mjs'": ["slope-of-h"],
    "bptt-oracle check --command build/wrong": ["first-step-skipped"],
    "python examples/torch/wrong.py": ["signal-reversed"],
}
"""What the oracle has to call the mistake in each example."""


# ------------------------------------------------------------------------------------------------ the examples


@pytest.mark.parametrize("transcript", SHOWN.values(), ids=SHOWN.keys())
def test_the_pages_print_what_the_examples_give(transcript: str) -> None:
    if (tool := missing(transcript)) is not None:
        pytest.skip(f"{tool} is not installed")
    assert masked(repeated(transcript, ROOT)) == masked(transcript)


@pytest.mark.parametrize("transcript", SHOWN.values(), ids=SHOWN.keys())
def test_the_pages_wrap_as_the_program_does(transcript: str) -> None:
    unwrapped = (PROMPT, "   | ")  # commands, and tables and tracebacks
    printed = [line for line in transcript.splitlines() if not line.startswith(unwrapped)]
    assert max(map(len, printed)) <= WIDTH


def test_every_page_with_output_of_the_oracle_has_it_from_its_program() -> None:
    outputs = re.compile(r"^held against: ", re.MULTILINE)
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        page = path.read_text(encoding="utf-8")
        made = sum(len(outputs.findall(transcript)) for transcript in transcripts(page))
        assert len(outputs.findall(page)) == made, path
        assert (not made) or str(path.relative_to(ROOT)) in PAGES


@pytest.mark.parametrize(("command", "transcript"), TRANSCRIPTS.items(), ids=TRANSCRIPTS.keys())
def test_a_mistake_has_its_name_and_a_right_example_none(command: str, transcript: str) -> None:
    expected = MISTAKES.get(command, [])
    assert re.findall(r"^\d+\. .*?\[([a-z0-9-]+)\]$", transcript, re.MULTILINE | re.DOTALL) == expected
    assert ("WRONG" in transcript, "right:" in transcript) == (bool(expected), not expected)
    if command.startswith("bptt-oracle"):
        assert ("[exit status 1]" in transcript) == bool(expected)


def test_every_example_is_in_the_page() -> None:
    shown = " ".join(command for transcript in TRANSCRIPTS.values() for command in commands(transcript))
    programs = [path for path in EXAMPLES.glob("*/*") if path.stem in ("right", "wrong", "unnamed", "forward")]
    assert len(programs) == 10
    assert [path for path in programs if str(path.relative_to(ROOT)) not in shown] == []


@pytest.mark.parametrize(
    "wrong",
    ["numpy/wrong.py", "numpy/unnamed.py", "numpy/forward.py", "c/wrong.c", "javascript/wrong.mjs", "torch/wrong.py"],
)
def test_the_mistake_is_one_line(wrong: str) -> None:
    path = EXAMPLES / wrong
    ours, right = (p.read_text().splitlines() for p in (path, path.with_stem("right")))
    added = [line for line in difflib.ndiff(right, ours) if line.startswith("+ ")]
    is_heading = ["mistake in it" in line or line.strip("+ ") == "" for line in added]
    assert is_heading.count(False) == 1


# ------------------------------------------------------------------------------------- the C program by itself


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The right C program, compiled so that any access out of bounds ends it with a report."""
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    program = tmp_path_factory.mktemp("c") / "rnn"
    flags = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    sources = [str(C / "main.c"), str(C / "right.c"), "-lm", "-o", str(program)]
    subprocess.run(["cc", *flags, *sources], check=True)  # without a warning
    done = subprocess.run(
        ["cc", *flags, "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *sources], check=False
    )
    if done.returncode:
        pytest.skip("cc has no sanitizers")
    return program


def asked(program: Path, lines: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the search for leaks needs rights that CI may lack
    return subprocess.run(
        [program], input="".join(lines), capture_output=True, text=True, timeout=60, check=False, env=environment
    )


REQUEST = (
    '{"protocol":1,"id":7,"d":[1,2,2],"x_shape":[2,1],'
    '"params":[{"H":[[0.5,-0.25],[0.125,0.5]],"W":[[1.0],[-0.5]],"b":[0.25,0.0]},'
    '{"W":[[0.5,-1.0],[0.25,0.75]],"b":[0.0,-0.125]}],"x":[[1.0],[-0.5]],"y":[1,0]}\n'
)


def test_the_c_program_answers_line_by_line(sanitized: Path) -> None:
    done = asked(sanitized, [REQUEST, REQUEST.replace('"id":7', '"id":8')])
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [7, 8]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("[1,2,2]", "[1,2,2,2]", "one hidden layer only"),
        ('"x_shape":[2,1]', '"x_shape":[2,1,1]', "one sequence at a time"),
        ('"b":[0.25', '"b_ih":[0.25', "one bias only"),
        (',"y":[1,0]', ',"y":[1,0],"h0":[[0,0]]', "h(0) is zero"),
        ('"y":[1,0]', '"y":[[0,1],[1,0]]', "y is to hold classes"),
    ],
)
def test_the_c_program_says_what_it_does_not_take(old: str, new: str, why: str, sanitized: Path) -> None:
    assert old in REQUEST
    done = asked(sanitized, [REQUEST.replace(old, new)])
    assert (done.returncode, json.loads(done.stdout)) == (0, {"id": 7, "error": why})


@pytest.mark.parametrize(
    "line",
    [
        *(REQUEST[:end] for end in range(0, len(REQUEST) - 4, 7)),
        REQUEST.replace("[1,2,2]", "[1,99999999999,2]"),
        REQUEST.replace("[1,2,2]", "[1,4000,4000]"),
        REQUEST.replace("[1,2,2]", "[1,-2,2]"),
        REQUEST.replace("[1,2,2]", "[1,nan,2]"),
        REQUEST.replace("[1,0]}", "[1,2]}"),
        REQUEST.replace("[1,0]}", "[1,-1]}"),
        "[" * 100_000,
        "-" * 1000,
        "\x00\n",
    ],
)
def test_the_c_program_reads_nothing_beyond_a_line(line: str, sanitized: Path) -> None:
    done = asked(sanitized, [line])
    assert done.returncode in (0, 1)
    assert "Sanitizer" not in done.stderr
    assert "runtime error" not in done.stderr


# ----------------------------------------------------------------------------------------------- the page


@pytest.fixture
def my_rnn(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("my_rnn")
    exec((EXAMPLES / "numpy" / "right.py").read_text(), module.__dict__)
    monkeypatch.setitem(sys.modules, "my_rnn", module)
    return module


@pytest.mark.usefixtures("my_rnn")
def test_the_python_to_start_with_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(PYTHON[0], {})
    assert capsys.readouterr().out.startswith("right: backprop, asked about 10 networks\n")


def test_the_tests_in_the_page_pass(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "numpy" / "right.py", tmp_path / "my_rnn.py")
    (tmp_path / "test_mine.py").write_text(PYTHON[1])
    plugin = ["-p", "no:bptt_oracle", "-p", "bptt_oracle.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-o", "pythonpath=.", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False)
    assert done.stdout.splitlines()[-1].startswith("2 passed"), done.stdout


def test_the_torch_in_the_page_runs() -> None:
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    exec(PYTHON[2], {})


def test_the_page_has_every_convention_and_what_it_can_be() -> None:
    rows = {row.split("`")[1]: row for row in PAGE.splitlines() if row.startswith("| `")}
    declared = [option.name for option in OPTIONS.values() if option.is_convention]
    assert [name for name in declared if name not in rows] == []
    said = {name: [choice for choice in choices if str(choice) in rows[name]] for name, choices in CHOICES.items()}
    assert {name: list(choices) for name, choices in CHOICES.items() if name != "h0"} == {
        name: choices for name, choices in said.items() if name != "h0"
    }


def test_the_examples_are_listed_in_their_own_page() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{folder.name}/`" in readme for folder in EXAMPLES.glob("[a-z]*/"))


# ------------------------------------------------------------------------------------- what makes transcripts


def test_a_transcript_is_made_by_running_its_commands(tmp_path: Path) -> None:
    command = "python -c 'print(0.123456789, 12); raise SystemExit(3)'"
    page = f"# Title\n{BEGIN}$ {command}\nold\n{END}end\n"
    assert with_transcripts(page, tmp_path) == f"# Title\n{BEGIN}$ {command}\n0.1235 12\n[exit status 3]\n{END}end\n"


def test_a_transcript_whose_tools_are_missing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    page = f"{BEGIN}$ cc -o build/it it.c\nold\n{END}"
    assert with_transcripts(page, tmp_path) == page


@pytest.mark.parametrize("page", [f"{BEGIN}no command\n{END}", f"{BEGIN}$ command without an end\n"])
def test_a_transcript_without_command_or_end_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="transcript: expected a command"):
        transcripts(page)


def test_a_flipped_verdict_is_noticed() -> None:
    transcript = next(iter(TRANSCRIPTS.values()))
    assert masked(transcript.replace("WRONG", "right")) != masked(transcript)
    assert masked(transcript.replace("carry-untransposed", "carry-dropped")) != masked(transcript)


def test_only_the_digits_of_a_machine_are_hidden() -> None:
    text = "layer 3 at [0, 12]: yours -0.0188442335, bound\n8.44e-15, 10 networks"
    assert shortened(text) == "layer 3 at [0, 12]: yours -0.01884, bound\n8.44e-15, 10 networks"
    assert masked(text) == "layer 3 at [0, 12]: yours #, bound #, 10 networks"
