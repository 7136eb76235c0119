"""The claims in prose: their verdicts, and that every check notices a planted change."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest

from bptt_oracle import manual
from bptt_oracle.catalogue import Equation, Variant, equation
from bptt_oracle.checking import Function, function_of
from bptt_oracle.claims import (
    CheckError,
    Claim,
    bench,
    claim,
    claims,
    comparisons,
    section_3,
    section_4_gamma,
    section_4_sums,
    sections_1_2,
    substitutes,
    wording,
)
from bptt_oracle.claims.bench import Bench
from bptt_oracle.claims.comparisons import asked, left_open
from bptt_oracle.claims.wording import Observed, fitted, points
from bptt_oracle.conditions import Condition
from bptt_oracle.manual import Elementwise, Gradients, Network, Quantities, one_pass
from bptt_oracle.manual.functions import EXP, LOG
from bptt_oracle.reference import output
from bptt_oracle.worlds import World

VERDICTS = {
    "one-hot-targets": "incomplete",
    "layers": "holds",
    "initial-state": "undefined",
    "any-g-equations": "holds in part",
    "any-g-delta": "holds in part",
    "any-g-jacobian": "holds",
    "c-at-least-1": "incomplete",
    "sum-of-steps-correct": "holds",
    "sum-of-steps-inefficient": "holds",
    "delta-before-t": "incomplete",
    "range-36": "fails",
    "range-37": "incomplete",
    "range-38": "holds",
    "ranges-together": "incomplete",
    "gamma-of-the-output-layer": "incomplete",
    "order-of-the-cases-of-gamma": "incomplete",
}


MODULES = (
    bench,
    comparisons,
    section_3,
    section_4_gamma,
    section_4_sums,
    sections_1_2,
    substitutes,
    wording,
)


@pytest.fixture(scope="module")
def decided() -> dict[str, Claim]:
    return {claim.slug: claim for claim in claims()}


# ---------------------------------------------------------------------------------------------- what is found


def test_verdicts_by_name_in_the_order_of_the_document(decided: dict[str, Claim]) -> None:
    assert {slug: claim.verdict for slug, claim in decided.items()} == VERDICTS
    assert list(decided) == list(VERDICTS)
    sections = [claim.section for claim in decided.values()]
    assert sections == sorted(sections)


def test_every_claim_quotes_the_document_and_finds_something(decided: dict[str, Claim]) -> None:
    assert all(claim.quote and claim.finding.endswith(".") for claim in decided.values())
    evidence = {slug: claim.evidence for slug, claim in decided.items()}
    assert json.loads(json.dumps(evidence)) == evidence
    assert all(found["seed"] == 2016 for found in evidence.values())


def test_one_hot_targets_are_needed_where_the_class_k_stands(decided: dict[str, Claim]) -> None:
    evidence = decided["one-hot-targets"].evidence
    assert evidence["undefined_for_soft_targets"] == {"1": [3], "2": [1], "6": [1, 2]}
    assert evidence["failing_for_soft_targets"] == {}
    assert evidence["failing_for_soft_targets_doubled"] == {"6": [3], "7": [2], "26": [1], "42": [1]}


def test_layers_are_n_plus_1_with_the_input(decided: dict[str, Claim]) -> None:
    evidence = decided["layers"].evidence
    assert evidence["layers"] == {"1": 2, "2": 3, "3": 4, "4": 5}
    assert evidence["ranges"] == {
        "h": "0 <= l <= n-1",
        "z": "1 <= l <= n",
        "W": "1 <= l <= n",
        "b": "1 <= l <= n",
        "H": "1 <= l <= n-1",
    }


def test_initial_state_is_asked_for_and_never_given(decided: dict[str, Claim]) -> None:
    evidence = decided["initial-state"].evidence
    assert evidence["asking"] == [5, 12, 16, 17, 20, 31, 39, 44]
    assert evidence["depending"] == [5, 16, 17, 31, 39, 44]
    assert evidence["failing"] == {}
    assert "at t = 0 (4) would need z^(1)(0) and (5) would need h^(1)(-1)" in decided["initial-state"].finding


def test_nothing_else_is_left_open() -> None:
    kinds = {
        "h^(l)(0)" if name == "h" and at[1] == 0 else "delta before t" if name == "delta" and at[2] < at[1] else at
        for name, at in left_open(Bench(5).world())
    }
    assert kinds == {"h^(l)(0)", "delta before t"}


def test_every_g_is_judged(decided: dict[str, Claim]) -> None:
    failing = decided["any-g-equations"].evidence["failing"]
    assert list(failing) == list(output.SUBSTITUTES)
    usual = {"6": [2, 3], "7": [2], "26": [1], "42": [1]}
    assert {g for g, lines in failing.items() if lines != usual} == {"softmax of shifted logits"}
    assert failing["softmax of shifted logits"] == {"6": [2]}
    holding = decided["any-g-equations"].evidence["holding"]
    assert holding == [number for number in range(1, 47) if number not in (6, 7, 26, 42)]


def test_y_hat_minus_y_survives_up_to_a_factor(decided: dict[str, Claim]) -> None:
    factors = decided["any-g-delta"].evidence["factors"]
    assert {g: factor for g, factor in factors.items() if factor is not None} == {
        "softmax at temperature 2": "1/2",
        "softmax of shifted logits": "1",
        "softmax of negated logits": "-1",
    }
    assert set(factors) == set(output.SUBSTITUTES)


def test_the_general_jacobian_serves_every_g(decided: dict[str, Claim]) -> None:
    assert decided["any-g-jacobian"].evidence["failing"] == {g: {} for g in output.SUBSTITUTES}
    assert "46 of the 46 equations" in decided["any-g-jacobian"].finding


def test_c_starts_at_1(decided: dict[str, Claim]) -> None:
    evidence = decided["c-at-least-1"].evidence
    assert evidence["equations"] == [10, 11, 14, 15, 28, 30]
    assert evidence["hold_on"] == "1 <= c < t"
    assert evidence["failing_at_0"] == [10, 11, 28]


def test_visits_are_T_times_T_plus_1_over_2_against_T(decided: dict[str, Claim]) -> None:
    evidence = decided["sum-of-steps-inefficient"].evidence
    assert evidence["formulas"] == ["T(T + 1)/2", "T"]
    assert evidence["visits"]["sum"] == {str(T): T * (T + 1) // 2 for T in range(1, 11)}
    assert evidence["visits"]["one pass"] == {str(T): T for T in range(1, 11)}


def test_delta_before_t_has_to_be_zero(decided: dict[str, Claim]) -> None:
    evidence = decided["delta-before-t"].evidence
    assert evidence["asking"] == [38]
    assert evidence["zero"] == len(evidence["open"]) == 3
    assert evidence["failing_with_zero"] == {}
    assert evidence["failing_with_random_values"] == {"38": [2]}


@pytest.mark.parametrize(
    ("number", "printed", "holds_on"),
    [
        (36, "t = T-1", "t = T"),
        (37, "1 < t < T-1", "1 <= t <= T-1"),
        (38, "1 <= t <= T-1", "1 <= t <= T-1"),
    ],
)
def test_ranges_of_gamma(decided: dict[str, Claim], number: int, printed: str, holds_on: str) -> None:
    evidence = decided[f"range-{number}"].evidence
    assert (evidence["printed"], evidence["holds_on"]) == (printed, holds_on)


def test_times_that_the_ranges_of_gamma_leave_out(decided: dict[str, Claim]) -> None:
    evidence = decided["ranges-together"].evidence
    assert evidence["printed"] == {"37": ["t = 1", "t = T"], "38": ["t = T"]}
    assert evidence["corrected"] == {"37": ["t = 1", "t = T-1"], "38": []}


def test_cases_of_gamma(decided: dict[str, Claim]) -> None:
    output_layer = decided["gamma-of-the-output-layer"].evidence
    assert output_layer["without_a_case"] == [[3, 1], [3, 2], [3, 3]]
    assert output_layer["asking"] == []
    assert output_layer["third_case_serves_the_second"]
    order = decided["order-of-the-cases-of-gamma"].evidence
    assert order["overlaps"] == [{"l": 1, "t": 4, "cases": [1, 3]}, {"l": 2, "t": 4, "cases": [1, 2]}]
    assert order["first_that_fits"] == order["last_that_fits_with_zero"] == "agrees"
    assert order["last_that_fits"] == "undefined"


# ------------------------------------------------------------------------------------------------ determinism


@pytest.mark.slow
def test_another_process_finds_the_same(decided: dict[str, Claim]) -> None:
    program = (
        "import json; from dataclasses import asdict; from bptt_oracle.claims import claims; "
        "print(json.dumps([asdict(claim) for claim in claims()]))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert json.loads(run.stdout) == [asdict(claim) for claim in decided.values()]


@pytest.mark.slow
def test_another_seed_gives_the_same_verdicts_on_other_instances(decided: dict[str, Claim]) -> None:
    others = claims(7)
    assert {claim.slug: claim.verdict for claim in others} == VERDICTS
    for other in others:
        instances = other.evidence["instances"]
        assert not instances or instances != decided[other.slug].evidence["instances"]


# -------------------------------------------------------------------------------------------- planted changes


Plant = Callable[..., None]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Plant readings by number, or what the catalogue says of an equation, or anything else, wherever it is named."""

    def plant(
        readings: dict[int, Function] | None = None,
        catalogue: dict[int, Callable[[Equation], Equation]] | None = None,
        **names: Any,
    ) -> None:
        def planted_function(number: int, variant: Variant) -> Function:
            return (readings or {}).get(number) or function_of(number, variant)

        def planted_equation(number: int) -> Equation:
            stated = equation(number)
            return catalogue[number](stated) if catalogue and number in catalogue else stated

        for name, value in {"function_of": planted_function, "equation": planted_equation, **names}.items():
            naming = [module for module in MODULES if hasattr(module, name)]
            assert naming
            for module in naming:
                monkeypatch.setattr(module, name, value)

    return plant


