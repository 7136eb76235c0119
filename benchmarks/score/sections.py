"""The sections of the report as data: counts and names alone, the same on every machine for the same seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import alarms, checkers
from .catalogued import deviations
from .confusion import NETWORKS, STATES, Named
from .judging import CLAIMS, OUTCOMES
from .mutants import PARTS
from .mutation import POPULATIONS, Judged, mutants
from .points import NETWORKS as POINTS
from .programs import PROGRAMS

Data = dict[str, Any]


def counted(values: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """How often each of the known values occurs, in their order; nothing else may."""
    found = Counter(values)
    assert set(found) <= set(known), found
    return {value: found[value] for value in known}


# ---- mutants


def mutation_section(found: Sequence[Judged], every: int = 1) -> Data:
    """What came of the mutants, of which one in `every` was kept."""
    wrong = [each for each in found if each.population == "wrong"]
    return {
        "one of": every,
        "programs": {
            name: {
                "conventions": str(program.conventions),
                "hidden": program.hidden or "any",
                **{part: len(mutants(name, part)) for part in PARTS},
            }
            for name, program in PROGRAMS.items()
        },
        "parts": {
            part: {str(hidden): _of(found, part, hidden) for hidden in sorted({each.hidden for each in found})}
            for part in PARTS
        },
        "operators": {part: _by_operator(found, part) for part in PARTS},
        "equivalent": _ids(found, lambda each: each.population == "equivalent"),
        "equivalent, but rejected": _ids(
            found, lambda each: each.population == "equivalent" and each.outcome != "accepted"
        ),
        "accepted": _ids(wrong, lambda each: each.outcome == "accepted" and not each.other),
        "right under other conventions": _ids(wrong, lambda each: each.outcome == "accepted" and each.other),
        "located": _ids(wrong, lambda each: each.outcome == "located"),
        "not even located": _ids(wrong, lambda each: each.outcome in ("contract", "unexplained")),
        "refuted": [_shown(each) for each in wrong if each.claim == "refuted"],
        "suspect": [_shown(each) for each in wrong if each.claim == "suspect"],
    }


def _of(found: Sequence[Judged], part: str, hidden: int) -> Data:
    here = [each for each in found if each.part == part and each.hidden == hidden]
    by = {population: [each for each in here if each.population == population] for population in POPULATIONS}
    wrong = [each for each in by["wrong"] if not each.other]
    claims = counted((each.claim for each in wrong), CLAIMS)
    outcomes = counted((each.outcome for each in wrong), OUTCOMES)
    explained = outcomes["named"] + outcomes["measured"]
    return {
        "mutants": len(here),
        "populations": {population: len(members) for population, members in by.items()},
        "other": len(by["wrong"]) - len(wrong),
        "different functions": len({(each.program, each.digest) for each in wrong}),
        "outcomes": outcomes,
        "claims": claims,
        "outcomes of those that sometimes answer": counted(
            (each.outcome for each in by["sometimes answers"]), OUTCOMES
        ),
        "rates": {
            "named": _rate(outcomes["named"], len(wrong)),
            "named or measured": _rate(explained, len(wrong)),
            "at least located": _rate(explained + outcomes["located"], len(wrong)),
            "wrongly named, proved": _rate(claims["refuted"], len(wrong)),
            "wrongly named, or to be read": _rate(claims["refuted"] + claims["suspect"], len(wrong)),
            "accepted": _rate(outcomes["accepted"], len(wrong)),
        },
    }


def _by_operator(found: Sequence[Judged], part: str) -> Data:
    rows: dict[str, list[str]] = defaultdict(list)
    for each in found:
        if each.part == part and each.population == "wrong" and not each.other:
            rows[each.operator].append(each.outcome)
    return {operator: counted(outcomes, OUTCOMES) for operator, outcomes in sorted(rows.items())}


def _ids(found: Sequence[Judged], keep: Callable[[Judged], bool]) -> dict[str, list[int]]:
    """The mutants that are kept, each with the numbers of hidden layers at which they are."""
    kept: dict[str, list[int]] = defaultdict(list)
    for each in found:
        if keep(each):
            kept[each.id].append(each.hidden)
    return dict(sorted(kept.items()))


def _shown(each: Judged) -> Data:
    diff = mutants(each.program, each.part)[each.id].diff()
    return {"id": each.id, "hidden": each.hidden, "said": list(each.slugs), "diff": diff.splitlines()}


def _rate(count: int, of: int) -> float | None:
    """A share to four digits; None of nothing."""
    return round(count / of, 4) if of else None


# ---- the catalogue


def catalogue_section(single: Sequence[Named], paired: Sequence[Named]) -> Data:
    """What was named when a mistake of the catalogue was made, or two."""
    return {
        "deviations": [str(deviation) for deviation in deviations()],
        "alone": _trials(single),
        "pairs": _trials(paired),
        "confusion": _matrix(single),
        "alone, not named first": _missed(single, lambda each: each.first),
        "pairs, not both named": _missed(paired, lambda each: all(each.hits)),
    }


def _trials(found: Sequence[Named]) -> Data:
    rows: Data = {}
    for networks in NETWORKS:
        for hidden in sorted({each.trial.hidden for each in found}):
            here = [each for each in found if (each.trial.networks, each.trial.hidden) == (networks, hidden)]
            wrong = [each for each in here if each.state == "wrong"]
            first, every = sum(each.first for each in wrong), sum(all(each.hits) for each in wrong)
            rows.setdefault(networks, {})[str(hidden)] = {
                "trials": len(here),
                "states": counted((each.state for each in here), STATES),
                "first": first,
                "all named": every,
                "rates": {"first": _rate(first, len(wrong)), "all named": _rate(every, len(wrong))},
            }
    return rows


def _matrix(found: Sequence[Named]) -> Data:
    """For every mistake that was made, what was named first, and how often."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for each in found:
        if each.state == "wrong":
            said = str(each.trial.made[0].slug) if each.first else each.slugs[0] if each.slugs else "nothing"
            rows[each.trial.made[0].slug][said] += 1
    return {made: dict(sorted(row.items())) for made, row in sorted(rows.items())}


