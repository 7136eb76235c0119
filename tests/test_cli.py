"""The command line: what it prints and writes, its exit status, and one clear line where it cannot run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from test_verdicts import changed, complete, failing, inline, key

from bptt_oracle import claims, floating, growth, nodes, verification
from bptt_oracle.arithmetic.formats import FORMATS
from bptt_oracle.catalogue import equations
from bptt_oracle.cli import main
from bptt_oracle.evidence import Gathered, Plan
from bptt_oracle.manual import PRINTED, Quantities, registry
from bptt_oracle.report import card
from bptt_oracle.report import files as writing
from bptt_oracle.report.files import prepare
from bptt_oracle.verdicts import Evidence

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads(files("bptt_oracle.report").joinpath("verdicts.schema.json").read_text(encoding="utf-8"))
SMALL = ("--field", "2", "--balls", "1", "--floating", "1")
CERTIFICATE = "field:n=3,T=4,d=2.3.1.4,seed=7"
NO_FLINT = (
    "exact and enclosed arithmetic need python-flint, which could not be imported (No module named 'flint'). "
    "Install it with: pip install 'python-flint>=0.8'"
)


@dataclass(frozen=True)
class Done:
    """What a command did: its exit status, what it printed, and what it said on the error stream."""

    status: int
    out: str
    err: str


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Done:
    """Run a command in this process."""
    capsys.readouterr()
    try:
        status = main(arguments)
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    said = capsys.readouterr()
    return Done(status, said.out, said.err)


def offences(data: Any) -> list[str]:
    """Where data break the contract of `verdicts.json`."""
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(data)]


@contextmanager
def quick() -> Iterator[None]:
    """Verification in one process, and without what takes long and is tested elsewhere.

    One narrow format stands for all, since XLA takes its time over the padded box; one claim in prose for the others.
    """
    descriptions = Plan(floating=1).floating_descriptions("bfloat16")
    found = floating.floating_evidence(descriptions, "bfloat16")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floating, "floating_evidence", lambda descriptions, name: found)
        patch.setattr(growth, "growth", lambda name, seed: [])
        patch.setattr(claims, "claims", lambda seed: [claims.claim("layers", seed)])
        patch.setattr(nodes, "INSTANCES", 1)
        patch.setattr(verification, "workers", inline)
        yield


def verify_quickly(folder: str) -> int:
    """The small verification, into a folder."""
    with quick():
        return main(["verify", "--reports", folder, *SMALL])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the small verification writes."""
    folder = tmp_path_factory.mktemp("small") / "new" / "reports"
    assert verify_quickly(str(folder)) == 0
    return folder


@pytest.fixture(scope="module")
def data(reports: Path) -> Any:
    """The verdicts of the small verification."""
    return json.loads((reports / "verdicts.json").read_text(encoding="utf-8"))


# ---- verify


def test_verify_writes_its_reports_and_nothing_else(reports: Path) -> None:
    assert sorted(path.name for path in reports.iterdir()) == [
        "discrepancies.md",
        "floating.json",
        "floating.md",
        "index.html",
        "verdicts.json",
        "verdicts.schema.json",
    ]
    assert json.loads((reports / "floating.json").read_text(encoding="utf-8"))["formats"].keys() == FORMATS.keys()


def test_verify_finds_exactly_the_equations_with_a_correction_to_be_misprints(data: Any) -> None:
    found = {entry["number"]: entry["verdict"] for entry in data["equations"]}
    assert found == {
        number: "misprint" if entry.corrected else "definition" if entry.kind == "definition" else "holds"
        for number, entry in equations().items()
    }
    assert data["missing"] == {}


def test_the_discrepancy_report_shows_every_misprint_with_its_counterexample(reports: Path, data: Any) -> None:
    text = (reports / "discrepancies.md").read_text(encoding="utf-8")
    words = re.sub(r"[$\\{}]", "", text)  # the change without its LaTeX
    for entry in data["equations"]:
        if entry["verdict"] == "misprint":
            assert f"### ({entry['number']}) {entry['states']}" in text
            assert f"What changes: {entry['change']}." in words
            assert entry["counterexample"]["python"] in text


