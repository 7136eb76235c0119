"""Mistakes of the forward pass: each one of the catalogue, planted by hand, is named; what has no name is located."""

from typing import Any

import pytest

from bptt_oracle import check
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.deviations import Deviation, DeviationError
from bptt_oracle.oracle.forward.gradients import simulate_forward
from bptt_oracle.oracle.forward.passing import SLOTS, held_at, slot_of
from bptt_oracle.oracle.mistakes import catalogue
from bptt_oracle.oracle.probes import PLANS, draw
from bptt_oracle.oracle.result import Result
from bptt_oracle.oracle.truth import truth_of

PROGRAM = """
import numpy as np

def f(params, x, y, h0):
    T, B, _ = x.shape
    n = len(params)
    hidden, out = params[:-1], params[-1]
    steps, sequences = np.meshgrid(range(T), range(B), indexing="ij")
    goes_in, kept = [x], []
    for l, p in enumerate(hidden):
        H, W, b = p["H"], p["W"], p["b"]
        below = goes_in[l]
        h, z, passed = np.zeros((T + 1, B, len(b))), np.zeros((T, B, len(b))), np.zeros((T, B, len(b)))
        h[0] = h0[l]
        for t in range(T):
            before = h[t]
            z[t] = before @ H.T + below[t] @ W.T + b
            h[t + 1] = np.tanh(z[t])
            passed[t] = h[t + 1]
        kept.append((below, h))
        goes_in.append(passed)
    top = goes_in[-1]
    logits = top @ out["W"].T + out["b"]
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    y_hat = e / e.sum(axis=-1, keepdims=True)
    losses = -np.log(y_hat[steps, sequences, y])
    loss = losses.sum() / (T * B)

    delta = y_hat.copy()
    delta[steps, sequences, y] -= 1
    delta /= T * B
    grads = [{"W": np.einsum("tbi,tbj->ij", delta, top), "b": delta.sum(axis=(0, 1))}]
    arriving = delta @ out["W"]
    for p, (below, h) in zip(hidden[::-1], kept[::-1]):
        delta, carried = np.zeros_like(arriving), 0.0
        for t in reversed(range(T)):
            delta[t] = (arriving[t] + carried) * (1 - h[t + 1] ** 2)
            carried = delta[t] @ p["H"]
        grads.insert(0, {
            "H": np.einsum("tbi,tbj->ij", delta, h[:-1]),
            "W": np.einsum("tbi,tbj->ij", delta, below),
            "b": delta.sum(axis=(0, 1)),
        })
        arriving = delta @ p["W"]
    return loss, grads
"""

BEFORE, Z, H = "before = h[t]\n", "z[t] = before @ H.T + below[t] @ W.T + b\n", "h[t + 1] = np.tanh(z[t])\n"
BELOW, PASSED, LOGITS = "below = goes_in[l]\n", "passed[t] = h[t + 1]\n", 'logits = top @ out["W"].T + out["b"]\n'
Y_HAT, LOSSES, LOSS = "y_hat = e / e.sum(axis=-1, keepdims=True)\n", "losses = -np.log(y_hat[steps, sequences, y])\n", (
    "loss = losses.sum() / (T * B)\n"
)  # fmt: skip
E = "e = np.exp(logits - logits.max(axis=-1, keepdims=True))\n"
SINGLE = "return loss, [{name: g.astype(np.float32) for name, g in layer.items()} for layer in grads]\n"
ROWS = "np.eye(y_hat.shape[-1])[y]"

