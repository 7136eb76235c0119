"""The verdict: no right backprop is rejected, no wrong one accepted, and the text says what to do."""

import json
import statistics
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from implementations import ACTIVATION, WRONG, Backprop, implementation, textbook

import bptt_oracle
from bptt_oracle import GradientError, assert_correct, check
from bptt_oracle.manual import Batch, forward_batch, one_pass_batch
from bptt_oracle.oracle import comparison
from bptt_oracle.oracle import inquiry as inquiries
from bptt_oracle.oracle import truth as truths
from bptt_oracle.oracle.answers import Answer, Case, Truth
from bptt_oracle.oracle.calling import Callee
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.detection import detect
from bptt_oracle.oracle.inquiry import Inquiry
from bptt_oracle.oracle.mistakes import mistake
from bptt_oracle.oracle.probes import PLANS, Probe
from bptt_oracle.oracle.result import Discrepancy, Result
from bptt_oracle.oracle.text import text
from bptt_oracle.oracle.truth import truth_of

ROOT = Path(__file__).parents[1]
FULL = Conventions(batch="time-first", layout="rows", h0=True)


# ------------------------------------------------------------------------------------------------- right and wrong


def test_bounds_are_worked_out_only_for_what_is_not_right_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded: list[int] = []

    def counted(self: Truth) -> Any:
        bounded.append(1)
        return self.bounded()

    monkeypatch.setattr(Truth, "limits", property(counted))
    c = Conventions(h0=True)
    assert check(implementation(c)).ok
    assert not bounded
    assert not check(textbook(*next(iter(WRONG.values())))).ok
    assert bounded


def test_a_right_backprop_is_right_on_every_network() -> None:
    result = check(implementation(FULL))
    assert result.ok
    assert (result.mistakes, result.discrepancies, result.limits, result.remarks) == ((), (), (), ())
    assert [network.split()[0] for network in result.asked] == [plan.name for plan in PLANS]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_backprop_is_wrong(name: str) -> None:
    result = check(textbook(*WRONG[name]), seed=list(WRONG).index(name), diagnose=False)
    assert not result.ok
    assert result.mistakes
    assert result.discrepancies


@pytest.mark.parametrize(
    ("plan", "name"), list(zip(PLANS, cycle("HWb"), strict=False)), ids=lambda value: getattr(value, "name", value)
)
def test_one_wrong_entry_in_one_network_is_enough(plan: Any, name: str) -> None:
    right, T = implementation(FULL), plan.T

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        loss, grads = right(params, x, y, h0)
        if len(x) == T and x.shape[2] == plan.d[0]:
            entry = np.unravel_index(abs(grads[0][name]).argmax(), grads[0][name].shape)
            grads[0][name][entry] *= 1 + 2.0**-20
        return loss, grads

    result = check(f, diagnose=False, batch="time-first", layout="rows")
    assert not result.ok
    (found,) = result.discrepancies
    assert (found.probe.split()[0], found.tensor, found.outside) == (plan.name, f"dJ/d{name}^(1)", 1)
    assert found.difference > found.bound


def test_a_wrong_loss_alone_is_wrong() -> None:
    result = check(textbook(("loss += -np.log(p[t][y[t]]) / T", "loss += -np.log(p[t][y[t]]) / T + 2.0**-40")))
    assert (result.ok, [m.slug for m in result.mistakes]) == (False, ["located", "loss"])
    assert {d.tensor for d in result.discrepancies} == {"J"}


def test_the_diagnosis_never_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    from bptt_oracle.oracle import diagnosis

    monkeypatch.setattr(diagnosis, "diagnose", lambda cases, budget: [])
    wrong = check(textbook(*WRONG["clipped"]))
    assert (wrong.ok, [m.slug for m in wrong.mistakes]) == (False, ["loss-and-gradient"])
    monkeypatch.setattr(diagnosis, "diagnose", lambda cases, budget: pytest.fail("there is nothing to diagnose"))
    assert check(textbook()).ok


