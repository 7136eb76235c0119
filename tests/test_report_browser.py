"""The page in a real browser: wide and narrow, light and dark, printed, without a script, and by keyboard.

Chromium is the one that the system has; where it, or what drives it, is missing, these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.catalogue import equations
from bptt_oracle.report.html import page
from bptt_oracle.report.recorded import read

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VIEWS = {"desktop": (1280, 900), "phone": (375, 800)}
SCHEMES = ("light", "dark")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")


@dataclass
class Visit:
    """An open page, and what it said and asked for."""

    page: Any
    console: list[str]
    requests: list[str]

    def value(self, script: str) -> Any:
        """What a script gives on the page."""
        return self.page.evaluate(script)

    def open_everything(self) -> None:
        """Unfold all that is folded."""
        self.value("document.querySelectorAll('details').forEach(each => { each.open = true })")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the committed data, as a file."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page(read(ROOT / "reports")), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium runs only so
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=root)
        yield browser
        browser.close()


def visit(browser: Any, address: str, view: str = "desktop", scheme: str = "light", **options: Any) -> Visit:
    """Open the page."""
    width, height = VIEWS[view]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **options
    )
    visited = Visit(context.new_page(), [], [])
    visited.page.on("console", lambda message: visited.console.append(message.text))
    visited.page.on("pageerror", lambda error: visited.console.append(str(error)))
    visited.page.on("request", lambda request: visited.requests.append(request.url))
    visited.page.goto(address)
    return visited


# ---- what is looked for


def foreign(found: Visit) -> list[str]:
    """What the page asked for beside itself."""
    return [url for url in found.requests if not url.startswith("data:")][1:]


def sideways(found: Visit) -> int:
    """By how much the page is too wide."""
    width: int = found.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def dangling(found: Visit) -> list[str]:
    """Links to no place on the page."""
    links: list[str] = found.value(
        """[...document.querySelectorAll('a[href^="#"]')].map(link => link.getAttribute('href'))
            .filter(href => !document.getElementById(href.slice(1)))"""
    )
    return links


def not_laid_out(found: Visit) -> list[str]:
    """Formulas that are no MathML, or take no room."""
    formulas: list[str] = found.value(
        """[...document.querySelectorAll('math')].filter(math => {
            const box = math.getBoundingClientRect();
            return math.namespaceURI !== 'http://www.w3.org/1998/Math/MathML'
                || getComputedStyle(math).display !== 'math' || box.width === 0 || box.height === 0;
        }).map(math => math.outerHTML)"""
    )
    return formulas


def violations(found: Visit) -> list[str]:
    """What axe finds."""
    results = axe.Axe().run(found.page, options={"resultTypes": ["violations"]})
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in results.response["violations"]]


WITHOUT_REPETITION = """(() => {
    const own = each => [each.tagName, ...['class', 'style', 'fill'].map(name => each.getAttribute(name))].join(' ');
    const path = each => (each.parentElement ? path(each.parentElement) + ' > ' : '') + own(each);
    const seen = new Set(), again = kind => seen.has(kind) || !seen.add(kind);
    for (const row of document.querySelectorAll('tr'))
        if (again([path(row), ...[...row.querySelectorAll(':not(math *)')].map(own)].join())) row.remove();
    for (const math of document.querySelectorAll('math'))
        if (again(path(math))) math.innerHTML = '<mi>x</mi>';
})()"""
"""Leaves one row of each kind in a table, and one formula in each kind of place; an x stands for the others.

