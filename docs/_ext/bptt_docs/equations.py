"""One numbered equation on a page: its lines with their verdicts, the correction beside the print, the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from markupsafe import Markup
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bptt_oracle.catalogue import equation
from bptt_oracle.report.discrepancies import OUTCOMES
from bptt_oracle.report.html.cards import LINE_SOURCES, VERDICTS
from bptt_oracle.report.html.mathml import compared
from bptt_oracle.report.notation import condition
from bptt_oracle.report.ranges import MARK, gaps

from . import shown
from .citations import anchor, cited, label_of, short
from .claims import prose, ranges
from .evidence import FORMATS, equations, recorded
from .maths import formula

_ROW = Markup(
    '<tr class="{kind}"><td class="left">{left}</td><td class="right">{right}</td>'
    '<td class="mark"><span aria-hidden="true">{sign}</span> <span class="words{plain}">{mark}</span></td></tr>'
)


class EquationDirective(SphinxDirective):
    """``{equation} 31``: the equation of that number."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The equation; a warning if there is none of that number."""
        number = self.arguments[0]
        if not number.isdigit() or int(number) not in equations(self.env):
            return [self.state.document.reporter.warning(f"there is no equation ({number})", line=self.lineno)]
        entry = equations(self.env)[int(number)]
        verdict = entry["verdict"]
        shown.note(self.env, f"equation {number}", f"eq-{number}", f"equation ({number})")
        box = nodes.container(classes=["equation", f"is-{verdict}"], ids=[f"eq-{number}"])
        sign, word = VERDICTS[verdict]
        gap = gaps(recorded(self.env).verdicts).get(entry["number"])
        badge = nodes.inline("", f"{sign} {word}{f' {MARK}' if gap else ''}", classes=["verdict", f"is-{verdict}"])
        permalink = nodes.reference("", f"({number})", refid=f"eq-{number}", internal=True, classes=["eq-number"])
        title = [permalink, nodes.Text(" "), *prose(self.env, entry["states"], links=False)]
        box += nodes.paragraph("", "", badge, *title, classes=["equation-title"])
        box += nodes.raw("", _table(entry), format="html")
        if entry["printed_where"]:
            box += nodes.paragraph("", "", *_where(entry), classes=["ranges"])
        if gap:
            sentence = [*prose(self.env, f"{MARK} {gap.sentence} "), anchor(self.env, f"claim-{gap.slug}", "More.")]
            box += nodes.paragraph("", "", *sentence, classes=["gap"])
        if entry["change"]:
            box += nodes.paragraph(
                "", "", nodes.strong("", "Corrected: "), *prose(self.env, entry["change"]), nodes.Text(".")
            )
        if entry["extraction"]:
            text = f"In the extraction of the document: {entry['extraction']}."
            box += nodes.paragraph("", "", *prose(self.env, text), classes=["ranges"])
        box += self._evidence(entry)
        return [box]

    def _evidence(self, entry: Mapping[str, Any]) -> list[nodes.Node]:
        """What the verdict rests on, folded away."""
        rows = nodes.field_list(classes=["evidence"])
        for name, fact in self._facts(entry):
            body = nodes.field_body("", nodes.paragraph("", "", *fact))
            rows += nodes.field("", nodes.field_name("", name), body)
        content: list[nodes.Node] = [rows]
        for example in entry["counterexamples"]:
            content += self._counterexample(example)
        opening = f"<details><summary>{Markup.escape(_summary(entry))}</summary>"
        return [nodes.raw("", opening, format="html"), *content, nodes.raw("", "</details>", format="html")]

    def _facts(self, entry: Mapping[str, Any]) -> Iterator[tuple[str, list[nodes.Node]]]:
        evidence = entry["evidence"]
        field, balls, floating = (evidence[world] or {} for world in ("field", "balls", "floating"))
        reading = " of the corrected reading" if entry["corrected"] else ""
        if field:
            chance = f"2^{{{field['false_pass_log2']}}}"
            yield (
                "exactly",
                [
                    nodes.Text(f"{field['comparisons']} comparisons{reading} on at least {field['shapes']} shapes, "),
                    nodes.Text(f"{field['disagreements']} disagreements; a false line passes with a chance below "),
                    nodes.math(chance, chance),
                    nodes.Text(". Repeat any of the "),
                    anchor(self.env, "certificates-field", "certificates"),
                    nodes.Text("."),
                ],
            )
        if balls:
            text = f"{balls['comparisons']} comparisons on at least {balls['shapes']} shapes, "
            text += f"{balls['disagreements']} disagreements, with up to {balls['bits']} bits; "
            yield (
                "enclosed",
                [nodes.Text(text), anchor(self.env, "certificates-balls", "certificates"), nodes.Text(".")],
            )
        if floating:
            yield "in floating point", [nodes.Text(_floating(floating))]
        certificates = [node for node in recorded(self.env).verdicts["nodes"] if node["equation"] == entry["number"]]
        if certificates:
            names = [anchor(self.env, node["anchor"], nodes.literal("", node["anchor"])) for node in certificates]
            yield "for every size, by", _joined(names)
        theorems = [*entry["proof"]["theorems"], *entry["proof"]["print_is_false"]]
        if theorems:
            names = [anchor(self.env, label_of(t["theorem"]), nodes.literal("", short(t["theorem"]))) for t in theorems]
            yield entry["proof"]["status"], _joined(names)
        functions = [name for name in (entry["function"], entry["corrected_function"]) if name]
        yield "in code", _joined([self._function(name) for name in functions])
        if entry["uses"]:
            yield "asks for values of", _joined([cited(self.env, used) for used in entry["uses"]])

    def _counterexample(self, example: Mapping[str, Any]) -> list[nodes.Node]:
        at = ", ".join(f"{name} = {value}" for name, value in example["at"].items())
        widths = ", ".join(map(str, example["widths"]))
        text = f"The smallest network on which line {example['line']} {OUTCOMES[example['outcome']]}: {at}, "
        text += f"widths {widths}. Autodiff gives "
        code = nodes.literal_block(example["python"], example["python"], language="python")
        return [
            nodes.paragraph(
                "",
                "",
                nodes.Text(text),
                nodes.literal("", example["autodiff"]),
                nodes.Text(", the print "),
                nodes.literal("", example["printed"]),
                nodes.Text("."),
            ),
            code,
        ]

    def _function(self, name: str) -> nodes.Node:
        """A link to a function of the API reference."""
        link = addnodes.pending_xref(
            "",
            nodes.literal("", name.rsplit(".", 1)[-1], classes=["xref", "py", "py-func"]),
            refdomain="py",
            reftype="func",
            reftarget=name,
            refdoc=self.env.docname,
            refwarn=True,
        )
        link["py:module"] = link["py:class"] = None
        return link


