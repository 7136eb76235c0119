"""Verification of a published derivation of backpropagation through time, and of code written after it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .counterexamples import replay
    from .oracle.verdict import GradientError, assert_correct, check

__all__ = ["GradientError", "assert_correct", "check", "replay"]

_HOMES = {
    "GradientError": ".oracle.verdict",
    "assert_correct": ".oracle.verdict",
    "check": ".oracle.verdict",
    "replay": ".counterexamples",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that importing the package costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