PLANTED: dict[str, tuple[str, str]] = {
    "forward-h0-ignored": ("h[0] = h0[l]\n", "pass\n"),
    "forward-h0-negated": ("h[0] = h0[l]\n", "h[0] = -h0[l]\n"),
    "forward-h0-at-every-step": (BEFORE, "before = h[0]\n"),
    "forward-state-after-first-step-zero": (BEFORE, "before = h[t] * (t == 0)\n"),
    "forward-state-two-steps-back": (BEFORE, "before = h[t - 1]\n"),
    "forward-state-two-steps-back-from-h0": (BEFORE, "before = h[max(t - 1, 0)]\n"),
    "forward-state-of-step-before-last": (BEFORE, "before = h[0] if t == 0 else h[t - 1] * (t > 1)\n"),
    "forward-state-of-layer-number": (BEFORE, "before = h[l]\n"),
    "forward-input-negated": (BELOW, "below = -goes_in[l]\n"),
    "forward-input-of-step-before": (
        BELOW,
        "below = np.concatenate([h0[l - 1][None] if l else np.zeros((1, B, x.shape[2])), goes_in[l][:-1]])\n",
    ),
    "forward-input-of-step-before-wrapped": (BELOW, "below = np.roll(goes_in[l], 1, axis=0)\n"),
    "forward-input-of-step-after": (BELOW, "below = np.concatenate([goes_in[l][1:], 0 * goes_in[l][:1]])\n"),
    "forward-input-of-step-after-wrapped": (BELOW, "below = np.roll(goes_in[l], -1, axis=0)\n"),
    "forward-input-of-first-step": (BELOW, "below = np.array([goes_in[l][0]] * T)\n"),
    "forward-input-of-last-step": (BELOW, "below = np.array([goes_in[l][-1]] * T)\n"),
    "forward-input-reversed": (BELOW, "below = goes_in[l][::-1]\n"),
    "forward-recurrent-dropped": (Z, "z[t] = below[t] @ W.T + b\n"),
    "forward-recurrent-negated": (Z, "z[t] = below[t] @ W.T + b - before @ H.T\n"),
    "forward-recurrent-untransposed": (Z, "z[t] = before @ H + below[t] @ W.T + b\n"),
    "forward-recurrent-without-H": (Z, "z[t] = before + below[t] @ W.T + b\n"),
    "forward-recurrent-doubled": (Z, "z[t] = before @ H.T + below[t] @ W.T + b + before @ H.T\n"),
    "forward-recurrent-through-b": (Z, "z[t] = (before @ b)[:, None] + below[t] @ W.T + b\n"),
    "forward-W-dropped": (Z, "z[t] = before @ H.T + b\n"),
    "forward-W-negated": (Z, "z[t] = before @ H.T - below[t] @ W.T + b\n"),
    "forward-W-doubled": (Z, "z[t] = before @ H.T + 2 * below[t] @ W.T + b\n"),
    "forward-bias-dropped": (Z, "z[t] = before @ H.T + below[t] @ W.T\n"),
    "forward-bias-negated": (Z, "z[t] = before @ H.T + below[t] @ W.T - b\n"),
    "forward-bias-doubled": (Z, "z[t] = before @ H.T + b + below[t] @ W.T + b\n"),
    "forward-activation-omitted": (H, "h[t + 1] = z[t]\n"),
    "forward-activation-twice": (H, "h[t + 1] = np.tanh(np.tanh(z[t]))\n"),
    "forward-z-negated": (H, "h[t + 1] = np.tanh(-z[t])\n"),
    "forward-bias-outside": (H, "h[t + 1] = np.tanh(z[t] - b) + b\n"),
    "forward-recurrent-outside": (H, "h[t + 1] = np.tanh(below[t] @ W.T + b) + before @ H.T\n"),
    "forward-input-outside": (H, "h[t + 1] = np.tanh(before @ H.T + b) + below[t] @ W.T\n"),
    "forward-activation-on-recurrent-only": (H, "h[t + 1] = np.tanh(before @ H.T) + below[t] @ W.T + b\n"),
    "forward-activation-on-input-only": (H, "h[t + 1] = np.tanh(below[t] @ W.T) + before @ H.T + b\n"),
    "forward-state-stays-zero": (H, "pass\n"),
    "forward-state-stays-h0": (H, "h[t + 1] = h0[l]\n"),
    "forward-state-not-kept": (H + " " * 12 + PASSED, "passed[t] = np.tanh(z[t])\n"),
    "forward-state-kept-before-activation": (H + " " * 12 + PASSED, "h[t + 1] = z[t]; passed[t] = np.tanh(z[t])\n"),
    "forward-state-kept-negated": (H + " " * 12 + PASSED, "h[t + 1] = -np.tanh(z[t]); passed[t] = np.tanh(z[t])\n"),
    "forward-state-kept-early": (H + " " * 12 + PASSED, "h[t] = np.tanh(z[t]); passed[t] = h[t]\n"),
    "forward-state-kept-early-unseen": (H, "h[t] = np.tanh(z[t])\n"),
    "forward-first-step-left-out": ("for t in range(T):\n", "for t in range(1, T):\n"),
    "forward-last-step-left-out": ("for t in range(T):\n", "for t in range(T - 1):\n"),
    "logits-negated": (LOGITS, 'logits = -(top @ out["W"].T + out["b"])\n'),
    "logits-activated": (LOGITS, 'logits = np.tanh(top @ out["W"].T + out["b"])\n'),
    "softmax-not-normalised": (Y_HAT, "y_hat = np.exp(logits)\n"),
    "softmax-not-normalised-shifted": (Y_HAT, "y_hat = e\n"),
    "softmax-over-time": (Y_HAT, "e = np.exp(logits); y_hat = e / e.sum(axis=0, keepdims=True)\n"),
    "softmax-over-batch": (Y_HAT, "e = np.exp(logits); y_hat = e / e.sum(axis=1, keepdims=True)\n"),
    "softmax-over-batch-and-classes": (Y_HAT, "e = np.exp(logits); y_hat = e / e.sum(axis=(1, 2), keepdims=True)\n"),
    "softmax-over-time-and-classes": (Y_HAT, "e = np.exp(logits); y_hat = e / e.sum(axis=(0, 2), keepdims=True)\n"),
    "softmax-over-everything": (Y_HAT, "e = np.exp(logits); y_hat = e / e.sum()\n"),
    "softmax-sum-over-time": (Y_HAT, "y_hat = e / e.sum(axis=0, keepdims=True)\n"),
    "softmax-sum-over-batch": (Y_HAT, "y_hat = e / e.sum(axis=1, keepdims=True)\n"),
    "softmax-sum-over-batch-and-classes": (Y_HAT, "y_hat = e / e.sum(axis=(1, 2), keepdims=True)\n"),
    "softmax-sum-over-time-and-classes": (Y_HAT, "y_hat = e / e.sum(axis=(0, 2), keepdims=True)\n"),
    "softmax-sum-over-everything": (Y_HAT, "y_hat = e / e.sum()\n"),
    "softmax-largest-over-time": (E, "e = np.exp(logits - logits.max(axis=0, keepdims=True))\n"),
    "softmax-largest-over-batch": (E, "e = np.exp(logits - logits.max(axis=1, keepdims=True))\n"),
    "softmax-of-softmax": (
        Y_HAT,
        "e = np.exp(e / e.sum(axis=-1, keepdims=True)); y_hat = e / e.sum(axis=-1, keepdims=True)\n",
    ),
    "softmax-by-mean": (Y_HAT, "y_hat = e / e.mean(axis=-1, keepdims=True)\n"),
    "softmax-is-logistic": (Y_HAT, "y_hat = 1 / (1 + np.exp(-logits))\n"),
    "softmax-sum-shifted-only": (Y_HAT, "y_hat = np.exp(logits) / e.sum(axis=-1, keepdims=True)\n"),
    "softmax-sum-not-shifted": (Y_HAT, "y_hat = e / np.exp(logits).sum(axis=-1, keepdims=True)\n"),
    "loss-sign": (LOSSES, "losses = np.log(y_hat[steps, sequences, y])\n"),
    "loss-without-log": (LOSSES, "losses = -y_hat[steps, sequences, y]\n"),
    "loss-without-log-positive": (LOSSES, "losses = y_hat[steps, sequences, y]\n"),
    "loss-class-before": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y - 1])\n"),
    "loss-class-after": (LOSSES, "losses = -np.log(y_hat[steps, sequences, (y + 1) % y_hat.shape[-1]])\n"),
    "loss-target-late": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y[list(range(1, T)) + [T - 1]]])\n"),
    "loss-target-early": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y[[0] + list(range(T - 1))]])\n"),
    "loss-target-late-wrapped": (LOSSES, "losses = -np.log(y_hat[steps, sequences, np.roll(y, -1, axis=0)])\n"),
    "loss-target-early-wrapped": (LOSSES, "losses = -np.log(y_hat[steps, sequences, np.roll(y, 1, axis=0)])\n"),
    "loss-target-of-first-step": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y[0]])\n"),
    "loss-target-of-last-step": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y[-1]])\n"),
    "loss-target-of-layer-number": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y[l]])\n"),
    "loss-of-sequence-before": (LOSSES, "losses = -np.log(y_hat[steps, sequences - 1, y])\n"),
    "loss-of-sequence-after": (LOSSES, "losses = -np.log(y_hat[steps, (sequences + 1) % B, y])\n"),
    "loss-of-every-class": (LOSSES, "losses = -np.log(y_hat)\n"),
    "loss-is-entropy": (LOSSES, "losses = -y_hat * np.log(y_hat)\n"),
    "loss-of-other-classes": (LOSSES, "losses = -np.log(1 - y_hat[steps, sequences, y])\n"),
    "loss-squared": (LOSSES, f"losses = (y_hat - {ROWS}) ** 2\n"),
    "loss-squared-half": (LOSSES, f"losses = (y_hat - {ROWS}) ** 2 / 2\n"),
    "loss-binary": (LOSSES, f"rows = {ROWS}; losses = -rows * np.log(y_hat) - (1 - rows) * np.log(1 - y_hat)\n"),
    "loss-first-step-skipped": (LOSS, "loss = losses[1:].sum() / (T * B)\n"),
    "loss-last-step-skipped": (LOSS, "loss = losses[:-1].sum() / (T * B)\n"),
    "loss-first-step-only": (LOSS, "loss = losses[0].sum() / (T * B)\n"),
    "loss-last-step-only": (LOSS, "loss = losses[-1].sum() / (T * B)\n"),
    "loss-first-sequence-only": (LOSS, "loss = losses[:, 0].sum() / (T * B)\n"),
    "loss-scaled": (LOSS, "loss = losses.sum() / (T * B * B * 3)\n"),
    "loss-constant": (LOSS, "loss = T * B\n"),
    "loss-epsilon": (LOSSES, "losses = -np.log(y_hat[steps, sequences, y] + 1e-8)\n"),
}
"""Each in one line of the program: what stands there, and what was written instead."""

