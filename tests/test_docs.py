"""The site: it builds without a warning, needs no network, leads nowhere in vain, and follows the evidence."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.catalogue import document
from bptt_oracle.cli import _parser
from bptt_oracle.oracle.options import OPTIONS, known

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
VERDICTS = json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}

MISSING = [name for name in ("sphinx", "furo", "myst_parser") if find_spec(name) is None]
needs_sphinx = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def of_the_site(test: Any) -> Any:
    """A test of the whole site, which takes long to build."""
    return needs_sphinx(pytest.mark.slow(test))


LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""The elements for which a browser asks without being told to, and where they say for what."""

SMALL = """\
import sys
sys.path.insert(0, {extensions!r})
extensions = ["myst_parser", "bptt_docs"]
myst_enable_extensions = ["dollarmath", "substitution"]
html_math_renderer = "mathml"
html_theme = "basic"
project = "small"
"""
"""The configuration of a site with the extension alone."""


class Page(HTMLParser):
    """What a page holds: its elements, and its text outside of code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._code = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._code += tag in ("pre", "code", "script", "style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("pre", "code", "script", "style", "title")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text += data

    @cached_property
    def ids(self) -> dict[str, dict[str, str]]:
        return {attributes["id"]: attributes for _, attributes in self.elements if "id" in attributes}


def reports_in(folder: Path, verdicts: Any) -> Path:
    """A copy of the evidence with other verdicts, and a report."""
    folder.mkdir()
    shutil.copyfile(ROOT / "reports" / "theorems.json", folder / "theorems.json")
    (folder / "verdicts.json").write_text(json.dumps(verdicts), encoding="utf-8")
    (folder / "index.html").write_text("<!doctype html><title>Report</title>", encoding="utf-8")
    return folder


def build(source: Path, reports: Path, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Build a site."""
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-D", f"bptt_reports={reports}"]
    command += ["-d", str(out.with_suffix(".read")), *arguments, str(source), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def small_site(folder: Path, page: str, verdicts: Any) -> tuple[subprocess.CompletedProcess[str], str]:
    """A site of one page: how its build ended, and the page."""
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "conf.py").write_text(SMALL.format(extensions=str(DOCS / "_ext")), encoding="utf-8")
    (source / "index.md").write_text(page, encoding="utf-8")
    done = build(source, reports_in(folder / "reports", verdicts), folder / "site")
    written = folder / "site" / "index.html"
    return done, written.read_text(encoding="utf-8") if written.is_file() else ""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("docs")
    done = build(DOCS, reports_in(folder / "reports", VERDICTS), folder / "site", "-W", "--keep-going")
    return done, folder / "site"


@pytest.fixture(scope="module")
def site(built: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Page]:
    """Every page by its path."""
    return {
        str(path.relative_to(built[1])): Page(path.read_text(encoding="utf-8")) for path in built[1].rglob("*.html")
    }


# ---------------------------------------------------------------------------------------------------- the site


