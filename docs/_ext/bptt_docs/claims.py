"""What the document says in words: each claim with its quotation, its verdict and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bptt_oracle.report.notation import Piece, condition, pieces, quoted

from .citations import anchor, cited
from .evidence import equations, recorded
from .shown import note

_OUTCOMES = {"holds": "holds", "fails": "misprint"}


def prose(env: Any, text: str, *, links: bool = True) -> list[nodes.Node]:
    """A sentence of the reports: its formulas as formulas, the numbers of equations as links."""
    return [_node(env, piece, links) for piece in pieces(text)]


def quotation(env: Any, text: str) -> list[nodes.Node]:
    """Words of the document."""
    return [_node(env, piece, links=False) for piece in quoted(text)]


def ranges(texts: Iterable[str]) -> list[nodes.Node]:
    """Ranges of the catalogue as formulas, with commas between them."""
    found: list[nodes.Node] = []
    for text in texts:
        latex = condition(text)
        found += [nodes.Text(", "), nodes.math(latex, latex)]
    return found[1:]


def _node(env: Any, piece: Piece, links: bool) -> nodes.Node:
    if piece.kind == "math":
        return nodes.math(piece.content, piece.content)
    if piece.kind == "reference" and links:
        return cited(env, int(piece.content))
    return nodes.Text(f"({piece.content})" if piece.kind == "reference" else piece.content)


class Claim(SphinxDirective):
    """``{claim} slug``: one claim in prose."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The claim; a warning if there is none of that name."""
        slug = self.arguments[0]
        found = {claim["slug"]: claim for claim in recorded(self.env).verdicts["claims"]}
        if slug not in found:
            return [self.state.document.reporter.warning(f"there is no claim {slug!r}", line=self.lineno)]
        claim = found[slug]
        note(self.env, f"claim {slug}", f"claim-{slug}", f"the claim {slug}")
        box = nodes.container(classes=["claim"], ids=[f"claim-{slug}"])
        quote = nodes.paragraph("", "", *quotation(self.env, claim["quote"]), classes=["quote"])
        kind = _OUTCOMES.get(claim["verdict"], "partly")
        verdict = nodes.inline("", claim["verdict"], classes=["verdict", f"is-{kind}"])
        finding = nodes.paragraph("", "", verdict, nodes.Text(" "), *prose(self.env, claim["finding"]))
        box += [quote, finding]
        return [box]


class Claims(SphinxDirective):
    """``{claims}``: all claims in a table, each a link to where it is shown."""

    def run(self) -> list[nodes.Node]:
        """The list."""
        items = []
        for claim in recorded(self.env).verdicts["claims"]:
            link = anchor(self.env, f"claim-{claim['slug']}", claim["slug"].replace("-", " "))
            items.append(nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(f": {claim['verdict']}"))))
        return [nodes.bullet_list("", *items, classes=["columns"])]


class Equations(SphinxDirective):
    """``{verdicts}``: the verdicts on all equations at a glance, or with ``:only: misprint`` those of one kind."""

    option_spec: ClassVar[dict[str, Any]] = {"only": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """One link for each equation."""
        only = self.options.get("only")
        strip = nodes.paragraph(classes=["verdicts"])
        for number, entry in equations(self.env).items():
            if only in (None, entry["verdict"]):
                strip += [cited(self.env, number), nodes.Text(" ")]
        return [strip]


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("claim", Claim)
    app.add_directive("claims", Claims)
    app.add_directive("verdicts", Equations)
