"""What the README states as found is what the verdicts say."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.report.readme import with_summary

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def verdicts() -> Any:
    return json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))


def test_the_readme_states_the_verdicts(verdicts: Any) -> None:
    assert with_summary(README, verdicts) == README


def test_a_flipped_verdict_is_noticed(verdicts: Any) -> None:
    verdicts["equations"][30]["verdict"] = "holds"
    assert with_summary(README, verdicts) != README


def test_a_readme_without_a_place_for_it_is_refused(verdicts: Any) -> None:
    with pytest.raises(ValueError, match="README: expected the lines"):
        with_summary("# Title\n", verdicts)


def test_the_python_in_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples" / "numpy")
    monkeypatch.setitem(sys.modules, "my_rnn", import_module("right"))
    names: dict[str, Any] = {}
    for block in README.split("```python\n")[1:]:
        exec(block.split("```", 1)[0], names)
    assert names["gradients"].visits == 5
