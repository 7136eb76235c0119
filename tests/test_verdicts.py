"""How verdicts follow from evidence: constructed evidence, changed in one place at a time, and a small real one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import pytest

from bptt_oracle import evidence as gathering
from bptt_oracle import jaxpr_walk, verification
from bptt_oracle.arithmetic.errors import PrecisionTooLowError
from bptt_oracle.arithmetic.formats import FORMATS
from bptt_oracle.catalogue import equation, equations
from bptt_oracle.certainty import Certainty
from bptt_oracle.checking import MODES, Key, Tallies, Tally
from bptt_oracle.evidence import Gathered, ball_evidence, field_evidence
from bptt_oracle.floating import SIDES, Floating, Side
from bptt_oracle.instances import Description
from bptt_oracle.manual import PRINTED, Quantities, registry
from bptt_oracle.nodes import Certificate
from bptt_oracle.theorems import Theorems
from bptt_oracle.verdicts import (
    Evidence,
    as_data,
    failing_lines,
    line_verdict,
    reading_verdict,
    verdict,
)
from bptt_oracle.verification import Missing, gather

World = Literal["field", "balls"]
WORLDS: tuple[World, ...] = ("field", "balls")

# Each is deep and long enough to meet every line of every equation, and the last has soft targets.
SHAPES = [
    Description(3, 4, (2, 3, 1, 2), seed=1),
    Description(4, 5, (1, 2, 3, 2, 3), h0="zero", seed=2),
    Description(3, 4, (2, 2, 3, 3), y="soft", seed=3),
]


# ---- constructed evidence


def agreeing() -> Tallies:
    """Every claim of every reading met once, with two comparisons that agree."""
    return {
        Key(entry.number, reading.variant, line.number, case, mode): Tally(instances=1, comparisons=2)
        for entry in equations().values()
        for reading in entry.readings
        for line in reading.lines
        for case in (range(1, len(line.cases) + 1) if line.cases else [0])
        for mode in MODES
    }


def within() -> dict[str, dict[int, Floating]]:
    """Floating results inside their bounds, in every format, for every equation."""
    return {
        name: {n: Floating(instances=1, sides={side: Side(entries=3) for side in SIDES}) for n in equations()}
        for name in FORMATS
    }


def complete() -> Evidence:
    """Evidence in which everything agrees."""
    return Evidence(
        gathered={world: Gathered(agreeing(), instances=1) for world in WORLDS},
        floating=within(),
        growth=[],
        certainty=Certainty(degrees=dict.fromkeys(agreeing(), 7), collisions=0, values=0),
        nodes=[],
        theorems=Theorems("not run here"),
        counterexamples={},
        claims=(),
        seed=0,
        missing={},
        uses=frozenset(),
        environment={},
    )


def verdicts(evidence: Evidence) -> dict[int, str]:
    """The verdict on each equation."""
    return {number: verdict(evidence, entry) for number, entry in equations().items()}


def changed(evidence: Evidence, change: Callable[[Tallies], object], world: World = "field") -> Evidence:
    """The evidence with the tallies of one world changed."""
    gathered = {name: deepcopy(found) for name, found in evidence.gathered.items()}
    change(gathered[world].tallies)
    return replace(evidence, gathered=gathered)


def failing(*keys: Key) -> Callable[[Tallies], None]:
    """One comparison of each of these claims disagrees."""

    def change(tallies: Tallies) -> None:
        for key in keys:
            tallies[key].failures["differs"] = 1

    return change


def key(number: int, line: int = 1, variant: Any = "printed", case: int = 0, mode: Any = "local") -> Key:
    return Key(number, variant, line, case, mode)


def test_where_everything_agrees_everything_holds() -> None:
    assert verdicts(complete()) == {
        number: "definition" if entry.kind == "definition" else "holds" for number, entry in equations().items()
    }


@pytest.mark.parametrize("world", WORLDS)
def test_without_one_of_the_arithmetics_nothing_is_verified(world: World) -> None:
    evidence = complete()
    rest = {name: found for name, found in evidence.gathered.items() if name != world}
    assert set(verdicts(replace(evidence, gathered=rest)).values()) == {"unverified"}


@pytest.mark.parametrize("world", WORLDS)
def test_an_undecided_instance_leaves_everything_unverified(world: World) -> None:
    evidence = complete()
    evidence.gathered[world].undecided.append("n=1,T=1,d=1.1")
    assert set(verdicts(evidence).values()) == {"unverified"}


def test_without_a_bound_for_the_field_nothing_is_verified() -> None:
    assert set(verdicts(replace(complete(), certainty=None)).values()) == {"unverified"}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("mode", MODES)
def test_one_disagreement_makes_the_line_fail(world: World, mode: str) -> None:
    evidence = changed(complete(), failing(key(10, line=3, mode=mode)), world)
    entry = equation(10)
    assert [line_verdict(evidence, entry, entry.printed, line) for line in entry.printed.lines] == [
        "holds",
        "holds",
        "fails",
        "holds",
    ]
    assert reading_verdict(evidence, entry, entry.printed) == "fails"
    assert {number for number, found in verdicts(evidence).items() if found == "unverified"} == {10}
    assert failing_lines(evidence.gathered) == {(10, 3): ["differs"]}


def test_a_failing_line_is_a_misprint_only_if_its_correction_holds() -> None:
    printed_fails = changed(complete(), failing(key(31)))
    assert verdicts(printed_fails)[31] == "misprint"
    both_fail = changed(printed_fails, failing(key(31, variant="corrected")))
    assert verdicts(both_fail)[31] == "unverified"
    balls_against_it = changed(printed_fails, failing(key(31, variant="corrected")), "balls")
    assert verdicts(balls_against_it)[31] == "unverified"
    correction_never_met = changed(printed_fails, lambda tallies: tallies.pop(key(31, variant="corrected")))
    assert verdicts(correction_never_met)[31] == "unverified"
    no_correction = changed(complete(), failing(key(33)))
    assert verdicts(no_correction)[33] == "unverified"


def test_a_definition_that_fails_is_a_misprint_too() -> None:
    assert equation(4).kind == "definition"
    assert verdicts(changed(complete(), failing(key(4, case=1))))[4] == "misprint"


def test_a_line_that_fails_stays_failing_whatever_else_is_missing() -> None:
    evidence = replace(changed(complete(), failing(key(31))), floating={}, certainty=None)
    evidence.gathered["field"].undecided.append("n=1,T=1,d=1.1")
    [line] = equation(31).printed.lines
    assert line_verdict(evidence, equation(31), equation(31).printed, line) == "fails"
    assert verdicts(evidence)[31] == "unverified"


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("case", [1, 2, 3])
def test_a_case_that_was_never_met_leaves_its_equation_unverified(world: World, case: int) -> None:
    def forget(tallies: Tallies) -> None:
        del tallies[key(43, case=case, mode="chained")]

    def empty(tallies: Tallies) -> None:
        tallies[key(43, case=case)].instances = 0

    for change in (forget, empty):
        found = verdicts(changed(complete(), change, world))
        assert {number for number, found in found.items() if found == "unverified"} == {43}


@pytest.mark.parametrize("world", WORLDS)
def test_each_tally_alone_decides_the_verdict_of_its_equation(world: World) -> None:
    evidence = complete()
    before = verdicts(evidence)
    for claim, tally in evidence.gathered[world].tallies.items():
        entry = equation(claim.number)
        tally.failures["differs"] = 1
        after = verdict(evidence, entry)
        if claim.variant == "printed":
            assert after == ("unverified" if entry.corrected is None else "misprint"), claim
        else:  # the correction of a print that holds is not needed
            assert after == before[claim.number]
            assert entry.corrected is not None
            assert reading_verdict(evidence, entry, entry.corrected) == "fails"
        tally.failures.clear()
    assert verdicts(evidence) == before


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("side", SIDES)
def test_floats_outside_their_bound_leave_the_equation_unverified(name: str, side: str) -> None:
    evidence = complete()
    evidence.floating[name][21].sides[side].outside = 1
    assert {number for number, found in verdicts(evidence).items() if found == "unverified"} == {21}


@pytest.mark.parametrize("side", SIDES)
def test_floats_that_were_never_compared_leave_the_equation_unverified(side: str) -> None:
    evidence = complete()
    evidence.floating["float32"][21].sides[side].entries = 0
    assert {number for number, found in verdicts(evidence).items() if found == "unverified"} == {21}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_did_not_run_leaves_everything_unverified(name: str) -> None:
    evidence = complete()
    rest = {format: found for format, found in evidence.floating.items() if format != name}
    assert set(verdicts(replace(evidence, floating=rest)).values()) == {"unverified"}


def test_the_data_are_the_verdicts_and_their_counts() -> None:
    evidence = changed(complete(), failing(key(31), key(33)))
    data = json.loads(json.dumps(as_data(evidence), allow_nan=False))
    assert {entry["number"]: entry["verdict"] for entry in data["equations"]} == verdicts(evidence)
    assert data["summary"] == {
        "equations": 46,
        "lines": 100,
        "definition": 5,
        "holds": 39,
        "misprint": 1,
        "unverified": 1,
    }
    of_31 = data["equations"][30]
    assert of_31["lines"][0]["failures"] == {"field": {"differs": 1, "comparisons": 4}}
    assert of_31["lines"][0]["corrected"]["verdict"] == "holds"
    assert of_31["evidence"]["field"]["reading"] == "corrected"
    assert of_31["evidence"]["field"]["disagreements"] == 0


def test_a_line_that_was_never_met_counts_no_shapes() -> None:
    evidence = changed(complete(), lambda tallies: [tallies.pop(k) for k in list(tallies) if k.number == 31])
    assert as_data(evidence)["equations"][30]["evidence"]["field"]["shapes"] == 0


# ---- a small real gathering


@pytest.fixture(scope="module")
def real() -> Evidence:
    """Both exact arithmetics on a few shapes; the floating results stand in."""
    field = Gathered()
    for description in SHAPES:
        field.add(field_evidence(description))
    return replace(complete(), gathered={"field": field, "balls": ball_evidence(SHAPES[0])})


def test_exactly_the_equations_with_a_correction_fail_as_printed(real: Evidence) -> None:
    with_correction = {number for number, entry in equations().items() if entry.corrected is not None}
    for gathered in real.gathered.values():
        assert {number for number, _ in failing_lines({"one": gathered})} == with_correction
    by_number = verdicts(real)
    assert {number for number, found in by_number.items() if found == "misprint"} == with_correction
    assert "unverified" not in by_number.values()


def test_no_correction_and_no_other_line_disagrees_anywhere(real: Evidence) -> None:
    for found in real.gathered.values():
        assert not [claim for claim, tally in found.tallies.items() if claim.variant == "corrected" and tally.failed]
        assert found.undecided == []


def test_lines_of_a_misprint_are_judged_one_by_one(real: Evidence) -> None:
    """(6) and (39) go wrong in one line each, of three."""
    for number, lines in {6: ["holds", "fails", "holds"], 39: ["fails", "holds", "holds"]}.items():
        entry = equation(number)
        assert [line_verdict(real, entry, entry.printed, line) for line in entry.printed.lines] == lines


def test_a_wrong_reading_is_found_by_the_first_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(q: Quantities, t: int) -> Iterator[Any]:
        for line in PRINTED[32](q, t):
            yield line + line

    monkeypatch.setitem(registry._printed, 19, wrong)
    found = field_evidence(SHAPES[0], (19, 32))
    assert failing_lines({"field": found}) == {(19, 1): ["differs"]}


# ---- jobs that cannot run


class Inline(Executor):
    """Runs each job at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def inline() -> Iterator[Executor]:
    yield Inline()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., Any]]:
    """The jobs of the verification, all but those over the field and balls standing in; to be replaced in a test."""
    standing_in: dict[str, Callable[..., Any]] = {
        "floating.floating_evidence": lambda descriptions, name: within()[name],
        "growth.growth": lambda name, seed: [],
        "claims.claims": lambda seed: [],
        "nodes.certificates": lambda seed: [],
        "certainty.certainty": lambda descriptions: complete().certainty,
        "evidence.recorded_uses": lambda description: frozenset(),
        "evidence.field_evidence": lambda description: Gathered(agreeing(), instances=1),
        "evidence.ball_evidence": lambda description: Gathered(agreeing(), instances=1),
        "counterexamples.smallest": lambda *claim: None,
    }
    assert sorted(standing_in) == sorted(verification.JOBS.values())
    for name in standing_in:
        monkeypatch.setattr(f"bptt_oracle.{name}", lambda *arguments, name=name: standing_in[name](*arguments))
    monkeypatch.setattr(verification, "workers", inline)
    return standing_in


