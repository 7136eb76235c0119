"""What is found out about a backprop: how it takes a network, which J it differentiates, how exactly, how deep."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from implementations import CHOICES, WRONG, Backprop, implementation, random_right, textbook

from bptt_oracle import check
from bptt_oracle.manual import Elementwise
from bptt_oracle.oracle import inquiry as inquiries
from bptt_oracle.oracle.arguments import arguments
from bptt_oracle.oracle.calling import Callee
from bptt_oracle.oracle.conventions import ConventionError, Conventions
from bptt_oracle.oracle.inquiry import Inquiry, UnboundedError
from bptt_oracle.oracle.probes import PLANS, draw
from bptt_oracle.oracle.result import Result

BATCHED = Conventions(batch="time-first", h0=True)


def found(f: Backprop, **declared: Any) -> Result:
    return check(f, diagnose=False, **declared)


@pytest.mark.parametrize(
    "changed",
    [{name: choice} for name, choices in CHOICES.items() for choice in choices] + [{"h0": True, "biases": 2}],
    ids=str,
)
def test_every_convention_is_found_out(changed: dict[str, Any]) -> None:
    conventions = replace(BATCHED, **changed)
    if conventions.batch == "none":
        conventions = conventions.replace(over_batch="mean")
    result = found(implementation(conventions))
    assert (result.ok, result.conventions, result.declared) == (True, conventions, ())


@pytest.mark.parametrize("over_time", CHOICES["over_time"])
@pytest.mark.parametrize("over_batch", CHOICES["over_batch"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_gradients_alone_tell_which_J_it_is(over_time: str, over_batch: str, activation: str) -> None:
    conventions = replace(BATCHED, over_time=over_time, over_batch=over_batch, activation=activation)
    result = found(implementation(conventions, has_loss=False))
    assert (result.ok, result.conventions) == (True, conventions)


@pytest.mark.parametrize("seed", range(10))
def test_a_random_right_backprop_is_found_right(seed: int) -> None:
    rng = np.random.default_rng([seed, 17])
    conventions, f = random_right(rng)
    result = found(f, seed=int(rng.integers(2**31)))
    assert (result.ok, result.conventions) == (True, conventions), str(result)


@pytest.mark.parametrize("name", [name for name in WRONG if name != "the loss is another one"])
def test_a_wrong_backprop_gets_its_own_conventions(name: str) -> None:
    assert found(textbook(*WRONG[name])).conventions == Conventions()


def test_a_wrong_backprop_without_a_loss_gets_its_own_conventions() -> None:
    f = textbook(("dy /= T", "dy /= -T"), ("return loss, ", "return "))  # nothing is right in it, but for the sign
    result = found(f)
    assert (result.ok, result.conventions) == (False, Conventions())


@pytest.mark.parametrize(
    ("name", "value"),
    [("layout", "rows"), ("over_time", "sum"), ("activation", "relu"), ("biases", 2), ("batch", "batch-first")],
)
def test_what_is_declared_is_never_overruled(name: str, value: Any) -> None:
    result = found(implementation(Conventions()), **{name: value})
    assert (result.ok, getattr(result.conventions, name), result.declared) == (False, value, (name,))


def test_what_is_declared_needs_no_trials() -> None:
    conventions = Conventions(layout="rows", batch="batch-first", biases=2, targets="rows", h0=True)
    given = {name: getattr(conventions, name) for name in ("layout", "batch", "biases", "targets", "h0")}
    calls = {}
    for key, declared in (("declared", given), ("found out", {})):
        counted: list[int] = []
        f = implementation(conventions)

        def counting(params: Any, x: Any, y: Any, h0: Any = None, f: Backprop = f, counted: list[int] = counted) -> Any:
            counted.append(1)
            return f(params, x, y, h0)

        assert found(counting, **declared).ok
        calls[key] = len(counted)
    assert calls["declared"] == len(PLANS) + 3  # again at once, again at the end, and one step
    assert calls["found out"] <= calls["declared"] + 24


# ------------------------------------------------------------------------------------------------- sums and means


def test_a_gradient_of_the_sum_without_a_loss_is_right_with_a_remark() -> None:
    result = found(textbook(*WRONG["the gradient is of the sum, the loss the mean"], ("return loss, ", "return ")))
    assert result.ok
    assert result.conventions.over_time == "sum"
    assert result.remarks == ("right for the sum over t; the document's J, (1), is the mean over t",)


def test_a_gradient_of_the_sum_with_a_loss_that_is_the_mean_is_wrong() -> None:
    result = found(textbook(*WRONG["the gradient is of the sum, the loss the mean"]))
    assert (result.ok, result.conventions.over_time) == (False, "mean")


def test_the_loss_of_the_last_step_is_a_convention_with_a_remark() -> None:
    result = found(implementation(Conventions(over_time="last")))
    assert result.ok
    assert result.remarks == ("right for the loss of the last step, J^(T); the document's J, (1), is the mean over t",)


# ----------------------------------------------------------------------------------------------------- activations


def test_a_given_activation_is_used() -> None:
    swish = Elementwise(
        lambda z: z / (1 + np.exp(-z)), lambda z: (1 + np.exp(-z) + z * np.exp(-z)) / (1 + np.exp(-z)) ** 2
    )
    f = textbook(
        ("h[t] = np.tanh(W @ x[t] + H @ h[t - 1] + b)", "a = W @ x[t] + H @ h[t - 1] + b; q[t] = a; h[t] = f(a)"),
        ("(1 - h[t] ** 2)", "f_prime(q[t])"),
        f=swish.function,
        f_prime=swish.derivative,
        q={},
    )
    assert found(f, activation=swish).ok
    assert found(f, activation=(swish.function, swish.derivative)).ok
    assert not found(f).ok


def test_a_network_near_the_kink_of_a_relu_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def undecided_at_first(truth: Any) -> bool:
        seen.append(1)
        return len(seen) > 2

    def asked(f: Any) -> int:
        seen.clear()
        inquiry = Inquiry(Callee(f), 5, "manual")
        inquiry.ask(PLANS[0], Conventions())
        return inquiry.network(PLANS[0], Conventions()).seed

    monkeypatch.setattr(inquiries, "decided", undecided_at_first)
    assert asked(textbook(("(1 - h[t] ** 2)", "(1 - h[t])"))) == 5 + 2 * inquiries._APART
    assert (asked(textbook()), seen) == (5, [])  # so near to the truth that no bound has to be known


def test_an_activation_without_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiries, "decided", lambda truth: False)
    with pytest.raises(UnboundedError, match="plain: expected a network in which the effect of rounding is bounded"):
        check(textbook(("(1 - h[t] ** 2)", "(1 - h[t])")))


# ------------------------------------------------------------------------------------------------------- precision


def inexact(name: str, relative: float, when: Any = lambda T: True) -> Backprop:
    """The textbook backprop with a relative error in one gradient of the hidden layer, that is random in size."""
    right, rng = textbook(), np.random.default_rng(1)

    def f(params: Any, x: Any, y: Any) -> Any:
        loss, grads = right(params, x, y)
        if when(len(x)):
            grads[0][name] = grads[0][name] * (1 + relative * rng.uniform(0.5, 1, grads[0][name].shape))
        return loss, grads

    return f


def test_float32_inside_is_right_with_a_remark() -> None:
    result = found(implementation(Conventions(precision="float32")))
    assert (result.ok, result.conventions.precision) == (True, "float32")
    assert result.remarks[0].startswith("something inside is no more exact than float32: the largest error of a tensor")


def test_one_gradient_alone_may_be_gathered_in_float32() -> None:
    f = textbook(("dH, dW, db = np.zeros_like(H)", "dH, dW, db = np.zeros_like(H, dtype=np.float32)"))
    assert (found(f).ok, found(f).conventions.precision) == (True, "float32")


def test_float32_arrays_are_given_only_if_declared() -> None:
    seen: set[str] = set()

    def f(params: Any, x: Any, y: Any) -> Any:
        seen.update([x.dtype.name, params[0]["W"].dtype.name])
        return implementation(Conventions(precision="float32"))(params, x, y)

    assert found(f).ok
    assert seen == {"float64"}
    seen.clear()
    assert found(f, precision="float32").ok
    assert seen == {"float32"}


def test_float32_is_not_found_if_float64_is_declared() -> None:
    assert not found(implementation(Conventions(precision="float32")), precision="float64").ok


def test_an_error_in_one_network_alone_is_no_float32() -> None:
    result = found(inexact("W", 2.0**-21, lambda T: T == 8))
    assert (result.ok, result.conventions.precision) == (False, "float64")


@pytest.mark.parametrize("name", ["H", "W", "b"])
def test_an_error_of_a_thousandth_is_no_float32(name: str) -> None:
    result = found(inexact(name, 0.002))
    assert (result.ok, result.conventions.precision) == (False, "float64")


def test_a_wrong_backprop_in_float32_is_held_against_float32_bounds() -> None:
    f = implementation(Conventions(precision="float32"))

    def wrong(params: Any, x: Any, y: Any) -> Any:
        loss, grads = f(params, x, y)
        return loss, [{name: -g if name == "H" else g for name, g in layer.items()} for layer in grads]

    result = found(wrong)
    assert (result.ok, result.conventions.precision) == (False, "float32")
    assert {d.tensor for d in result.discrepancies} == {"dJ/dH^(1)", "dJ/dH^(2)", "dJ/dH^(3)"}


# ---------------------------------------------------------------------------------------------- depth and h(0)


def test_one_hidden_layer_only_is_a_limit() -> None:
    result = found(textbook(("T = len(x)", "T = len(x)\n    assert len(params) == 2, 'two layers'")))
    assert result.ok
    assert result.limits == (
        "h(0) is zero in every network: f takes no h0",
        "takes 1 hidden layer only; networks with 2 and 3 were asked about with as many instead: "
        "AssertionError: two layers",
    )
    assert {network.split()[1] for network in result.asked} == {"(n=2,"}


def test_two_hidden_layers_only_is_a_limit() -> None:
    f = implementation(Conventions())

    def two(params: Any, x: Any, y: Any) -> Any:
        if len(params) != 3:
            raise NotImplementedError
        return f(params, x, y)

    assert (
        found(two)
        .limits[1]
        .startswith("takes 2 hidden layers only; networks with 1 and 3 were asked about with as many instead")
    )


def test_gradients_of_fewer_layers_are_a_limit_too() -> None:
    result = found(textbook(("T = len(x)", "y = y % len(params[1]['b']); T = len(x)")))
    assert result.limits[-1].startswith(
        "takes 1 hidden layer only; networks with 2 and 3 were asked about with as many instead: expected"
    )


def test_a_depth_that_was_declared_is_a_mistake_if_it_raises() -> None:
    f = textbook(("T = len(x)", "T = len(x)\n    assert len(params) == 2, 'two layers'"))
    result = found(f, layers=3)
    assert not result.ok
    assert [mistake.slug for mistake in result.mistakes] == ["exception"]
    assert found(f, layers=1).ok
    assert found(f, layers=1).limits[-1] == "networks with more than 1 hidden layers were not checked, as declared"


def test_an_exception_in_one_network_of_a_depth_is_a_mistake() -> None:
    f = implementation(Conventions())

    def fails(params: Any, x: Any, y: Any) -> Any:
        if len(params) == 3 and len(x) == 6:
            raise ValueError("six")
        return f(params, x, y)

    result = found(fails)
    assert [mistake.slug for mistake in result.mistakes] == ["exception"]
    assert result.mistakes[0].where.startswith("network two (n=3, T=6,")


def test_a_depth_with_wrong_gradients_is_a_mistake() -> None:
    f = implementation(Conventions())

    def wrong(params: Any, x: Any, y: Any) -> Any:
        loss, grads = f(params, x, y)
        return loss, grads[:2] + [{name: 2 * g for name, g in layer.items()} for layer in grads[2:]]

    result = found(wrong)
    assert not result.ok
    assert {d.probe.split()[0] for d in result.discrepancies} == {"two", "deep", "wide", "wide-deep", "square"}


def test_initial_states_are_passed_if_there_is_an_argument() -> None:
    f = implementation(Conventions(h0=True))
    ignored = found(lambda params, x, y, h0=None: f(params, x, y))
    assert not ignored.ok
    assert {d.probe.split()[0] for d in ignored.discrepancies} == {p.name for p in PLANS if p.h0}


def test_any_keyword_is_taken_for_initial_states_if_they_matter() -> None:
    f = implementation(Conventions(h0=True))
    passed, ignored = found(lambda *a, **k: f(*a, **k)), found(lambda *a, **k: f(*a))
    assert (passed.ok, passed.conventions.h0, passed.limits) == (True, True, ())
    assert (ignored.ok, ignored.conventions.h0) == (True, False)
    assert ignored.limits == ("h(0) is zero in every network: f takes no h0",)


# ------------------------------------------------------------------------------------------- the arguments themselves


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_two_biases_add_up_to_one_and_neither_is_enough(plan: Any) -> None:
    probe = draw(plan, 3)
    for precision in ("float64", "float32"):
        given = arguments(probe, Conventions(batch="time-first", biases=2), precision)
        for layer, canonical in zip(given.params[:-1], probe.params, strict=False):
            assert (layer["b_ih"] + layer["b_hh"] == canonical["b"]).all()
            assert layer["b_ih"].any()
            assert layer["b_hh"].any()
        assert given.params[-1].keys() == {"W", "b"}


@pytest.mark.parametrize("batch", CHOICES["batch"])
def test_arguments_have_the_shapes_of_the_conventions(batch: str) -> None:
    c = Conventions(layout="rows", batch=batch, targets="rows", h0=True)
    given = arguments(draw(PLANS[1], 3).reduced(c), c)
    d, T, B = PLANS[1].d, PLANS[1].T, PLANS[1].B
    lead = {"none": (T,), "time-first": (T, B), "batch-first": (B, T)}[batch]
    assert given.h0 is not None
    assert [layer["W"].shape for layer in given.params] == list(pairwise(d))
    assert (given.x.shape, given.y.shape) == ((*lead, d[0]), (*lead, d[-1]))
    assert [s.shape for s in given.h0] == [(d_l,) if batch == "none" else (B, d_l) for d_l in d[1:-1]]
    assert all(array.flags.c_contiguous and array.flags.writeable for array in [given.x, given.y, *given.h0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "row"}, "layout: expected one of columns, rows, but got 'row'"),
        ({"activation": "gelu"}, r"activation: expected one of tanh, .*, but got 'gelu'; for another one give a pair"),
        ({"truth": "torch"}, "truth: expected manual or jax, but got 'torch'"),
        ({"seed": -1}, "seed: expected at least 0, but got -1"),
        ({"layers": 0}, "layers: expected at least 1, but got 0"),
        ({"widths": (3, 4)}, r"widths: expected at least three integers from 1, .*, but got \(3, 4\)"),
        ({"widths": (3, 0, 4)}, r"widths: expected at least three integers from 1, .*, but got \(3, 0, 4\)"),
        ({"widths": (3, 4.0, 4)}, r"widths: expected at least three integers from 1, .*, but got \(3, 4\.0, 4\)"),
        ({"widths": 300}, "widths: expected at least three integers from 1, .*, but got 300"),
        ({"widths": (3, 4, 5), "T": 0}, "T: expected an integer of at least 1, but got 0"),
        ({"widths": (3, 4, 5), "B": True}, "B: expected an integer of at least 1, but got True"),
        ({"widths": (3, 4, 5), "precision": "float32"}, "precision: expected float64 beside widths, but got float32; "),
        ({"T": 5}, "T, B: expected only beside widths; give widths too"),
        ({"widths": (3, 4, 5), "layers": 1}, "layers: expected nothing beside widths, which have 1; leave it out"),
        ({"time_limit": 0}, "time_limit: expected more than 0 seconds, but got 0"),
    ],
)
def test_what_cannot_be_declared_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConventionError, match=message):
        check(implementation(Conventions()), **options)


def test_a_program_of_two_layers_is_asked_about_everything_that_hides() -> None:
    f = implementation(Conventions())

    def clipped(params: Any, x: Any, y: Any) -> Any:
        assert len(params) == 3
        loss, grads = f(params, x, y)
        return loss, [{name: np.clip(g, -1, 1) for name, g in layer.items()} for layer in grads]

    result = check(clipped, diagnose=False)
    assert not result.ok
    assert {network.split()[0] for network in result.asked} >= {"plain", "long", "large", "tiny", "square"}
    assert {network.split()[1] for network in result.asked} == {"(n=3,"}


def test_fewer_layers_than_declared_may_be_refused() -> None:
    f = implementation(Conventions())

    def two(params: Any, x: Any, y: Any) -> Any:
        assert len(params) == 3
        return f(params, x, y)

    result = check(two, layers=2, diagnose=False)
    assert result.ok
    assert "layers=2" in str(result)
    assert not check(two, layers=1, diagnose=False).ok


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((np.arctan, lambda z: 1 / (1 + z * z) ** 2), r"at z = .* f' is .*, and differences of f give"),
        ((math.atan, lambda z: 1 / (1 + z * z)), "expected f to take an array and give one, but it raised TypeError"),
        ((np.arctan, lambda z: None), r"expected f' of an array of shape \(61,\), but got shape \(\)"),
    ],
)
def test_a_pair_that_is_no_activation_is_refused(pair: Any, message: str) -> None:
    with pytest.raises(ConventionError, match=message):
        check(implementation(Conventions()), activation=pair)
