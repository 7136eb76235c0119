"""What lies outside the folder of the pages: links to it, and the report, which is put beside the site."""

from __future__ import annotations

import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from .evidence import folder

_LOG = logging.getLogger(__name__)

PAGES = {"../reports/discrepancies.md": "discrepancies.md", "../reports/floating.md": "floating.md"}
"""Files that a page of the site includes: a link to the file is one to that page."""

REPORT = "report/index.html"


def redirect(_app: Sphinx, _docname: str, source: list[str]) -> None:
    """Let links to the included files lead to their pages."""
    for path, page in PAGES.items():
        source[0] = source[0].replace(f"]({path}", f"]({page}")


class ReportRole(SphinxRole):
    """``{report}`text` ``: a link to the report, from a page in the first folder of the site."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The link."""
        return [nodes.reference("", self.text, refuri=REPORT, internal=True)], []


def copy_report(app: Sphinx, error: Exception | None) -> None:
    """Put the report, one file, beside the site."""
    if error is None and app.builder.format == "html":
        report = folder(app.config) / "index.html"
        if not report.is_file():
            _LOG.warning("%s: expected the report; run `bptt-oracle report`", report)
            return
        target = Path(app.outdir) / REPORT
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(report, target)


def setup(app: Sphinx) -> None:
    """Register the links and the report."""
    app.add_role("report", ReportRole())
    app.connect("source-read", redirect)
    app.connect("build-finished", copy_report)
