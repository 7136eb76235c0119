"""The page: what it says is what was recorded, and nothing that stands in a file of reports becomes markup."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.catalogue import equations
from bptt_oracle.evidence import Plan, recorded_uses
from bptt_oracle.manual import Quantities, registry
from bptt_oracle.report import glosses
from bptt_oracle.report.graph import graph, rests_on
from bptt_oracle.report.html import page
from bptt_oracle.report.html.mathml import compared, displayed, mathml
from bptt_oracle.report.html.prose import prose
from bptt_oracle.report.html.score import RATES, score
from bptt_oracle.report.html.sources import checks_of_equations, git_tree, objects
from bptt_oracle.report.notation import pieces
from bptt_oracle.report.recorded import Recorded, RecordedError, check, read
from bptt_oracle.verdicts import as_data
from bptt_oracle.verification import _no_evidence

ROOT = Path(__file__).parents[1]
MARKUP = "<img src=x onerror=alert(1)>"


class Outline(HTMLParser):
    """The elements of a page: what has an id, where links go, headings, and each start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, attribute: str) -> list[str]:
        """All values of one attribute."""
        return [value for _, attributes in self.tags if (value := attributes.get(attribute)) is not None]

    def edges(self) -> set[tuple[int, int]]:
        """The edges of the graph that is drawn."""
        return {(int(user), int(used)) for user, used in (edge.split("-") for edge in self.values("data-edge"))}

    def classes(self, identifier: str) -> set[str]:
        """The classes of the element with an id."""
        [attributes] = [attributes for _, attributes in self.tags if attributes.get("id") == identifier]
        return set((attributes["class"] or "").split())


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return read(ROOT / "reports")


@pytest.fixture(scope="module")
def html(recorded: Recorded) -> str:
    return page(recorded)


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


def changed(recorded: Recorded, **verdicts: Any) -> Recorded:
    """A copy of the data to change."""
    return replace(recorded, verdicts=deepcopy(dict(recorded.verdicts)) | verdicts, others=deepcopy(recorded.others))


def flipped(recorded: Recorded, number: int, verdict: str) -> Recorded:
    """A copy in which one equation has another verdict, and the counts follow."""
    copy = changed(recorded)
    entry = copy.verdicts["equations"][number - 1]
    copy.verdicts["summary"][entry["verdict"]] -= 1
    copy.verdicts["summary"][verdict] += 1
    entry["verdict"] = verdict
    return copy


# ---- what it says


def test_every_equation_has_a_tile_a_card_and_a_node(outline: Outline) -> None:
    for number in equations():
        assert {f"eq-{number}", f"node-{number}"} <= set(outline.values("id"))
        assert outline.values("href").count(f"#eq-{number}") >= 3  # its tile, its node, its own anchor


def test_every_link_leads_to_one_place_on_the_page(outline: Outline) -> None:
    identifiers = outline.values("id")
    assert len(identifiers) == len(set(identifiers))
    places = [link for link in outline.values("href") if link != "data:,"]
    assert {link[0] for link in places} == {"#"}
    assert {link[1:] for link in places} <= set(identifiers)


def test_references_within_a_drawing_and_to_labels_resolve(outline: Outline) -> None:
    for attribute in ("aria-labelledby", "aria-describedby"):
        named = {name for value in outline.values(attribute) for name in value.split()}
        assert named <= set(outline.values("id"))


def test_verdicts_are_those_of_the_data(recorded: Recorded, outline: Outline) -> None:
    for entry in recorded.verdicts["equations"]:
        for place in ("eq", "node"):
            assert f"v-{entry['verdict']}" in outline.classes(f"{place}-{entry['number']}")


