"""The certificates and theorems, listed where citations of them lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.util.docutils import SphinxDirective

from bptt_oracle.report import glosses

from .citations import cited, label_of, short
from .claims import prose
from .evidence import recorded


class Certificates(SphinxDirective):
    """``{certificates} nodes``, ``{certificates} field`` or ``{certificates} balls``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The list, each certificate of a node with an anchor of its own."""
        world = self.arguments[0]
        verdicts = recorded(self.env).verdicts
        if world == "nodes":
            return [self._nodes(verdicts["nodes"])]
        if world not in verdicts["certificates"]:
            return [self.state.document.reporter.warning(f"there are no certificates {world!r}", line=self.lineno)]
        label = f"certificates-{world}"
        text = "\n".join(verdicts["certificates"][world])
        self._label(label)
        block = nodes.literal_block(text, text, language="text")
        return [nodes.container("", block, ids=[label], classes=["long"])]

    def _nodes(self, entries: list[Mapping[str, Any]]) -> nodes.Node:
        rows: list[list[list[nodes.Node]]] = []
        for entry in entries:
            self._label(entry["anchor"])
            name = nodes.inline("", "", nodes.literal("", entry["anchor"]), ids=[entry["anchor"]])
            kind, number = prose(self.env, entry["kind"]), cited(self.env, entry["equation"])
            figures: list[list[nodes.Node]] = [
                [nodes.Text(str(entry[key]))] for key in ("instances", "disagreements", "seed")
            ]
            rows.append([[name], kind, [number], *figures])
        return table(["certificate", "kind of node", "equation", "instances", "disagreements", "seed"], rows)

    def _label(self, label: str) -> None:
        domain = cast(StandardDomain, self.env.get_domain("std"))
        domain.note_hyperlink_target(label, self.env.docname, label, label)


class Theorems(Certificates):
    """``{theorems}``: every theorem with its statement and what it rests on."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        """The list."""
        found = recorded(self.env).others.get("theorems.json", {})
        groups = [(int(number), proved) for number, proved in found.get("equations", {}).items()]
        false = [(int(number), proved) for number, proved in found.get("misprints", {}).items()]
        items = [self._item(each, number, "") for number, proved in sorted(groups) for each in proved]
        items += [self._item(each, number, "the print is false") for number, proved in sorted(false) for each in proved]
        items += [self._item(each, None, "") for each in found.get("others", [])]
        return [nodes.definition_list("", *items, classes=["theorems"])]

    def _item(self, theorem: Mapping[str, Any], number: int | None, note: str) -> nodes.Node:
        label = label_of(theorem["theorem"])
        self._label(label)
        term = nodes.term("", "", nodes.inline("", short(theorem["theorem"]), classes=["name"]), ids=[label])
        if number is not None:
            term += [nodes.Text(" "), cited(self.env, number)]
        if note:
            term += nodes.Text(f", {note}")
        assumptions = ", ".join(theorem["assumptions"]) or "nothing"
        says = nodes.paragraph("", "", *prose(self.env, glosses.says(theorem)))
        statement = nodes.literal_block(theorem["statement"], theorem["statement"], language="text")
        rests = nodes.paragraph("", f"{glosses.over(theorem)} Rests on {assumptions}.".strip())
        return nodes.definition_list_item("", term, nodes.definition("", says, statement, rests))


def table(header: list[str], rows: list[list[list[nodes.Node]]]) -> nodes.table:
    """A table of inline content."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in header), cols=len(header))
    group += nodes.thead("", _row([[nodes.Text(name)] for name in header]))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group)


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("certificates", Certificates)
    app.add_directive("theorems", Theorems)