ON_EQUAL_WIDTHS: dict[str, tuple[str, str]] = {
    "forward-state-of-layer-below": (BEFORE, "before = below[t]\n"),
    "forward-state-of-layer-below-before": (
        BEFORE,
        "before = kept[l - 1][1][t] if l else (x[t - 1] if t else 0 * x[0])\n",
    ),
    "forward-h0-of-first-layer": ("h[0] = h0[l]\n", "h[0] = h0[0]\n"),
    "forward-input-is-x": (BELOW, "below = x\n"),
    "forward-input-of-first-layer": (BELOW, "below = goes_in[min(l, 1)]\n"),
    "forward-recurrent-through-W": (Z, "z[t] = before @ W.T + below[t] @ W.T + b\n"),
    "forward-W-untransposed": (Z, "z[t] = before @ H.T + below[t] @ W + b\n"),
    "forward-W-left-out": (Z, "z[t] = before @ H.T + below[t] + b\n"),
    "forward-W-is-H": (Z, "z[t] = before @ H.T + below[t] @ H.T + b\n"),
}
"""These raise an exception where widths differ."""

TWO_BIASES = {
    "forward-b-ih-dropped": "b_hh",
    "forward-b-hh-dropped": "b_ih",
    "forward-b-ih-negated": "b_hh - b_ih",
    "forward-b-hh-negated": "b_ih - b_hh",
    "forward-b-ih-twice": "b_ih + b_ih",
    "forward-b-hh-twice": "b_hh + b_hh",
}
"""What stands for b_ih + b_hh."""

