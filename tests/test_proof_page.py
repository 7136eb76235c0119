"""The written proof cites certificates; each of them exists, was made, and says what the proof needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle.manual import PRINTED, Quantities, right_reading
from bptt_oracle.manual.registry import Reading, value
from bptt_oracle.nodes import certificates

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
VERDICTS = json.loads((ROOT / "reports" / "verdicts.json").read_text(encoding="utf-8"))
CITED = re.findall(r"`(node-[\w-]+)`", PAGE)


def test_every_cited_certificate_was_made_without_disagreement() -> None:
    made = {node["anchor"]: node["disagreements"] for node in VERDICTS["nodes"]}
    assert CITED
    assert {anchor: made.get(anchor) for anchor in CITED} == dict.fromkeys(CITED, 0)


def test_every_certificate_is_cited() -> None:
    assert {node["anchor"] for node in VERDICTS["nodes"]} == set(CITED)


def test_the_page_names_the_misprints_that_were_found() -> None:
    found = [entry["number"] for entry in VERDICTS["equations"] if entry["verdict"] == "misprint"]
    sentence = re.search(r"The corrected equations are (.*?);", PAGE, re.DOTALL)
    assert sentence is not None
    assert [int(number) for number in re.findall(r"\((\d+)\)", sentence[1])] == found


def test_the_committed_certificates_are_made_again() -> None:
    made = [(c.anchor, c.instances, c.disagreements) for c in certificates()]
    assert made == [(n["anchor"], n["instances"], n["disagreements"]) for n in VERDICTS["nodes"]]


def wrong(change: Callable[[Any], Any]) -> Callable[[int], Reading]:
    def reading_of(number: int) -> Reading:
        right = right_reading(number)

        @wraps(right)  # keeps the names of the indices
        def reading(q: Quantities, *at: int) -> Iterator[Any]:
            yield change(value(right, q, *at))

        return reading

    return reading_of


@pytest.mark.parametrize("change", [lambda u: -u, lambda u: 2 * u, lambda u: u + 1], ids=["sign", "scale", "term"])
def test_no_certificate_is_made_for_a_wrong_reading(change: Callable[[Any], Any]) -> None:
    assert all(made.disagreements > 0 for made in certificates(reading_of=wrong(change)))


def test_no_certificate_is_made_for_a_misprint() -> None:
    always_defined = (17, 31)
    made = certificates(reading_of=lambda n: PRINTED[n] if n in always_defined else right_reading(n))
    assert {c.equation for c in made if c.disagreements} == set(always_defined)
