"""The oracle's own score: mutants, what proves one of them right, what judges a claim, and the committed report."""

import ast
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.score import checkers, confusion, mutation, sections  # noqa: E402
from benchmarks.score.catalogued import deviations, wrong_backprop  # noqa: E402
from benchmarks.score.elements import Shifted  # noqa: E402
from benchmarks.score.equivalence import behaviour  # noqa: E402
from benchmarks.score.judging import claim_of, outcome_of  # noqa: E402
from benchmarks.score.mutants import PARTS, Mutant, compiled, mutants_of  # noqa: E402
from benchmarks.score.networks import cases_of, random_plans  # noqa: E402
from benchmarks.score.operators import OPERATORS  # noqa: E402
from benchmarks.score.points import point  # noqa: E402
from benchmarks.score.programs import PROGRAMS, Program, load  # noqa: E402
from benchmarks.score.report import as_markdown  # noqa: E402
from benchmarks.score.text import Text  # noqa: E402
from bptt_oracle.arithmetic.field import element, random_array  # noqa: E402
from bptt_oracle.bench.differences import numeric_gradients  # noqa: E402
from bptt_oracle.oracle.conventions import Conventions  # noqa: E402
from bptt_oracle.oracle.verdict import check  # noqa: E402

REPORT = ROOT / "reports" / "oracle.json"
COLUMNS = PROGRAMS["columns_lists"]
ONE = Conventions(h0=True)
each_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


# ---- the operators, each on a small source


def changed(operator: str, line: str, kinds: tuple[tuple[str, ...], ...] = ()) -> list[str]:
    """What an operator makes of one line of a backward part."""
    first, _, rest = line.partition("\n")
    text = Text(f"def f():\n    # backward\n    {first}  # (43)\n{rest}")
    found = [
        text.replaced(change.node, change.text)
        for node in text.nodes("backward")
        for change in OPERATORS[operator](text, node, kinds)
    ]
    for source in found:
        ast.parse(source)
    return [source.split("\n")[2].strip().removesuffix("  # (43)") for source in found]


@pytest.mark.parametrize(
    ("operator", "line", "expected"),
    [
        ("drop-transpose", "dh = W.T @ dz", ["dh = W @ dz"]),
        ("drop-transpose", "dh = (a + b).T @ dz", ["dh = (a + b) @ dz"]),
        ("drop-operand", "dz = (1 - h) * dh", ["dz = 1 - h", "dz = dh", "dz = (1) * dh", "dz = (h) * dh"]),
        ("drop-operand", "dz = h**2", ["dz = h"]),
        ("drop-operand", "dW = np.outer(dz, h[t - 1])", ["dW = dz", "dW = h[t - 1]"]),
        ("drop-statement", "db += dz", ["pass"]),
        ("shift-index", "dz = h[t]", ["dz = h[t + 1]", "dz = h[t - 1]"]),
        ("shift-index", "dz = h[t - 1]", ["dz = h[t - 2]", "dz = h[t - 0]"]),
        ("shift-index", "dz = h[-1]", ["dz = h[0]", "dz = h[-2]"]),
        ("shift-index", "dz = h[1:]", ["dz = h[2:]", "dz = h[0:]"]),
        ("assign-for-add", "db += dz", ["db = dz"]),
        ("swap-signs", "db += dz", ["db -= dz"]),
        ("swap-signs", "dz = a + b - c", ["dz = a + b + c", "dz = a - b - c"]),
        ("swap-operands", "dh = W.T @ dz", ["dh = dz @ W.T"]),
        ("swap-operands", "dW = np.outer(dz, h)", ["dW = np.outer(h, dz)"]),
        ("swap-operands", "dW = dz.T.dot(h)", ["dW = h.dot(dz.T)"]),
        ("swap-operands", 'dW = np.einsum("ti,tj->ij", dz, h)', ['dW = np.einsum("ti,tj->ij", h, dz)']),
        ("reverse-loop", "for t in range(T):\n        pass", ["for t in reversed(range(T)):"]),
        ("reverse-loop", "for t in range(T)[::-1]:\n        pass", ["for t in range(T):"]),
        ("reverse-loop", "for t in reversed(x):\n        pass", ["for t in x:"]),
        ("negate", "dz = a + b", ["dz = -(a + b)", "dz = -a + b"]),
        ("inner-for-outer", "dW = np.outer(dz, h)", ["dW = np.inner(dz, h)"]),
        ("inner-for-outer", "dW = dz @ h.T", ["dW = dz.T @ h"]),
        ("wrong-axis", "db = dz.sum(axis=0)", ["db = dz.sum(axis=1)", "db = dz.sum(axis=None)"]),
    ],
)
def test_operator_changes_the_text_as_pinned(operator: str, line: str, expected: list[str]) -> None:
    assert changed(operator, line) == expected


