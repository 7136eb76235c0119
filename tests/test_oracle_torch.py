"""A torch model is judged as it stands: what is right passes, at every option; what a hook does to it is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bptt_oracle import check
from bptt_oracle.oracle import as_it_stands
from bptt_oracle.oracle.conventions import ConventionError
from bptt_oracle.oracle.truth import truth_of
from bptt_oracle.oracle.verdict import GradientError

# ------------------------------------------------------------------------------------------------ without torch


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)


def test_without_torch_the_adapter_says_so_in_one_line(tmp_path: Path) -> None:
    done = run("import sys; sys.modules['torch'] = None; import bptt_oracle.torch", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: bptt_oracle.torch: expected PyTorch, but it is not installed; pip install torch"
    )


def test_the_oracle_never_imports_torch(tmp_path: Path) -> None:
    program = (
        "import sys, bptt_oracle, bptt_oracle.oracle.verdict as v; v.check(lambda *a: 0); print('torch' in sys.modules)"
    )
    assert run(program, tmp_path).stdout == "False\n"


# --------------------------------------------------------------------------------------------------- with torch


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture
def adapter(torch: Any) -> Any:
    return import_module("bptt_oracle.torch")


Make = Callable[..., tuple[Any, Any]]


@pytest.fixture
def make(torch: Any) -> Make:
    """Makes an nn.RNN of these options, 3 wide below and 4 itself, and an nn.Linear on 5 classes."""

    def of(**options: Any) -> tuple[Any, Any]:
        torch.manual_seed(2016)
        dtype, bias = options.get("dtype"), options.get("bias", True)
        return torch.nn.RNN(3, 4, **options), torch.nn.Linear(4, 5, bias=bias, dtype=dtype)

    return of


@pytest.fixture
def few(adapter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer networks, where their number does not matter."""
    sequences = tuple(s for s in as_it_stands.SEQUENCES if s[0] in ("short", "states"))
    monkeypatch.setattr(adapter, "SEQUENCES", sequences)