def test_the_answers_are_held_against_the_truth_that_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(probe: Probe, conventions: Conventions, source: str) -> Truth:
        right = truth_of(probe, conventions)
        return right if source == "manual" else replace(right, loss=right.loss + 1, source=source)

    monkeypatch.setattr(inquiries, "truth_of", other)
    inquiries._solved.cache_clear()
    result = check(textbook(), truth="jax")
    inquiries._solved.cache_clear()
    assert (result.ok, result.truth) == (False, "jax")
    assert {d.tensor for d in result.discrepancies} == {"J"}
    assert len(result.discrepancies) == len(result.asked)


# ---------------------------------------------------------------------------------------------------- the comparison


def case_of(f: Backprop) -> Case:
    case = Inquiry(Callee(f), 3, "manual").case(PLANS[0], Conventions())
    assert isinstance(case, Case)
    return case


def test_the_largest_discrepancy_comes_first() -> None:
    result = check(textbook(*WRONG["H is not transposed"]), diagnose=False)
    shares = [d.difference / d.bound for d in result.discrepancies]
    assert shares == sorted(shares, reverse=True)
    assert min(shares) > 1


def test_a_discrepancy_is_the_worst_entry_of_a_tensor() -> None:
    case = case_of(textbook())
    bounds = case.truth.bounds[0]["H"]
    case.answer.grads[0]["H"][1, 2] = case.truth.grads[0]["H"][1, 2] + 8 * bounds[1, 2]
    case.answer.grads[0]["H"][3, 0] = case.truth.grads[0]["H"][3, 0] - 4 * bounds[3, 0]
    (found,) = comparison.discrepancies(case)
    assert (found.tensor, found.entry, found.outside, found.size) == ("dJ/dH^(1)", (1, 2), 2, 16)
    assert (found.yours, found.truth) == (case.answer.grads[0]["H"][1, 2], case.truth.grads[0]["H"][1, 2])
    assert (found.difference, found.bound) == (abs(found.yours - found.truth), bounds[1, 2])


def test_an_entry_at_its_bound_is_inside_and_one_beyond_it_is_not() -> None:
    case = case_of(textbook())
    right, bound = case.truth.grads[0]["b"], case.truth.bounds[0]["b"]
    case.answer.grads[0]["b"][:] = right
    assert comparison.outside(case.answer, case.truth) == set()
    for sign in (1, -1):
        case.answer.grads[0]["b"][2] = right[2] + sign * 1.5 * bound[2]
        assert comparison.outside(case.answer, case.truth) == {"dJ/db^(1)"}
        case.answer.grads[0]["b"][2] = right[2] + sign * 0.75 * bound[2]
        assert comparison.outside(case.answer, case.truth) == set()


def test_a_loss_that_appears_or_vanishes_is_a_difference() -> None:
    case = case_of(textbook())
    silent = Answer(None, case.answer.grads)
    assert comparison.differ(case.answer, silent, case.truth) == ["J"]
    assert comparison.differ(silent, case.answer, case.truth) == ["J"]
    assert comparison.differ(case.answer, case.answer, case.truth) == []


# ------------------------------------------------------------------------------------------------------- cost


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
def test_the_verdict_is_quick_and_costs_little_beside_f(is_first: bool) -> None:
    """All of it, f included, is at most 5 times f: also of the first check in a process, which has all to work out."""
    right, inside = implementation(FULL), [0.0]

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        start = time.thread_time()
        answer = right(params, x, y, h0)
        inside[0] += time.thread_time() - start
        return answer

    shares, quickest = [], float("inf")
    for _ in range(5):
        if is_first:
            inquiries.forget()
        inside[0], busy, start = 0.0, time.process_time(), time.perf_counter()
        assert check(f).ok
        shares.append((time.process_time() - busy) / inside[0])
        quickest = min(quickest, time.perf_counter() - start)
    assert quickest < 1
    assert statistics.median(shares) < 5