def stated_for(*conditions: str) -> Callable[[Equation], Equation]:
    def change(equation: Equation) -> Equation:
        where = tuple(map(Condition.parse, conditions))
        return replace(equation, printed=replace(equation.printed, where=where))

    return change


def with_latex(old: str, new: str) -> Callable[[Equation], Equation]:
    def change(equation: Equation) -> Equation:
        (line,) = equation.printed.lines
        assert old in line.latex
        line = replace(line, latex=line.latex.replace(old, new))
        return replace(equation, printed=replace(equation.printed, lines=(line,)))

    return change


def test_a_claim_that_cannot_run_is_unverified(plant: Plant) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no network today")

    plant(field_network=broken)
    undecided = [claim for claim in claims() if claim.verdict == "unverified"]
    assert [claim.slug for claim in undecided] == [slug for slug in VERDICTS if slug != "ranges-together"]
    assert {claim.finding for claim in undecided} == {"The check could not run: RuntimeError: no network today."}


def test_an_unknown_claim_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        claim("everything")


SUBSTITUTES = substitutes.substitutes


@pytest.mark.parametrize("name", list(output.SUBSTITUTES))
def test_a_g_that_differs_from_the_references_is_noticed(plant: Plant, name: str) -> None:
    def wrong(exp: Elementwise = EXP, log: Elementwise = LOG) -> dict[str, substitutes.G]:
        known = SUBSTITUTES(exp, log)
        return known | {name: lambda z: known[name](z) + 1}

    plant(substitutes=wrong)
    found = claim("any-g-equations")
    assert found.verdict == "unverified"
    assert found.finding == f"The check decides nothing: the two sides' {name} differ."