def test_shifting_moves_the_bounds_of_a_loop_but_not_its_step() -> None:
    found = changed("shift-index", "for t in range(T - 1, -1, -1):\n        pass")
    assert found == [f"for t in range({bounds}, -1):" for bounds in ("T - 2, -1", "T - 0, -1", "T - 1, 0", "T - 1, -2")]


def test_a_name_is_replaced_by_those_of_its_kind_and_no_others() -> None:
    kinds = (("dz", "dh"), ("'H'", "'W'"))
    assert changed("replace-name", 'dh = p["H"] @ dz + b', kinds) == ['dh = p["W"] @ dz + b', 'dh = p["H"] @ dh + b']


def test_every_operator_is_pinned_and_occurs_in_both_parts() -> None:
    occurring = {part: {m.operator for p in PROGRAMS for m in mutation.mutants(p, part).values()} for part in PARTS}
    assert occurring["backward"] == occurring["forward"] == set(OPERATORS)


# ---- the programs and their mutants


@each_program
def test_every_program_is_right(program: Program) -> None:
    result = check(load(program.source, program.name), layers=program.hidden, diagnose=False)
    assert result.ok, str(result)
    assert result.conventions == program.conventions


@each_program
def test_every_statement_of_a_part_names_the_equations_that_it_carries_out(program: Program) -> None:
    text = Text(program.source)
    unmarked = [
        ast.unparse(node)
        for node in ast.walk(text.tree)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.For) and text.part(node) and not text.equations(node)
    ]
    assert unmarked == []


@each_program
def test_mutants_are_distinct_and_keep_their_names(program: Program) -> None:
    for part in PARTS:
        found = list(mutation.mutants(program.name, part).values())
        assert len(found) > 50
        assert len({mutant.source for mutant in found}) == len(found)
        assert all(mutant.equations for mutant in found)


def test_what_differs_in_form_alone_is_one_mutant() -> None:
    assert compiled("def f(a):\n    return (a + 1)\n") == compiled("def f(a):\n  return a+1  # (43)\n")
    assert compiled("def f(a): return a + 1") != compiled("def f(a): return a - 1")
    ids = [mutant.id for mutant in mutants_of(COLUMNS, "backward")]
    assert len(set(ids)) == len(ids) == len(mutation.mutants("columns_lists", "backward"))


def transpose_dropped() -> Mutant:
    """H for H^T in the recursion."""
    found = mutation.mutants("columns_lists", "backward").values()
    return next(each for each in found if each.operator == "drop-transpose" and '["H"] @ dz' in each.diff())


def test_a_mutant_shows_what_was_changed() -> None:
    mutant = transpose_dropped()
    assert mutant.equations == {43}
    assert mutant.diff().splitlines() == [
        '-            dh = params[l + 1]["W"].T @ dz + params[l]["H"].T @ dz_next[l]  # (43)',
        '+            dh = params[l + 1]["W"].T @ dz + params[l]["H"] @ dz_next[l]  # (43)',
    ]


# ---- what is the same function


def is_equivalent(old: str, new: str, hidden: int = 3, program: Program = COLUMNS) -> bool:
    assert program.source.count(old) == 1, old
    right, mutated = program.source, program.source.replace(old, new)
    return behaviour(mutated, program.conventions, hidden) == behaviour(right, program.conventions, hidden)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("np.exp(scores - np.max(scores))", "np.exp(scores + 3 * 0 - np.max(scores))"),
        ("np.exp(scores - np.max(scores))", "np.exp(scores)"),
        ("np.exp(scores - np.max(scores))", "np.exp(scores - np.max(z[0]))"),
        ("(1 - np.tanh(zs[t][l]) ** 2) * dh", "(1 - hs[t + 1][l] * hs[t + 1][l]) * dh"),
        ("dz = dz / T", "dz = dz * (1.0 / T)"),
    ],
)
def test_the_same_function_written_otherwise_is_equivalent(old: str, new: str) -> None:
    assert is_equivalent(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("np.exp(scores - np.max(scores))", "np.exp(scores - scores)"),
        ("e = np.exp(scores - np.max(scores))", "e = np.exp(scores) - np.max(scores)"),
        ("(1 - np.tanh(zs[t][l]) ** 2) * dh", "(1 - np.tanh(zs[t][l]) ** 3) * dh"),
        ('params[l]["H"].T @ dz_next[l]', 'params[l]["H"] @ dz_next[l]'),
        ("dz = ps[t].copy()", "dz = ps[t]; h0[0] += 1"),
        ("dz = dz / T", "dz = dz / T + 1 - 1.0 * T / T + dz * 0 + (T - 1) * (T - 2) * (T - 3) * (T - 4)"),
    ],
)
def test_another_function_is_not_equivalent(old: str, new: str) -> None:
    assert not is_equivalent(old, new)


