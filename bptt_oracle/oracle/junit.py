"""A result as JUnit XML, for the pages on which a CI service shows what failed.

There is a test case for each network that was asked about, and one, "verdict", for the whole, with the text that a
person reads. The names of the test cases are the same in every run with one seed, so that a service can follow them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from xml.etree import ElementTree as ET

from .result import Discrepancy, Result
from .text import line

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: Result) -> str:
    """The result as a JUnit XML document."""
    name = result.name or "backprop"
    outside: defaultdict[str, list[Discrepancy]] = defaultdict(list)
    for discrepancy in result.discrepancies:
        outside[discrepancy.probe].append(discrepancy)
    networks = list(dict.fromkeys([*result.asked, *outside]))
    counts = {
        "tests": str(1 + len(networks)),
        "failures": str(len(outside) + (not result.ok)),
        "errors": "0",
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "bptt-oracle"} | counts)
    suite = ET.SubElement(root, "testsuite", {"name": name} | counts)
    properties = ET.SubElement(suite, "properties")
    for key, value in properties_of(result).items():
        ET.SubElement(properties, "property", name=key, value=value)

    verdict = ET.SubElement(suite, "testcase", classname=name, name="verdict")
    if not result.ok:
        message = result.mistakes[0].message if result.mistakes else "gradients outside their bounds"
        failure = ET.SubElement(verdict, "failure", message=message, type=properties_of(result)["mistakes"])
        failure.text = str(result)
    else:
        ET.SubElement(verdict, "system-out").text = str(result)
    for network in networks:
        case = ET.SubElement(suite, "testcase", classname=name, name=network)
        if network in outside:
            lines = [line(each) for each in outside[network]]
            failure = ET.SubElement(case, "failure", message=lines[0], type="discrepancy")
            failure.text = "\n".join(lines)
    for element in root.iter():
        element.text = _text(element.text) if element.text else None
        element.attrib = {key: _text(value) for key, value in element.attrib.items()}
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document.decode() + "\n"


def properties_of(result: Result) -> dict[str, str]:
    """What a verdict comes to, in a few words each: the properties of a test."""
    return {
        "verdict": "right" if result.ok else "wrong",
        "mistakes": ", ".join(mistake.slug for mistake in result.mistakes) or "none",
        "conventions": str(result.conventions),
        "truth": result.truth,
        "seed": str(result.seed),
    }


def _text(text: str) -> str:
    """The text, with the characters that XML cannot hold replaced."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
