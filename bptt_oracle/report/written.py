"""The files of `reports/`, written from one gathering of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import discrepancies, floats, recorded
from .files import as_json, write
from .html import page

if TYPE_CHECKING:
    from ..verdicts import Evidence

PAGE = "index.html"


def write_reports(folder: Path, evidence: Evidence, data: Mapping[str, Any]) -> list[Path]:
    """Write the reports.

    Parameters
    ----------
    folder
        Made if it does not exist.
    evidence
        What was gathered; the figures that depend on a machine's libraries come from here.
    data
        The verdicts, as `verdicts.as_data` gives them.

    Returns
    -------
    The paths of what was written: `verdicts.json`, its schema and `discrepancies.md`, the same bytes on every machine;
    `floating.json` and `floating.md`, which are not; and `index.html`, the page of all that then is in the folder.
    """
    figures = floating_figures(evidence)
    written = {
        "verdicts.json": as_json(data),
        recorded.SCHEMA: recorded.schema(),
        "discrepancies.md": discrepancies.markdown(data),
        "floating.json": as_json(figures),
        "floating.md": floats.markdown(figures),
    }
    for name, text in written.items():
        write(folder / name, text)
    write(folder / PAGE, page(recorded.load(folder)))
    return [folder / name for name in (*written, PAGE)]


def floating_figures(evidence: Evidence) -> dict[str, Any]:
    """The last digits, which depend on BLAS and libm: errors in ulps, digits, shares of the bounds."""
    formats: dict[str, Any] = {}
    for name, by_number in evidence.floating.items():
        formats[name] = {
            str(number): {
                "instances": found.instances,
                "undecided": found.undecided,
                "nearer": dict(sorted(found.nearer.items())),
                **{
                    side: {
                        "entries": figures.entries,
                        "outside": figures.outside,
                        "unbounded": figures.unbounded,
                        "largest_share_of_bound": round(figures.largest_share, 4),
                        **_ulps(figures.ulps),
                    }
                    for side, figures in found.sides.items()
                },
            }
            for number, found in by_number.items()
        }
    return {
        "environment": dict(evidence.environment),
        "seed": evidence.seed,
        "formats": formats,
        "growth": [asdict(row) for row in evidence.growth],
    }


def _ulps(ulps: list[float]) -> dict[str, float]:
    if not ulps:
        return {}
    ordered = sorted(ulps)
    return {"median_ulps": round(ordered[len(ordered) // 2], 3), "largest_ulps": round(ordered[-1], 3)}