def test_what_needs_a_second_hidden_layer_is_equivalent_with_one() -> None:
    old, new = "hs[t + 1][l - 1] if l > 0", "hs[t + 1][0] if l > 0"
    assert [is_equivalent(old, new, hidden) for hidden in (1, 2, 3)] == [True, True, False]


def test_what_a_first_call_leaves_behind_is_seen() -> None:
    program = PROGRAMS["cached_class"]
    assert not is_equivalent("        self.cache = []  # (4)\n", "", program=program)


def test_relu_keeps_the_sign_of_what_it_is_taken_of() -> None:
    program = PROGRAMS["relu_rows"]
    assert is_equivalent("(hs[t + 1][l] > 0)", "(0 < hs[t + 1][l])", program=program)
    assert not is_equivalent("(hs[t + 1][l] > 0)", "(hs[t + 1][l] > 1)", program=program)


def test_the_largest_logit_cancels_out_of_a_softmax_and_nowhere_else() -> None:
    a, b, m, power = random_array(np.random.default_rng(1), 4)
    shifted = [Shifted(u, -1, m, power) for u in (a, b)]
    exp = {int(u): random_array(np.random.default_rng(int(u) % 1000), 1)[0] for u in (a, b)}
    e = [s.exp(lambda u: exp[int(u)]) for s in shifted]
    assert e[0] / (e[0] + e[1]) == exp[int(a)] / (exp[int(a)] + exp[int(b)])
    assert e[0] != exp[int(a)]
    assert shifted[0].settled() == a - m
    assert (2 - shifted[0] * 3) / element(5) == (2 - (a - m) * 3) / element(5)


# ---- what judges a claim


def test_a_true_name_is_confirmed_and_a_false_one_refuted() -> None:
    mutant = transpose_dropped()
    result = mutation.asked(mutant.source, mutant.id, mutant.program, 1)
    assert [mistake.slug for mistake in result.mistakes][:1] == ["carry-untransposed"]
    assert outcome_of(result) == "named"
    unseen = cases_of(load(mutant.source, "mutant"), result.conventions, random_plans(1, 1, 3), seed=1)
    assert claim_of(result, unseen, mutant.equations) == "confirmed"
    renamed = tuple(
        replace(mistake, slug="carry-dropped", deviations=("carry-dropped",)) for mistake in result.mistakes
    )
    assert claim_of(replace(result, mistakes=renamed), unseen, mutant.equations) == "refuted"


@pytest.mark.parametrize("text", ["truncated-window(2)", "first-step-skipped@W-output", "signal-reversed", "scale(T)"])
def test_a_named_mistake_can_be_simulated_again(text: str) -> None:
    made = next(deviation for deviation in deviations() if str(deviation) == text)
    result = check(wrong_backprop([made], ONE.replace(batch="time-first")), layers=2)
    assert result.mistakes[0].slug == made.slug
    assert str(made) in result.mistakes[0].deviations


def test_a_trial_says_what_was_named() -> None:
    made = next(deviation for deviation in deviations() if deviation.slug == "carry-dropped")
    for networks in confusion.NETWORKS:
        named = confusion.name(confusion.Trial((made,), 1, networks, seed=3))
        assert (named.state, named.first, named.hits) == ("wrong", True, (True,))
    alone = confusion.name(
        confusion.Trial((next(d for d in deviations() if str(d) == "signal-reversed"),), 1, "its own", 3)
    )
    assert alone.state == "no effect"


# ---- other checkers


def test_central_differences_are_those_of_the_loss() -> None:
    where = point("probing", ONE, 1)
    at = where.of(load(COLUMNS.source, "right"))
    _, gradients = at(where.leaves)
    for step in checkers.STEPS:
        numeric = numeric_gradients(at, where.leaves, step)
        remainder, rounding = step * step, np.finfo(float).eps / step
        assert all((abs(n - g) <= 64 * (remainder + rounding)).all() for n, g in zip(numeric, gradients, strict=True))


