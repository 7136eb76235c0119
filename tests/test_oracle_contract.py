"""Every check of the contract is shown a backprop that fails it, and nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from implementations import Backprop, changed, implementation, textbook

from bptt_oracle import check
from bptt_oracle.oracle import examination
from bptt_oracle.oracle.answers import Case
from bptt_oracle.oracle.calling import Callee
from bptt_oracle.oracle.contract import belongs
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.inquiry import Inquiry
from bptt_oracle.oracle.probes import PLANS
from bptt_oracle.oracle.result import Mistake, Result

BATCHED = Conventions(batch="time-first", layout="rows")


def slugs(result: Result) -> list[str]:
    return [mistake.slug for mistake in result.mistakes]


def found(f: Any, **options: Any) -> Result:
    return check(f, diagnose=False, **options)


# ------------------------------------------------------------------------------------- the same answer, every time


class Model:
    """A backprop that keeps something between its calls."""

    def __init__(self) -> None:
        self.grads: Any = None
        self.first: int | None = None

    def accumulates(self, params: Any, x: Any, y: Any) -> Any:
        loss, grads = textbook()(params, x, y)
        for layer, before in zip(grads, self.grads or [], strict=False):
            for name in layer:
                if layer[name].shape == before[name].shape:
                    layer[name] = layer[name] + before[name]
        self.grads = grads
        return loss, grads

    def keeps_its_first_length(self, params: Any, x: Any, y: Any) -> Any:
        self.first = self.first or len(x)
        return textbook()(params, x[: self.first], y[: self.first])


def test_a_second_call_with_another_answer() -> None:
    result = found(Model().accumulates)
    assert slugs(result) == ["second-call"]
    assert not result.ok
    assert result.discrepancies == ()
    assert "called again at once, dJ/dH^(1), dJ/dW^(1), dJ/dW^(2), dJ/db^(1) and dJ/db^(2) differ" in str(
        result.mistakes[0].message
    )
    assert result.limits[-1] == "no other network was asked about: what f says depends on the calls before"


def test_a_second_call_is_the_only_mistake_of_an_accumulator_if_fresh_ones_can_be_had() -> None:
    result = found(Model().accumulates, fresh=lambda: Model().accumulates)
    assert slugs(result) == ["second-call"]
    assert len(result.asked) == 10
    assert result.discrepancies == ()


def test_a_fresh_object_with_another_answer() -> None:
    result = found(Model().keeps_its_first_length, fresh=lambda: Model().keeps_its_first_length)
    assert slugs(result) == ["fresh-object"]
    assert result.discrepancies == ()


def test_what_a_fresh_object_gets_wrong_too_is_told() -> None:
    def wrong() -> Backprop:
        model = Model()
        return changed(model.keeps_its_first_length, lambda p, x, y, loss, grads: (loss, double(grads, "H")))

    result = found(wrong(), fresh=wrong)
    assert slugs(result) == ["fresh-object", "loss-and-gradient"]
    assert {d.tensor for d in result.discrepancies} == {"dJ/dH^(1)"}


def test_calls_with_other_networks_in_between_change_nothing() -> None:
    longest = [0]

    def f(params: Any, x: Any, y: Any) -> Any:  # a buffer that grows, and is never shortened again
        loss, grads = textbook()(params, x, y)
        longest[0] = max(longest[0], len(x))
        return loss, double(grads, "W") if longest[0] == 48 and len(x) == 4 else grads

    result = found(f)
    assert slugs(result) == ["second-call"]
    assert "called again after other networks, dJ/dW^(1) and dJ/dW^(2) differ" in result.mistakes[0].message


def test_a_fresh_object_is_asked_where_the_used_one_raises() -> None:
    class Once:
        def __init__(self) -> None:
            self.widths: Any = None

        def f(self, params: Any, x: Any, y: Any) -> Any:
            self.widths = self.widths or [layer["W"].shape for layer in params]
            assert self.widths == [layer["W"].shape for layer in params]
            return implementation(Conventions())(params, x, y)

    result = found(Once().f, fresh=lambda: Once().f)
    assert slugs(result) == ["fresh-object"]
    assert len(result.asked) == len(PLANS)


def double(grads: Any, name: str) -> Any:
    return [{key: 2 * g if key == name else g for key, g in layer.items()} for layer in grads]


def test_rounding_that_differs_between_calls_is_nothing() -> None:
    calls = [0]

    def f(params: Any, x: Any, y: Any) -> Any:
        calls[0] += 1
        loss, grads = textbook()(params, x, y)
        spacing = np.finfo(float).eps * (calls[0] % 2)
        return loss, [{name: g * (1 + spacing) for name, g in layer.items()} for layer in grads]

    assert found(f).ok


# ------------------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize("name", ["x", "y", "h0"])
def test_an_argument_that_is_overwritten(name: str) -> None:
    right = implementation(Conventions(h0=True))

    def f(params: Any, x: Any, y: Any, h0: Any) -> Any:
        answer = right(params, x, y, h0)
        {"x": x, "y": y, "h0": h0[0]}[name][0] = 0
        return answer

    result = found(f)
    assert slugs(result) == ["arguments-overwritten"]
    assert result.mistakes[0].message == f"An argument is overwritten: {name}"
    assert result.discrepancies == ()


@pytest.mark.parametrize("how", ["in place", "by another array", "by another key"])
def test_parameters_that_are_changed(how: str) -> None:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> None:
        if how == "in place":
            params[0]["W"] -= grads[0]["W"] / 10
        elif how == "by another array":
            params[0]["W"] = params[0]["W"] - grads[0]["W"] / 10
        else:
            params[0]["velocity"] = 0

    result = found(changed(textbook(), change))
    assert slugs(result) == ["parameters-changed"]
    assert (
        result.mistakes[0].where == "networks plain, wide-one, long, large, tiny, deep, two, wide, wide-deep and square"
    )


# ------------------------------------------------------------------------------------------------- batch and T = 1


def test_a_batch_that_is_not_the_mean_of_its_sequences() -> None:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> Any:
        return grads if x.shape[1] == 1 else double(grads, "b")

    result = found(changed(implementation(BATCHED), change))
    assert slugs(result) == ["batch-of-two"]
    assert result.mistakes[0].where.startswith("network plain (n=2, T=4, B=2,")


def test_a_batch_is_told_also_where_the_diagnosis_only_locates(monkeypatch: pytest.MonkeyPatch) -> None:
    from bptt_oracle.oracle import diagnosis

    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> Any:
        return grads if x.shape[1] == 1 else double(grads, "b")

    for slug, expected in (("located", ["located", "batch-of-two"]), ("scale", ["scale"])):
        monkeypatch.setattr(diagnosis, "diagnose", lambda cases, budget, slug=slug: [Mistake(slug, None, "somewhere")])
        assert slugs(check(changed(implementation(BATCHED), change))) == expected


def test_one_step_alone() -> None:
    wrong = found(changed(textbook(), lambda p, x, y, j, g: (j, double(g, "b")) if len(x) == 1 else None))
    raises = found(textbook(("T = len(x)", "T = len(x)\n    x[1]")))
    assert slugs(wrong) == slugs(raises) == ["one-step"]
    assert wrong.mistakes[0].message == (
        "A sequence of one step, T = 1, fails: dJ/db^(1) and dJ/db^(2) outside the bounds"
    )
    assert "IndexError" in raises.mistakes[0].detail


# ----------------------------------------------------------------------------------------- what was declared


@pytest.mark.parametrize(
    ("conventions", "declared", "said"),
    [
        (BATCHED, {"layout": "columns"}, "you declared layout='columns', but the answers are right for layout='rows'"),
        (
            Conventions(),
            {"layout": "rows"},
            "you declared layout='rows', but the answers are right for layout='columns'",
        ),
        (
            BATCHED,
            {"batch": "batch-first", "layout": "rows"},
            "you declared batch='batch-first', but the answers are right for batch='time-first'",
        ),
        (
            Conventions(targets="rows"),
            {"targets": "classes"},
            "'classes', but the answers are right for targets='rows'",
        ),
        (Conventions(biases=2), {"biases": 1}, "you declared biases=1, but the answers are right for biases=2"),
        (
            Conventions(activation="logistic"),
            {"activation": "tanh"},
            "you declared activation='tanh', but the answers are right for activation='logistic'",
        ),
    ],
)
def test_a_right_backprop_that_is_declared_otherwise(
    conventions: Conventions, declared: dict[str, Any], said: str
) -> None:
    result = check(implementation(conventions), **declared)
    assert slugs(result) == ["declared-otherwise"]
    assert said in result.mistakes[0].message
    assert result.mistakes[0].remedy == "Declare it as f is written, or leave it out: it is found out."


def test_a_wrong_backprop_is_not_said_to_be_declared_otherwise() -> None:
    wrong = textbook(("dH += ", "dH = "), ("        dy /= T\n", ""))
    for declared in ({"layout": "columns"}, {"layout": "rows"}, {"activation": "logistic"}):
        assert "declared-otherwise" not in slugs(found(wrong, **declared))


# ---------------------------------------------------------------------------------------------------- rounded answers


def rounded(f: Backprop, digits: int) -> Backprop:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> Any:
        return round(float(loss), digits), [
            {name: np.float64(g).round(digits) for name, g in layer.items()} for layer in grads
        ]

    return changed(f, change)


def test_answers_that_are_rounded_blame_no_equation() -> None:
    result = found(rounded(textbook(), 6))
    assert (result.ok, slugs(result)) == (False, ["rounded"])
    assert result.mistakes[0].message == "The answers are rounded, and right but for that: to 6 decimals"
    assert result.mistakes[0].equation is None
    assert result.conventions.precision == "float64"
    assert result.remarks[0].startswith("every number that was answered is rounded to 6 decimals; ")


def test_rounded_answers_of_a_float32_program_are_those_of_float32() -> None:
    result = found(rounded(implementation(Conventions(precision="float32")), 7))
    assert (result.ok, slugs(result), result.conventions.precision) == (False, ["rounded"], "float32")


def test_a_mistake_behind_rounded_answers_is_looked_for_all_the_same() -> None:
    result = found(rounded(textbook(("H.T @ dz_next", "H @ dz_next")), 9))
    assert not result.ok
    assert "rounded" not in slugs(result)
    assert any(
        remark.startswith("every number that was answered is rounded to 9 decimals; ") for remark in result.remarks
    )


@pytest.mark.parametrize("digits", [13, 17])
def test_answers_with_all_digits_are_not_called_rounded(digits: int) -> None:
    assert not [remark for remark in found(rounded(textbook(), digits)).remarks if "rounded" in remark]


# -------------------------------------------------------------------------------------------- loss and gradient


def test_a_gradient_that_is_not_that_of_the_loss() -> None:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> Any:
        return loss, [{name: 1.375 * g for name, g in layer.items()} for layer in grads]

    result = found(changed(textbook(), change))
    assert slugs(result) == ["loss-and-gradient"]
    assert result.mistakes[0].message == (
        "The gradient is not that of the loss which is returned with it: the loss is J, but not so "
        "dJ/dH^(1), dJ/dW^(1), dJ/dW^(2), dJ/db^(1) and dJ/db^(2)"
    )


OTHER_FORWARD = ("h[t] = np.tanh(W @ x[t] + H @ h[t - 1] + b)", "h[t] = np.tanh(W @ x[t] + H @ h[t - 1] + 2 * b)")
ITS_BACKWARD = ("db += dz", "db += 2 * dz")


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (textbook(OTHER_FORWARD, ITS_BACKWARD), "; the gradients are those of f's own loss: look at the forward pass"),
        (textbook(OTHER_FORWARD), "; nor are the gradients those of f's own loss"),
        (textbook(("loss += -np", "loss += -2 * np")), "; the gradients are those of J all the same"),
    ],
)
def test_a_loss_that_is_not_J(f: Backprop, said: str) -> None:
    result = found(f)
    assert slugs(result) == ["loss"]
    assert said in result.mistakes[0].message


def test_a_loss_that_is_almost_J_is_printed_with_digits_that_tell_the_two_apart() -> None:
    (found_loss,) = found(textbook(("np.log(p[t][y[t]])", "np.log(p[t][y[t]] + 3e-8)"))).mistakes
    yours, right = found_loss.message.partition(": ")[2].partition(";")[0].split(" where J is ")
    assert yours != right
    assert yours[:6] == right[:6]  # five digits, which is why six would not do
    assert "activation" not in found_loss.looks_like
    assert "bias" not in found_loss.looks_like


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("biases", [1, 2])
def test_a_gradient_belongs_to_its_loss_or_not(precision: str, biases: int) -> None:
    c = Conventions(precision=precision, biases=biases)
    for plan in PLANS[:3]:
        inquiry = Inquiry(Callee(implementation(c)), 3, "manual")
        case = inquiry.case(plan, c)
        assert isinstance(case, Case)
        assert belongs(inquiry, case) is True
        turned = [{name: g + abs(g).max() / 4 for name, g in layer.items()} for layer in case.answer.grads]
        assert belongs(inquiry, replace(case, answer=replace(case.answer, grads=turned))) is False
        assert belongs(inquiry, replace(case, answer=replace(case.answer, loss=None))) is None


def test_few_calls_are_made_to_tell_why() -> None:
    calls = [0]

    def f(params: Any, x: Any, y: Any) -> Any:
        calls[0] += 1
        return textbook(OTHER_FORWARD)(params, x, y)

    found(f, layout="columns", batch="none", biases=1, targets="classes", layers=1)
    # one-layer networks; again, again, one step; two directions of two differences; as if not declared
    assert calls[0] <= 5 + 3 + 8 + 5


def test_a_mistake_without_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "reasons", lambda inquiry, cases, *a, **k: ([], cases[0].conventions))
    result = found(textbook(("dH += ", "dH = ")))
    assert slugs(result) == ["unknown"]
    assert not result.ok