ELSEWHERE = {
    "forward-input-before-activation", "forward-state-negated", "softmax-without-exp",
}  # fmt: skip
"""These have tests of their own."""

TIMES_FIRST: dict[str, Any] = {
    "batch": "time-first",
    "biases": 1,
    "targets": "classes",
    "over_batch": "mean",
    "over_time": "mean",
}


def planted(old: str, new: str, *more: tuple[str, str]) -> Any:
    """The program with lines replaced."""
    source = PROGRAM
    for before, after in ((old, new), *more):
        assert source.count(before) == 1
        source = source.replace(before, after)
    space: dict[str, Any] = {}
    exec(source, space)
    return space["f"]


def slugs(result: Result) -> list[str]:
    return [mistake.slug for mistake in result.mistakes]


def names(result: Result) -> set[str]:
    """What the first mistake is, and what cannot be told apart from it."""
    return {result.mistakes[0].slug, *result.mistakes[0].alternatives}


def test_the_catalogue_has_an_entry_for_every_forward_mistake_and_a_test() -> None:
    entries = {slug for slug, entry in catalogue().items() if entry.kind == "forward"}
    assert entries == set.union(*map(set, SLOTS.values()))
    assert entries == {*PLANTED, *ON_EQUAL_WIDTHS, *TWO_BIASES, *ELSEWHERE}


def test_the_program_is_right_as_it_stands() -> None:
    assert check(planted(Y_HAT, Y_HAT), **TIMES_FIRST).ok


