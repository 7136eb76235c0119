"""Which equations and claims the site shows: each once, and none left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from sphinx.domains.std import StandardDomain
from sphinx.util import logging

from .evidence import whole

_LOG = logging.getLogger(__name__)


def note(env: Any, what: str, label: str, title: str) -> None:
    """Say that the page that is being read shows something, where links to `label` lead."""
    domain = cast(StandardDomain, env.get_domain("std"))
    domain.note_hyperlink_target(label, env.docname, label, title)
    _shown(env).append((env.docname, what))


def forget(_app: Any, env: Any, docname: str) -> None:
    """A page is read anew."""
    env.bptt_shown = [entry for entry in _shown(env) if entry[0] != docname]


def check(_app: Any, env: Any) -> None:
    """Warn of what is shown twice or not at all."""
    found = [what for _, what in _shown(env)]
    for what in _wanted(env):
        if found.count(what) != 1:
            _LOG.warning("expected the site to show %s once, but it does so %d times", what, found.count(what))


def _wanted(env: Any) -> Iterator[str]:
    verdicts = whole(env.config).verdicts
    yield from (f"equation {entry['number']}" for entry in verdicts["equations"])
    yield from (f"claim {claim['slug']}" for claim in verdicts["claims"])


def _shown(env: Any) -> list[tuple[str, str]]:
    if not hasattr(env, "bptt_shown"):
        env.bptt_shown = []
    return cast("list[tuple[str, str]]", env.bptt_shown)
