"""The table of symbols, from the documentation of `manual.quantities`, which the code follows."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bptt_oracle.manual import quantities

from .certificates import table
from .claims import prose

_DERIVATIVE = re.compile(r"d([A-Za-z])((?:\^\(\w\))?(?:\(\w\))?)/d([A-Za-z])(\^\(\w\)(?:\(\w\))?)( at copy (\w))?")
_WIDTH = re.compile(r"d_\{[^}]*\}")
_HAT = re.compile(r"y\^\^(\(\w\))")


class Symbols(SphinxDirective):
    """``{symbols}``: the table."""

    def run(self) -> list[nodes.Node]:
        """Symbol, name in code and shape of each quantity."""
        lines = [line for line in (quantities.__doc__ or "").splitlines() if line.startswith("| ")]
        header, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return [table(header, [[self._cell(cell) for cell in row] for row in rows])]

    def _cell(self, text: str) -> list[nodes.Node]:
        if "`" in text:
            return [
                nodes.literal("", part) if number % 2 else nodes.Text(part)
                for number, part in enumerate(text.split("`"))
                if part
            ]
        text = _WIDTH.sub(r"$\g<0>$", text)
        return prose(self.env, _HAT.sub(r"$\\hat{y}^{\1}$", _DERIVATIVE.sub(_fraction, text)))


def _fraction(match: re.Match[str]) -> str:
    above, at, below, of, _, copy = match.groups()
    power = f"{above}^{{{at.removeprefix('^')}}}" if at else above
    latex = rf"\frac{{\partial {power}}}{{\partial {below}^{{{of.removeprefix('^')}}}}}"
    return f"${latex} \\Big|_{{({copy})}}$" if copy else f"${latex}$"


def setup(app: Sphinx) -> Any:
    """Register the directive."""
    app.add_directive("symbols", Symbols)
