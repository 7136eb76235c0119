"""The same findings on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

STYLES = {
    "holds": "green",
    "definition": "green",
    "misprint": "bold red",
    "unverified": "bold yellow",
    "fails": "red",
}


def verdict_table(data: Mapping[str, Any]) -> Table:
    """A row for each equation."""
    table = Table(box=None, pad_edge=False, title_justify="left")
    for name, justify in (
        ("", "right"),
        ("states", "left"),
        ("verdict", "left"),
        ("lines", "right"),
        ("shapes", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=name != "states")  # type: ignore[arg-type]
    for entry in data["equations"]:
        held = sum(line["verdict"] == "holds" for line in entry["lines"])
        field = entry["evidence"]["field"]
        table.add_row(
            f"({entry['number']})",
            escape(entry["states"]),
            Text(entry["verdict"], style=STYLES[entry["verdict"]]),
            f"{held}/{len(entry['lines'])}",
            "" if field is None else str(field["shapes"]),
        )
    return table


def summary(data: Mapping[str, Any]) -> Group:
    """The counts, the misprints by number, and what did not run."""
    counts = data["summary"]
    lines = Counter(line["verdict"] for entry in data["equations"] for line in entry["lines"])
    texts = [
        Text(
            f"{counts['equations']} equations, {counts['lines']} lines: {lines['holds']} lines hold "
            f"as printed, {lines['fails']} fail, "
            f"{lines['unverified']} are unverified"
        )
    ]
    texts += [
        Text(f"  ({entry['number']}) misprint: {entry['change']}", style=STYLES["misprint"])
        for entry in data["equations"]
        if entry["verdict"] == "misprint"
    ]
    texts += [
        Text(f"  prose, section {claim['section']}: {claim['slug']}: {claim['verdict']}") for claim in data["claims"]
    ]
    proved = sum(bool(entry["proof"]["theorems"]) for entry in data["equations"])
    texts.append(Text(f"  theorems for every size, of {proved} equations: {data['proof']}"))
    texts += [Text(f"  not run: {stage}: {why}", style=STYLES["unverified"]) for stage, why in data["missing"].items()]
    return Group(*texts)


def progress_bar(console: Console) -> Progress:
    """A bar for each stage of a long job."""
    return Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
