"""The one place that imports python-flint, so that its absence has one clear message."""

from __future__ import annotations

from bptt_oracle.arithmetic.errors import MissingFlintError

try:
    from flint import arb, ctx, nmod
except ImportError as error:
    raise MissingFlintError(
        "exact and enclosed arithmetic need python-flint, which could not be imported "
        f"({error}). Install it with: pip install 'python-flint>=0.8'"
    ) from error

__all__ = ["arb", "ctx", "nmod"]