def test_jax_lets_the_right_one_through_and_not_a_wrong_sign() -> None:
    from bptt_oracle.bench.check_with_jax import check_grads

    where = point("probing", ONE, 1)
    at = where.of(load(COLUMNS.source, "right"))
    assert check_grads(at, where.leaves)
    assert not check_grads(lambda leaves: (at(leaves)[0], [-g for g in at(leaves)[1]]), where.leaves)


# ---- end to end, and the committed report


@cache
def small() -> list[mutation.Judged]:
    """Some mutants that answer, with one hidden layer, sorted out and asked about in this process."""
    questions = mutation.population(PARTS, (1,), lambda mutant: mutant.program.name == "rows_by_layer")
    found = []
    for question in questions[::24]:
        judgement = mutation.sort_out(question)
        if judgement.population in ("wrong", "equivalent"):
            found.append(mutation.combined(judgement, mutation.ask(question)))
    return found


def test_some_mutants_end_to_end() -> None:
    found = small()
    wrong = [each for each in found if each.population == "wrong"]
    assert len(wrong) >= 2
    assert not [each.id for each in wrong if each.outcome == "accepted"]
    assert not [each.id for each in wrong if each.claim == "refuted"]
    assert all(each.outcome == "accepted" for each in found if each.population == "equivalent")
    data = sections.mutation_section(found)
    assert consistent(data) == []
    assert "By operator" in as_markdown({"mutants": data})


def consistent(data: dict[str, Any]) -> list[str]:
    """What does not add up in the section of the mutants."""
    faults = []
    for part, depths in data["parts"].items():
        for hidden, each in depths.items():
            at = f"{part}, {hidden}"
            wrong = each["populations"]["wrong"] - each["other"]
            sums = {
                "populations": (sum(each["populations"].values()), each["mutants"]),
                "outcomes": (sum(each["outcomes"].values()), wrong),
                "claims": (sum(each["claims"].values()), wrong),
                "sometimes": (
                    sum(each["outcomes of those that sometimes answer"].values()),
                    each["populations"]["sometimes answers"],
                ),
            }
            faults += [f"{at}: {name} are {a} and {b}" for name, (a, b) in sums.items() if a != b]
            explained = each["outcomes"]["named"] + each["outcomes"]["measured"]
            rate = each["rates"]["named or measured"]
            if rate != (round(explained / wrong, 4) if wrong else None):
                faults.append(f"{at}: rate {rate} of {explained} in {wrong}")
    return faults


def test_a_report_that_does_not_add_up_is_noticed() -> None:
    data = json.loads(json.dumps(sections.mutation_section(small())))
    data["parts"]["backward"]["1"]["outcomes"]["named"] += 1
    assert len(consistent(data)) == 2


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    return data


def test_committed_report_adds_up(report: dict[str, Any]) -> None:
    assert not report["quick"]
    assert consistent(report["mutants"]) == []
    for rows in (report["catalogue"]["alone"], report["catalogue"]["pairs"]):
        for each in [depth for depths in rows.values() for depth in depths.values()]:
            assert sum(each["states"].values()) == each["trials"]
            assert each["first"] >= 0
            assert each["all named"] <= each["states"]["wrong"]
    assert sum(report["alarms"]["by kind"].values()) == report["alarms"]["trials"]


def test_committed_report_is_of_these_programs_and_mistakes(report: dict[str, Any]) -> None:
    assert report["mutants"]["programs"] == json.loads(json.dumps(sections.mutation_section([])["programs"]))
    assert report["catalogue"]["deviations"] == [str(deviation) for deviation in deviations()]


def rates(report: dict[str, Any], part: str, name: str) -> Sequence[float]:
    return [each["rates"][name] for each in report["mutants"]["parts"][part].values()]


def test_committed_report_shows_what_is_promised(report: dict[str, Any]) -> None:
    assert report["alarms"]["trials"] >= 10_000
    assert report["alarms"]["false alarms"] == []
    assert report["mutants"]["accepted"] == {}
    one, two, _ = rates(report, "backward", "named or measured")
    assert one >= 0.85
    assert two >= 0.75
    assert min(rates(report, "backward", "at least located")) >= 0.98
    assert max(rates(report, "backward", "wrongly named, or to be read")) <= 0.01
    assert all(each["rates"]["first"] >= 0.99 for by in report["catalogue"]["alone"].values() for each in by.values())
    for depths in report["catalogue"]["pairs"].values():  # of the oracle's own networks, and of random ones
        wrong = sum(each["states"]["wrong"] for each in depths.values())
        assert sum(each["all named"] for each in depths.values()) >= 0.95 * wrong
