"""Citations: of an equation by its number, of a certificate or a theorem by its name, each a link.

``{eq}`31` `` cites an equation anywhere. Beside it every "(31)" in running text is made a link, and every certificate
and theorem that is named in code type, so that the pages can be read where nothing renders them. What is cited has to
be there: otherwise there is a warning, and `make docs` fails.
"""

from __future__ import annotations

import re
from typing import Any, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

from bptt_oracle.report.html.cards import VERDICTS

from .evidence import equations, recorded

_LOG = logging.getLogger(__name__)
_KIND = "bptt"
_NUMBER = re.compile(r"(?<![\w^)\]])\(([1-9]\d?)\)(?![\w(^])")
_CERTIFICATE = re.compile(r"node-[\w-]+")
_THEOREM = re.compile(r"(eq_\d\d|misprint_\d\d)\w*")
_NOT_PROSE: tuple[type[nodes.Node], ...] = (
    *(nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.title, nodes.reference),
    *(addnodes.pending_xref, addnodes.desc_signature, addnodes.download_reference),
)


def anchor(env: BuildEnvironment, label: str, shown: str | nodes.Node, title: str = "") -> nodes.Node:
    """A link to a label anywhere on the site; a warning if there is none."""
    content = nodes.inline("", shown) if isinstance(shown, str) else shown
    return addnodes.pending_xref(
        "", content, refdomain="", reftype=_KIND, reftarget=label, refdoc=env.docname, title=title, refwarn=True
    )


def cited(env: BuildEnvironment, number: int, location: Any = None) -> nodes.Node:
    """A link to an equation, marked with its verdict."""
    entry = equations(env).get(number)
    if entry is None:
        _LOG.warning("the document has no equation (%s)", number, location=location)
        return nodes.Text(f"({number})")
    verdict = str(entry["verdict"])
    shown = nodes.inline("", f"({number})", classes=["eq-number", f"is-{verdict}"])
    if verdict not in ("holds", "definition"):
        shown += nodes.inline("", VERDICTS[verdict][0], classes=["eq-sign"])
    return anchor(env, f"eq-{number}", shown, f"({number}) {VERDICTS[verdict][1]}: {entry['states']}")


def theorem_names(env: BuildEnvironment) -> dict[str, str]:
    """The label of each theorem, by the last part of its name."""
    found = recorded(env).others.get("theorems.json", {})
    groups = [*found.get("equations", {}).values(), *found.get("misprints", {}).values(), found.get("others", [])]
    return {short(each["theorem"]): label_of(each["theorem"]) for group in groups for each in group}


def short(theorem: str) -> str:
    """A theorem's name without its modules."""
    return theorem.rsplit(".", 1)[-1]


def label_of(theorem: str) -> str:
    """The label of a theorem on the page that lists them."""
    return f"theorem-{short(theorem).replace('_', '-').lower()}"


class EquationRole(SphinxRole):
    """``{eq}`31` ``: a link to an equation, with its verdict."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The link."""
        if not self.text.isdigit():
            _LOG.warning("expected the number of an equation, but got %r", self.text, location=self.get_location())
            return [nodes.Text(self.text)], []
        return [cited(self.env, int(self.text), self.get_location())], []


class Citations(SphinxTransform):
    """Every number of an equation, and every name of a certificate or a theorem, made a link."""

    default_priority = 450

    def apply(self, **_: Any) -> None:
        """Replace the text of a page."""
        for text in list(self.document.findall(nodes.Text)):
            if not _within(text, _NOT_PROSE) and _NUMBER.search(text.astext()):
                text.parent.replace(text, self._linked(text))
        names = theorem_names(self.env)
        nodes_ = {node["anchor"] for node in recorded(self.env).verdicts["nodes"]}
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext()
            if _within(literal, (nodes.title, nodes.reference, addnodes.pending_xref)):
                continue
            if _CERTIFICATE.fullmatch(name):
                self._link(literal, name if name in nodes_ else None, f"there is no certificate {name!r}")
            elif name in names or _THEOREM.fullmatch(name):
                self._link(literal, names.get(name), f"no theorem {name!r} was proved")

    def _linked(self, text: nodes.Text) -> list[nodes.Node]:
        parts: list[nodes.Node] = []
        for position, part in enumerate(_NUMBER.split(text.astext())):
            if position % 2:
                parts.append(cited(self.env, int(part), text.parent))
            elif part:
                parts.append(nodes.Text(part))
        return parts

    def _link(self, literal: nodes.literal, label: str | None, missing: str) -> None:
        if label is None:
            _LOG.warning(missing, location=literal)
            return
        literal.parent.replace(literal, anchor(self.env, label, literal.deepcopy()))


def _within(node: nodes.Node | None, kinds: tuple[type[nodes.Node], ...]) -> bool:
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def _resolve(
    app: Sphinx, env: BuildEnvironment, link: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Where a link of `anchor` leads."""
    if link.get("reftype") != _KIND:
        return None
    labels = cast(StandardDomain, env.get_domain("std")).anonlabels
    if link["reftarget"] not in labels:
        _LOG.warning("nothing on the site has the label %r", link["reftarget"], location=link)
        return content
    page, identity = labels[link["reftarget"]]
    return make_refnode(app.builder, link["refdoc"], page, identity, content, link["title"] or None)


def setup(app: Sphinx) -> None:
    """Register the role and the transform."""
    app.add_role("eq", EquationRole(), override=True)
    app.add_transform(Citations)
    app.connect("missing-reference", _resolve)
