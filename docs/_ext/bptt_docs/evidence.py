"""The evidence that the site is made of, read from a folder of reports; its figures as substitutions in the pages.

The folder is the configuration value `bptt_reports`. In a page, ``{{ misprints }}`` is a figure of `facts`; a name that
is no figure is a warning, as every dangling citation is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ConfigError

from bptt_oracle.report.ranges import gaps
from bptt_oracle.report.recorded import Recorded, RecordedError, read

FORMATS = ("float64", "float32", "bfloat16", "float16")


def folder(config: Config) -> Path:
    """The folder of reports."""
    return Path(config.bptt_reports).resolve()


def recorded(env: BuildEnvironment) -> Recorded:
    """The data of the reports; the page that is being read depends on it."""
    path = folder(env.config)
    env.note_dependency(str(path / "verdicts.json"))
    env.note_dependency(str(path / "theorems.json"))
    return whole(env.config)


def whole(config: Config) -> Recorded:
    """The data of the reports, where no page is being read."""
    return _read(folder(config))


def equations(env: BuildEnvironment) -> Mapping[int, Mapping[str, Any]]:
    """The equations of `verdicts.json` by number."""
    return {entry["number"]: entry for entry in recorded(env).verdicts["equations"]}


@cache
def _read(path: Path) -> Recorded:
    return read(path)


def facts(data: Mapping[str, Any], theorems: Mapping[str, Any]) -> dict[str, str]:
    """The figures that a page may cite, by name."""
    counts, entries = data["summary"], data["equations"]
    field = [entry["evidence"]["field"] or {} for entry in entries]
    balls = [entry["evidence"]["balls"] or {} for entry in entries]
    lines = [line for entry in entries for line in entry["lines"]]
    proved = {each["theorem"] for group in theorems.get("equations", {}).values() for each in group}
    figures: dict[str, Any] = {
        "equations": counts["equations"],
        "lines": counts["lines"],
        "lines_that_hold": sum(line["verdict"] == "holds" for line in lines),
        "definitions": counts["definition"],
        "hold_as_printed": counts["definition"] + counts["holds"],
        "misprints": counts["misprint"],
        "unverified": counts["unverified"],
        "the_misprints": _listed([entry["number"] for entry in entries if entry["verdict"] == "misprint"]),
        "least_shapes": min(each.get("shapes", 0) for each in field),
        "exact_comparisons": f"{sum(each.get('comparisons', 0) for each in field):,}",
        "false_pass": f"$2^{{{max(each.get('false_pass_log2', 0) for each in field)}}}$",
        "least_enclosed_shapes": min(each.get("shapes", 0) for each in balls),
        "most_bits": max(each.get("bits", 0) for each in balls),
        "formats": _and([name for name in FORMATS if all(_within(entry, name) for entry in entries)]),
        "field_certificates": len(data["certificates"]["field"]),
        "ball_certificates": len(data["certificates"]["balls"]),
        "node_certificates": len(data["nodes"]),
        "node_instances": sum(node["instances"] for node in data["nodes"]),
        "node_disagreements": sum(node["disagreements"] for node in data["nodes"]),
        "claims": len(data["claims"]),
        "claims_that_hold": sum(claim["verdict"] == "holds" for claim in data["claims"]),
        "quantities": len(data["quantities"]),
        "narrow_ranges": " ".join(gap.sentence for gap in gaps(data).values()),
        "theorems": len(proved),
        "proof": data["proof"],
        "version": data["environment"]["bptt-oracle"],
        "seed": data["environment"]["seed"],
        "jax": data["environment"]["jax"],
        "numpy": data["environment"]["numpy"],
        "flint": data["environment"]["python-flint"],
    }
    return {name: str(value) for name, value in figures.items()}


def _within(entry: Mapping[str, Any], name: str) -> bool:
    found = (entry["evidence"]["floating"] or {}).get(name)
    return bool(found and found["within_bound"])


def _listed(numbers: list[int]) -> str:
    return _and([f"({number})" for number in numbers])


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "none"


def _substitute(_app: Sphinx, config: Config) -> None:
    try:
        found = whole(config)
    except RecordedError as error:
        raise ConfigError(str(error)) from error
    config.myst_substitutions = facts(found.verdicts, found.others.get("theorems.json", {}))


def setup(app: Sphinx) -> None:
    """Register the folder of the reports, and the figures."""
    app.add_config_value("bptt_reports", "../reports", "env", types=(str,))
    app.connect("config-inited", _substitute)