def test_a_g_that_one_side_lacks_is_noticed(plant: Plant) -> None:
    def fewer(exp: Elementwise = EXP, log: Elementwise = LOG) -> dict[str, substitutes.G]:
        known = SUBSTITUTES(exp, log)
        del known["normalised squares"]
        return known

    plant(substitutes=fewer)
    found = claim("any-g-delta")
    assert (found.verdict, found.finding) == (
        "unverified",
        "The check decides nothing: one side alone knows normalised squares.",
    )


def test_a_wrong_derivative_of_a_g_is_noticed(plant: Plant) -> None:
    plant(SQUARE=Elementwise(lambda u: u * u, lambda u: u))
    found = claim("any-g-jacobian")
    assert found.verdict == "fails"
    wrong = {"6": [1, 2, 3], "7": [2], "26": [1], "42": [1]}
    assert found.evidence["failing"] == {g: wrong if g == "normalised squares" else {} for g in output.SUBSTITUTES}


def test_a_wrong_general_error_is_noticed(plant: Plant) -> None:
    plant(general_output_error=lambda q, t: q.y_hat[t] - q.y[t])
    found = claim("any-g-jacobian")
    assert found.verdict == "fails"
    assert found.evidence["failing"]["softmax of shifted logits"] == {}
    assert found.evidence["failing"]["elementwise logistic"] == {"6": [3], "7": [2], "26": [1], "42": [1]}


def test_a_wrong_equation_spoils_the_control_with_softmax(plant: Plant) -> None:
    def halved(q: Quantities, t: int) -> Iterator[Any]:
        yield (q.y_hat[t] - q.y[t]) / 2

    plant(readings={26: halved})
    for slug in ("one-hot-targets", "any-g-equations", "any-g-delta"):
        found = claim(slug)
        assert found.verdict == "unverified"
        assert found.finding.endswith("(26).")


