"""What the theorems of Coq say, in sentences, and how a reader checks one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _sentences() -> Mapping[str, Any]:
    return tomllib.loads(files("bptt_oracle.report").joinpath("theorems.toml").read_text(encoding="utf-8"))


def says(theorem: Mapping[str, Any]) -> str:
    """What a theorem says, with the markup of `notation`; nothing for a theorem that is not known here."""
    return str(_sentences()["says"].get(short(theorem), ""))


def over(theorem: Mapping[str, Any]) -> str:
    """Over which numbers it holds: those of its name and its statement."""
    statement = theorem["statement"]
    kinds = {"comRingType": "ring", "realType": "reals"}
    return next((str(_sentences()[name]) for kind, name in kinds.items() if kind in statement), "")


def check(theorem: Mapping[str, Any]) -> str:
    """What to type at Coq's prompt to see a theorem and what it rests on, once it is compiled."""
    module, name = theorem["theorem"].split(".")[-2:]
    return f"From BPTT Require Import {module}. Check {name}. Print Assumptions {name}."


def short(theorem: Mapping[str, Any]) -> str:
    """A theorem's name without its modules."""
    return str(theorem["theorem"].rsplit(".", 1)[-1])
