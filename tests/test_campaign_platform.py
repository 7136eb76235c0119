"""The committed report of a campaign on an accelerator."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from bptt_oracle.campaign.platform import COPIES, SETTINGS
from bptt_oracle.campaign.summary import markdown

ROOT = Path(__file__).parents[1]
DATA = json.loads((ROOT / "reports" / "campaign_gpu.json").read_text(encoding="utf-8"))
DIGITS = DATA["arithmetics"]["platform"]["digits"]


def median(copies: int, format: str, setting: str) -> int:
    """Tenths of digits of half of the networks, at most."""
    [counts] = [
        counts
        for name, counts in DIGITS.items()
        if name.startswith("gpu") and name.endswith(f", {copies}, {format}, {setting}")
    ]
    tenths = sorted(Counter({int(key): count for key, count in counts.items()}).elements())
    return tenths[len(tenths) // 2]


def test_the_text_is_what_the_data_give() -> None:
    assert (ROOT / "reports" / "campaign_gpu.md").read_text(encoding="utf-8") == markdown(DATA)


def test_the_page_names_the_command_that_made_it() -> None:
    page = (ROOT / "docs" / "campaign.md").read_text(encoding="utf-8")
    [(arithmetics, instances)] = re.findall(
        r"`bptt-oracle campaign --platform((?: --arithmetic \w+)+) --instances (\d+)`", page
    )
    assert (*arithmetics.split()[1::2], "platform") == tuple(DATA["plan"]["arithmetics"])
    assert int(instances) == DATA["plan"]["instances"]


def test_what_the_page_says_of_it_holds() -> None:
    assert len(DIGITS) == len(COPIES) * len(SETTINGS)
    assert DATA["outcomes"]["failed"] == 0
    one, many = COPIES
    for setting in ("default", "high"):
        assert median(many, "float32", setting) < median(many, "float32", "highest") / 2
        assert median(one, "float32", setting) == median(one, "float32", "highest")
