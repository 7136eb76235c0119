"""What this site needs of Sphinx: the evidence in the place of typed numbers, and formulas as MathML."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from . import accessible, certificates, citations, claims, docstrings, equations, evidence, maths, outside, symbols


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    for module in (
        evidence,
        maths,
        equations,
        claims,
        certificates,
        citations,
        symbols,
        docstrings,
        outside,
        accessible,
    ):
        module.setup(app)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