@pytest.mark.parametrize("slug", PLANTED)
def test_a_mistake_of_the_forward_pass_is_named(slug: str) -> None:
    result = check(planted(*PLANTED[slug]), layers=2, activation="tanh", **TIMES_FIRST)
    assert not result.ok
    assert len(result.mistakes) == 1
    assert slug in names(result)
    assert result.mistakes[0].certainty.startswith("reproduced exactly on ")
    assert result.mistakes[0].equation == catalogue()[slug].equation


@pytest.mark.parametrize("slug", ON_EQUAL_WIDTHS)
def test_a_mistake_that_only_equal_widths_allow_is_named(slug: str) -> None:
    result = check(planted(*ON_EQUAL_WIDTHS[slug]), widths=(4, 4, 4, 4, 4), layout="columns", **TIMES_FIRST)
    assert (result.ok, len(result.mistakes)) == (False, 1)
    assert slug in names(result)


@pytest.mark.parametrize("slug", TWO_BIASES)
def test_a_mistake_with_two_biases_is_named(slug: str) -> None:
    z = Z.replace(
        "+ b\n", "+ " + TWO_BIASES[slug].replace("b_", 'p["b_').replace("ih", 'ih"]').replace("hh", 'hh"]') + "\n"
    )
    gradients = '"b_ih": delta.sum(axis=(0, 1)), "b_hh": delta.sum(axis=(0, 1)),\n'
    both = ('"b": delta.sum(axis=(0, 1)),\n', gradients)
    f = planted(Z, z, both, ('p["W"], p["b"]\n', 'p["W"], p["b_ih"]\n'))
    result = check(f, layers=2, **(TIMES_FIRST | {"biases": 2}))
    assert (result.ok, slugs(result)) == (False, [slug])


def test_z_of_the_layer_below_for_its_h_is_named() -> None:
    result = check(planted(PASSED, "passed[t] = z[t]\n"), layers=2, activation="tanh", **TIMES_FIRST)
    named = {text.split("@")[1]: m.slug for m in result.mistakes for text in m.deviations if "@" in text}
    assert named["output-layer"] == "forward-input-before-activation"


def test_a_negated_state_is_not_told_apart_from_a_negated_z_where_f_is_odd() -> None:
    result = check(planted(H, "h[t + 1] = -np.tanh(z[t])\n"), layers=2, activation="tanh", **TIMES_FIRST)
    assert "forward-state-negated" in names(result)
    assert "not distinguishable here from" in result.mistakes[0].certainty


def test_a_softmax_without_exp_gives_what_the_program_gives() -> None:
    c = Conventions(batch="time-first", h0=True)
    probe = draw(PLANS[0], 2016).reduced(c)
    probe.params[-1]["W"][:], probe.params[-1]["b"][:] = abs(probe.params[-1]["W"]), 9
    f = planted(Y_HAT, "y_hat = logits / logits.sum(axis=-1, keepdims=True)\n")
    loss, grads = f(probe.params, probe.x, probe.y, probe.h0)
    made = simulate_forward(probe, c, ["softmax-without-exp", "gradients(kept passed kept)"])
    assert made is not None
    assert made[1] is not None
    truth = truth_of(probe, c)
    assert abs(loss - made[0]) <= truth.loss_bound
    for yours, simulated, bounds in zip(grads, made[1], truth.bounds, strict=True):
        assert all((abs(yours[name] - simulated[name]) <= 2 * bounds[name]).all() for name in bounds)


# ------------------------------------------------------------------------------------------------ where, and how sure


@pytest.mark.parametrize(
    ("layers", "where"),
    [
        ("l == 0", "layer 1"),
        ("l > 0", "hidden layers l > 1"),
        ("l == n - 2", "hidden layer n - 1"),
        ("l < n - 2", "hidden layers l < n - 1"),
    ],
)
def test_a_mistake_in_some_layers_is_told_where_it_is(layers: str, where: str) -> None:
    f = planted(Z, f"z[t] = before @ H.T + below[t] @ W.T + b * (1 - ({layers}))\n")
    result = check(f, **TIMES_FIRST)
    (only,) = result.mistakes
    assert (only.slug, only.where) == ("forward-bias-dropped", f"{where}, every t")


def test_a_mistake_of_the_output_layer_is_told_there() -> None:
    (only,) = check(planted(LOGITS, 'logits = top @ out["W"].T\n'), layers=2, **TIMES_FIRST).mistakes
    assert (only.slug, only.where) == ("forward-bias-dropped", "layer n, the output, every t")


