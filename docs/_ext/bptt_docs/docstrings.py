"""The docstrings of the code, which are plain text with code in backticks, as reStructuredText."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_SPECIAL = re.compile(r"(?P<markup>`[^`]*`|^ *\* |\*[^*\s][^*]*\*)|[\\|*]|(?<=\w)_(?!\w)")
_DESCRIBED = re.compile(r"^([\w*][^:]*?) : (.*)$")
_SECTIONS = ("Parameters", "Attributes")


def prepare(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Escape what is no markup there; and put a description behind "name : " into a line of its own."""
    found: list[str] = []
    described = in_block = in_table = False
    for line in lines:
        rule = re.fullmatch(r"-{3,}", line)
        if rule and found:
            described = found[-1] in _SECTIONS
        in_block = line[:1] in ("", " ") and (in_block or (bool(found) and found[-1].endswith("::")))
        in_table = line.startswith("==") or (in_table and bool(line))
        match = _DESCRIBED.match(line) if described else None
        if in_block or in_table or rule:
            found.append(line)
        elif match:
            found += [_escaped(match[1]), f"    {_escaped(match[2])}"]
        else:
            found.append(_escaped(line))
    lines[:] = found


def _escaped(line: str) -> str:
    return _SPECIAL.sub(lambda match: match[0] if match["markup"] else f"\\{match[0]}", line)


def setup(app: Sphinx) -> None:
    """Prepare every docstring before napoleon reads it."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", prepare, priority=100)
