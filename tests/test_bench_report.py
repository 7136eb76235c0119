"""The benchmarks as they are recorded and shown."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.bench import recorded, written
from bptt_oracle.bench.page import markdown, tables_as_text
from bptt_oracle.bench.tables import tables
from bptt_oracle.report.html import benchmarks
from bptt_oracle.report.recorded import RecordedError

REPORTS = Path(__file__).parents[1] / "reports"


@pytest.fixture
def data() -> Any:
    """A recorded run, to be changed."""
    return recorded.read(REPORTS / "benchmarks.json")


@pytest.fixture
def score() -> Any:
    """The oracle's own score."""
    return recorded.score_beside(REPORTS)


def test_the_page_and_the_schema_that_are_committed_are_what_the_data_give() -> None:
    assert (REPORTS / "benchmarks.md").read_text(encoding="utf-8") == written.rendered(REPORTS)
    assert (REPORTS / recorded.SCHEMA).read_text(encoding="utf-8") == recorded.schema()


def test_a_figure_that_is_changed_changes_the_page(data: Any, score: Any) -> None:
    before = markdown(data, score)
    data["per_step_sum"]["exponents"]["sum"] = 1.87654
    after = markdown(data, score)
    assert "as T to the power 1.88" in after
    assert "as T to the power 1.88" not in before


def test_no_name_path_or_time_of_a_machine_is_recorded() -> None:
    text = (REPORTS / "benchmarks.json").read_text(encoding="utf-8")
    assert not re.search(r"(^|[\"\s=:])/\w|\d\d:\d\d|\b20\d\d-\d\d", text)


def test_all_tables_are_there(data: Any, score: Any) -> None:
    titles = [table.title for table in tables(data, score)]
    assert titles[0] == "What it ran on"
    for title in (
        "The sum over steps against one pass",
        "One pass beside others, one thread",
        "One pass beside others, all cores",
        "The sizes at which one pass does worst, one thread",
        "All sizes, all cores",
        "One check of a gradient",
        "What each check lets through",
        "Verified instances a second",
    ):
        assert title in titles
    for table in tables(data, score):
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_what_checks_let_through_comes_from_the_score(data: Any, score: Any) -> None:
    score["checkers"]["catalogue"]["let through although it shows"]["jax check_grads"]["typical"] = 11
    score["checkers"]["catalogue"]["hidden by the network"]["typical"] = 3
    score["checkers"]["catalogue"]["wrong backprops"]["typical"] = 99
    assert "14 of 99" in markdown(data, score)
    assert "What each check lets through" not in markdown(data)


def test_a_library_that_is_not_installed_is_shown_as_such(data: Any, score: Any) -> None:
    for found in data["one_pass"].values():
        found["means"]["torch"] = None
        for cell in found["cells"]:
            cell["seconds"]["torch"] = "not installed"
            cell["times_one_pass"].pop("torch", None)
            cell["share_of_bound"].pop("torch", None)
    for size in data["checks"]["sizes"]:
        size["checks"]["torch gradcheck"] = size["checks"]["torch gradcheck, fast mode"] = "not installed"
    recorded.check(data, "benchmarks.json")
    text = markdown(data, score)
    row = next(line for line in text.splitlines() if line.startswith("| torch gradcheck "))
    assert "not installed" in row
    means = next(line for line in text.splitlines() if line.startswith("| torch: `nn.RNN`"))
    assert "not installed" in means
    shown = benchmarks.section({"benchmarks.json": data})
    assert shown is not None
    assert not any("torch" in row[0] for figure in shown.figures for row in figure.table.rows)


def test_processors_kept_busy_are_shown_of_every_contender(data: Any) -> None:
    for cell, share in zip(data["one_pass"]["1"]["cells"], [0.5, 1.875, *[1.25] * 1000], strict=False):
        cell["processors"] = {"one pass": 1.0, "JAX": share}
    data["settings"]["1"]["cores"] = 1
    recorded.check(data, "benchmarks.json")
    shown = markdown(data)
    assert "one pass 1.00 (at most 1.00), JAX 1.25 (at most 1.88)" in shown
    assert "the process kept to 1 of the cores, " in shown


def test_what_is_extrapolated_is_marked(data: Any) -> None:
    check = data["checks"]["sizes"][-1]["checks"]
    check["central differences"] = {
        "extrapolated": True,
        "times_one_gradient": 1234.0,
        "fit": {"factor": 1.0, "exponent": 1.0},
        "fitted_to": [[10, 20.0], [100, 200.0]],
    }
    recorded.check(data, "benchmarks.json")
    row = next(line for line in markdown(data).splitlines() if line.startswith("| central differences"))
    assert "≈ 1,230" in row
    figure = benchmarks.checks(data["checks"]["sizes"])
    assert " open" in figure.drawing


def test_the_terminal_leaves_out_tables_with_a_row_for_every_size(data: Any) -> None:
    text = tables_as_text(data)
    assert "## One pass beside others, one thread" in text
    assert "## All sizes" not in text


def test_the_plots_have_a_mark_for_every_size_and_contender(data: Any) -> None:
    for threads, found in data["one_pass"].items():
        figure = benchmarks.passes(found["cells"], threads)
        marks = figure.drawing.count("<circle") + figure.drawing.count("<polygon")
        assert marks == sum(len(each["times_one_pass"]) for each in found["cells"])
        assert len(figure.table.rows) == len(found["cells"])
    assert benchmarks.cost(data["per_step_sum"]).name == "plot-seconds"


def test_text_of_the_data_is_escaped(data: Any) -> None:
    first = data["checks"]["sizes"][0]["checks"]
    first["<b>bold</b>"] = first["one gradient"]
    for size in data["checks"]["sizes"]:
        size["checks"]["<b>bold</b>"] = first["one gradient"]
    assert "<b>" not in benchmarks.checks(data["checks"]["sizes"]).drawing
    assert benchmarks.coded("<b> `x<y` z") == "&lt;b&gt; <code>x&lt;y</code> z"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data["per_step_sum"]["visits"]["sum"].update({"8": 35}), "sum, T = 8: expected 36 visits"),
        (lambda data: data["machine"].update(host="a name"), r"breaks its schema at \$\.machine"),
        (lambda data: data["one_pass"]["1"]["cells"][0]["seconds"].update(torch="fast"), "breaks its schema at"),
        (lambda data: data["one_pass"]["1"]["cells"][0]["share_of_bound"].update(JAX=1.5), "breaks its schema at"),
        (lambda data: data["one_pass"]["1"]["cells"][0].update(bound_over_gradient=1), "breaks its schema at"),
        (lambda data: data.pop("throughput"), "'throughput' is a required property"),
    ],
)
def test_data_that_are_not_as_they_should_be_are_refused_and_nothing_is_written(
    data: Any, spoil: Any, message: str, tmp_path: Path
) -> None:
    spoil(data)
    with pytest.raises(RecordedError, match=message):
        written.write_benchmarks(tmp_path, data)
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_can_be_read_and_gives_the_same_again(data: Any, tmp_path: Path) -> None:
    paths = written.write_benchmarks(tmp_path, copy.deepcopy(data))
    assert [path.name for path in paths] == ["benchmarks.json", "benchmarks.schema.json", "benchmarks.md"]
    assert json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8")) == data
    assert written.rendered(tmp_path) == (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
