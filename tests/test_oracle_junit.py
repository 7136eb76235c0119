"""A result as JUnit XML: well-formed whatever is in it, and each failure where a page of a CI service shows it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.junit import junit, properties_of
from bptt_oracle.oracle.result import Discrepancy, Mistake, Result
from bptt_oracle.oracle.text import line

PLAIN, DEEP = "plain (n=2, T=4, B=1, d=3.4.5, seed=7)", "deep (n=4, T=5, B=1, d=3.5.4.6.2, seed=7)"
DISCREPANCY = Discrepancy(PLAIN, "dJ/dH^(1)", (0, 1), 0.5, 0.25, 0.25, 2.0**-50, 15, 16)
RIGHT = Result(
    ok=True,
    mistakes=(),
    discrepancies=(),
    conventions=Conventions(over_time="sum"),
    asked=(PLAIN, DEEP),
    truth="manual",
    seed=7,
    name="rnn.py:backprop",
)
WRONG = replace(
    RIGHT,
    ok=False,
    mistakes=(Mistake("carry-not-transposed", 29, 'H stands for H^T, "<&>"'), Mistake("second-call", None, "again")),
    discrepancies=(DISCREPANCY, replace(DISCREPANCY, tensor="J", entry=())),
)


def parsed(result: Result) -> ET.Element:
    """The root of the document, read from its bytes."""
    return ET.fromstring(junit(result).encode())


def cases(result: Result) -> dict[str, list[str]]:
    """What stands in each test case, by its name."""
    return {case.get("name", ""): [child.tag for child in case] for case in parsed(result).iter("testcase")}


def test_a_right_backprop_has_no_failure() -> None:
    assert cases(RIGHT) == {"verdict": ["system-out"], PLAIN: [], DEEP: []}
    for element in (parsed(RIGHT), *parsed(RIGHT)):
        assert (element.get("tests"), element.get("failures"), element.get("errors")) == ("3", "0", "0")


def test_a_wrong_backprop_fails_in_the_verdict_and_in_its_networks() -> None:
    assert cases(WRONG) == {"verdict": ["failure"], PLAIN: ["failure"], DEEP: []}
    root = parsed(WRONG)
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    verdict, network = root.iter("failure")
    assert verdict.get("message") == 'H stands for H^T, "<&>"'
    assert verdict.get("type") == "carry-not-transposed, second-call"
    assert verdict.text == str(WRONG)
    assert network.text == "\n".join(map(line, WRONG.discrepancies))


def test_the_test_cases_of_a_right_and_a_wrong_backprop_have_the_same_names() -> None:
    assert cases(RIGHT).keys() == cases(WRONG).keys()
    assert {case.get("classname") for case in parsed(WRONG).iter("testcase")} == {"rnn.py:backprop"}


def test_the_properties_name_verdict_mistakes_conventions_truth_and_seed() -> None:
    found = {each.get("name"): each.get("value") for each in parsed(WRONG).iter("property")}
    assert found == properties_of(WRONG)
    assert found == {
        "verdict": "wrong",
        "mistakes": "carry-not-transposed, second-call",
        "conventions": str(WRONG.conventions),
        "truth": "manual",
        "seed": "7",
    }
    assert properties_of(RIGHT)["mistakes"] == "none"


@pytest.mark.parametrize(
    "text", ["a\0b", "\x1b[31mred\x1b[0m", "\ufffe", "\ud800", "]]>", "<script>&amp;", "\r\n\ttab"]
)
def test_whatever_a_program_wrote_the_document_is_well_formed(text: str) -> None:
    hostile = Mistake(text, None, text, detail=text)
    result = replace(
        WRONG, name=text, mistakes=(hostile,), asked=(text,), discrepancies=(replace(DISCREPANCY, probe=text),)
    )
    root = parsed(result)
    kept = "".join("\ufffd" if each in "\0\x1b\ufffe\ud800" else each for each in text)
    assert root.find("testsuite/testcase/failure").get("message") == kept  # type: ignore[union-attr]
    assert [suite.get("name") for suite in root] == [kept]
