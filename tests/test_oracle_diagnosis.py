"""The diagnosis: every mistake of the catalogue is named, alone and with another; what is right is left alone."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bptt_oracle.oracle import diagnosis, laws, search
from bptt_oracle.oracle.accumulators import ACCUMULATORS
from bptt_oracle.oracle.answers import Answer, Case, Grads
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.deviations import TENSORS, Deviation, DeviationError, role
from bptt_oracle.oracle.diagnosis import diagnose
from bptt_oracle.oracle.explaining import explain
from bptt_oracle.oracle.laws import CARRIES, CLIPS, CUTS, ERRORS, ORDERS, SIGNALS, SLOPES, _through_time, backward
from bptt_oracle.oracle.matching import Item, evaluate, factor, form, same, sizes
from bptt_oracle.oracle.mistakes import catalogue, mistake
from bptt_oracle.oracle.probes import PLANS, Plan, draw
from bptt_oracle.oracle.text import _mistake
from bptt_oracle.oracle.truth import truth_of
from bptt_oracle.oracle.variations import FINISHES, simulate

SEED = 7
BATCHES = Conventions(batch="time-first", h0=True)
SINGLE = Conventions()
LOGISTIC_SUM = Conventions(batch="time-first", h0=True, activation="logistic", over_time="sum")
RELU = Conventions(batch="batch-first", h0=True, activation="relu", over_batch="sum", biases=2)


def cases(
    mistakes: tuple[str, ...],
    conventions: Conventions = BATCHES,
    most: int = 3,
    seed: int = SEED,
    plans: tuple[Plan, ...] = PLANS,
) -> list[Case]:
    """What a backprop with these mistakes answers about every network it can take."""
    found = []
    for plan in plans:
        probe = draw(plan, seed).reduced(conventions)
        answered = simulate(probe, conventions, mistakes)
        if plan.hidden <= most and answered is not None:
            found.append(Case(probe, conventions, Answer(None, answered), truth_of(probe, conventions)))
    return found


def named(found: list[Case]) -> list[str]:
    return sorted(m.slug for m in diagnose(found))


ACCUMULATED = {
    "current-state": "H", "state-two-steps-back": "H", "initial-state-wraps": "H", "state-before-activation": "H",
    "last-state": "H", "initial-state-everywhere": "H", "delta-for-state": "H", "inner-for-outer": "H",
    "elementwise-for-outer": "H", "elementwise-for-outer-by-rows": "H", "transposed": "H", "bias-averaged": "b",
    "own-state-for-input": "W", "bias-totalled": "b", "delta-without-state-by-columns": "H",
}  # fmt: skip
"""On which gradient an accumulator is tried; the others on W."""


def alone() -> Iterator[str]:
    """Every mistake of the catalogue that is a variation, as the text of a deviation."""
    for slug, entry in catalogue().items():
        if entry.kind != "variation":
            continue
        if slug in CUTS:
            yield f"{slug}(3)"
        elif slug in CLIPS or slug.startswith("clipped"):
            yield f"{slug}(1)"
        elif slug == "scale":
            yield "scale(T)"
        elif slug in ACCUMULATORS:
            yield f"{slug}@{ACCUMULATED.get(slug, 'W')}"
        else:
            yield slug


NOT_HERE = {
    "error-at-every-step": Conventions(batch="time-first", h0=True, over_time="last"),
    "slope-of-tanh": LOGISTIC_SUM,
}
"""Mistakes that mean something under other conventions only."""

ONLY_ON_EQUAL_WIDTHS = {"signal-through-H", "signal-untransposed", "own-state-for-input@W"}
"""These raise an exception where widths differ; one network is left to name them on."""


def test_the_catalogue_has_an_entry_for_every_variation_and_the_other_way_round() -> None:
    variations = {slug for slug, entry in catalogue().items() if entry.kind == "variation"}
    simulated = {*ERRORS, *SLOPES, *ORDERS, *CARRIES, *CUTS, *CLIPS, *SIGNALS, *ACCUMULATORS, *FINISHES} - {"right"}
    assert variations == simulated


@pytest.mark.parametrize("text", list(alone()))
def test_a_mistake_alone_is_named(text: str) -> None:
    conventions = NOT_HERE.get(text, BATCHES)
    found = cases((text,), conventions)
    deviation = Deviation.parse(text)
    mistakes = diagnose(found)
    assert [m.slug for m in mistakes] == [deviation.slug]
    assert mistakes[0].certainty.startswith("reproduced exactly on ")
    if deviation.parameter and deviation.slug != "scale":
        assert deviation.parameter in mistakes[0].message


@pytest.mark.parametrize("conventions", [SINGLE, LOGISTIC_SUM, RELU], ids=["no batch, no h0", "logistic, sum", "relu"])
@pytest.mark.parametrize("text", ["carry-untransposed", "carry-dropped", "current-state@H", "scale(1 / T)"])
def test_a_mistake_is_named_under_other_conventions(conventions: Conventions, text: str) -> None:
    assert named(cases((text,), conventions)) == [Deviation.parse(text).slug]


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("text", ["carry-untransposed", "slope-of-h", "first-step-only@W", "truncated-window(20)"])
def test_a_mistake_is_named_where_f_takes_few_layers(most: int, text: str) -> None:
    assert named(cases((text,), most=most)) == [Deviation.parse(text).slug]


PAIRS = [
    ("carry-untransposed", "current-state@H"),
    ("slope-of-h", "scale(T)"),
    ("target-late", "signal-reversed"),
    ("carry-dropped", "first-step-only@b"),
    ("slope-omitted", "carry-untransposed"),
    ("truncated-window(3)", "transposed@H"),
    ("truncated-chunks(20)", "delta-clipped-by-value(5)"),
    ("signal-lacks-time", "clipped-by-value(5)"),
    ("carry-after-slope", "scale(-1)@W-output"),
    ("last-step-only@W-output", "last-state@H"),
    ("delta-clipped-by-norm(5)", "bias-averaged@b"),
    ("steps-reversed@W-upper", "next-input-wraps@W-first"),
    ("clipped-by-global-norm(1)", "before-slope@H-first"),
    ("last-steps-only(3)", "current-state@H"),
    ("last-steps-only-hidden(3)", "carry-untransposed"),
    ("last-steps-only(2)", "target-late"),
    ("scale(1 / B)@H-first", "carry-dropped"),
    ("clipped-by-norm(0.1)@W-upper", "carry-untransposed"),
]


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(pair, id=" and ".join(pair), marks=[pytest.mark.slow] if i % 2 else [])
        for i, pair in enumerate(PAIRS)
    ],
)
def test_two_mistakes_are_both_named(pair: tuple[str, str]) -> None:
    assert named(cases(pair)) == sorted(Deviation.parse(text).slug for text in pair)


def test_of_laws_that_give_as_much_those_with_the_error_that_shows_come_first() -> None:
    """With no signal from the output layer nothing that hidden layers do can be seen: hundreds of laws are alike."""
    last = Conventions(batch="time-first", h0=True, over_time="last")
    assert named(cases(("signal-dropped@W-output", "error-at-every-step"), last)) == [
        "error-at-every-step",
        "signal-dropped",
    ]


def test_what_the_network_kept_back_alone_shows_is_named() -> None:
    """It has more steps than the window; the others have fewer, and show but the other mistake."""
    short = Plan("short", (3, 4, 5), T=3, B=2), Plan("other", (4, 2, 3), T=3, h0=True)
    deep = Plan("deep", (2, 5, 3, 4), T=3, B=2, h0=True), Plan("long", (3, 5, 4, 6, 2), T=6, B=3, h0=True)
    found = cases(("truncated-window(4)", "last-step-skipped@H"), plans=(*short, *deep))
    mistakes = diagnose(found)
    assert sorted(m.slug for m in mistakes) == ["last-step-skipped", "truncated-window"]
    assert all(m.certainty.endswith("one of which the search did not see") for m in mistakes)
    assert named(found[:-1]) == ["last-step-skipped"]


def test_three_mistakes_are_all_named() -> None:
    three = ("slope-of-h", "carry-untransposed", "signal-reversed")
    assert named(cases(three)) == sorted(three)


def test_a_right_backprop_has_no_mistake() -> None:
    for conventions in (BATCHES, SINGLE, RELU):
        assert diagnose(cases((), conventions)) == []


def test_random_gradients_get_no_name_from_the_catalogue() -> None:
    rng = np.random.default_rng(SEED)

    def garbage(grads: Grads) -> Grads:
        return [{name: rng.standard_normal(array.shape) for name, array in layer.items()} for layer in grads]

    found = [Case(c.probe, c.conventions, Answer(None, garbage(c.answer.grads)), c.truth) for c in cases(())]
    mistakes = diagnose(found)
    assert mistakes
    assert not {m.slug for m in mistakes} & catalogue().keys()


def test_a_search_ends_when_its_budget_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in what it works out: what would take three deviations is then not named, and the search is shorter."""
    found = cases(("slope-omitted", "carry-untransposed", "signal-dropped"), most=2)
    counted = [0]

    def counting(*arguments: Any) -> Any:
        counted[0] += 1
        return backward(*arguments)

    monkeypatch.setattr(search, "backward", counting)
    whole, calls = diagnose(found), counted[0]
    assert {m.slug for m in whole} == {"slope-omitted", "carry-untransposed", "signal-dropped"}
    counted[0] = 0
    monkeypatch.setattr(search, "MOST_WORK", 100_000)
    short = diagnose(found)
    assert counted[0] <= 100_000 / 100 < calls  # each law of at least one layer
    assert short
    assert not {m.slug for m in short} & {"slope-omitted", "carry-untransposed", "signal-dropped"}
    assert diagnose(found) == short


