"""The committed reports of campaigns: on an accelerator, and of a million networks."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.campaign.command_line import plan_of
from bptt_oracle.campaign.platform import COPIES, SETTINGS
from bptt_oracle.campaign.summary import markdown
from bptt_oracle.cli import _parser

ROOT = Path(__file__).parents[1]
GPU, MILLION = (
    json.loads((ROOT / "reports" / f"campaign_{name}.json").read_text(encoding="utf-8")) for name in ("gpu", "million")
)
DIGITS = GPU["arithmetics"]["platform"]["digits"]


def median(copies: int, format: str, setting: str) -> int:
    """Tenths of digits of half of the networks, at most."""
    [counts] = [
        counts
        for name, counts in DIGITS.items()
        if name.startswith("gpu") and name.endswith(f", {copies}, {format}, {setting}")
    ]
    tenths = sorted(Counter({int(key): count for key, count in counts.items()}).elements())
    return tenths[len(tenths) // 2]


@pytest.mark.parametrize(("name", "data"), [("gpu", GPU), ("million", MILLION)])
def test_the_text_is_what_the_data_give(name: str, data: Any) -> None:
    assert (ROOT / "reports" / f"campaign_{name}.md").read_text(encoding="utf-8") == markdown(data)


@pytest.mark.parametrize("data", [GPU, MILLION])
def test_the_page_names_the_command_that_made_it(data: Any) -> None:
    page = (ROOT / "docs" / "campaign.md").read_text(encoding="utf-8")
    commands = re.findall(r"`bptt-oracle (campaign [^`]+ --instances \d+)`", page)
    plans = [plan_of(_parser().parse_args(command.split())).as_data() for command in commands]
    assert data["plan"] in plans


def test_a_million_networks_are_verified() -> None:
    assert MILLION["outcomes"] == {"verified": 1_000_000, "undecided": 0, "failed": 0}


def test_what_the_page_says_of_it_holds() -> None:
    assert len(DIGITS) == len(COPIES) * len(SETTINGS)
    assert GPU["outcomes"]["failed"] == 0
    one, many = COPIES
    for setting in ("default", "high"):
        assert median(many, "float32", setting) < median(many, "float32", "highest") / 2
        assert median(one, "float32", setting) == median(one, "float32", "highest")