def test_balls_that_say_otherwise_than_the_field_are_noticed(plant: Plant) -> None:
    with_g = bench.with_g

    def changed(network: Network, g: str) -> Network:
        over_balls = not hasattr(network.functions.exp.function, "seed")
        return with_g(network, "softmax" if over_balls and g == "elementwise logistic" else g)

    plant(with_g=changed)
    found = claim("any-g-equations")
    assert found.verdict == "unverified"
    assert "with elementwise logistic the field and the balls do not agree" in found.finding


def test_a_wrong_visit_count_is_noticed(plant: Plant) -> None:
    def miscounted(network: Network) -> Gradients:
        gradients = one_pass(network)
        return replace(gradients, visits=gradients.visits + 1)

    plant(one_pass=miscounted)
    found = claim("sum-of-steps-inefficient")
    assert found.verdict == "unverified"
    assert "2 visits are reported at T = 1, but f' was evaluated 2 times in 2 layers" in found.finding


def test_a_sum_that_is_no_dearer_is_noticed(plant: Plant) -> None:
    plant(per_step_sum=one_pass)
    found = claim("sum-of-steps-inefficient")
    assert (found.verdict, found.evidence["formulas"]) == ("fails", ["T", "T"])


def test_visits_that_no_formula_describes_are_noticed(plant: Plant) -> None:
    def thrice(network: Network) -> Gradients:
        gradients = [one_pass(network) for _ in range(3)]
        return replace(gradients[0], visits=3 * gradients[0].visits)

    plant(per_step_sum=thrice)
    assert claim("sum-of-steps-inefficient").verdict == "unverified"


@pytest.mark.parametrize("which", ["H", "W", "b", "h0", "x"])
@pytest.mark.parametrize("algorithm", ["one_pass", "per_step_sum"])
def test_a_wrong_gradient_is_noticed(plant: Plant, algorithm: str, which: str) -> None:
    right = getattr(manual, algorithm)

    def wrong(network: Network) -> Gradients:
        gradients: Gradients = right(network)
        arrays = dict(getattr(gradients, which))
        if arrays:
            arrays[1] = arrays[1] + arrays[1]
        parts: dict[str, Any] = {which: arrays}
        return replace(gradients, **parts)

    plant(**{algorithm: wrong})
    found = claim("sum-of-steps-correct")
    assert found.verdict == "fails"
    name = {"h0": "h^(1)(0)", "x": "x"}.get(which, f"{which}^(1)")
    assert {text.split(" of ")[0] for text in found.evidence["different"]} == {name}


@pytest.mark.parametrize(
    ("number", "conditions", "verdict", "wrong", "left_out", "said"),
    [
        (36, ("1 <= l <= n-1", "t = T"), "holds", [], [], "no time is wrong, and none is left out."),
        (37, ("2 <= n", "1 <= t <= T-1"), "holds", [], [], "no time is wrong, and none is left out."),
        (37, ("2 <= n", "1 <= t <= T"), "fails", ["t = T"], [], "but holds for 1 <= t <= T-1: at t = T it is wrong."),
        (37, ("2 <= n", "t = T"), "fails", ["t = T"], None, "at t = T it is wrong, and it leaves out"),
        (38, ("1 <= t < T-1", "1 <= l <= n-2"), "incomplete", [], ["t = T-1"], "leaves out t = T-1,"),
        (38, ("1 < t <= T-1", "1 <= l <= n-2"), "incomplete", [], ["t = 1"], "leaves out t = 1,"),
    ],
)
def test_a_range_that_is_changed_is_noticed(
    plant: Plant,
    number: int,
    conditions: Sequence[str],
    verdict: str,
    wrong: list[str],
    left_out: list[str] | None,
    said: str,
) -> None:
    plant(catalogue={number: stated_for(*conditions)})
    found = claim(f"range-{number}")
    assert found.verdict == verdict
    assert (found.evidence["equation"], found.evidence["wrong_at"]) == (number, wrong)
    assert left_out is None or found.evidence["left_out"] == left_out
    assert said in found.finding


def test_a_reading_that_is_wrong_at_some_time_narrows_its_range(plant: Plant) -> None:
    def wrong_at_1(q: Quantities, l: int, t: int) -> Iterator[Any]:
        yield q.delta[l, t, t] * (1 if t > 1 else 2)

    plant(readings={36: wrong_at_1})
    found = claim("range-36")  # t = T, save where that is 1: no range of the family
    assert found.verdict == "unverified"


def test_ranges_that_leave_nothing_out_together(plant: Plant) -> None:
    plant(
        catalogue={
            36: stated_for("1 <= l <= n-1", "t = T"),
            37: stated_for("2 <= n", "1 <= t <= T-1"),
        }
    )
    found = claim("ranges-together")
    assert found.verdict == "holds"
    assert found.evidence["printed"] == {"37": [], "38": []}