OPTIONS = [
    {},
    {"num_layers": 3},
    {"batch_first": True, "num_layers": 2},
    {"bias": False},
    {"nonlinearity": "relu", "num_layers": 2},
    {"dtype": "float64"},
    {"dtype": "float64", "nonlinearity": "relu", "bias": False, "num_layers": 2, "batch_first": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_rnn_of_any_options_is_right_as_it_stands(
    options: dict[str, Any], make: Make, torch: Any, adapter: Any
) -> None:
    if "dtype" in options:
        options = options | {"dtype": getattr(torch, options["dtype"])}
    result = adapter.check(*make(**options))
    assert result.ok, str(result)
    assert len(result.asked) == 7
    c = result.conventions
    assert c.batch == ("batch-first" if options.get("batch_first") else "time-first")
    assert c.biases == (2 if options.get("bias", True) else 1)
    assert c.activation == options.get("nonlinearity", "tanh")
    assert c.precision == ("float64" if "dtype" in options else "float32")


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("loss", "over_time", "over_batch"), [("sum", "sum", "sum"), ("last", "last", "mean")])
def test_a_named_loss_is_that_J(
    loss: str, over_time: str, over_batch: str, batch_first: bool, make: Make, adapter: Any
) -> None:
    result = adapter.check(*make(batch_first=batch_first), loss=loss)
    assert result.ok, str(result)
    assert (result.conventions.over_time, result.conventions.over_batch) == (over_time, over_batch)


@pytest.mark.usefixtures("few")
def test_what_a_loss_function_sums_is_found_out(make: Make, torch: Any, adapter: Any) -> None:
    def summed_over_time(logits: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / y.shape[1]

    result = adapter.check(*make(), loss=summed_over_time)
    assert result.ok, str(result)
    assert (result.conventions.over_time, result.conventions.over_batch) == ("sum", "mean")


@pytest.mark.parametrize(("dtype", "exponent"), [("float64", -40), ("float32", -11)])
def test_an_error_far_below_what_training_shows_is_rejected(
    dtype: str, exponent: int, make: Make, torch: Any, adapter: Any
) -> None:
    rnn, linear = make(dtype=getattr(torch, dtype))
    rnn.weight_hh_l0.register_hook(lambda gradient: gradient * (1 + 2.0**exponent))
    result = adapter.check(rnn, linear, diagnose=False)
    assert not result.ok
    assert {d.tensor for d in result.discrepancies} == {"dJ/dH^(1)"}


@pytest.mark.parametrize("bias", [True, False])
def test_states_detached_from_the_layer_below_are_named(bias: bool, make: Make, adapter: Any) -> None:
    rnn, linear = make(bias=bias)
    rnn.register_forward_hook(lambda module, given, returned: (returned[0].detach(), returned[1]))
    result = adapter.check(rnn, linear)
    assert [mistake.slug for mistake in result.mistakes] == ["signal-dropped"]
    assert "bptt_oracle.torch.check(rnn, linear, seed=2016)" in str(result)


def test_what_has_no_name_is_measured_without_the_gradient_of_a_bias(torch: Any, adapter: Any) -> None:
    torch.manual_seed(2016)
    rnn = torch.nn.RNN(11, 12, bias=False, dtype=torch.float64)
    linear = torch.nn.Linear(12, 5, bias=False, dtype=torch.float64)

    def more(module: Any, given: Any, returned: Any) -> None:
        returned[0].register_hook(lambda gradient: 1.5 * gradient + 0.25)

    rnn.register_forward_hook(more)
    (mistake,) = adapter.check(rnn, linear).mistakes
    assert mistake.slug == "measured"
    assert "1.5 f'(z^(l)(t)) * (W^(l+1))^T delta^(l+1)(t)" in mistake.message


def test_a_mistake_of_one_step_alone_is_told_as_that(make: Make, adapter: Any) -> None:
    rnn, linear = make()

    def only_one_step(module: Any, given: Any, returned: Any) -> Any:
        return (returned[0].detach(), returned[1]) if len(given[0]) == 1 else None

    rnn.register_forward_hook(only_one_step)
    (mistake,) = adapter.check(rnn, linear).mistakes
    assert mistake.slug == "one-step"
    assert "dJ/dH^(1)" in mistake.message


def test_a_clip_above_what_the_mean_reaches_is_named(make: Make, adapter: Any) -> None:
    rnn, linear = make()
    for parameter in (*rnn.parameters(), *linear.parameters()):
        parameter.register_hook(lambda gradient: gradient.clamp(-2, 2))
    result = adapter.check(rnn, linear)
    assert {d.probe.split()[0] for d in result.discrepancies} == {"summed"}
    assert [mistake.slug for mistake in result.mistakes] == ["clipped-by-value"]


@pytest.mark.usefixtures("few")
def test_biases_that_cancel_are_right_within_bounds_of_their_own(
    make: Make, torch: Any, adapter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rnn, linear = make()
    with torch.no_grad():
        rnn.bias_ih_l0 += 1000
        rnn.bias_hh_l0 -= 1000
    assert adapter.check(rnn, linear).ok
    monkeypatch.setattr(as_it_stands.Standing, "truth", lambda self, *asked: truth_of(*asked))
    assert not adapter.check(rnn, linear).ok


@pytest.mark.usefixtures("few")
def test_a_frozen_parameter_is_left_out_and_the_others_are_not(make: Make, adapter: Any) -> None:
    rnn, linear = make(num_layers=2)
    rnn.weight_ih_l1.requires_grad_(False)
    linear.bias.requires_grad_(False)
    result = adapter.check(rnn, linear)
    assert result.ok
    assert "dJ/dW^(2) and dJ/db^(3) not checked: its requires_grad is False" in result.limits
    rnn.weight_hh_l1.register_hook(lambda gradient: -gradient)
    assert {d.tensor for d in adapter.check(rnn, linear, diagnose=False).discrepancies} == {"dJ/dH^(2)"}


# --------------------------------------------------------------------------------------------- left as it was


@pytest.mark.usefixtures("few")
def test_the_model_is_left_as_it_was(make: Make, torch: Any, adapter: Any) -> None:
    rnn, linear = make()
    rnn.weight_hh_l0.grad = torch.ones(4, 4)
    rnn.eval()
    before = [p.clone() for p in (*rnn.parameters(), *linear.parameters())]
    assert adapter.check(rnn, linear).ok
    check(adapter.as_backprop(rnn, linear), layers=1)
    after = [*rnn.parameters(), *linear.parameters()]
    assert all(torch.equal(p, was) for p, was in zip(after, before, strict=True))
    assert torch.equal(rnn.weight_hh_l0.grad, torch.ones(4, 4))
    assert all(p.grad is None for p in after if p is not rnn.weight_hh_l0)
    assert not rnn.training


@pytest.mark.usefixtures("few")
def test_a_model_that_changes_its_parameters_is_told_and_put_back(make: Make, torch: Any, adapter: Any) -> None:
    rnn, linear = make()
    before = rnn.weight_hh_l0.detach().clone()

    def decay(module: Any, given: Any, returned: Any) -> None:
        module.weight_hh_l0.data *= 0.5

    rnn.register_forward_hook(decay)
    result = adapter.check(rnn, linear)
    assert [mistake.slug for mistake in result.mistakes] == ["parameters-changed"]
    assert "H^(1)" in result.mistakes[0].message
    assert torch.equal(rnn.weight_hh_l0, before)


@pytest.mark.usefixtures("few")
def test_a_model_that_keeps_its_state_is_told(make: Make, adapter: Any) -> None:
    rnn, linear = make()
    kept: list[Any] = []

    def resume(module: Any, given: Any) -> Any:
        x = given[0]
        states = [state for state in kept if state.shape[1] == x.shape[1]]
        return (x, states[-1]) if states else given

    rnn.register_forward_pre_hook(resume)
    rnn.register_forward_hook(lambda module, given, returned: kept.append(returned[1].detach()))
    assert [mistake.slug for mistake in adapter.check(rnn, linear).mistakes] == ["second-call"]


# ------------------------------------------------------------------------------------------------- as a backprop


@pytest.mark.parametrize("options", [{}, {"batch_first": True, "nonlinearity": "relu"}], ids=str)
def test_a_model_is_right_as_a_backprop_on_networks_of_other_widths(
    options: dict[str, Any], make: Make, adapter: Any
) -> None:
    result = check(adapter.as_backprop(*make(**options)))
    assert result.ok, str(result)
    assert result.limits == ()
    assert len(result.asked) == 10
    assert result.conventions.biases == 2
    assert result.conventions.batch == ("batch-first" if options.get("batch_first") else "time-first")


def test_what_makes_the_modules_can_be_given(make: Make, torch: Any, adapter: Any) -> None:
    def build(d: tuple[int, ...]) -> tuple[Any, Any]:
        rnns = [torch.nn.RNN(below, width) for below, width in pairwise(d[:-1])]
        rnns[0].register_forward_hook(lambda module, given, returned: (returned[0].flip(0), returned[1]))
        return rnns, torch.nn.Linear(d[-2], d[-1])

    assert not check(adapter.as_backprop(*make(), build=build), diagnose=False).ok


# --------------------------------------------------------------------------------------------------- bad input


def dropping(rnn: Any, linear: Any, torch: Any) -> tuple[Any, Any]:
    rnn.dropout, rnn.num_layers = 0.5, 2
    return rnn, linear


def not_finite(rnn: Any, linear: Any, torch: Any) -> tuple[Any, Any]:
    rnn.weight_hh_l0.data[0, 0] = float("nan")
    return rnn, linear


def frozen(rnn: Any, linear: Any, torch: Any) -> tuple[Any, Any]:
    return rnn.requires_grad_(False), linear.requires_grad_(False)


BAD: list[tuple[Callable[[Any, Any, Any], tuple[Any, Any]], str]] = [
    (lambda r, l, t: (t.nn.LSTM(3, 4), l), "rnn: expected an nn.RNN, but got LSTM"),
    (lambda r, l, t: (t.nn.RNN(3, 4, bidirectional=True), l), "rnn: expected one direction, but got bidirectional"),
    (dropping, "rnn: expected no dropout between the layers, but got dropout=0.5 in training mode; call rnn.eval()"),
    (lambda r, l, t: (r, t.nn.Identity()), "linear: expected an nn.Linear, but got Identity"),
    (lambda r, l, t: (r, t.nn.Linear(3, 5)), "expected layer 2 to take the 4 units of layer 1, but it takes 3"),
    (
        lambda r, l, t: (r, l.double()),
        "all of float64 or all of float32, on one device, but got torch.float32 on cpu, ",
    ),
    (lambda r, l, t: (r.bfloat16(), l.bfloat16()), "but got torch.bfloat16 on cpu; convert the model"),
    (not_finite, "H^(1): expected finite numbers, but it holds inf or nan"),
    (frozen, "expected a parameter that has a gradient, but got requires_grad=False in all"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_a_model_that_cannot_be_checked_is_one_clear_error(
    change: Callable[[Any, Any, Any], tuple[Any, Any]], message: str, make: Make, torch: Any, adapter: Any
) -> None:
    with pytest.raises(adapter.UncheckableError) as caught:
        adapter.check(*change(*make(), torch))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": "average"},
            "loss: expected one of mean, sum, last, or a function loss(logits, y), but got 'average'",
        ),
        ({"truth": "torch"}, "truth: expected manual or jax, but got 'torch'"),
        ({"seed": -1}, "seed: expected at least 0, but got -1"),
        ({"time_limit": 0}, "time_limit: expected more than 0 seconds, but got 0"),
    ],
)
def test_an_option_that_does_not_exist_is_one_clear_error(
    options: dict[str, Any], message: str, make: Make, adapter: Any
) -> None:
    with pytest.raises(ConventionError) as caught:
        adapter.check(*make(), **options)
    assert str(caught.value) == message


def test_a_model_without_biases_is_no_backprop_of_the_oracles_networks(make: Make, adapter: Any) -> None:
    with pytest.raises(adapter.UncheckableError, match="but got bias=False"):
        adapter.as_backprop(*make(bias=False))


def test_a_class_of_ones_own_needs_a_builder(make: Make, torch: Any, adapter: Any) -> None:
    rnn, linear = make()
    rnn.__class__ = type("OwnRNN", (torch.nn.RNN,), {})
    with pytest.raises(adapter.UncheckableError, match="itself, but got OwnRNN; give build="):
        adapter.as_backprop(rnn, linear)


def test_assert_correct_raises_with_the_verdict(make: Make, adapter: Any) -> None:
    rnn, linear = make()
    adapter.assert_correct(rnn, linear)
    rnn.weight_hh_l0.register_hook(lambda gradient: -gradient)
    with pytest.raises(GradientError, match="WRONG: RNN and Linear"):
        adapter.assert_correct(rnn, linear, diagnose=False)


def test_a_large_model_is_asked_about_shorter_sequences(
    make: Make, adapter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_it_stands, "_MOST_BYTES", 8 * 9 * 4 * 12)  # of a model 4 and 5 wide: B T^2 <= 12
    result = adapter.check(*make())
    assert result.ok
    assert "long has T = 3, B = 1 instead of 32, 1: the model is large" in result.limits
