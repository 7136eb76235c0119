"""The oracle's own score, from `oracle.json`, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..recorded import RecordedError

RATES = ("named", "named or measured", "at least located", "accepted")


@dataclass(frozen=True)
class Score:
    """What the oracle says of mutants of the backward pass, by the number of hidden layers; and of right backprops.

    Attributes
    ----------
    columns : names of the columns
    rows : the number of hidden layers, and the cells
    trials, alarms : right backprops, and those that were called wrong; None where none were tried
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    trials: int | None
    alarms: int | None


def score(found: Mapping[str, Any]) -> Score | None:
    """The score; None where no mutants were tried.

    Raises
    ------
    RecordedError
        If the file does not hold what the benchmark of the oracle writes.
    """
    if "mutants" not in found:
        return None
    try:
        rows = tuple(
            (hidden, (str(each["populations"]["wrong"]), *(_percent(each["rates"][name]) for name in RATES)))
            for hidden, each in found["mutants"]["parts"]["backward"].items()
        )
        alarms = found.get("alarms")
        return Score(
            columns=("wrong programs", *RATES),
            rows=rows,
            trials=None if alarms is None else alarms["trials"],
            alarms=None if alarms is None else len(alarms["false alarms"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordedError(
            f"oracle.json: expected what `python -m benchmarks.score` writes, but it lacks {error}"
        ) from error


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.1f} %"