def test_with_nothing_missing_everything_is_verified(jobs: dict[str, Callable[..., Any]]) -> None:
    evidence = gather(1, 1, 1, 0)
    assert dict(evidence.missing) == {}
    assert verdicts(evidence) == verdicts(complete())


@pytest.mark.parametrize("job", ["evidence.field_evidence", "evidence.ball_evidence", "floating.floating_evidence"])
@pytest.mark.parametrize(
    "error", [PrecisionTooLowError("too wide"), jaxpr_walk.UnknownPrimitiveError("no rule for 'erf'")]
)
def test_a_job_that_cannot_run_is_named_and_leaves_its_equations_unverified(
    jobs: dict[str, Callable[..., Any]], job: str, error: Exception
) -> None:
    there, calls = jobs[job], []

    def refuse_once(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise error
        return there(*arguments)

    jobs[job] = refuse_once
    evidence = gather(1, 1, 1, 0)
    assert len(calls) > 2
    [world] = [stage for stage, function in verification.JOBS.items() if function == job]
    assert dict(evidence.missing) == {world: str(error)}
    assert set(verdicts(evidence).values()) == {"unverified"}
    assert as_data(evidence)["missing"] == {world: str(error)}


@pytest.mark.parametrize("job", ["certainty.certainty", "claims.claims", "nodes.certificates", "growth.growth"])
def test_a_side_job_that_cannot_run_is_named(jobs: dict[str, Callable[..., Any]], job: str) -> None:
    def refuse(*arguments: Any) -> Any:
        raise PrecisionTooLowError("too wide")

    jobs[job] = refuse
    evidence = gather(1, 1, 1, 0)
    assert dict(evidence.missing) == {job.split(".")[0]: "too wide"}
    assert ("unverified" in verdicts(evidence).values()) == (job == "certainty.certainty")


def test_counterexamples_that_cannot_be_found_are_named_and_change_no_verdict(
    jobs: dict[str, Callable[..., Any]],
) -> None:
    def refuse(*arguments: Any) -> Any:
        raise PrecisionTooLowError("too wide")

    def one_fails(description: Description) -> Gathered:
        tallies = agreeing()
        failing(key(31))(tallies)
        return Gathered(tallies, instances=1)

    jobs["counterexamples.smallest"], jobs["evidence.field_evidence"] = refuse, one_fails
    evidence = gather(1, 1, 1, 0)
    assert dict(evidence.missing) == {"counterexamples": "too wide"}
    assert verdicts(evidence)[31] == "misprint"
    assert evidence.counterexamples == {}


def test_instances_that_stay_undecided_are_named(jobs: dict[str, Callable[..., Any]]) -> None:
    there = jobs["evidence.ball_evidence"]

    def undecided(description: Description) -> Gathered:
        return Gathered(undecided=[str(description)]) if description.T == 5 else there(description)

    jobs["evidence.ball_evidence"] = undecided
    evidence = gather(1, 1, 1, 0)
    descriptions = gathering.Plan(1, 1, 1, 0).descriptions("balls")
    wide = [str(description) for description in descriptions if description.T == 5]
    assert dict(evidence.missing) == {
        "balls": f"{len(wide)} of {len(descriptions)} instances decide nothing, because enclosures stay too wide "
        f"or a divisor is zero, the first of them {wide[0]}"
    }
    assert set(verdicts(evidence).values()) == {"unverified"}


def test_an_error_that_is_no_refusal_is_not_swallowed(jobs: dict[str, Callable[..., Any]]) -> None:
    def broken(*arguments: Any) -> Any:
        raise ZeroDivisionError("a mistake in the program")

    jobs["evidence.field_evidence"] = broken
    with pytest.raises(ZeroDivisionError, match="a mistake in the program"):
        gather(1, 1, 1, 0)


def test_a_primitive_without_a_rule_is_named_by_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(jaxpr_walk.RULES, "dot_general")
    found = verification._run("field", (SHAPES[0],))
    assert isinstance(found, Missing)
    assert "dot_general" in found.why


def test_precision_too_low_to_decide_leaves_the_instance_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PRECISIONS", (24, 53))
    found = ball_evidence(SHAPES[0])
    assert found.undecided == [str(SHAPES[0])]
    assert found.tallies == {}


def test_jobs_in_processes_of_their_own_find_the_same() -> None:
    told: list[tuple[str, int, int]] = []
    with verification.workers() as executor:
        stages = verification._Stages(executor, lambda *progress: told.append(progress))
        stages.start("field", [(description,) for description in SHAPES[:2]])
        results = stages.results("field")
    assert results == [field_evidence(description) for description in SHAPES[:2]]
    assert told[0] == ("field", 0, 2)
    assert ("field", 2, 2) in told


def test_a_certificate_that_contradicts_an_equation_leaves_it_unverified() -> None:
    against = Certificate("node-step-H-17", "gradient of J^(i) in H", 17, instances=20, disagreements=1, seed=0)
    found = verdicts(replace(complete(), nodes=[against]))
    assert found.pop(17) == "unverified"
    assert "unverified" not in found.values()
    assert "unverified" not in verdicts(replace(complete(), nodes=[replace(against, disagreements=0)])).values()


@pytest.mark.parametrize(("given", "found"), [(None, "false"), ("true", "true")])
def test_no_process_takes_an_accelerator_for_itself(
    monkeypatch: pytest.MonkeyPatch, given: str | None, found: str
) -> None:
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    monkeypatch.delenv(name, raising=False)
    if given is not None:
        monkeypatch.setenv(name, given)
    with verification.workers() as executor:
        assert executor.submit(os.getenv, name).result() == found
    assert os.environ.get(name) == given