def test_a_reading_that_leaves_out_the_initial_state_is_noticed(plant: Plant) -> None:
    def from_2(q: Quantities, l: int, t: int) -> Iterator[Any]:
        yield q.zeros(q.d[l], q.d[l]) + sum(q.delta[l, k, t] @ q.h[l, k - 1].T for k in range(2, t + 1))

    plant(readings={17: from_2})
    found = claim("initial-state")
    assert found.evidence["asking"] == [5, 12, 16, 20, 31, 39, 44]
    assert found.evidence["failing"] == {"17": [1]}


def test_a_c_that_another_range_describes_is_noticed(plant: Plant) -> None:
    def late(q: Quantities, t: int, c: int) -> Iterator[Any]:
        right = q.delta[q.n - 1, t - c, t]
        yield right if c > 1 else right + right

    plant(readings={28: late})
    assert claim("c-at-least-1").evidence["hold_on"] == "2 <= c < t"


def test_equations_that_do_not_ask_for_deltas_before_t_need_no_zero(plant: Plant) -> None:
    def by_gamma(q: Quantities, l: int, t: int) -> Iterator[Any]:
        for _ in range(7):
            yield q.gamma[l, t]

    plant(readings={38: by_gamma})
    found = claim("delta-before-t")
    assert (found.verdict, found.evidence["asking"], found.evidence["open"]) == ("holds", [], [])


def test_equations_that_need_another_delta_before_t_than_zero_are_noticed(plant: Plant) -> None:
    def with_ones(q: Quantities, l: int, t: int) -> Iterator[Any]:
        for _ in range(7):
            yield q.gamma[l, t] + q.delta[l, t + 1, t] - 1

    plant(readings={38: with_ones})
    found = claim("delta-before-t")
    assert (found.verdict, found.evidence["failing_with_zero"]) == (
        "undefined",
        {"38": [1, 2, 3, 4, 5, 6, 7]},
    )


def test_a_case_for_the_output_layer_is_noticed(plant: Plant) -> None:
    plant(catalogue={43: with_latex("l < n - 1", "l < n + 1")})
    found = claim("gamma-of-the-output-layer")
    assert (found.verdict, found.evidence["without_a_case"]) == ("holds", [])


def test_a_reading_that_asks_for_gamma_of_the_output_layer_is_noticed(plant: Plant) -> None:
    def by_gamma(q: Quantities, t: int) -> Iterator[Any]:
        yield q.gamma[q.n, t]

    plant(readings={26: by_gamma})
    found = claim("gamma-of-the-output-layer")
    assert (found.verdict, found.evidence["asking"]) == ("undefined", [26])


def test_cases_that_do_not_overlap_are_noticed(plant: Plant) -> None:
    plant(catalogue={43: with_latex("& t = T", "& t = T+1")})
    found = claim("order-of-the-cases-of-gamma")
    assert (found.verdict, found.evidence["overlaps"]) == ("holds", [])


def test_a_layer_that_no_equation_speaks_of_is_noticed(plant: Plant) -> None:
    def without_the_input(world: World) -> Any:
        return {key: numbers for key, numbers in asked(world).items() if key[0] != "h" or key[1][0] != 0}

    plant(asked=without_the_input)
    found = claim("layers")
    assert found.verdict == "fails"
    assert found.evidence["layers"] == {"1": 1, "2": 2, "3": 3, "4": 4}


# ---------------------------------------------------------------------------------------- the parts of checks


@pytest.mark.parametrize("family", [[], ["t = 1"], ["1 <= t <= T", "1 <= t < T+1"]])
def test_a_description_has_to_be_the_only_one(family: list[str]) -> None:
    with pytest.raises(CheckError, match=f"but {'2' if family[1:] else '0'} do"):
        fitted(("t",), family, {(3, T): {(t,) for t in range(1, T + 1)} for T in (2, 3)})


def test_single_times_have_to_make_up_all_that_is_left() -> None:
    universe: Observed = {(3, T): {(t,) for t in range(1, T + 1)} for T in (5, 6, 7)}
    assert points({shape: set() for shape in universe}, universe) == []
    assert points({(n, T): {(1,), (T,)} for n, T in universe}, universe) == ["t = 1", "t = T"]
    with pytest.raises(CheckError, match="but 0 do"):
        points({(n, T): {(T - 3,)} for n, T in universe}, universe)
    with pytest.raises(CheckError, match="but 2 do"):
        points({(3, 3): {(2,)}}, {(3, 3): {(1,), (2,), (3,)}})
