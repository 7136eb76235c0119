"""Verification of a published derivation of backpropagation through time, and of code written after it."""

from __future__ import annotations

from typing import Any

__all__ = ["replay"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that importing the package costs nothing."""
    if name == "replay":
        from .counterexamples import replay

        return replay
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