def test_what_is_right_is_recognized_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """In what form f is asked, and which J it differentiates: an answer that is near to a truth is right anyway."""

    def bounded(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("bounds are worked out")

    def detected(f: Backprop) -> Conventions:
        with closing(Callee(f)) as callee:
            return detect(Inquiry(callee, 2016, "manual"), {}, 3).conventions

    monkeypatch.setattr(truths, "bounds_of", bounded)
    changes: tuple[dict[str, Any], ...] = ({}, {"activation": "logistic", "over_time": "last"}, {"targets": "rows"})
    for conventions in (FULL.replace(**each) for each in changes):
        inquiries.forget()
        assert detected(implementation(conventions)) == conventions
    with pytest.raises(AssertionError, match="bounds are worked out"):
        detected(textbook(*WRONG["f' is taken of h"]))


def test_networks_and_truths_are_kept_until_they_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[Probe] = []

    def counted(probe: Probe, conventions: Conventions, source: str) -> Truth:
        solved.append(probe)
        return truth_of(probe, conventions, source)

    monkeypatch.setattr(inquiries, "truth_of", counted)
    inquiries.forget()
    assert check(textbook()).ok
    first = len(solved)
    assert check(textbook()).ok
    assert len(solved) == first > 0
    inquiries.forget()
    assert check(textbook()).ok
    assert len(solved) == 2 * first


def test_a_verdict_imports_nothing_heavy() -> None:
    program = """
import sys
import bptt_oracle
assert "numpy" not in sys.modules
from implementations import textbook
assert bptt_oracle.check(textbook()).ok
assert not bptt_oracle.check(textbook(("H.T @ dz_next", "H @ dz_next")), diagnose=False).ok
print([name for name in ("jax", "rich", "matplotlib", "flint", "hypothesis", "pytest") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "[]\n"


FIRST = """
import sys
from bptt_oracle import check
from right import backprop

known = set(sys.modules)
assert check(backprop).ok
print(*sorted(name for name in set(sys.modules) - known if name.partition(".")[0] in ("numpy", "bptt_oracle")))
print("bptt_oracle.oracle.probes" in known)
"""


def test_the_first_check_loads_nothing_more() -> None:
    """NumPy loads its random numbers on first use, which would count as time of the first check."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST],
        cwd=ROOT / "examples" / "numpy",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["", "True"]


def test_the_names_of_the_package_are_found_on_first_use() -> None:
    assert all(getattr(bptt_oracle, name).__name__ == name for name in bptt_oracle.__all__)
    with pytest.raises(AttributeError, match="no attribute 'checks'"):
        getattr(bptt_oracle, "checks")  # noqa: B009 - a type checker knows that it is not there


# ------------------------------------------------------------------------------------------------------- the text


def test_assert_correct_raises_with_the_whole_text() -> None:
    assert_correct(textbook())
    with pytest.raises(GradientError) as raised:
        assert_correct(textbook(*WRONG["H meets h(t)"]), diagnose=False, seed=7)
    assert isinstance(raised.value, AssertionError)
    assert str(raised.value) == str(raised.value.result)
    assert str(raised.value).startswith("WRONG: backprop, asked about 10 networks\n")


def test_a_network_of_a_given_size_is_asked_about_alone() -> None:
    shapes = []

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        shapes.append((x.shape, [layer["W"].shape for layer in params]))
        return implementation(FULL)(params, x, y, h0)

    result = check(f, widths=(6, 12, 9, 5), T=11, B=3, layout="rows", batch="time-first")
    assert result.ok
    assert result.asked == ("sized (n=3, T=11, B=3, d=6.12.9.5, seed=2016)",)
    assert result.limits == ("asked about one network alone, of the size that was given, in float64",)
    assert shapes == [((11, 3, 6), [(6, 12), (12, 9), (9, 5)])] * 2
    assert result.again == (
        "bptt_oracle.check(f, seed=2016, widths=(6, 12, 9, 5), T=11, B=3, layout='rows', batch='time-first', "
        "precision='float64')"
    )


@pytest.mark.parametrize("name", [name for name in WRONG if not name.startswith("clipped")])  # its gradients are small
def test_a_wrong_backprop_is_wrong_at_a_given_size(name: str) -> None:
    result = check(textbook(*WRONG[name]), widths=[7, 12, 6], diagnose=False)
    assert not result.ok
    assert result.discrepancies


def test_a_batch_that_cannot_be_asked_about_is_a_limit() -> None:
    limit = "asked about one sequence, not about B = 4: f takes no batch"
    assert limit in check(textbook(), widths=(3, 4, 5), B=4).limits
    assert limit not in check(textbook(), widths=(3, 4, 5)).limits
    assert limit not in check(implementation(Conventions(batch="time-first")), widths=(3, 4, 5), B=4).limits


def test_a_mistake_is_named_at_a_given_size() -> None:
    result = check(textbook(*WRONG["f' is taken of h"]), widths=(6, 12, 5))
    assert [m.slug for m in result.mistakes] == ["slope-of-h"]
    assert result.mistakes[0].certainty == "reproduced exactly on 1 network"


@pytest.mark.parametrize("activation", list(ACTIVATION))
def test_a_right_backprop_is_right_at_a_size_with_every_activation(activation: str) -> None:
    result = check(implementation(FULL.replace(activation=activation)), widths=(8, 30, 24, 10))
    assert result.ok, result
    assert result.conventions.activation == activation


def test_a_check_of_many_parameters_costs_little_beside_f() -> None:
    """Beside the two gradients that it asks for, twice their cost: measured with a whole batch in each product."""

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        start = time.process_time()
        answer = one_pass_of(params, x, y, h0)
        spent.append(time.process_time() - start)
        return answer

    options: dict[str, Any] = {"widths": (64, 160, 160, 50), "T": 20, "B": 32, "batch": "time-first"}
    ratios = []
    for seed in range(5):
        spent: list[float] = []
        start = time.process_time()
        assert check(f, seed=seed, **options).ok
        whole = time.process_time() - start
        ratios.append((whole - sum(spent)) / sum(spent))
    assert statistics.median(ratios) < 5


def one_pass_of(params: Any, x: Any, y: Any, h0: Any) -> Any:
    """The one-pass backprop for a whole batch, columns."""
    (T, B, _), layers = x.shape, dict(enumerate(params, start=1))
    net = Batch(
        H={l: layer["H"] for l, layer in layers.items() if "H" in layer},
        W={l: layer["W"] for l, layer in layers.items()},
        b={l: layer["b"] for l, layer in layers.items()},
        x=x,
        y=np.eye(len(params[-1]["b"]))[y],
        h0=dict(enumerate(h0, start=1)),
        weights=np.full(T, 1 / T),
        shares=np.full(B, 1 / B),
    )
    run = forward_batch(net)
    found = one_pass_batch(net, run)
    return float(run.loss), [
        ({"H": found.H[l]} if l in found.H else {}) | {"W": found.W[l], "b": found.b[l]} for l in layers
    ]


def test_a_result_is_plain_JSON_data() -> None:
    result = check(textbook(*WRONG["clipped"]), diagnose=False, activation=(np.tanh, lambda z: 1 - np.tanh(z) ** 2))
    data = json.loads(json.dumps(result.as_data(), allow_nan=False))
    assert data["ok"] is False
    assert data["conventions"]["activation"] == "given"
    assert data["mistakes"][0]["slug"] == "loss-and-gradient"


def test_the_text_of_a_right_backprop() -> None:
    result = check(textbook(), seed=4, name="my_backprop", layout="columns")
    assert str(result) == (
        "right: my_backprop, asked about 10 networks\n"
        "\n"
        "limit:        h(0) is zero in every network: f takes no h0\n"
        "limit:        takes 1 hidden layer only; networks with 2 and 3 were asked about with as many\n"
        "              instead: IndexError: index 3 is out of bounds for axis 0 with size 3\n"
        "conventions:  columns (z = W h), no batch, one bias, tanh, mean over t, y as classes, h(0) = 0,\n"
        "              float64; declared: layout; the rest found out\n"
        "held against: the one-pass backprop of section 4, whose equations this project verifies\n"
        "again:        bptt_oracle.check(my_backprop, seed=4, layout='columns')"
    )


def result_of_two_mistakes() -> Result:
    network = "plain (n=2, T=4, B=2, d=3.4.5, seed=4)"
    return Result(
        ok=False,
        mistakes=(
            mistake("carry-untransposed", certainty="reproduced exactly on 4 networks", alternatives=("carry-sign",)),
            mistake("exception", where=f"network {network}", detail="Traceback:\n  the line\nValueError: no"),
        ),
        discrepancies=tuple(
            Discrepancy(network, f"dJ/dH^({l})", (0, l), 0.25, 0.5, 0.25, 2.0**-40, l, 9) for l in range(6, 0, -1)
        ),
        conventions=FULL,
        declared=("h0", "layout"),
        remarks=("something",),
        asked=(network,),
        truth="jax",
        seed=4,
        name="f",
    )


def test_the_text_of_a_wrong_backprop() -> None:
    carry, raised = mistake("carry-untransposed"), mistake("exception")
    assert text(result_of_two_mistakes()) == (
        "WRONG: f, asked about 1 network\n"
        "\n"
        f"1. {carry.message} [carry-untransposed]\n"
        f"   where:        {carry.where}\n"
        f"   equation:     ({carry.equation}); see: bptt-oracle explain {carry.equation}\n"
        f"   looks like:   {carry.looks_like}\n"
        f"   instead:      {carry.remedy}\n"
        "   how sure:     reproduced exactly on 4 networks\n"
        "   or:           carry-sign\n"
        "\n"
        f"2. {raised.message} [exception]\n"
        "   where:        network plain (n=2, T=4, B=2, d=3.4.5, seed=4)\n"
        f"   instead:      {raised.remedy}\n"
        "   | Traceback:\n"
        "   |   the line\n"
        "   | ValueError: no\n"
        "\n"
        "outside the bounds, the largest first, entries counted from 0 (6 in all):\n"
        "   plain (n=2, T=4, B=2, d=3.4.5, seed=4): dJ/dH^(6): 6 of 9 outside the bound; the worst at [0, 6]:\n"
        "   yours 0.25, right 0.5, difference 0.25, bound 9.09e-13\n"
        "   plain (n=2, T=4, B=2, d=3.4.5, seed=4): dJ/dH^(5): 5 of 9 outside the bound; the worst at [0, 5]:\n"
        "   yours 0.25, right 0.5, difference 0.25, bound 9.09e-13\n"
        "   plain (n=2, T=4, B=2, d=3.4.5, seed=4): dJ/dH^(4): 4 of 9 outside the bound; the worst at [0, 4]:\n"
        "   yours 0.25, right 0.5, difference 0.25, bound 9.09e-13\n"
        "   plain (n=2, T=4, B=2, d=3.4.5, seed=4): dJ/dH^(3): 3 of 9 outside the bound; the worst at [0, 3]:\n"
        "   yours 0.25, right 0.5, difference 0.25, bound 9.09e-13\n"
        "   and 2 more\n"
        "\n"
        "remark:       something\n"
        "conventions:  rows (z = h W), batch of shape (T, B, d_0), one bias, tanh, mean over t, mean over the\n"
        "              batch, y as classes, h(0) passed as h0, float64; declared: layout, h0; the rest found\n"
        "              out\n"
        "held against: what JAX derives from the forward pass\n"
        "again:        bptt_oracle.check(f, seed=4, truth='jax', layout='rows', h0=True)"
    )


def test_the_text_has_no_escape_sequences_and_no_endless_lines() -> None:
    shown = str(check(lambda params, x, y: [{"W": 0}] * 10**4)) + str(result_of_two_mistakes())
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 120