Of a kind are rows and places that have the same elements, classes and styles, and so the same colours.
"""


def test_each_of_these_is_noticed(browser: Any, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(
        """<!DOCTYPE html><html lang="en"><title>Spoilt</title><main><h1>Spoilt</h1>
        <div style="width: 5000px">wide</div> <a href="#nowhere">a link</a> <math></math>
        <img src="missing.png" alt="missing"> <p style="color: #bbb; background: #fff">pale</p>
        <table><tr><td>a</td></tr><tr><td>b</td></tr><tr><td style="color: #bbb">pale</td></tr></table></main>""",
        encoding="utf-8",
    )
    found = visit(browser, spoilt.as_uri())
    assert foreign(found) == [(tmp_path / "missing.png").as_uri()]
    assert len(found.console) == 1
    assert sideways(found) > 3000
    assert dangling(found) == ["#nowhere"]
    assert not_laid_out(found) == ["<math></math>"]
    found.value(WITHOUT_REPETITION)
    assert found.value("document.querySelectorAll('tr').length") == 2
    assert violations(found) == ["color-contrast: [['p'], ['tr:nth-child(2) > td']]"]
    found.page.context.close()


# ---- in every view


def turned(view: str, scheme: str) -> Any:
    """A view in a scheme; by default each of either once."""
    default = (view, scheme) in (("desktop", "light"), ("phone", "dark"))
    return pytest.param((view, scheme), id=f"{view}-{scheme}", marks=[] if default else [pytest.mark.slow])


@pytest.fixture(scope="module", params=[turned(view, scheme) for view in VIEWS for scheme in SCHEMES])
def visited(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Visit]:
    found = visit(browser, address, *request.param)
    yield found
    found.page.context.close()


def test_it_loads_in_silence_and_asks_for_nothing(visited: Visit, address: str) -> None:
    assert visited.console == []
    assert visited.requests[0] == address
    assert foreign(visited) == []


def test_it_never_scrolls_sideways(visited: Visit) -> None:
    assert sideways(visited) == 0
    visited.open_everything()
    assert sideways(visited) == 0


def test_every_anchor_resolves(visited: Visit) -> None:
    assert visited.value("document.querySelectorAll('a').length") > 300
    assert dangling(visited) == []


def test_every_formula_is_laid_out_as_mathml(visited: Visit) -> None:
    visited.open_everything()
    assert visited.value("document.querySelectorAll('math').length") > 1000
    assert not_laid_out(visited) == []


def test_a_sum_has_its_limits_above_and_below(visited: Visit) -> None:
    boxes = """(part => {
        const box = document.querySelector(`#eq-1 munderover > :nth-child(${part})`).getBoundingClientRect();
        return [box.top, box.bottom];
    })"""
    sign, lower, upper = (visited.value(f"{boxes}({part})") for part in (1, 2, 3))
    assert sum(upper) < sum(sign) < sum(lower)
    assert visited.value("document.querySelector('#eq-1 mfrac').getBoundingClientRect().height") > 20


def test_it_looks_like_something_in_a_scheme_of_its_own(visited: Visit, tmp_path: Path) -> None:
    picture = visited.page.screenshot(path=tmp_path / "page.png")
    assert len(picture) > 20_000
    background = visited.value("getComputedStyle(document.documentElement).backgroundColor")
    dark = visited.value("matchMedia('(prefers-color-scheme: dark)').matches")
    assert background == ("rgb(22, 24, 27)" if dark else "rgb(252, 251, 248)")


@pytest.mark.slow
def test_it_is_accessible(visited: Visit) -> None:  # the last in a view, since it takes most of the page away
    kept = ", ".join(f"#eq-{number}" for number in (1, 14, 15, 19, 36))  # cards of every kind stand for all
    visited.value(f"document.querySelectorAll('.card:not({kept}), #tests pre').forEach(each => each.remove())")
    visited.open_everything()
    visited.value(WITHOUT_REPETITION)
    assert violations(visited) == []


# ---- once


@pytest.fixture
def desktop(browser: Any, address: str) -> Iterator[Visit]:
    found = visit(browser, address)
    yield found
    found.page.context.close()


def shown(found: Visit) -> list[str]:
    """The cards that are displayed."""
    cards: list[str] = found.value(
        "[...document.querySelectorAll('.card')].filter(card => card.offsetHeight > 0).map(card => card.id)"
    )
    return cards


def test_the_filter_shows_what_it_says_and_a_link_shows_the_rest(desktop: Visit) -> None:
    assert len(shown(desktop)) == len(equations())
    desktop.page.get_by_label("misprints", exact=True).check()
    assert shown(desktop) == [f"eq-{number}" for number, entry in equations().items() if entry.corrected]
    assert desktop.page.get_by_role("status").text_content() == "7 of 46 equations"
    desktop.page.get_by_label("of all sections").select_option("3.3")
    assert shown(desktop) == ["eq-31"]
    desktop.page.locator("#eq-31 .uses a").first.click()
    assert len(shown(desktop)) == len(equations())
    assert abs(desktop.value("document.getElementById('eq-4').getBoundingClientRect().top")) < 40


def test_it_can_be_used_by_keyboard(desktop: Visit) -> None:
    keyboard, focused = desktop.page.keyboard, "document.activeElement.textContent.trim()"
    keyboard.press("Tab")
    assert desktop.value(focused) == "To the verdicts"
    keyboard.press("Enter")
    keyboard.press("Tab")
    assert desktop.value("document.activeElement.getAttribute('href')") == "#eq-1"
    keyboard.press("Enter")
    assert desktop.value("location.hash") == "#eq-1"
    desktop.page.locator("#eq-1 summary").first.focus()
    keyboard.press("Enter")
    assert desktop.value("document.querySelector('#eq-1 details').open")
    desktop.page.locator("#node-31").focus()
    faded = "getComputedStyle(document.querySelector('.of10.to4')).opacity"
    desktop.page.wait_for_function(f"{faded} === '0.07'")
    assert desktop.value("document.querySelector('#node-31').matches(':focus-visible')")


def test_a_link_to_a_test_leads_to_its_source(desktop: Visit) -> None:
    link = desktop.page.locator("#eq-31 .tests a").first
    desktop.value("document.querySelector('#eq-31 .source').open = true")
    link.click()
    name = desktop.value("location.hash.slice(1)")
    assert f"def {name}" in desktop.value(f"document.getElementById('{name}').textContent")


def test_it_reads_the_same_without_a_script(browser: Any, address: str) -> None:
    found = visit(browser, address, java_script_enabled=False)
    assert found.page.locator(".card:visible").count() == len(equations())
    assert found.page.locator(".filter:visible").count() == 0
    found.page.locator("#eq-31 summary").last.click()
    assert found.page.locator("#eq-31 .tests li").first.is_visible()
    found.page.context.close()


def test_printed_it_unfolds_the_evidence_and_shows_every_card(desktop: Visit, tmp_path: Path) -> None:
    desktop.page.get_by_label("misprints", exact=True).check()
    desktop.page.emulate_media(media="print")
    assert len(shown(desktop)) == len(equations())
    assert desktop.value("document.querySelector('#eq-2 .evidence').getBoundingClientRect().height") > 0
    assert desktop.value("document.querySelector('.filter').offsetHeight") == 0
    assert len(desktop.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)) > 100_000
