"""Formulas as MathML, made at build by the converter of the reports: no script and no network when a page is read."""

from __future__ import annotations

from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from bptt_oracle.report.html.mathml import displayed, mathml

_LOG = logging.getLogger(__name__)


def formula(latex: str, *, display: bool = False, location: nodes.Node | None = None) -> Markup:
    """The MathML of a formula; a warning if the converter cannot read it."""
    markup = displayed(latex) if display else mathml(latex)
    if not markup.startswith("<math"):
        _LOG.warning("no formula that can be shown: %r", latex, location=location)
    return markup


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(f'<span class="math">{formula(node.astext(), location=node)}</span>')
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{formula(node.astext(), display=True, location=node)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the renderer, by the name "mathml"."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