def test_what_is_said_of_the_gradients_is_what_they_are() -> None:
    loss_alone = check(planted(*PLANTED["loss-class-before"]), layers=1, **TIMES_FIRST)
    assert loss_alone.mistakes[0].certainty == (
        "reproduced exactly on 5 networks: the loss; the gradients are those of J all the same"
    )
    formulas = check(planted(*PLANTED["forward-recurrent-negated"]), layers=1, **TIMES_FIRST)
    assert formulas.mistakes[0].certainty == (
        "reproduced exactly on 5 networks: the loss; the gradients are what (42)-(46) give on the states of this "
        "forward pass"
    )
    carried = ('carried = delta[t] @ p["H"]\n', 'carried = -delta[t] @ p["H"]\n')
    H_gradient = ('"H": np.einsum("tbi,tbj->ij", delta, h[:-1])', '"H": -np.einsum("tbi,tbj->ij", delta, h[:-1])')
    consistent = check(planted(*PLANTED["forward-recurrent-negated"], carried, H_gradient), layers=1, **TIMES_FIRST)
    assert slugs(consistent) == ["forward-recurrent-negated"]
    assert consistent.mistakes[0].certainty.endswith("those of this loss: the backward pass fits the forward pass")


def test_a_mistake_of_the_backward_pass_behind_it_is_named_too() -> None:
    f = planted(*PLANTED["forward-bias-dropped"], ('carried = delta[t] @ p["H"]\n', 'carried = delta[t] @ p["H"].T\n'))
    result = check(f, layers=2, **TIMES_FIRST)
    assert slugs(result) == ["forward-bias-dropped", "carry-untransposed"]


def test_gradients_that_nothing_explains_are_not_claimed() -> None:
    f = planted(*PLANTED["forward-bias-dropped"], ('"W": np.einsum("tbi,tbj->ij", delta, below)', '"W": p["W"] ** 2'))
    result = check(f, layers=1, **TIMES_FIRST)
    assert slugs(result) == ["forward-bias-dropped", "located"]
    assert "the gradients are not told" in result.mistakes[0].certainty
    assert not any(text.startswith("gradients") for m in result.mistakes for text in m.deviations)


@pytest.mark.parametrize("epsilon", ["1e-5", "1e-9"])
def test_an_epsilon_inside_the_logarithm_is_named_with_its_size(epsilon: str) -> None:
    f = planted(LOSSES, f"losses = -np.log(y_hat[steps, sequences, y] + {epsilon})\n")
    (found,) = check(f, layers=2, **TIMES_FIRST).mistakes
    assert found.message == f"The loss is -log(y_hat_k + {epsilon}), with an epsilon inside the logarithm."
    assert "the gradients are those of J all the same" in found.certainty


def test_two_mistakes_of_the_forward_pass_are_named() -> None:
    f = planted(Z, "z[t] = below[t] @ W.T - before @ H.T\n")
    result = check(f, layers=2, **TIMES_FIRST)
    assert sorted(slugs(result)) == ["forward-bias-dropped", "forward-recurrent-negated"]


def test_a_backprop_that_reports_no_loss_is_named_by_its_gradients() -> None:
    f = planted(*PLANTED["forward-recurrent-untransposed"])
    result = check(lambda params, x, y, h0: f(params, x, y, h0)[1], layers=2, activation="tanh", **TIMES_FIRST)
    assert slugs(result) == ["forward-recurrent-untransposed"]


NOT_IN_THE_CATALOGUE = {
    "H left out at t = T": "z[t] = before @ H.T * (t < T - 1) + below[t] @ W.T + b\n",
    "no bias at t = 1": "z[t] = before @ H.T + below[t] @ W.T + b * (t > 0)\n",
}


FIRST, *OTHERS = NOT_IN_THE_CATALOGUE


