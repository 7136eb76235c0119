"""What Coq proved counts only where it can be made again, and for the sources that it was made from."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle import theorems as door
from bptt_oracle.theorems import Theorems, theorems

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The proof's sources and report, on a machine that has Coq."""
    for folder in ("proof", "reports"):
        (tmp_path / folder).mkdir()
    for source in (ROOT / "proof").glob("*.v"):
        shutil.copy(source, tmp_path / "proof")
    shutil.copy(ROOT / "reports" / "theorems.json", tmp_path / "reports")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return tmp_path


def test_the_committed_theorems_are_of_the_committed_sources(checkout: Path) -> None:
    known = theorems(checkout)
    assert known.checked
    assert known.status == "checked by Coq"


def test_every_equation_of_the_backward_pass_has_a_theorem(checkout: Path) -> None:
    assert set(range(7, 47)) <= set(theorems(checkout).equations)


def test_without_coq_nothing_counts(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert theorems(checkout) == Theorems("not run here: coqc is not installed; `make proof` installs and runs it")


def test_changed_sources_make_the_report_stale(checkout: Path) -> None:
    source = next((checkout / "proof").glob("*.v"))
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert theorems(checkout) == Theorems("not run here: the sources have changed since; run `make proof`")


def test_without_a_report_nothing_counts(checkout: Path) -> None:
    (checkout / "reports" / "theorems.json").unlink()
    assert theorems(checkout) == Theorems("not run here: nothing was gathered; run `make proof`")


def test_an_installed_package_has_no_proof(tmp_path: Path) -> None:
    assert theorems(tmp_path) == Theorems("not run here: an installed package has no proof sources")


def test_an_equation_without_a_theorem_says_so(checkout: Path) -> None:
    known = theorems(checkout)
    of_1: dict[str, Any] = known.of(1)
    assert of_1["theorems"] == []
    assert known.of(31)["restates"] == 17


def test_the_sources_are_digested_as_the_gathering_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "proof"))
    monkeypatch.delitem(sys.modules, "gather", raising=False)
    gather: Any = __import__("gather")
    report = json.loads((ROOT / "reports" / "theorems.json").read_text(encoding="utf-8"))
    assert gather.digest(ROOT / "proof") == door.digest(ROOT / "proof") == report["sources"]