def _missed(found: Sequence[Named], is_hit: Callable[[Named], bool]) -> list[Data]:
    return [
        {
            "made": [str(deviation) for deviation in each.trial.made],
            "hidden": each.trial.hidden,
            "networks": each.trial.networks,
            "seed": each.trial.seed,
            "said": list(each.slugs),
        }
        for each in found
        if each.state == "wrong" and not is_hit(each)
    ]


# ---- right backprops


def alarms_section(chunks: Sequence[alarms.Chunk]) -> Data:
    """What came of right backprops."""
    asked: Counter[str] = Counter()
    for chunk in chunks:
        asked.update(chunk.counts)
    return {
        "trials": sum(asked.values()),
        "by kind": dict(sorted(asked.items())),
        "false alarms": [
            {"kind": alarm.kind, "conventions": alarm.conventions, "seed": alarm.seed}
            for chunk in chunks
            for alarm in chunk.alarms
        ],
    }


# ---- other checkers


def checkers_section(found: Sequence[checkers.Passed]) -> Data:
    """What other checkers let through, and what right backprops they reject."""
    right = [each for each in found if each.answered and each.differs is None]
    return {
        "versions": checkers.versions(),
        "right backprops": {network: sum(each.network == network for each in right) for network in POINTS},
        "rejected": {
            name: {network: _lets(right, name, network, wanted=False) for network in POINTS}
            for name in checkers.names()
        },
        **{kind: _let_through(found, kind) for kind in ("mutants", "catalogue")},
    }


def _let_through(found: Sequence[checkers.Passed], kind: str) -> Data:
    wrong = [
        each
        for each in found
        if each.answered and each.differs is not None and (kind == "catalogue") == bool(each.suspect.deviation)
    ]
    shown = [each for each in wrong if each.differs]
    return {
        "wrong backprops": {network: sum(each.network == network for each in wrong) for network in POINTS},
        "hidden by the network": {
            network: sum(each.network == network and not each.differs for each in wrong) for network in POINTS
        },
        "let through although it shows": {
            name: {network: _lets(shown, name, network, wanted=True) for network in POINTS} for name in checkers.names()
        },
    }


def _lets(found: Sequence[checkers.Passed], name: str, network: str, *, wanted: bool) -> int | None:
    """How many are let through, or are not; None where the checker is not installed."""
    here = [each.by[name] for each in found if each.network == network]
    return None if None in here else sum(passed is wanted for passed in here)