@pytest.mark.parametrize("name", [FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_without_a_loss_it_is_said_that_the_forward_pass_may_be_wrong(name: str) -> None:
    f = planted(Z, NOT_IN_THE_CATALOGUE[name])
    silent = check(lambda params, x, y, h0: f(params, x, y, h0)[1], layers=1, **TIMES_FIRST)
    assert slugs(silent)[0] == "forward-or-backward"
    assert "Return (loss, grads)" in silent.mistakes[0].remedy
    assert "forward-or-backward" not in slugs(check(f, layers=1, **TIMES_FIRST))


def test_without_a_loss_a_mistake_below_the_output_layer_is_no_reason_to_doubt_the_forward_pass() -> None:
    f = planted('carried = delta[t] @ p["H"]\n', 'carried = delta[t] @ (p["H"] + p["H"].T ** 2)\n')
    silent = check(lambda params, x, y, h0: f(params, x, y, h0)[1], layers=1, **TIMES_FIRST)
    assert not silent.ok
    assert "forward-or-backward" not in slugs(silent)


def test_a_mistake_is_named_though_the_wrong_conventions_looked_likelier() -> None:
    f = planted(*PLANTED["forward-state-kept-early-unseen"])
    result = check(f, layers=2, batch="time-first")
    assert names(result) & {"forward-state-kept-early-unseen"}
    assert (result.conventions.activation, result.conventions.over_time) == ("tanh", "mean")


@pytest.mark.parametrize("layers", [1, 2])
def test_a_loss_that_is_right_by_accident_on_one_network_makes_no_float32(layers: int) -> None:
    f = planted(Z, "z[t] = before @ H.T * (t < T - 1) + below[t] @ W.T + b\n")
    result = check(f, layers=layers, diagnose=False, **TIMES_FIRST)
    assert (result.ok, result.conventions.precision) == (False, "float64")


# ----------------------------------------------------------------------------------------------- outside the catalogue

LOCATED = [
    (Z, "z[t] = 1.5 * before @ H.T + below[t] @ W.T + b\n", 5, "the term H^(l) h^(l)(t-1)"),
    (Z, "z[t] = before @ H.T + below[t] @ W.T + b * b\n", 5, "the term b^(l)"),
    ("h[0] = h0[l]\n", "h[0] = np.sin(h0[l])\n", 5, "h(0)"),
    (H, "h[t + 1] = np.tanh(z[t]) * np.cos(z[t])\n", 4, "f and what goes into it"),
    (LOGITS, 'logits = top @ out["W"].T + out["b"] ** 2\n', 5, "b^(n)"),
    (LOSSES, "losses = -np.log(y_hat[steps, sequences, y]) ** 3\n", 2, "y^ and the loss"),
]


@pytest.mark.parametrize(("old", "new", "equation", "what"), LOCATED)
def test_what_has_no_name_is_located(old: str, new: str, equation: int, what: str) -> None:
    result = check(planted(old, new), layers=2, activation="tanh", **TIMES_FIRST)
    located = result.mistakes[0]
    assert (result.ok, located.slug, located.equation) == (False, "located", equation)
    assert what in located.message
    assert not {m.slug for m in result.mistakes} & {s for s, e in catalogue().items() if e.kind != "contract"}


def test_what_has_no_name_is_located_in_one_layer() -> None:
    f = planted(Z, "z[t] = (1 + (l == 1) / 2) * before @ H.T + below[t] @ W.T + b\n")
    (located, *_) = check(f, layers=2, activation="tanh", **TIMES_FIRST).mistakes
    assert (located.slug, located.where) == ("located", "layer 2")
    assert "as soon as H^(2) is zero" in located.message


def test_a_right_loss_has_no_mistake_in_its_forward_pass() -> None:
    f = planted(Y_HAT, Y_HAT, ('carried = delta[t] @ p["H"]\n', 'carried = delta[t] @ p["H"].T\n'))
    assert slugs(check(f, layers=2, **TIMES_FIRST)) == ["carry-untransposed"]


def test_what_is_no_mistake_of_the_forward_pass_is_refused() -> None:
    with pytest.raises(DeviationError, match="expected a mistake of the forward pass, but got 'carry-sign'"):
        slot_of(Deviation("carry-sign"))
    with pytest.raises(DeviationError, match="expected one mistake of the kind bias in a layer, but got a second"):
        held_at([Deviation("forward-bias-dropped"), Deviation("forward-bias-negated", tensor="first-layer")], 1, 2)


@pytest.mark.parametrize("loss", ["np.inf", "np.nan"])
def test_a_loss_that_is_never_finite_in_float32_is_told(loss: str) -> None:
    f = planted(LOSS, f"loss = {loss}\n", ("return loss, grads\n", SINGLE))
    result = check(f, layers=2, **TIMES_FIRST)
    assert (result.ok, set(slugs(result))) == (False, {"not-finite", "one-step"})