def test_headings_follow_one_another_without_a_gap(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_every_misprint_shows_its_counterexamples_worked_out(recorded: Recorded, html: str) -> None:
    for entry in recorded.verdicts["equations"]:
        start = html.index(f'<article class="card v-{entry["verdict"]}" id="eq-{entry["number"]}"')
        card = html[start : html.index("</article>", start)]
        assert card.count('class="example"') == len(entry["counterexamples"])
        assert card.count("the print gives") == len(entry["counterexamples"])
        assert (entry["verdict"] == "misprint") == ('class="changed"' in card)


def card_of(html: str, number: int) -> str:
    """The card of one equation, without markup and with single spaces."""
    start = html.index(f'id="eq-{number}"')
    text = re.sub(r"<[^>]*>", "", html[start : html.index("</article>", start)])
    return " ".join(text.split())


def test_what_is_printed_of_a_range_is_told_from_what_is_understood(recorded: Recorded, html: str) -> None:
    assert "printed for t=T−1; corrected: for t=T; 1≤l≤n−1, 1≤t≤T understood" in card_of(html, 36)
    assert "1≤l≤n−1, 1≤t≤T, understood" in card_of(html, 31)
    stated = {entry["number"] for entry in recorded.verdicts["equations"] if entry["stated_where"]}
    assert {number for number in equations() if "printed for" in card_of(html, number)} == stated == {36, 37, 38}


def marked_as_gap(html: str) -> set[str]:
    """Where a range that leaves out steps is marked: "tile", "card", "node", "count", with the number."""
    tiles = re.findall(r'has-gap" href="#eq-(\d+)"><[^>]*>\d+</span><[^>]*>.†', html)
    nodes = re.findall(r'id="node-(\d+)"[^>]*aria-label="[^"]*for a range that leaves out steps"', html)
    cards = [
        number
        for number in equations()
        if 'class="gap-note"' in html.split(f'id="eq-{number}"')[1].split("</article")[0]
    ]
    found = {
        f"{place} {number}" for place, all_ in (("tile", tiles), ("node", nodes), ("card", cards)) for number in all_
    }
    return found | ({"count"} if "1 of them for too narrow a range" in html else set())


def test_a_range_that_leaves_out_steps_is_marked_everywhere(recorded: Recorded, html: str) -> None:
    assert marked_as_gap(html) == {"tile 37", "node 37", "card 37", "count"}
    assert "holds where it is printed, for 1&lt;t&lt;T−1; but that leaves out t=1 and t=T−1" in card_of(html, 37)
    copy = changed(recorded)
    for claim in copy.verdicts["claims"]:
        claim["evidence"].pop("left_out", None)
    assert marked_as_gap(page(copy)) == set()


def test_a_card_names_what_is_used_directly_and_all_that_this_rests_on(recorded: Recorded, html: str) -> None:
    uses = {entry["number"]: entry["uses"] for entry in recorded.verdicts["equations"]}
    below = rests_on(uses)
    assert below[45] > set(uses[45])

    def listed(numbers: Any) -> str:
        return ", ".join(f"({number})" for number in sorted(numbers)) or "none"

    for number in equations():
        shown = card_of(html, number)
        assert f"Uses {listed(uses[number])} directly." in shown
        more = below[number] - {number}
        if len(more) > len(uses[number]):
            assert f"With what those use, it rests on {listed(more)}." in shown


def test_a_restatement_says_what_it_restates_and_that_its_misprint_is_its_own(html: str) -> None:
    assert "(31) states once more what (17) states" in card_of(html, 31)
    assert "the print of (31) has a misprint of its own, another than that of (17)." in card_of(html, 31)
    assert "(30) states once more what (15) states" in card_of(html, 30)
    assert "a misprint of its own" not in card_of(html, 30)


def test_every_theorem_is_said_in_words_and_nothing_else_is(recorded: Recorded, html: str) -> None:
    found = recorded.others["theorems.json"]
    groups = [*found["equations"].values(), *found["misprints"].values(), found["others"]]
    proved = {glosses.short(theorem): theorem for group in groups for theorem in group}
    assert set(glosses._sentences()["says"]) == set(proved)
    for theorem in proved.values():
        assert all("\\" not in piece.content for piece in pieces(glosses.says(theorem)) if piece.kind == "text")
        assert "<code>" not in prose(glosses.says(theorem))
    assert "is the gradient of J in H^" not in html
    shown = card_of(html, 44)
    assert "To check it yourself: make proof" in shown
    assert "From BPTT Require Import Total. Check eq_44. Print Assumptions eq_44." in shown
    assert glosses.says({"theorem": "BPTT.Other.eq_99"}) == ""


def test_claims_versions_and_theorems_stand_on_the_page(recorded: Recorded, html: str) -> None:
    for claim in recorded.verdicts["claims"]:
        assert f'id="claim-{claim["slug"]}"' in html
    for version in recorded.verdicts["environment"].values():
        assert f"<td>{version}</td>" in html
    for entry in recorded.verdicts["equations"]:
        for theorem in entry["proof"]["theorems"] + entry["proof"]["print_is_false"]:
            assert f"<code>{theorem['theorem']}</code>" in html
    for digest in (*recorded.digests.values(), *objects().values()):
        assert digest in html


def test_it_names_no_path_no_time_and_no_other_address(html: str) -> None:
    assert str(ROOT) not in html
    assert str(Path.home()) not in html
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", html)
    assert not re.search(r"https?:|//[a-z]+\.[a-z]", html)
    assert not re.search(r"\b(?:src|@import|url\()", html)


def test_it_is_smaller_than_three_megabytes(html: str) -> None:
    assert len(html.encode()) < 3_000_000


# ---- the graph


def test_the_edges_drawn_are_those_recorded(recorded: Recorded, outline: Outline) -> None:
    uses = {(entry["number"], used) for entry in recorded.verdicts["equations"] for used in entry["uses"]}
    assert outline.edges() == uses


def test_the_edges_recorded_are_those_of_a_run(outline: Outline) -> None:
    assert outline.edges() == recorded_uses(Plan().descriptions("field")[-1])


def test_a_call_that_is_taken_out_takes_its_edge_out(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_h(q: Quantities, t: int) -> Iterator[Any]:
        yield q.delta[q.n, t, t] @ q.zeros(1, q.d[q.n - 1])

    before = recorded_uses(Plan().descriptions("field")[0])
    monkeypatch.setitem(registry._printed, 19, without_h)
    after = recorded_uses(Plan().descriptions("field")[0])
    assert before - after == {(19, 4)}
    assert not after - before
    copy = changed(recorded)
    for entry in copy.verdicts["equations"]:
        entry["uses"] = sorted(used for user, used in after if user == entry["number"])
    assert Outline(page(copy)).edges() == after


def test_what_rests_on_something_unverified_is_not_grounded(recorded: Recorded) -> None:
    nodes = graph(flipped(recorded, 12, "unverified").verdicts["equations"]).nodes
    assert not nodes[12].verified
    assert not any(nodes[number].grounded for number in (12, 13, 14, 15, 17, 25))
    assert all(nodes[number].verified and nodes[number].grounded for number in (4, 8, 9, 11, 31, 46))
    assert nodes[13].verified


def test_an_equation_stands_below_what_it_uses_or_beside_it_in_a_circle(recorded: Recorded) -> None:
    found = graph(recorded.verdicts["equations"])
    for user, used in found.edges:
        above = found.nodes[used].layer < found.nodes[user].layer
        assert above or (found.nodes[used].layer == found.nodes[user].layer and user in found.nodes[used].uses)
    spots = {(node.layer, found.places[node.number]) for node in found.nodes.values()}
    assert len(spots) == len(found.nodes)


# ---- what a change of the data does


@pytest.mark.parametrize("number", [19, 31])
def test_a_flipped_verdict_changes_the_page(recorded: Recorded, html: str, number: int) -> None:
    copy = flipped(recorded, number, "unverified")
    check(copy.verdicts, "a copy")
    outline = Outline(page(copy))
    for place in ("eq", "node"):
        assert "v-unverified" in outline.classes(f"{place}-{number}")
    assert "v-unverified" not in Outline(html).classes(f"eq-{number}")


@pytest.mark.parametrize("verdict", ["holds", "definition"])
def test_a_verdict_against_its_lines_is_refused(recorded: Recorded, verdict: str) -> None:
    copy = flipped(recorded, 31, verdict)
    with pytest.raises(RecordedError, match=r"a copy: breaks its schema at \$\.equations\[30\]"):
        check(copy.verdicts, "a copy")


def test_a_verdict_against_the_summary_is_refused(recorded: Recorded) -> None:
    copy = changed(recorded)
    copy.verdicts["equations"][18]["verdict"] = "unverified"
    with pytest.raises(RecordedError, match="the summary counts 35 equations as 'holds', but the equations are 34"):
        check(copy.verdicts, "a copy")


def test_a_counterexample_that_is_none_is_refused(recorded: Recorded) -> None:
    copy = changed(recorded)
    copy.verdicts["equations"][30]["counterexamples"][0]["autodiff"] = "[[1]]"
    with pytest.raises(RecordedError, match=r"equation \(31\): \[\[1\]\] is recorded for autodiff"):
        page(copy)


def test_without_the_other_files_the_page_is_complete_but_for_their_plots(recorded: Recorded) -> None:
    outline = Outline(page(replace(recorded, others={})))
    assert {f"eq-{number}" for number in equations()} <= set(outline.values("id"))
    assert {"floating", "wrong"}.isdisjoint(outline.values("id"))


def test_without_any_evidence_everything_is_unverified() -> None:
    text = page(Recorded(as_data(_no_evidence("flint is not there", 0))))
    outline = Outline(text)
    assert "Not run:</strong> all evidence: flint is not there" in text
    assert all("v-unverified" in outline.classes(f"eq-{number}") for number in equations())
    assert outline.edges() == set()


# ---- markup in the data


def test_markup_in_any_text_of_the_data_is_escaped(recorded: Recorded, outline: Outline) -> None:
    keep = {"verdict", "slug", "kind", "source", "section", "outcome", "function", "corrected_function", "autodiff"}
    keep |= {"reading", "examples", "latex", "at", "format", "side", "along", "scale", "counterexample"}
    keep |= {"counterexamples", "dtype"}  # numbers that are worked out again; one of two names

    def marked(value: Any, name: str = "") -> Any:
        match value:
            case dict():
                return {key: each if key in keep else marked(each, key) for key, each in value.items()}
            case list():
                return [marked(each, name) for each in value]
            case str():
                return value + MARKUP
        return value

    hostile = Recorded(marked(recorded.verdicts), others=marked(recorded.others), digests=recorded.digests)
    hostile.verdicts["equations"][3]["counterexamples"][0]["printed"] += MARKUP
    text = page(hostile)
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<img" not in text
    kinds = {tag for tag, _ in outline.tags}
    assert {tag for tag, _ in Outline(text).tags} <= kinds | {"code"}
    assert not [name for _, attributes in Outline(text).tags for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("latex", [rf"\text{{{MARKUP}}}", MARKUP, "a & b", r"\frac{1", r"\left(", "x^1^2", "&lt;img>"])
def test_markup_in_latex_stays_text(latex: str) -> None:
    for shown in (mathml(latex), displayed(latex)):
        assert "<img" not in shown
        assert {tag for tag, _ in Outline(shown).tags}.isdisjoint({"img", "script"})


# ---- formulas


@pytest.mark.parametrize(
    ("number", "line", "printed", "corrected"),
    [
        (4, 1, "l−1", "l"),
        (6, 2, "", "exp()"),
        (15, 2, "()T", "()T"),
        (17, 1, "1", "l"),
        (31, 1, "t", "k"),
        (39, 1, "", "(l)"),
    ],
)
def test_the_change_of_a_correction_is_marked(number: int, line: int, printed: str, corrected: str) -> None:
    entry = equations()[number]
    assert entry.corrected is not None
    shown = compared(entry.printed.lines[line - 1].latex, entry.corrected.lines[line - 1].latex)
    marked = ["".join(re.findall(r'class="changed"[^>]*>([^<]*)<', str(each))) for each in shown]
    assert marked == [printed, corrected]


def test_every_formula_of_the_catalogue_is_mathml() -> None:
    for entry in equations().values():
        for latex in (entry.lhs, *(line.latex for reading in entry.readings for line in reading.lines)):
            assert displayed(latex).startswith("<math")
            assert "\\" not in displayed(latex)


# ---- where it comes from


def test_the_tests_shown_are_those_that_pytest_runs_for_an_equation() -> None:
    found = checks_of_equations(ROOT)
    assert set(found) == set(equations())
    for number, checks in found.items():
        module = importlib.import_module(Path(checks.path).stem)
        run = [
            name
            for name, test in vars(module).items()
            for mark in getattr(test, "pytestmark", [])
            if mark.name == "parametrize" and mark.args[0] == "number" and number in mark.args[1]
        ]
        assert [test.name for test in checks.functions] == run


def test_the_tree_is_the_one_that_git_has(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("b = 1\n", encoding="utf-8")
    (tmp_path / "a.py").write_text("", encoding="utf-8")
    (tmp_path / "py.typed").touch()
    done = [
        subprocess.run(["git", *command], cwd=tmp_path, capture_output=True, text=True, check=True)
        for command in (["init", "--quiet"], ["add", "."], ["write-tree"])
    ]
    (tmp_path / "__pycache__").mkdir()
    assert git_tree(tmp_path) == done[-1].stdout.strip()


def test_another_process_elsewhere_gives_the_same_bytes(html: str, tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    program = "import sys; from bptt_oracle.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "report", "--reports", str(ROOT / "reports"), "--output", str(output)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"written: {output}\n"), done.stderr
    assert output.read_text(encoding="utf-8") == html


# ---- the oracle's score


def test_the_score_of_the_oracle_is_shown_where_it_was_measured(recorded: Recorded) -> None:
    rates = dict.fromkeys(RATES, 0.9951) | {"accepted": None}
    found = {
        "mutants": {"parts": {"backward": {"2": {"populations": {"wrong": 812}, "rates": rates}}}},
        "alarms": {"trials": 10_000, "false alarms": []},
    }
    shown = score(found)
    assert shown is not None
    assert shown.rows == (("2", ("812", "99.5 %", "99.5 %", "99.5 %", "")),)
    text = page(replace(recorded, others={**recorded.others, "oracle.json": found}))
    assert "right backprops, 0 were called wrong" in text
    assert score({"seed": 1}) is None


def test_a_score_without_its_numbers_is_refused() -> None:
    with pytest.raises(RecordedError, match=r"oracle\.json: expected what `python -m benchmarks\.score` writes"):
        score({"mutants": {}})


def test_data_of_reports_are_plain_json(recorded: Recorded) -> None:
    assert json.loads(json.dumps(recorded.verdicts)) == recorded.verdicts
