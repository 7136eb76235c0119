"""Sentences of the reports as HTML: escaped, their formulas as MathML, the numbers of equations as links."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from markupsafe import Markup, escape

from ..notation import Piece, condition, pieces, quoted
from .mathml import mathml

_LINK = Markup('<a href="#eq-{0}">({0})</a>')


def prose(text: str, *, links: bool = True) -> Markup:
    """A sentence; without links where it stands in a heading or in a link."""
    return _joined(pieces(text), links)


def heading(slug: str) -> Markup:
    """The name of a claim, "any-g-delta", as a heading."""
    words = slug.replace("-", " ")
    return prose(words if words[1:2] == " " else words[:1].upper() + words[1:], links=False)


def quotation(text: str) -> Markup:
    """Words of the document."""
    return _joined(quoted(text), links=False)


def conditions(ranges: Iterable[str], others: Collection[str] | None = None) -> Markup:
    """Ranges of the catalogue, "1 <= l <= n-1" and so on, as formulas; those that are not among `others` marked."""
    marked = Markup('<span class="changed">{}</span>')
    formulas = {text: mathml(condition(text)) for text in ranges}
    return Markup(", ").join(
        formula if others is None or text in others else marked.format(formula) for text, formula in formulas.items()
    )


def _joined(parts: Iterable[Piece], links: bool) -> Markup:
    return Markup("").join(_piece(part, links) for part in parts)


def _piece(part: Piece, links: bool) -> Markup:
    if part.kind == "math":
        return mathml(part.content)
    if part.kind == "reference":
        return _LINK.format(part.content) if links else Markup("({})").format(part.content)
    return escape(part.content.replace("'", "’").replace(" -", " −").replace("(-", "(−"))
