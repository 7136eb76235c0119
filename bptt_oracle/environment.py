"""The packages that decide the verdicts."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("bptt-oracle", "jax", "numpy", "python-flint")


def environment() -> dict[str, str]:
    """Versions of what decides the verdicts; no word of the machine."""
    return {name: _version(name) for name in PACKAGES}


@lru_cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
