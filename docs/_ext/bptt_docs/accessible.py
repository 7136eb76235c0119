"""What the theme leaves out for keyboards and screen readers: a way into what scrolls, and the level of a heading."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

_MENDED = {
    "<pre>": '<pre tabindex="0">',
    '<div class="math">': '<div tabindex="0" class="math">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    'role="heading">': 'role="heading" aria-level="2">',
}


def mend(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Complete the markup of a page and of its navigation."""
    for part in ("body", "furo_navigation_tree"):
        for found, mended in _MENDED.items():
            if part in context:
                context[part] = context[part].replace(found, mended)


def setup(app: Sphinx) -> None:
    """Mend every page, after the theme has made its navigation."""
    app.connect("html-page-context", mend, priority=900)