def _summary(entry: Mapping[str, Any]) -> str:
    field = entry["evidence"]["field"] or {}
    parts = [f"{field.get('shapes', 0)} shapes exactly"]
    parts.append(f"{(entry['evidence']['balls'] or {}).get('shapes', 0)} enclosed")
    if theorems := len(entry["proof"]["theorems"]):
        parts.append(f"{theorems} theorem{'s' if theorems > 1 else ''}")
    if examples := len(entry["counterexamples"]):
        parts.append(f"{examples} counterexample{'s' if examples > 1 else ''}")
    return f"Evidence: {', '.join(parts)}"


def _floating(floating: Mapping[str, Any]) -> str:
    within = [f"{floating[name]['instances']} instances of {name}" for name in FORMATS if _inside(floating, name)]
    outside = [name for name in FORMATS if name in floating and not _inside(floating, name)]
    text = f"every entry within its proved bound in {', '.join(within)}" if within else ""
    return text + (f"; outside it in {', '.join(outside)}" if outside else "") + "."


def _inside(floating: Mapping[str, Any], name: str) -> bool:
    return bool(floating.get(name, {}).get("within_bound"))


def _where(entry: Mapping[str, Any]) -> list[nodes.Node]:
    """What the document says of the indices, as corrected, and what follows from its symbols."""
    understood = [text for text in entry["printed_where"] if text not in entry["stated_where"]]
    said = [text for text in entry["corrected_where"] or entry["printed_where"] if text not in understood]
    found: list[nodes.Node] = [nodes.Text("for "), *ranges(said)] if said else []
    if understood:
        found += [nodes.Text("; " if said else ""), *ranges(understood), nodes.Text(" understood")]
    return found


def _table(entry: Mapping[str, Any]) -> str:
    """The lines of an equation, each with its verdict."""
    lhs = formula(equation(entry["number"]).lhs, display=True)
    rows = [row for line in entry["lines"] for row in _rows(entry, line, lhs if line["line"] == 1 else Markup(""))]
    opening = Markup('<div class="lines" role="group" tabindex="0" aria-label="equation ({})">').format(entry["number"])
    return str(opening + Markup('<table role="presentation">{}</table></div>').format(Markup("").join(rows)))


def _rows(entry: Mapping[str, Any], line: Mapping[str, Any], lhs: Markup) -> Iterator[Markup]:
    equals = formula("=")
    note = LINE_SOURCES[line["source"]]
    if line["verdict"] != "fails" or line["corrected"] is None:
        sign = {"holds": "✓", "fails": "✗"}.get(line["verdict"], "?")
        mark = line["verdict"] + (f"; {note}" if note else "")
        plain = "" if note or line["verdict"] != "holds" else " plain"
        right = equals + formula(line["latex"], display=True)
        yield _ROW.format(kind=line["verdict"], left=lhs, right=right, sign=sign, mark=mark, plain=plain)
        return
    before, after = compared(line["latex"], line["corrected"]["latex"])
    for kind, right, sign, variant in (("fails", before, "✗", "printed"), ("corrected", after, "✓", "corrected")):
        mark = Markup("as printed" if variant == "printed" else "corrected")
        other = "corrected" if variant == "printed" else "printed"
        only = [text for text in entry[f"{variant}_where"] if text not in entry[f"{other}_where"]]
        if only:
            mark += Markup(", for ") + Markup(", ").join(formula(condition(text)) for text in only)
        left = lhs if variant == "printed" else ""
        yield _ROW.format(kind=kind, left=left, right=equals + right, sign=sign, mark=mark, plain="")


def _joined(links: list[nodes.Node]) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    for link in links:
        found += [nodes.Text(", "), link]
    return found[1:]


def setup(app: Sphinx) -> None:
    """Register the directive, and that nothing is left out."""
    app.add_directive("equation", EquationDirective)
    app.connect("env-purge-doc", shown.forget)
    app.connect("env-check-consistency", shown.check)
