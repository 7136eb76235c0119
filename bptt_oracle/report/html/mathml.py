"""Formulas: the catalogue's LaTeX as MathML, and two readings side by side with what changed marked."""

from __future__ import annotations

import re
from functools import lru_cache
from xml.etree import ElementTree as ET

from latex2mathml import exceptions
from latex2mathml.converter import convert
from markupsafe import Markup

from ..changes import differing

CHANGED = "changed"
"""The class of the symbols in which two readings differ."""

_WORD = re.compile(r"(?<![\\A-Za-z{])(diag|exp|log)(?![A-Za-z}])")
_FUNCTIONS = ("diag", "exp", "log")
_OPENING = {"(", "[", "{", "|"}
_CLOSING = {")", "]", "|"}
_INFIX = {"+", "−", "∘"}
_THIN = "0.167em"
_LONG = 60  # signs of LaTeX: about what a phone has room for
_TAGS = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mstyle", "mover", "munder", "munderover"),
    *("msub", "msup", "msubsup", "mtable", "mtr", "mtd"),
}
_REFUSALS: tuple[type[Exception], ...] = (
    ET.ParseError,
    *(found for found in vars(exceptions).values() if isinstance(found, type) and issubclass(found, Exception)),
)


class FormulaError(ValueError):
    """LaTeX that the library makes no MathML of."""


@lru_cache(maxsize=4096)
def mathml(latex: str) -> Markup:
    """A formula in a line of text, which may break if it is long; what is no formula stands there as it came."""
    return _formula(latex, display=False)


@lru_cache(maxsize=4096)
def displayed(latex: str) -> Markup:
    """A formula on a line of its own: limits above and below a sum, and places where a narrow page may break it."""
    return _formula(latex, display=True)


def spoken(latex: str) -> str:
    """A symbol in plain letters, for where a name is needed that is no formula: "delta^(2)(1)"."""
    return re.sub(r"\\hat\{(\w)\}", r"\1 hat", latex).translate({ord(sign): None for sign in "{}\\"})


def compared(printed: str, corrected: str) -> tuple[Markup, Markup]:
    """Two readings of a line, displayed, the symbols in which they differ marked in both."""
    trees = _tree(printed, display=True), _tree(corrected, display=True)
    before, after = (_symbols(tree) for tree in trees)
    texts = [[symbol.text or "" for symbol in symbols] for symbols in (before, after)]
    for symbols, places in zip((before, after), differing(*texts), strict=True):
        for place in places:
            symbols[place].set("class", CHANGED)
    return _breakable(trees[0]), _breakable(trees[1])


def _formula(latex: str, *, display: bool) -> Markup:
    try:
        tree = _tree(latex, display=display)
        return _breakable(tree) if display or len(latex) > _LONG else _text(tree)
    except FormulaError:
        return Markup("<code>{}</code>").format(latex)


def _tree(latex: str, *, display: bool) -> ET.Element:
    """The MathML of a formula.

    Raises
    ------
    FormulaError
        If what the library made of it is not MathML: it leaves some markup in the LaTeX as it is.
    """
    named = _WORD.sub(r"\\operatorname{\1}", latex.replace(r"\log", "log").replace(r"\exp", "exp"))
    try:
        text = convert(named, display="block" if display else "inline")
        root = ET.fromstring(text.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "", 1))
    except _REFUSALS as error:
        raise FormulaError(f"no formula: {latex!r}") from error
    if not {element.tag for element in root.iter()} <= _TAGS:
        raise FormulaError(f"no formula: {latex!r}")
    root.attrib.clear()
    if display:
        root.set("displaystyle", "true")
    _tidy(root)
    return root


def _tidy(parent: ET.Element) -> None:
    """What the browsers' MathML wants otherwise, and rows of one element, which say nothing."""
    for position, child in enumerate(list(parent)):
        _tidy(child)
        if child.tag == "mrow" and len(child) == 1:
            parent[position] = child[0]
    if parent.tag == "mover" and parent.get("accent") == "true":
        parent[1].set("stretchy", "false")  # a hat on one letter stays small
    for attribute in ("columnalign", "rowspacing"):
        parent.attrib.pop(attribute, None)  # not in MathML Core; the style sheet aligns
    if parent.tag in ("mrow", "mtd", "math"):
        _space_functions(parent)


def _space_functions(row: ET.Element) -> None:
    """A thin space before the name of a function, and after it unless a bracket follows."""
    children = list(row)
    for child in children:
        row.remove(child)
    for position, child in enumerate(children):
        if child.tag == "mo" and child.text in _FUNCTIONS:
            child.tag = "mi"
            following = children[position + 1] if position + 1 < len(children) else None
            spaced = following is not None and (following.text or "") not in _OPENING
            row.extend([_thin(), child, _thin()] if spaced else [_thin(), child])
        else:
            row.append(child)


def _breakable(tree: ET.Element) -> Markup:
    """A formula in parts that may stand one below the other: before a sign between terms, and after "diag[...]"."""
    row = tree[0] if len(tree) == 1 and tree[0].tag == "mrow" else tree
    parts: list[ET.Element] = []
    for position, child in enumerate(row):
        before = row[position - 1] if position else None
        if before is None or _may_break(before, child):
            parts.append(ET.Element("math", tree.attrib))
            if before is not None and child.text in _INFIX:
                child.set("form", "infix")
        parts[-1].append(child)
    return Markup("<wbr>").join(map(_text, parts))


def _may_break(before: ET.Element, after: ET.Element) -> bool:
    if after.tag == "mo" and after.text in _INFIX:
        return before.tag != "mo" or (before.text or "") in _CLOSING
    return before.text == "]" and after.text in _OPENING


def _thin() -> ET.Element:
    return ET.Element("mspace", width=_THIN)


def _symbols(tree: ET.Element) -> list[ET.Element]:
    return [element for element in tree.iter() if len(element) == 0 and element.text]


def _text(tree: ET.Element) -> Markup:
    return Markup(ET.tostring(tree, encoding="unicode"))  # ElementTree has escaped all text