@pytest.mark.parametrize("of", ["a small run", "the committed reports"])
def test_the_verdicts_keep_to_their_contract(of: str, data: Any) -> None:
    committed = (ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8")
    assert offences(data if of == "a small run" else json.loads(committed)) == []


def test_the_verdicts_name_no_path_and_no_time(reports: Path, data: Any) -> None:
    text = (reports / "verdicts.json").read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(reports) not in text
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)
    assert data["environment"].keys() == {"bptt-oracle", "jax", "numpy", "python-flint", "seed"}


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(reports: Path, tmp_path: Path) -> None:
    program = "import sys, test_cli; sys.exit(test_cli.verify_quickly(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("verdicts.json", "discrepancies.md", "index.html"):
        assert (tmp_path / name).read_bytes() == (reports / name).read_bytes()


def given(monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> None:
    """Let the verification gather this."""
    monkeypatch.setattr(verification, "gather", lambda *arguments: evidence)


def test_verify_prints_a_row_for_every_equation_and_exits_0_when_all_is_decided(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(monkeypatch, changed(complete(), failing(key(31))))
    done = command(capsys, "verify", "--reports", str(tmp_path))
    assert (done.status, done.err.strip()) == (0, "")
    assert [int(n) for n in re.findall(r"^ *\((\d+)\) .* (?:definition|holds|misprint) ", done.out, re.MULTILINE)] == [
        *range(1, 47)
    ]
    assert "46 equations, 100 lines: 99 lines hold as printed, 1 fail, 0 are unverified\n" in done.out
    assert "  (31) misprint: the time of delta: k, the index of the sum, not t\n" in done.out
    names = "verdicts.json", "verdicts.schema.json", "discrepancies.md", "floating.json", "floating.md", "index.html"
    written = ", ".join(str(tmp_path / name) for name in names)
    assert done.out.endswith(f"written: {written}\n")


def test_verify_exits_1_when_a_discrepancy_has_no_correction(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(monkeypatch, changed(complete(), failing(key(33))))
    done = command(capsys, "verify", "--reports", str(tmp_path))
    assert (done.status, done.err.strip()) == (1, "")
    assert "99 lines hold as printed, 1 fail" in done.out


def test_verify_without_flint_writes_that_nothing_is_verified(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    done = without_flint(tmp_path, "verify", "--reports", str(reports))
    assert done.status == 2
    assert done.err.splitlines()[-1] == f"bptt-oracle: not run: all evidence: {NO_FLINT}"
    assert "46 equations, 100 lines: 0 lines hold as printed, 0 fail, 100 are unverified\n" in done.out
    data = json.loads((reports / "verdicts.json").read_text(encoding="utf-8"))
    assert [entry["verdict"] for entry in data["equations"]] == ["unverified"] * 46
    assert {line["verdict"] for entry in data["equations"] for line in entry["lines"]} == {"unverified"}
    assert data["missing"] == {"all evidence": NO_FLINT}
    assert offences(data) == []


@pytest.mark.parametrize(
    "arguments", [("explain", "31"), ("verify", "--certificate", CERTIFICATE)], ids=["explain", "certificate"]
)
def test_what_else_needs_flint_says_so_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert without_flint(tmp_path, *arguments) == Done(2, "", f"bptt-oracle: {NO_FLINT}\n")


def without_flint(folder: Path, *arguments: str) -> Done:
    """Run a command in a process that cannot import python-flint."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'flint':\n"
        '            raise ModuleNotFoundError("No module named \'flint\'", name="flint")\n\n'
        "sys.meta_path.insert(0, Blocker())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "bptt_oracle.cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


# ---- verify --certificate


def test_a_certificate_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (command(capsys, "verify", "--certificate", CERTIFICATE) for _ in range(2))
    assert first == second
    assert (first.status, first.err) == (0, "")
    title, printed, corrected, *failing_lines = first.out.splitlines()
    assert title == CERTIFICATE
    assert re.fullmatch(r"printed: \d+ comparisons, [1-9]\d* fail", printed)
    assert re.fullmatch(r"corrected: \d+ comparisons, 0 fail", corrected)
    found = {int(number) for line in failing_lines for number in re.findall(r"^\((\d+)\) line \d+, printed, ", line)}
    assert found == {number for number, entry in equations().items() if entry.corrected}


def test_a_certificate_of_the_committed_reports_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    committed = json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))["certificates"]
    for world in ("field", "balls"):
        assert command(capsys, "verify", "--certificate", committed[world][4]).status == 0


def test_a_certificate_that_disagrees_exits_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(q: Quantities, t: int) -> Iterator[Any]:
        for line in PRINTED[32](q, t):
            yield -line

    monkeypatch.setitem(registry._printed, 19, wrong)
    done = command(capsys, "verify", "--certificate", "field:n=1,T=2,d=2.3")
    assert done.status == 1
    assert "(19) line 1, printed, local: 2 of 2" in done.out.splitlines()


# ---- explain


def test_explain_prints_the_card_of_an_equation(capsys: pytest.CaptureFixture[str]) -> None:
    done = command(capsys, "explain", "31")
    assert (done.status, done.err) == (0, "")
    counts = re.findall(r"(\d+) of (\d+) comparisons fail", done.out)
    assert [total for _, total in counts] == [counts[0][1]] * 2
    assert int(counts[0][0]) > 0
    assert int(counts[1][0]) == 0
    for expected in (
        """\
(31)  conclusion: the gradient of J^(t) in H  [section 3.3]
Fails as printed; corrected, it holds. The correction: the time of delta: k, the index of the sum, not t.
initial-state, undefined: (5), """,
        """\
As printed
  \\nabla_{H^{(l)}} J^{(t)}        for 1 <= l <= n-1, 1 <= t <= T
  1. = \\sum_{k=1}^{t} \\delta^{(l)(t)} (h^{(l)(k-1)})^T
""",
        """\
Corrected: the time of delta: k, the index of the sum, not t
  \\nabla_{H^{(l)}} J^{(t)}        for 1 <= l <= n-1, 1 <= t <= T
  1. = \\sum_{k=1}^{t} \\delta^{(l)(k)} (h^{(l)(k-1)})^T
""",
        "Checked against autodiff over GF(2^61 - 1), locally and chained, on ",
        """\
Smallest network on which line 1 fails (differs):
  autodiff gives [[0]]
  the print gives [[0.5]]
""",
        """\
    from bptt_oracle import replay
""",
        """\
    params = [
        {"H": [[0]], "W": [[0]], "b": [0]},
        {"W": [[0], [1]], "b": [0, 0]},
    ]
    print(replay(31, "printed", params, x=[[0], [0]], y=[0, 0], h0=[[1]], f="identity", line=1, l=1, t=2))
""",
        "def step_gradient_H_as_printed(q: Quantities, l: int, t: int) -> Iterator[Any]:\n",
        "    yield sum(q.delta[l, t, t] @ q.h[l, k - 1].T for k in range(1, t + 1))\n",
        "def step_gradient_H(q: Quantities, l: int, t: int) -> Iterator[Any]:\n",
        "    yield sum(q.delta[l, k, t] @ q.h[l, k - 1].T for k in range(1, t + 1))\n",
    ):
        assert expected in done.out


def test_explain_says_whether_the_print_holds_and_what_is_said_of_its_range(
    capsys: pytest.CaptureFixture[str],
) -> None:
    title, verdict, before, span, *_ = command(capsys, "explain", "38").out.splitlines()
    assert title == "(38)  gamma of the other hidden layers  [section 4]"
    assert verdict == "Holds as printed."
    assert before.startswith("delta-before-t, incomplete: ")
    assert before.endswith("with random values, line 2 of (38) fails.")
    assert span.startswith("range-38, holds: (38) is printed for 1 <= t <= T-1, and that is where it holds")


@pytest.mark.parametrize(
    ("number", "outcomes", "said"),
    [
        (1, ["holds"], "A definition, consistent with the others."),
        (38, ["holds"], "Holds as printed."),
        (38, ["fails"], "Fails as printed, and no reading of it that is known here holds."),
        (38, ["undecided"], "Undecided: a line of it was not met on these networks."),
        (31, ["fails", "holds"], "Fails as printed; corrected, it holds. The correction: the time of delta: k, "),
        (31, ["fails", "fails"], "Fails as printed, and no reading of it that is known here holds."),
        (31, ["fails", "undecided"], "Undecided: a line of it was not met on these networks."),
    ],
)
def test_what_a_card_says_is_what_its_check_finds(number: int, outcomes: list[str], said: str) -> None:
    assert card.found(equations()[number], outcomes).startswith(said)


def test_a_reading_that_was_never_compared_is_undecided(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "field_evidence", lambda description, numbers: Gathered())
    assert command(capsys, "explain", "38").out.splitlines()[1].startswith("Undecided: ")


# ---- what cannot be run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("explain 47", "bptt-oracle: expected the number of an equation, 1..46, but got 47"),
        ("explain 0", "bptt-oracle: expected the number of an equation, 1..46, but got 0"),
        ("explain x", "bptt-oracle explain: argument N: invalid int value: 'x'"),
        ("explain", "bptt-oracle explain: the following arguments are required: N"),
        ("", "bptt-oracle: the following arguments are required: COMMAND"),
        (
            "verify --field 0",
            "bptt-oracle verify: argument --field: expected an integer of at least 1, but got '0'",
        ),
        (
            "verify --balls two",
            "bptt-oracle verify: argument --balls: expected an integer of at least 1, but got 'two'",
        ),
        (
            "verify --floating 1.5",
            "bptt-oracle verify: argument --floating: expected an integer of at least 1, but got '1.5'",
        ),
        (
            "verify --seed -1",
            "bptt-oracle verify: argument --seed: expected an integer of at least 0, but got '-1'",
        ),
        (
            "verify --certificate 7",
            "bptt-oracle: expected a certificate such as field:n=2,T=3,d=1.2.3,seed=0, or balls:..., but got '7'",
        ),
        (
            "verify --certificate reals:n=1,T=1,d=1.1",
            "bptt-oracle: expected a certificate such as field:n=2,T=3,d=1.2.3,seed=0, or balls:..., "
            "but got 'reals:n=1,T=1,d=1.1'",
        ),
        (
            "verify --certificate balls:n=1,T=0,d=1.1",
            "bptt-oracle: expected a description such as "
            "n=2,T=3,d=1.2.3,f=tanh,scale=ordinary,h0=random,y=one-hot,seed=0, but got 'n=1,T=0,d=1.1' "
            "(expected n >= 1, T >= 1 and n + 1 widths of at least 1, but got n=1, T=0, d=(1, 1))",
        ),
        (
            "verify --certificate field:n=1,T=1,d=1.x",
            "bptt-oracle: expected a description such as "
            "n=2,T=3,d=1.2.3,f=tanh,scale=ordinary,h0=random,y=one-hot,seed=0, but got 'n=1,T=1,d=1.x' "
            "(invalid literal for int() with base 10: 'x')",
        ),
    ],
)
def test_what_cannot_be_run_says_why_in_one_line(capsys: pytest.CaptureFixture[str], arguments: str, line: str) -> None:
    assert command(capsys, *arguments.split()) == Done(2, "", f"{line}\n")


def test_a_certificate_that_decides_nothing_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bptt_oracle.evidence.PRECISIONS", (24,))
    done = command(capsys, "verify", "--certificate", "balls:n=2,T=3,d=1.2.3")
    assert done == Done(
        2, "", "bptt-oracle: balls:n=2,T=3,d=1.2.3 decides nothing: a divisor is zero, or enclosures are too wide\n"
    )


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*arguments: Any) -> Evidence:
        raise AssertionError("the work began")

    monkeypatch.setattr(verification, "gather", never)
    (tmp_path / "file").write_text("kept")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        done = command(capsys, "verify", "--reports", str(folder))
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(f"bptt-oracle: {folder}: expected a folder, or a name for one, to write in, but it ")
        assert done.err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "kept"
    with pytest.raises(AssertionError, match="the work began"):
        command(capsys, "verify", "--reports", str(tmp_path / "new"))


def test_preparing_a_folder_leaves_no_file_in_it(tmp_path: Path) -> None:
    prepare(tmp_path / "a" / "b")
    prepare(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyboardInterrupt(), "interrupted; a report is written whole or not at all"),
        (
            BrokenProcessPool("A process in the process pool was\nterminated"),
            "A process in the process pool was terminated",
        ),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_a_verification_that_breaks_off_says_so_and_writes_nothing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: BaseException,
    line: str,
) -> None:
    def broken(*arguments: Any) -> Evidence:
        raise error

    monkeypatch.setattr(verification, "gather", broken)
    (tmp_path / "verdicts.json").write_text("before")
    done = command(capsys, "verify", "--reports", str(tmp_path))
    assert (done.status, done.out.strip()) == (2, "")
    assert done.err.splitlines()[-1] == f"bptt-oracle: {line}"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"verdicts.json": "before"}


# ---- the contract of verdicts.json, broken


def spoilt(change: Callable[[Any], object]) -> Callable[[Any], Any]:
    """Data changed in place."""

    def spoil(data: Any) -> Any:
        copied = deepcopy(data)
        change(copied)
        return copied

    return spoil


MISPRINT, HOLDING = 30, 32  # the places of (31) and (33)


@pytest.mark.parametrize(
    "spoil",
    [
        spoilt(lambda data: data.pop("missing")),
        spoilt(lambda data: data["equations"].pop()),
        spoilt(lambda data: data["equations"][HOLDING].update(verdict="proved")),
        spoilt(lambda data: data["equations"][HOLDING].update(number=47)),
        spoilt(lambda data: data["equations"][HOLDING].update(time="12:00")),
        spoilt(lambda data: data["equations"][HOLDING].pop("uses")),
        spoilt(lambda data: data["equations"][HOLDING].update(function="manual.conclusion.f")),
        spoilt(lambda data: data["equations"][HOLDING].update(verdict="misprint")),
        spoilt(lambda data: data["equations"][HOLDING]["lines"][0].update(verdict="unverified")),
        spoilt(lambda data: data["equations"][HOLDING]["lines"][0].update(latex="")),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"].update(field=None)),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"]["field"].update(disagreements=1)),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"]["field"].pop("false_pass_log2")),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"]["balls"].update(undecided=["n=1"])),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"]["balls"].update(digits=40)),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"]["floating"].pop("float16")),
        spoilt(lambda data: data["equations"][HOLDING]["evidence"]["floating"]["float16"].update(within_bound=False)),
        spoilt(lambda data: data["equations"][MISPRINT].update(verdict="holds")),
        spoilt(lambda data: data["equations"][MISPRINT].update(corrected=None)),
        spoilt(lambda data: data["equations"][MISPRINT]["lines"][0].update(failures={})),
        spoilt(lambda data: data["equations"][MISPRINT]["counterexample"].update(outcome="wrong")),
        spoilt(lambda data: data["claims"][0].update(verdict="")),
        spoilt(lambda data: data["nodes"][0].update(disagreements=-1)),
        spoilt(lambda data: data["certificates"]["field"].append("7")),
        spoilt(lambda data: data["environment"].update(seed="2016")),
    ],
)
def test_verdicts_that_break_their_contract_are_found(data: Any, spoil: Callable[[Any], Any]) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(spoil(data))


# ---- files in one step


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    writing.write(path, writing.as_json({"ŷ": [1.5, None], "b": True}))
    assert path.read_bytes() == '{\n "ŷ": [\n  1.5,\n  null\n ],\n "b": true\n}\n'.encode()
    writing.write(path, "later\n")
    assert path.read_bytes() == b"later\n"
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise error

    path = tmp_path / "a.json"
    writing.write(path, "old\n")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(type(error)):
        writing.write(path, "new\n")
    assert path.read_text() == "old\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_numbers_that_json_does_not_have_are_refused_before_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    writing.write(path, "old\n")
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
            writing.write(path, writing.as_json([number]))
    assert path.read_text() == "old\n"


def test_a_reader_that_leaves_takes_nothing_from_the_exit_status() -> None:
    """As in `bptt-oracle check ... | head -8`."""
    target = f"{ROOT / 'examples' / 'numpy' / 'wrong.py'}:backprop"
    process = subprocess.Popen(
        [sys.executable, "-m", "bptt_oracle.cli", "check", target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1
