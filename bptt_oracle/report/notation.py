"""The mathematics in the prose of the reports: "delta^(n)(t) = 0", "(31)" and the like, found and put into LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

_GREEK = ("delta", "gamma", "epsilon")
_PART = r"(?:\d+|[A-Za-z](?![A-Za-z]))"
_TERM = rf"{_PART}(?:[+-]{_PART})*"
_PIECE = re.compile(
    r"\$(?P<latex>[^$]+)\$"
    r"|(?<![A-Za-z0-9])(?P<name>delta|gamma|h|z|x|y|H|W|b|J)\^(?P<above>(?:\([^()]*\))+)"
    r"|(?<![A-Za-z0-9])(?P<hat>y)\^(?![\w(])"
    r"|(?<![\w^])(?P<power>\d+\^\d+)(?![\w(^])"
    r"|(?P<transposed>[A-Za-z)])\^T(?!\w)"
    rf"|(?<![\w^(.])(?P<chain>{_TERM}(?: (?:<=|<|=) {_TERM})+)(?![\w(^])"
    r"|(?<![\w)^])\((?P<number>[1-9]|[1-3]\d|4[0-6])\)"
    r"|\b(?P<letter>delta|gamma)(?P<plural>s?)\b"
    rf"|(?<![\w'’^/.-])(?P<alone>[b-hk-nt-zHJTW](?:'|_[a-z]|(?:[+-]{_PART})*))(?![\w'’^-])"
)


@dataclass(frozen=True)
class Piece:
    """A part of a sentence: words, a formula in LaTeX, or the number of an equation."""

    kind: Literal["text", "math", "reference"]
    content: str


def pieces(text: str) -> Iterator[Piece]:
    """The parts of a sentence, in order."""
    position = 0
    for match in _PIECE.finditer(text):
        if match.start() > position:
            yield Piece("text", text[position : match.start()])
        if match["number"]:
            yield Piece("reference", match["number"])
        else:
            yield Piece("math", _latex(match))
        if match["plural"]:
            yield Piece("text", match["plural"])
        position = match.end()
    if position < len(text):
        yield Piece("text", text[position:])


def quoted(text: str) -> Iterator[Piece]:
    """The parts of a quotation from the document, in which formulas stand between dollars."""
    for number, part in enumerate(text.split("$")):
        if part:
            yield Piece("math" if number % 2 else "text", part)


def as_markdown(parts: Iterable[Piece]) -> str:
    """The parts of a sentence as Markdown: formulas between dollars, all else as it is."""
    written = {"math": "${}$", "reference": "({})", "text": "{}"}
    return "".join(written[part.kind].format(part.content) for part in parts)


def condition(text: str) -> str:
    """A range of the catalogue, "1 <= c < t", in LaTeX."""
    return text.replace("<=", r"\le").replace("|V|", r"\vert V\vert")


def _latex(match: re.Match[str]) -> str:
    if match["latex"]:
        return match["latex"]
    if match["name"]:
        name = f"\\{match['name']}" if match["name"] in _GREEK else match["name"]
        return f"{name}^{{{match['above']}}}"
    if match["power"]:
        return match["power"].replace("^", "^{") + "}"
    if match["hat"]:
        return r"\hat{y}"
    if match["transposed"]:
        return f"{match['transposed']}^T"
    if match["letter"]:
        return f"\\{match['letter']}"
    return match["alone"] or condition(match["chain"])