@of_the_site
def test_the_site_builds_without_a_warning(built: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert (built[0].stderr, built[0].returncode) == ("", 0)


@of_the_site
def test_every_page_is_there(site: dict[str, Page]) -> None:
    assert {f"{name}.html" for name in PAGES} <= site.keys()


def outside_requests(pages: dict[str, Page]) -> list[str]:
    """What a browser would ask a network for."""
    return [
        f"{path}: {attributes[LOADED[tag]]}"
        for path, page in pages.items()
        for tag, attributes in page.elements
        if tag in LOADED and re.match(r"(https?:)?//", attributes.get(LOADED[tag], ""))
    ]


@of_the_site
def test_no_page_asks_a_network(site: dict[str, Page], built: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert outside_requests(site) == []
    sheets = list(built[1].rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//\S+", sheet.read_text(encoding="utf-8")) == []


def dead_links(pages: dict[str, Page], root: Path) -> list[str]:
    """The links within a site that lead nowhere."""
    found = []
    for path, page in pages.items():
        for tag, attributes in page.elements:
            href = attributes.get("href", "")
            if tag != "a" or re.match(r"[a-z]+:", href):
                continue
            target, _, fragment = href.partition("#")
            file = (root / path).parent.joinpath(target).resolve() if target else root / path
            name = str(file.relative_to(root.resolve())) if target else path
            if not file.is_file() or (fragment and name in pages and fragment not in pages[name].ids):
                found.append(f"{path}: {href}")
    return found


@of_the_site
def test_every_link_leads_somewhere(
    site: dict[str, Page], built: tuple[subprocess.CompletedProcess[str], Path]
) -> None:
    assert dead_links(site, built[1]) == []


@of_the_site
def test_every_equation_is_shown_with_its_verdict(site: dict[str, Page]) -> None:
    ids = site["derivation.html"].ids
    shown = {entry["number"]: ids[f"eq-{entry['number']}"]["class"].split() for entry in VERDICTS["equations"]}
    for entry in VERDICTS["equations"]:
        assert f"is-{entry['verdict']}" in shown[entry["number"]]


@of_the_site
def test_every_equation_leads_to_its_code(site: dict[str, Page]) -> None:
    functions = {entry[key] for entry in VERDICTS["equations"] for key in ("function", "corrected_function")} - {None}
    linked = {attributes.get("href", "") for _, attributes in site["derivation.html"].elements}
    assert {f"api-manual.html#{function}" for function in functions} <= linked


@of_the_site
def test_every_formula_is_mathml(site: dict[str, Page]) -> None:
    for path, page in site.items():
        if path == "discrepancies.html":
            continue  # it quotes the document in LaTeX
        assert re.findall(r"\\(?:frac|sum|delta|gamma|nabla|hat)\b", page.text) == [], path
    formulas = [tag for tag, _ in site["derivation.html"].elements].count("math")
    assert formulas > VERDICTS["summary"]["lines"]


@of_the_site
def test_the_first_page_states_the_counts(site: dict[str, Page]) -> None:
    counts = VERDICTS["summary"]
    hold = counts["definition"] + counts["holds"]
    text = " ".join(site["index.html"].text.split())
    assert f"{hold} hold as printed, {counts['misprint']} are misprints, {counts['unverified']} are unverified" in text


# ------------------------------------------------------------------------------------------- it follows the evidence


def flipped(number: int, verdict: str) -> Any:
    """The verdicts with another one for an equation and its lines, and the counts that go with it."""
    verdicts = json.loads(json.dumps(VERDICTS))
    entry = verdicts["equations"][number - 1]
    verdicts["summary"][entry["verdict"]] -= 1
    verdicts["summary"][verdict] += 1
    entry["verdict"] = verdict
    for line in entry["lines"]:
        line |= {"verdict": verdict, "failures": {}, "corrected": None}
    return verdicts


@of_the_site
def test_a_flipped_verdict_changes_the_page(tmp_path: Path, site: dict[str, Page]) -> None:
    page = (DOCS / "index.md").read_text(encoding="utf-8").split("```{verdicts}")[0]
    done, html = small_site(tmp_path, page + "{eq}`31`\n\n```{equation} 31\n```\n", flipped(31, "holds"))
    assert done.returncode == 0
    hold = VERDICTS["summary"]["definition"] + VERDICTS["summary"]["holds"]
    for first, equation, verdict, count in (
        (site["index.html"], site["derivation.html"], "misprint", hold),
        (Page(html), Page(html), "holds", hold + 1),
    ):
        assert f"{count} hold as printed" in " ".join(first.text.split())
        assert f"is-{verdict}" in equation.ids["eq-31"]["class"].split()
        titles = [attributes.get("title", "") for tag, attributes in first.elements if tag == "a"]
        assert any(title.startswith(f"(31) {verdict}") for title in titles)


@needs_sphinx
def test_evidence_that_contradicts_itself_stops_the_build(tmp_path: Path) -> None:
    done, page = small_site(tmp_path, "# Page\n", flipped(31, "holds") | {"summary": VERDICTS["summary"]})
    assert (done.returncode, page) == (2, "")
    assert "the summary counts" in done.stderr


DANGLING = {
    "{eq}`47`": "the document has no equation (47)",
    "{eq}`abc`": "expected the number of an equation, but got 'abc'",
    "As in (58), so here.": "the document has no equation (58)",
    "`node-nothing-7`": "there is no certificate 'node-nothing-7'",
    "`eq_99`": "no theorem 'eq_99' was proved",
    "{{ nothing }}": "'nothing' is undefined",
    "```{equation} 49\n```": "there is no equation (49)",
    "```{claim} nothing\n```": "there is no claim 'nothing'",
    "```{certificates} nothing\n```": "there are no certificates 'nothing'",
    r"$\nothing{$": "no formula that can be shown",
    "{eq}`8`": "nothing on the site has the label 'eq-8'",
    "": "expected the site to show equation 8 once, but it does so 0 times",
    "```{equation} 9\n```\n\n```{equation} 9\n```": "expected the site to show equation 9 once, but it does so 2 times",
}
"""What a page may cite that is not there, and the warning, which `make docs` makes an error."""


@pytest.fixture(scope="module")
def warnings_of_dangling_citations(tmp_path_factory: pytest.TempPathFactory) -> str:
    page = "# Page\n\n" + "\n\n".join(DANGLING)
    return small_site(tmp_path_factory.mktemp("dangling") / "site", page, VERDICTS)[0].stderr


@needs_sphinx
@pytest.mark.parametrize("citation", DANGLING)
def test_a_dangling_citation_is_a_warning(citation: str, warnings_of_dangling_citations: str) -> None:
    assert DANGLING[citation] in warnings_of_dangling_citations


def test_requests_and_dead_links_are_found(tmp_path: Path) -> None:
    html = '<script src="https://example.org/a.js"></script><a href="#no">1</a><a href="no.html">2</a><p id="yes">'
    pages = {"index.html": Page(html + '<a href="#yes">3</a><a href="https://example.org">4</a>')}
    (tmp_path / "index.html").write_text(html)
    assert outside_requests(pages) == ["index.html: https://example.org/a.js"]
    assert dead_links(pages, tmp_path) == ["index.html: #no", "index.html: no.html"]


# ------------------------------------------------------------------------------------------------ what the pages say


def blocks(language: str, *names: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of the pages."""
    for name in names or PAGES:
        for block in re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGES[name], re.DOTALL | re.MULTILINE):
            yield name, block


def test_every_command_in_the_pages_is_understood() -> None:
    commands = [line.strip()[2:] for _, block in blocks("console") for line in block.splitlines() if "$ " in line[:5]]
    ours = [shlex.split(command, comments=True)[1:] for command in commands if command.startswith("bptt-oracle ")]
    assert ours
    for arguments in ours:
        _parser().parse_args(arguments)


def test_the_options_in_the_pages_exist() -> None:
    [(_, settings)] = blocks("toml", "pytest")
    given = tomllib.loads(settings)["tool"]["pytest"]["ini_options"]["bptt_oracle"]
    for name, value in (text.split("=") for text in given):
        OPTIONS[name].read(value)
    marked = re.findall(r"@pytest\.mark\.bptt_oracle\((.*?)\)", PAGES["pytest"])
    assert marked
    for arguments in marked:
        known(eval(f"dict({arguments})"), "the page")


def test_the_five_lines_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    [(_, code)] = blocks("python", "index")
    right: dict[str, Any] = {}
    exec((ROOT / "examples" / "numpy" / "right.py").read_text(encoding="utf-8"), right)
    module = types.ModuleType("my_rnn")
    module.backprop = right["backprop"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_rnn", module)
    exec(code, {})
    assert capsys.readouterr().out == "True []\n"


def test_the_citation_is_of_this_version_and_this_document() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {project['version']}\n" in text
    assert f"\nlicense: {project['license']}\n" in text
    title, author, _ = (part.strip() for part in document().split(","))
    given, family = author.split()
    assert f"title: {title}\n" in text
    assert f"family-names: {family}\n        given-names: {given}\n" in text
