"""The other forms of the report, what they are read from, and the numbers of the counterexamples."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_verdicts import complete

from bptt_oracle.catalogue import equation
from bptt_oracle.cli import main
from bptt_oracle.report.changes import marked
from bptt_oracle.report.errata import escaped, latex
from bptt_oracle.report.html.figures import cost, fitted_exponent, growth, ulps, wrong_readings
from bptt_oracle.report.html.svg import Axis, number, power
from bptt_oracle.report.notation import pieces, quoted
from bptt_oracle.report.recorded import SCHEMA, Recorded, RecordedError, read
from bptt_oracle.report.substitution import NotWrittenError, Written
from bptt_oracle.report.worked import WorkedExample, worked
from bptt_oracle.report.written import PAGE, write_reports
from bptt_oracle.verdicts import as_data

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports"


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return read(REPORTS)


def example_of(recorded: Recorded, number: int, outcome: str) -> dict[str, Any]:
    """A counterexample of the recorded data."""
    entry = recorded.verdicts["equations"][number - 1]
    found: dict[str, Any] = next(each for each in entry["counterexamples"] if each["outcome"] == outcome)
    return found


# ---- the files beside the verdicts


def test_verify_writes_the_schema_beside_the_verdicts(tmp_path: Path) -> None:
    evidence = replace(complete(), environment=dict.fromkeys(("bptt-oracle", "jax", "numpy", "python-flint"), "1"))
    written = write_reports(tmp_path, evidence, as_data(evidence))
    assert tmp_path / SCHEMA in written
    assert (tmp_path / SCHEMA).read_bytes() == files("bptt_oracle.report").joinpath(SCHEMA).read_bytes()
    assert tmp_path / PAGE in written
    assert sorted(written) == sorted(tmp_path.iterdir())


def test_the_committed_schema_is_that_of_the_package() -> None:
    assert (REPORTS / SCHEMA).read_bytes() == files("bptt_oracle.report").joinpath(SCHEMA).read_bytes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "expected the verdicts, but there is no such file; run `bptt-oracle verify`"),
        ("{", "expected JSON, but it cannot be read"),
        ("[]", "breaks its schema at $"),
        ('{"document": 1}', "breaks its schema at $"),
    ],
)
def test_a_folder_without_good_verdicts_is_refused_in_one_line(
    content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "verdicts.json").write_text(content, encoding="utf-8")
    assert main(["report", "--format", "json", "--reports", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


# ---- the forms


@pytest.mark.parametrize(("form", "file"), [("md", "discrepancies.md"), ("json", "verdicts.json")])
def test_a_form_repeats_the_file_that_was_written_with_the_data(
    form: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--format", form, "--reports", str(REPORTS)]) == 0
    assert capsys.readouterr().out == (REPORTS / file).read_text(encoding="utf-8")


def test_the_page_is_written_beside_its_data_unless_said_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(REPORTS / "verdicts.json", tmp_path)
    assert main(["report", "--reports", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"written: {tmp_path / PAGE}\n"
    assert (tmp_path / PAGE).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_flipped_verdict_changes_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads((REPORTS / "verdicts.json").read_text(encoding="utf-8"))
    data["equations"][30]["verdict"] = "unverified"
    data["summary"]["misprint"] -= 1
    data["summary"]["unverified"] += 1
    (tmp_path / "verdicts.json").write_text(json.dumps(data), encoding="utf-8")
    for form in ("md", "json", "latex"):
        said = []
        for folder in (REPORTS, tmp_path):
            assert main(["report", "--format", form, "--reports", str(folder)]) == 0
            said.append(capsys.readouterr().out)
        assert said[0] != said[1]


# ---- the errata


def test_the_errata_name_every_misprint_and_nothing_else(recorded: Recorded) -> None:
    text = latex(recorded)
    misprints = [e["number"] for e in recorded.verdicts["equations"] if e["verdict"] == "misprint"]
    for pattern in (r"\\enspace Section [\d.]+, equation \((\d+)\)", r"\\begin\{together\}\{\((\d+)\)"):
        assert [int(found) for found in re.findall(pattern, text)] == misprints
    left = [claim for claim in recorded.verdicts["claims"] if claim["verdict"] != "holds"]
    assert re.findall(r"\\item Section ([\d.]+)", text) == [
        claim["section"] for claim in left if claim["evidence"].get("equation") not in misprints
    ]


MERELY_LACKING = [(6, "printed"), (39, "printed")]
"""The prints that only leave something out: there is nothing in them to mark."""


def test_the_errata_show_both_readings_whole_and_mark_the_change(recorded: Recorded) -> None:
    text = latex(recorded)
    found = re.findall(r"\\reading\{(printed|corrected)\}\{(.*)\}\n", text)
    for entry in recorded.verdicts["equations"]:
        for line in entry["lines"]:
            if line["verdict"] == "fails":
                for variant, right in (("printed", line["latex"]), ("corrected", line["corrected"]["latex"])):
                    whole = f"{equation(entry['number']).lhs} = {right}".replace("diag[", r"\operatorname{diag}[")
                    shown = [s for v, s in found if v == variant and unmarked(s).split(r"\qquad")[0] == unmarked(whole)]
                    marked_there = {rf"\{'wrong' if variant == 'printed' else 'corrected'}{{" in each for each in shown}
                    assert marked_there == {(entry["number"], variant) not in MERELY_LACKING}


def unmarked(formula: str) -> str:
    """A formula of the errata without its marks, and without the braces that hold one raised symbol."""
    formula = re.sub(r"\\(?:wrong|corrected)\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", r"\1", formula)
    return formula.replace("^{T}", "^T")


def test_an_example_of_the_errata_can_be_redone_with_what_stands_there(recorded: Recorded) -> None:
    text = latex(recorded)
    for entry in recorded.verdicts["equations"]:
        if not entry["counterexamples"]:
            continue
        start = text.index(rf"\begin{{together}}{{({entry['number']})")
        example = text[start : text.index(r"\end{together}", start)]
        chosen = min(entry["counterexamples"], key=lambda each: each["outcome"] != "differs")
        steps = worked(entry["number"], chosen)
        for row in (*steps.forward, *steps.errors):
            assert f"{row.symbol} & {' & '.join(row.cells)} " in example
        for line in (steps.printed, steps.corrected):
            for part in (line.substituted, line.value) if line is not None else ():
                assert part is None or part.replace("diag", r"\operatorname{diag}") in example
        assert all(parameter in example for parameter in steps.parameters)
        assert f"{equation(entry['number']).lhs} = {steps.truth}" in example


def body(text: str) -> str:
    """What follows the preamble of a LaTeX document."""
    return text[text.index(r"\begin{document}") :]


def balanced(text: str) -> bool:
    """Whether braces, environments, displayed formulas and dollars of a LaTeX document close in order."""
    opened: list[str] = []
    for found in re.finditer(r"\\(begin|end)\{(\w+\*?)\}|\\[\[\]]|(?<!\\)[{}$]", body(text)):
        token = found.group()
        if found[1] == "begin":
            opened.append(found[2])
        elif token in ("{", r"\[") or (token == "$" and "$" not in opened):
            opened.append(token)
        elif not opened or opened.pop() != {"}": "{", r"\]": r"\[", "$": "$"}.get(token, found[2]):
            return False
    return not opened


def test_the_errata_are_balanced(recorded: Recorded) -> None:
    assert balanced(latex(recorded))
    for wrong in (latex(recorded)[:-20], latex(recorded).replace(r"''\par}", r"''\par", 1)):
        assert not balanced(wrong)


def test_words_in_the_errata_are_escaped(recorded: Recorded) -> None:
    copy = deepcopy(dict(recorded.verdicts))
    copy["claims"][0]["finding"] = r"\input{/etc/passwd} 100% of #1 & _x_ ~ {"
    text = latex(replace(recorded, verdicts=copy))
    assert r"\textbackslash{}input\{/etc/passwd\} 100\% of \#1 \& \_" in text
    assert balanced(text)
    assert escaped("^") == r"\textasciicircum{}"


def test_the_errata_compile(recorded: Recorded, tmp_path: Path) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed")

    def compiled(text: str) -> subprocess.CompletedProcess[bytes]:
        (tmp_path / "errata.tex").write_text(text, encoding="utf-8")
        command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "errata.tex"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)

    done = compiled(latex(recorded))
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, said[-2000:]
    assert not re.search(r"Overfull \\[hv]box \(\d\d", said)  # nothing sticks out of the page
    assert (tmp_path / "errata.pdf").read_bytes().startswith(b"%PDF")
    assert compiled(latex(recorded).replace(r"\end{document}", r"\nothing\end{document}")).returncode != 0


# ---- counterexamples, worked out


def every_example(recorded: Recorded) -> list[tuple[int, dict[str, Any], WorkedExample]]:
    """All counterexamples of the recorded data, worked out."""
    return [
        (entry["number"], example, worked(entry["number"], example))
        for entry in recorded.verdicts["equations"]
        for example in entry["counterexamples"]
    ]


def test_the_numbers_put_in_give_what_was_recorded(recorded: Recorded) -> None:
    found = every_example(recorded)
    assert len(found) >= 7
    for number_of, example, steps in found:
        if example["outcome"] == "differs":
            assert steps.printed.value is not None
            assert steps.printed.value != steps.truth
            assert steps.printed.misfit is None
        elif example["outcome"] == "shape":
            assert steps.printed.misfit is not None
        else:
            assert steps.printed.value is None
        if steps.corrected is not None:
            assert (steps.corrected.value, steps.corrected.misfit) == (steps.truth, None)
        written = steps.printed.substituted is not None
        assert written == (number_of != 6 and example["outcome"] != "undefined")  # (6) is a derivative


def test_the_example_of_31_can_be_redone_on_paper(recorded: Recorded) -> None:
    steps = worked(31, example_of(recorded, 31, "differs"))
    assert steps.printed.substituted == r"0.5 \cdot 1 + 0.5 \cdot 0"
    assert steps.printed.value == "0.5"
    assert steps.corrected is not None
    assert steps.corrected.substituted == r"0 \cdot 1 + 0.5 \cdot 0"
    assert steps.truth == "0"
    h = next(row for row in steps.forward if row.symbol == "h^{(1)(t)}")
    assert h.cells == ("1", "0", "0")
    delta = {row.symbol: row.cells for row in steps.errors}
    assert delta[r"\delta^{(1)(2)(i)}"] == ("", "0.5")
    assert delta[r"\delta^{(1)(1)(i)}"] == ("0.5", "0")


def test_what_does_not_fit_is_said_in_words(recorded: Recorded) -> None:
    assert worked(15, example_of(recorded, 15, "shape")).printed.misfit == (
        "it adds a 1 by 1 matrix and a 2 by 2 matrix"
    )
    assert worked(17, example_of(recorded, 17, "shape")).printed.misfit == "it is 1 by 2 where 2 by 2 is needed"


@pytest.mark.parametrize(
    "program",
    [
        "",
        "params = [",
        "params = __import__('os').environ\nprint(replay(31, x=[[0]], y=[0], h0=[], f='identity'))",
        "params = []\nprint(replay(31, x=[[0]], y=[0], f='identity'))",
        "params = []\nprint(other(31))",
    ],
)
def test_a_program_that_is_no_counterexample_is_refused(recorded: Recorded, program: str) -> None:
    example = example_of(recorded, 31, "differs") | {"python": program}
    with pytest.raises(RecordedError, match=r"equation \(31\): its program cannot be read"):
        worked(31, example)


def test_operations_are_written_down_with_the_brackets_that_they_need() -> None:
    a, b = (Written(np.array([[value]]), name) for value, name in ((2, "a"), (3, "b")))
    assert ((a + b) @ a).latex == r"\left( a + b \right) \cdot a"
    assert ((a + b) @ a).value.tolist() == [[10]]
    assert ((a @ b + a) / 2).latex == r"\frac{1}{2} \left( a \cdot b + a \right)"
    column = Written(np.array([[1], [2]]), r"\begin{pmatrix}1 \\ 2\end{pmatrix}")
    assert column.T.latex == r"{\begin{pmatrix}1 \\ 2\end{pmatrix}}^T"
    assert (column @ column).misfit == "it multiplies a 2 by 1 matrix by a 2 by 1 matrix"
    assert (column @ column + a).misfit == "it multiplies a 2 by 1 matrix by a 2 by 1 matrix"
    with pytest.raises(NotWrittenError, match="derivative of an expression"):
        _ = a.size


# ---- mathematics in prose


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gamma^(l)(T+1) = 0", [("math", r"\gamma^{(l)(T+1)}"), ("text", " = 0")]),
        ("(7) in line 2, (47)", [("reference", "7"), ("text", " in line 2, (47)")]),
        ("for 1 <= l <= n-1.", [("text", "for "), ("math", r"1 \le l \le n-1"), ("text", ".")]),
        ("y^ - y", [("math", r"\hat{y}"), ("text", " - "), ("math", "y")]),
        ("sum of the deltas", [("text", "sum of the "), ("math", r"\delta"), ("text", "s")]),
        ("W of a layer's bias", [("math", "W"), ("text", " of a layer's bias")]),
        ("GF(2^61 - 1)", [("text", "GF("), ("math", "2^{61}"), ("text", " - 1)")]),
        ("not l-1, z_j", [("text", "not "), ("math", "l-1"), ("text", ", "), ("math", "z_j")]),
        ("a word", [("text", "a word")]),
    ],
)
def test_formulas_in_prose_are_found(text: str, found: list[tuple[str, str]]) -> None:
    assert [(piece.kind, piece.content) for piece in pieces(text)] == found


def test_a_quotation_is_text_or_latex() -> None:
    assert [piece.kind for piece in quoted("a n+1 layer network")] == ["text"]
    assert [piece.kind for piece in quoted(r"$J^{(t)} = -\log y$")] == ["math"]
    assert [piece.kind for piece in quoted(r"now $\delta$ is")] == ["text", "math", "text"]


@pytest.mark.parametrize(
    ("printed", "corrected", "shown"),
    [
        ("x^{(l-1)}", "x^{(l)}", (r"x^{(\m{l-1})}", r"x^{(\m{l})}")),
        ("a^T b", "a b", (r"\m{a}^{\m{T}} b", r"\m{a} b")),
        (r"\sum z_j", r"\sum \exp(z_j)", (r"\sum z_j", r"\sum \m{\exp(}z_j\m{)}")),
        (r"\begin{cases} a & t \\ b \end{cases}", r"\begin{cases} a & t \\ c \end{cases}", None),
        ("a + b", "a + b", ("a + b", "a + b")),
    ],
)
def test_what_differs_in_two_readings_is_marked(printed: str, corrected: str, shown: tuple[str, str] | None) -> None:
    expected = shown or (printed.replace(" b ", r" \m{b} "), corrected.replace(" c ", r" \m{c} "))
    assert marked(printed, corrected, r"\m") == expected


# ---- plots


def test_the_exponent_that_fits_a_power_is_that_power() -> None:
    for exponent in (1, 2, 3):
        assert f"{fitted_exponent([(T, 7.0 * T**exponent) for T in range(1, 9)]):.9f}" == f"{exponent}.000000000"


def test_measured_times_are_drawn_with_their_exponents() -> None:
    lengths = [8, 16, 32, 64]
    seconds = {"sum": {str(T): T**2 / 1000 for T in lengths}, "one pass": {str(T): T / 1000 for T in lengths}}
    figure = cost(seconds, "plot-seconds", "seconds")
    assert [row[-1] for row in figure.table.rows] == ["2.00", "1.00"]


def test_a_mark_stands_for_each_equation_and_each_wrong_reading(recorded: Recorded) -> None:
    floating, wrong = recorded.others["floating.json"], recorded.others["wrong_readings.json"]["wrong_readings"]
    drawn = ulps(floating["formats"])
    assert drawn is not None
    for side, mark in (("manual", "<circle"), ("jax", "<polygon")):
        measured = [
            each for found in floating["formats"].values() for each in found.values() if "median_ulps" in each[side]
        ]
        assert drawn.drawing.count(mark) == 2 * len(measured) > 300
    assert wrong_readings(wrong).drawing.count("<circle") == len(wrong)
    unrejected = [{**wrong[0], "examples": None}, *wrong[1:]]
    assert wrong_readings(unrejected).table.rows[0][2] == "not rejected"
    assert "none" in wrong_readings(unrejected).drawing


def test_growth_joins_the_networks_that_differ_in_one_thing_alone(recorded: Recorded) -> None:
    rows = recorded.others["floating.json"]["growth"]
    deeper = growth(rows, "depth")
    assert deeper is not None
    assert {row[1] for row in deeper.table.rows} == {"1", "2", "4"}
    assert growth([], "T") is None
    assert growth([row | {"error": 0.0, "condition": 0.0} for row in rows], "T") is not None


def test_axes_put_equal_ratios_at_equal_distances() -> None:
    axis = Axis(1, 100, 0, 200, log=True)
    assert [axis.at(value) for value in (1, 10, 100, 1000)] == [0, 100, 200, 200]
    assert [number(value) for value in (1.0, -1 / 1000, 0.25, 12.345)] == ["1", "0", "0.25", "12.35"]
    assert [power(value) for value in (0.1, 1.0, 1000.0)] == ["0.1", "1", "10³"]