@pytest.mark.parametrize("most", [20_000, 500_000, search.MOST_WORK])
def test_no_search_does_much_more_than_its_budget_has(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On what takes longest: gradients of hidden layers that nothing explains, where every law is tried.

    What is worked out is counted here on its own, with what a layer and a step of it cost anyway: all of it is charged.
    """
    found, rng = cases(()), np.random.default_rng(SEED)
    for case in found:
        for layer in case.answer.grads[:-1]:
            for name, gradient in layer.items():
                layer[name] = gradient + rng.standard_normal(gradient.shape)
    done, budgets = [0.0], list[search.Budget]()

    class Watched(search.Budget):
        def __init__(self) -> None:
            super().__init__()
            budgets.append(self)

    def through_time(errors: Any, l: int, above: Any, *others: Any) -> None:
        done[0] += 90 + 8 * len(above)
        _through_time(errors, l, above, *others)

    def explained(view: Any, law: Any) -> Any:
        done[0] += 5000 * len(view.cases)
        return explain(view, law)

    monkeypatch.setattr(diagnosis, "Budget", Watched)
    monkeypatch.setattr(search, "MOST_WORK", most)
    monkeypatch.setattr(laws, "_through_time", through_time)
    monkeypatch.setattr(search, "explain", explained)
    said = diagnose(found)
    (budget,) = budgets  # one for both searches
    assert said
    assert budget.spent / 2 < done[0] <= budget.spent
    assert budget.spent < most + budget.most
    assert budget.most < 200_000


def test_what_two_entries_exclude_is_no_multiple() -> None:
    """Multiples and near-multiples, about as far off as rounding goes: the same as without the short cut."""
    rng, kept = np.random.default_rng(SEED), 0
    for trial in range(2000):
        candidate, rounding = rng.standard_normal((3, 4)), float(10.0 ** rng.uniform(-12, -1))
        off = rounding * rng.uniform(0, 2) * rng.uniform(-1, 1, (3, 4)) * abs(candidate).max()
        answered = rng.choice([-2.5, 1.0, 0.01]) * (candidate + off)
        item = Item(0, 1, "W", answered, rounding, False, float(abs(answered).max()))
        s = float(np.vdot(answered, candidate) / np.vdot(candidate, candidate))
        is_multiple = same(item, s * candidate)
        assert (factor(item, candidate) is not None) == is_multiple, trial
        kept += is_multiple
    assert 500 < kept < 1900
    assert factor(Item(0, 1, "b", np.zeros(3), 0.0, False, 0.0), np.zeros(3)) == 1
    assert factor(Item(0, 1, "b", np.ones(1), 0.0, False, 1.0), np.full(1, 2.0)) == 0.5


def test_an_explanation_that_fails_on_the_network_kept_back_is_not_given() -> None:
    found = cases(("carry-untransposed",))
    deepest = max(range(len(found)), key=lambda i: (found[i].probe.n, found[i].probe.B))
    other = cases(("carry-dropped",))
    mixed = [other[i] if i == deepest else case for i, case in enumerate(found)]
    assert not {m.slug for m in diagnose(mixed)} & catalogue().keys()


def test_a_loop_over_the_last_steps_is_one_mistake_and_of_the_last_step_alone_a_sum_with_one_term() -> None:
    (two,) = diagnose(cases(("last-steps-only(2)",)))
    assert two.message.startswith("The loop backwards covers only the last 2 steps")
    (one,) = diagnose(cases(("last-steps-only(1)",)))
    assert one.slug == "last-step-only"


def test_factors_that_differ_between_layers_without_a_rule_have_no_name() -> None:
    """Twice in the second hidden layer alone: neither all layers, nor the first, nor those above it."""
    found = [c for c in cases(()) if c.probe.n == 4]
    for case in found:
        case.answer.grads[1]["W"] *= 2
    mistakes = diagnose(found)
    assert mistakes
    assert "scale" not in {m.slug for m in mistakes}


def test_what_cannot_be_told_apart_is_said() -> None:
    # with the one step of h(0) = 0 gone, leaving out the first step of H's sum changes nothing, so ask about two steps
    found = [case for case in cases(("first-two-steps-skipped@H",), SINGLE) if case.probe.T == 3]
    (only,) = diagnose(found)
    assert {only.slug, *only.alternatives} >= {"first-two-steps-skipped", "last-step-only"}
    assert "not distinguishable here from" in only.certainty


def test_a_mistake_is_told_in_full() -> None:
    (untransposed,) = diagnose(cases(("carry-untransposed",)))
    assert untransposed.equation == 43
    assert untransposed.message == "H is not transposed on the way back through time."
    assert untransposed.where == "hidden layers, every t < T"
    assert untransposed.looks_like == "dh_next = H @ dz"
    assert untransposed.remedy == "dh_next = H.T @ dz (rows: dz @ H.T where z = h @ H)"
    assert untransposed.certainty == "reproduced exactly on 10 networks, one of which the search did not see"
    (skipped,) = diagnose(cases(("last-step-skipped@b",)))
    assert (skipped.equation, skipped.where) == (46, "dJ/db^(l), l < n")


@pytest.mark.parametrize(
    ("factor", "undone"),
    [
        ("1 / T", "Multiply by T:"),
        ("-1 / T", "Multiply by -T:"),
        ("1 / (T B)", "Multiply by T B:"),
        ("1 / (T-1)", "Multiply by T-1:"),
        ("1 / (2 (T-1))", "Multiply by 2 (T-1):"),
        ("2 T / B", "Divide by 2 T / B:"),
        ("-1", "Divide by -1:"),
    ],
)
def test_what_to_do_about_a_factor_is_said_without_a_reciprocal(factor: str, undone: str) -> None:
    assert mistake("scale", parameter=factor).remedy.startswith(undone)


@pytest.mark.parametrize("text", ["scale(1 / T)", "clipped-by-global-norm(0.25)"])
def test_a_mistake_of_all_gradients_cites_the_equations_of_all(text: str) -> None:
    (found,) = diagnose(cases((text,)))
    assert (found.equation, found.last_equation) == (44, 46)
    assert "equation:     (44)-(46); see: bptt-oracle explain 44" in "\n".join(_mistake(1, found))
    (of_one,) = diagnose(cases(("scale(1 / T)@W",)))
    assert (of_one.equation, of_one.last_equation) == (45, None)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("T", 4.0), ("1 / T", 0.25), ("2 T / B", 4.0), ("-1", -1.0), ("3 / (2 (T-1))", 0.5), ("T^2 / |V|", 16 / 5)],
)
def test_a_factor_is_named_and_evaluated_alike(expression: str, value: float) -> None:
    probe = draw(PLANS[0], SEED)
    assert evaluate(expression, sizes(probe)) == value
    probes = [draw(plan, SEED) for plan in PLANS]
    assert form([(sizes(p), evaluate(expression, sizes(p)), 2.0**-50) for p in probes]) == expression


def test_a_factor_without_a_law_has_no_name() -> None:
    rng = random.Random(SEED)
    assert form([(sizes(draw(plan, SEED)), rng.random(), 2.0**-50) for plan in PLANS]) is None


@pytest.mark.parametrize("text", ["", "a b", "x@nothing", "first-step-skipped@", "scale("])
def test_a_text_that_is_no_deviation_is_refused(text: str) -> None:
    with pytest.raises(DeviationError, match="expected slug"):
        Deviation.parse(text)


def test_two_mistakes_in_one_place_are_refused() -> None:
    probe = draw(PLANS[0], SEED)
    with pytest.raises(DeviationError, match="expected one mistake of the kind slope"):
        simulate(probe, BATCHES, ["slope-of-h", "slope-omitted"])
    with pytest.raises(DeviationError, match="expected a mistake that the catalogue names"):
        simulate(probe, BATCHES, ["nothing-of-the-kind"])


def test_roles_are_those_of_the_document() -> None:
    assert [role(name, l, 3) for l in (1, 3) for name in ("W", "b")] == ["W", "b", "W-output", "b-output"]
    assert role("b_hh", 1, 3) == "b"
    assert {role("H", 1, 3), *TENSORS} == set(TENSORS)


def test_every_mistake_can_be_told() -> None:
    for slug in catalogue():
        told = mistake(slug, parameter="3")
        assert told.message
        assert "{" not in f"{told.message}{told.where}{told.looks_like}{told.remedy}"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("missing@W-first", "dJ/dW^(1)"),
        ("previous-input@W-upper", "dJ/dW^(l), 1 < l < n"),
        ("transposed@H", "dJ/dH^(l), l < n"),
        ("last-step-only@b-output", "dJ/db^(n)"),
        ("scale(1 / B)@W-first", "dJ/dW^(1)"),
        ("clipped-by-norm(0.01)@b-upper", "dJ/db^(l), 1 < l < n"),
    ],
)
def test_a_mistake_in_some_layers_is_told_where_it_is(text: str, where: str) -> None:
    (only,) = diagnose(cases((text,)))
    assert (only.slug, only.where) == (Deviation.parse(text).slug, where)
