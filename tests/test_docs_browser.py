"""Every page of the site in a real browser: accessible, in both schemes, and no wider than a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_docs import DOCS, PAGES, VERDICTS, build, needs_sphinx, reports_in
from test_report_browser import WITHOUT_REPETITION, browser, foreign, sideways, violations, visit
from test_report_browser import pytestmark as needs_chromium

__all__ = ["browser"]
pytestmark = [needs_chromium, pytest.mark.slow]
GENERATED = ("genindex", "py-modindex", "search")
LONG = 40
"""As many of a kind of block as stay on a page while axe looks at it: what follows is made in the same way."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the committed data."""
    folder = tmp_path_factory.mktemp("site")
    done = build(DOCS, reports_in(folder / "reports", VERDICTS), folder / "html")
    assert done.returncode == 0, done.stderr
    return folder / "html"


def wrong_with(browser: Any, path: Path, *views: tuple[str, str]) -> list[str]:
    """What is wrong with a page, in each of some views."""
    found: list[str] = []
    for view, scheme in views:
        visited = visit(browser, path.as_uri(), view, scheme)
        visited.open_everything()
        found += [f"wider than the screen by {by}" for by in [sideways(visited)] if by]
        found += [url for url in foreign(visited) if not url.startswith("file:")] + visited.console
        for kind in (".equation", ".theorems > dt, .theorems > dd", "dl.py", "tr"):
            visited.value(f"[...document.querySelectorAll('{kind}')].slice({LONG}).forEach(each => each.remove())")
        visited.value(WITHOUT_REPETITION)
        found += violations(visited)
        visited.page.context.close()
    return found


@needs_sphinx
@pytest.mark.parametrize(("place", "name"), list(enumerate((*PAGES, *GENERATED))))
def test_a_page_is_accessible_and_asks_for_nothing(browser: Any, site: Path, place: int, name: str) -> None:
    page = site / f"{name}.html"
    assert page.is_file()
    view = [("desktop", "light"), ("phone", "dark")][place % 2]  # by turns; what pages have in common is in both
    assert wrong_with(browser, page, view) == []


@needs_sphinx
def test_no_page_is_wider_than_a_phone(browser: Any, site: Path) -> None:
    visited = visit(browser, (site / "index.html").as_uri(), "phone")
    wide = {}
    for name in PAGES:
        visited.page.goto((site / f"{name}.html").as_uri())
        visited.open_everything()
        wide[name] = sideways(visited)
    visited.page.context.close()
    assert {name: by for name, by in wide.items() if by} == {}


@needs_sphinx
def test_what_is_mended_would_be_noticed(browser: Any, site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    assert '<span class="sig-lines">' in text
    text = text.replace('<span class="sig-lines">', "<dl><div></div>").replace(' aria-label="This page"', "")
    path = site / "spoilt.html"
    path.write_text(text.replace(' aria-label="The site"', ""), encoding="utf-8")
    found = wrong_with(browser, path, ("desktop", "light"))
    path.unlink()
    assert [each.partition(":")[0] for each in found] == ["definition-list", "landmark-unique"]
