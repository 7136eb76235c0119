"""What Sphinx and the theme leave out for keyboards and screen readers: a way into what scrolls, names, headings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from bptt_oracle.report.files import write

_IN_THE_TEXT = {
    "<pre>": '<pre tabindex="0">',
    '<div class="math">': '<div tabindex="0" class="math">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    'role="heading">': 'role="heading" aria-level="2">',
    '<th class="head"></th>': '<td class="head"></td>',
    '<th class="head"><p></p></th>': '<td class="head"></td>',
}
_AROUND_IT = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="The site">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    '<div id="search-results"></div>': '<h1>Search</h1>\n<div id="search-results"></div>',
}
_PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")


def mend(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Complete the markup of a page and of its navigation."""
    for part in ("body", "furo_navigation_tree"):
        if part in context:
            for found, mended in _IN_THE_TEXT.items():
                context[part] = context[part].replace(found, mended)
            context[part] = _PARAMETERS.sub(_lines, context[part])


def _lines(parameters: re.Match[str]) -> str:
    """The parameters of a long signature, which Sphinx writes as definitions of nothing, as lines."""
    inside = parameters[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">\n{inside}</span>'


def finish(app: Sphinx, error: Exception | None) -> None:
    """Complete what the theme's templates put around every page."""
    if error is not None or app.builder.format != "html":
        return
    for page in app.env.found_docs | {"search", "genindex", "py-modindex"}:
        path = Path(app.outdir) / f"{page}.html"
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            mended = text
            for found, better in _AROUND_IT.items():
                if better not in mended:
                    mended = mended.replace(found, better)
            if mended != text:
                write(path, mended)


def setup(app: Sphinx) -> None:
    """Mend every page, after the theme has made its navigation."""
    app.connect("html-page-context", mend, priority=900)
    app.connect("build-finished", finish)
