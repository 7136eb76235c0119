"""What the oracle says about mutants: found, named, measured, located; and whether it is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from time import process_time
from typing import Any

from bptt_oracle.oracle.result import Result
from bptt_oracle.oracle.verdict import check

from .equivalence import Behaviour, behaviour
from .judging import claim_of, outcome_of
from .mutants import PARTS, Mutant, mutants_of
from .networks import cases_of, random_plans
from .pool import each
from .programs import PROGRAMS, Function, Program, load

UNSEEN = 3
"""On how many networks that the oracle did not see a claim is tried."""

NO_ANSWER = ("exception", "structure", "shape", "not-finite", "time-limit")
"""Findings that a backprop gave no gradients about some network."""

POPULATIONS = ("equivalent", "never answers", "sometimes answers", "wrong")
"""What mutants are: the same function as the program; backprops that only raise; that raise on some networks; and those
that answer always, and wrongly."""


@dataclass(frozen=True)
class Question:
    """One mutant, asked about with up to some number of hidden layers."""

    id: str
    part: str
    hidden: int


@dataclass(frozen=True)
class Judged:
    """What came of one mutant.

    Attributes
    ----------
    id, program, operator, part, hidden : the mutant, and the number of hidden layers of the deepest networks
    population : one of `POPULATIONS`
    digest : of what it computes; two mutants of one program with the same digest are the same function
    outcome, claim : as in `judging`; empty where nothing was asked
    slugs : of what was said, in order
    other : whether it was accepted as right under conventions that are not those of the program
    seconds : of a processor that the check took
    text : what the oracle said
    """

    id: str
    program: str
    operator: str
    part: str
    hidden: int
    population: str
    digest: str
    outcome: str = ""
    claim: str = ""
    slugs: tuple[str, ...] = ()
    other: bool = False
    seconds: float = 0.0
    text: str = ""


@cache
def mutants(program: str, part: str) -> dict[str, Mutant]:
    """The mutants of a part of a program, by id."""
    return {mutant.id: mutant for mutant in mutants_of(PROGRAMS[program], part)}


def find(question: Question) -> Mutant:
    """The mutant that is asked about."""
    return mutants(question.id.partition(":")[0], question.part)[question.id]


@cache
def _right(program: str, hidden: int) -> Behaviour:
    return behaviour(PROGRAMS[program].source, PROGRAMS[program].conventions, hidden)


def sort_out(question: Question) -> Judged:
    """What a mutant is, before anybody is asked: found out over the finite field."""
    mutant = find(question)
    found = behaviour(mutant.source, mutant.program.conventions, question.hidden)
    answers = {"always": "wrong", "sometimes": "sometimes answers", "never": "never answers"}[found.answered]
    return Judged(
        id=mutant.id,
        program=mutant.program.name,
        operator=mutant.operator,
        part=mutant.part,
        hidden=question.hidden,
        population="equivalent" if found == _right(mutant.program.name, question.hidden) else answers,
        digest=found.digest,
    )


def ask(question: Question) -> dict[str, Any]:
    """What the oracle says about one mutant, and whether it is true."""
    mutant = find(question)
    start = process_time()
    result = asked(mutant.source, mutant.id, mutant.program, question.hidden)
    seconds = process_time() - start
    return {
        "outcome": outcome_of(result),
        "claim": "none" if result.ok else judged(mutant, question.hidden, result),
        "slugs": tuple(mistake.slug for mistake in result.mistakes),
        "other": result.ok and result.conventions != mutant.program.conventions,
        "seconds": seconds,
        "text": str(result),
    }


def asked(source: str, name: str, program: Program, hidden: int) -> Result:
    """The check of one text as somebody would run it: nothing is declared but how deep its networks can be."""

    def fresh() -> Function:
        return load(source, name)

    return check(fresh(), fresh=fresh, layers=hidden, name=name)


def judged(mutant: Mutant, hidden: int, result: Result) -> str:
    """Whether it is true: on networks that were drawn for this alone."""
    plans = random_plans(seed=hidden, hidden=hidden, count=UNSEEN)
    unseen = cases_of(load(mutant.source, mutant.id), result.conventions, plans, seed=1)
    return claim_of(result, unseen, mutant.equations)


def population(parts: Sequence[str], depths: Sequence[int], keep: Callable[[Mutant], bool]) -> list[Question]:
    """Every mutant of some parts at every depth that its program takes."""
    return [
        Question(mutant.id, part, hidden)
        for program in PROGRAMS.values()
        for part in parts
        for hidden in program.depths()
        if hidden in depths
        for mutant in mutants(program.name, part).values()
        if keep(mutant)
    ]


def score(
    processes: int,
    parts: Sequence[str] = PARTS,
    depths: Sequence[int] = (1, 2, 3),
    keep: Callable[[Mutant], bool] = lambda mutant: True,
) -> list[Judged]:
    """Every mutant, sorted out and asked about; of mutants that are the same function one is asked about for all.

    Parameters
    ----------
    processes
        How many work at once.
    parts, depths, keep
        Which mutants.
    """
    questions = population(parts, depths, keep)
    sorted_out = each(sort_out, questions, processes, "mutants over the finite field")
    first: dict[tuple[str, int, str], Question] = {}
    for question, judgement in zip(questions, sorted_out, strict=True):
        first.setdefault(_function(judgement), question)
    asked_about = list(first.values())
    answers = each(ask, asked_about, processes, "mutants asked about")
    said = dict(zip(first, answers, strict=True))
    return [combined(judgement, said[_function(judgement)]) for judgement in sorted_out]


def _function(judgement: Judged) -> tuple[str, int, str]:
    """What is equal for mutants that are the same function; those that raise are each their own."""
    is_total = judgement.population in ("wrong", "equivalent")
    return judgement.program, judgement.hidden, judgement.digest if is_total else judgement.id


def combined(judgement: Judged, answer: dict[str, Any]) -> Judged:
    """What a mutant is, and what was said of it: on other networks than the field's it may not have answered."""
    is_wrong = judgement.population == "wrong"
    is_partial = is_wrong and any(slug in NO_ANSWER for slug in answer["slugs"])
    return Judged(**{**vars(judgement), **answer} | ({"population": "sometimes answers"} if is_partial else {}))


def counts(found: Sequence[Judged], by: Callable[[Judged], str]) -> dict[str, int]:
    """How often each value of a property occurs."""
    return dict(sorted(Counter(by(judgement) for judgement in found).items()))
