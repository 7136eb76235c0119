"""How much the property tests try, and where JAX keeps what it compiles.

Two profiles. "default", for every run, draws the same examples each time, so that a failure is there again in the
next run. "thorough", for nights, draws new ones, more and larger; a failure prints the line that repeats it and is
kept in `.hypothesis`. Choose with `--hypothesis-profile=thorough` or `HYPOTHESIS_PROFILE=thorough`.
"""

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from bptt_oracle.reference.config import enable_compilation_cache

ROOT = Path(__file__).parents[1]

EQUATIONS = {
    *("test_conclusion", "test_deltas", "test_forward", "test_gradients", "test_loss", "test_trick"),
    "test_wrong_readings",
}
"""Modules that ask about the same random networks: what JAX derives for one is traced once in a process."""

LONGEST = (
    "test_docs_browser",
    "test_campaign_cli",
    "test_campaign_run",
    "test_cli",
    "test_claims",
    "equations",
    "test_report_browser",
    "test_oracle_forward",
    "test_oracle_diagnosis",
    "test_oracle_measure",
    "test_reference_padded",
    "test_docs",
    "test_backprop",
    "test_campaign_judging",
    "test_oracle_vectors",
    "test_examples",
    "test_report_html",
    "test_oracle_cli",
    "test_verdicts",
    "test_oracle_bounds",
)
"""Modules that take longest, the longest first, those of few tests before the others: a worker has the next in hand."""

settings.register_profile(
    "default",
    deadline=None,  # the first example of a shape is traced by JAX, the next ones are not
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    max_examples=400,
    deadline=None,
    database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples"),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

enable_compilation_cache(ROOT / ".jax_cache")

# Traces are many small objects that live long: to look for garbage among them every 700 takes time.
gc.set_threshold(100_000, 20, 20)


def pytest_configure(config: pytest.Config) -> None:
    """Let a program be compiled again when another process is just writing it to the cache."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Error (reading|writing) persistent compilation cache entry:UserWarning"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that no worker is left with it at the end."""
    items.sort(key=lambda item: _rank(item.path.stem))


def _rank(module: str) -> int:
    group = "equations" if module in EQUATIONS else module
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give one worker what shares what takes long: with --dist loadfile, a module, or all those of the equations."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):  # type: ignore[misc]  # of a package without types
        """The modules of the equations as if they were one file; modules in the order of the collection."""

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "equations" if Path(file).stem in EQUATIONS else file

    config.option.loadscopereorder = False  # else by how many tests they hold
    return Together(config, log)
