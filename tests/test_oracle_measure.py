"""Mistakes that no catalogue holds are measured, or located, and never given a wrong law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from odd_backprops import PLAIN, Backprop, answered, odd, right, wrong

from bptt_oracle.oracle.answers import Answer, Case, Grads
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.measuring import measure
from bptt_oracle.oracle.measuring.claims import Claim, claims, confirm, reproduced
from bptt_oracle.oracle.measuring.explain import Finding
from bptt_oracle.oracle.measuring.fit import Columns, fit
from bptt_oracle.oracle.measuring.laws import RIGHT, followed
from bptt_oracle.oracle.measuring.network import Network
from bptt_oracle.oracle.measuring.numbers import Coefficient, Known, coefficients, fraction, meets
from bptt_oracle.oracle.measuring.steps import forms
from bptt_oracle.oracle.measuring.survey import survey
from bptt_oracle.oracle.measuring.terms import output_terms, slopes
from bptt_oracle.oracle.probes import PLANS, Probe
from bptt_oracle.oracle.result import Mistake

outer = np.outer
Gradients = Callable[[Probe, Conventions], Grads]


def steps(s: Backprop) -> range:
    return range(1, s.T + 1)


def told(backprop: Gradients, conventions: Conventions = PLAIN, layers: int = 3, seed: int = 2016) -> list[Mistake]:
    cases = answered(backprop, conventions, layers, seed)
    return measure(cases, wrong(cases))


RECURSION = "f'(z^(l)(t)) * ((W^(l+1))^T delta^(l+1)(t) + (H^(l))^T delta^(l)(t+1))"


def slope(text: str) -> list[str]:
    return [f"your f' is {text}, where (43) has f'(z(t)) = 1 - h(t)^2"]


def carry(text: str) -> list[str]:
    return [f"your carry matrix is {text}, where (43) has H^T"]


def law(text: str, number: int = 43) -> list[str]:
    return [f"your delta^(l)(t) is {text}, where ({number}) has {RECURSION}"]


def fed_in(text: str) -> list[str]:
    return [f"the error fed in at the output is {text}, where (7) has y_hat(t) - y(t)"]


def of_H(text: str) -> list[str]:
    return [f"dJ/dH^(l) adds up {text}, where (44) has delta^(l)(k) h^(l)(k-1)^T"]


def weights_of_H(text: str) -> list[str]:
    return [f"dJ/dH^(l) adds up delta^(l)(k) h^(l)(k-1)^T{text}, where (44) has every k once"]


def of_W(text: str) -> list[str]:
    return [f"dJ/dW^(l) adds up {text}, where (45) has delta^(l)(k) h^(l-1)(k)^T"]


def sum_of_H(products: Callable[[Backprop, int, int], Any]) -> Gradients:
    return odd(grad_H=lambda s, l: sum(products(s, l, t) for t in steps(s)))


def sum_of_W(products: Callable[[Backprop, int, int], Any]) -> Gradients:
    return odd(grad_W=lambda s, l: sum(products(s, l, t) for t in steps(s)))


ODD: dict[str, tuple[Gradients, list[str]]] = {
    # f'
    "slope-mixed": (odd(slope=lambda s, l, t: 1 - s.h[l][t] * s.h[l][t - 1]), slope("1 - h(t) h(t-1)")),
    "slope-plus": (odd(slope=lambda s, l, t: 1 + s.h[l][t] ** 2), slope("1 + h(t)^2")),
    "slope-linear": (odd(slope=lambda s, l, t: 1 - s.h[l][t] / 2), slope("1 - 0.5 h(t)")),
    "slope-cubic": (odd(slope=lambda s, l, t: 1 - s.h[l][t] ** 3), slope("1 - h(t)^3")),
    "slope-squared": (odd(slope=lambda s, l, t: s.prime(s.z[l][t]) ** 2), slope("f'(z(t))^2")),
    "slope-of-h": (odd(slope=lambda s, l, t: s.prime(s.h[l][t])), slope("f'(h(t))")),
    "slope-before": (odd(slope=lambda s, l, t: 1 - s.h[l][t - 1] ** 2), slope("1 - h(t-1)^2")),
    "slope-after": (odd(slope=lambda s, l, t: 1 - s.h[l][min(t + 1, s.T)] ** 2), slope("1 - h(t+1)^2, for t < T")),
    # what is carried through time
    "carry-doubled": (odd(carried=lambda s, l, t: 2 * s.H[l].T @ s.d[l][t + 1]), carry("2 H^T")),
    "carry-with-identity": (
        odd(carried=lambda s, l, t: s.H[l].T @ s.d[l][t + 1] + 0.5 * s.d[l][t + 1]),
        carry("H^T + 0.5 I"),
    ),
    "carry-symmetric": (
        odd(carried=lambda s, l, t: (s.H[l] + s.H[l].T) @ s.d[l][t + 1] / 2),
        carry("0.5 H^T + 0.5 H"),
    ),
    "carry-squared": (odd(carried=lambda s, l, t: s.H[l].T @ s.H[l].T @ s.d[l][t + 1]), carry("(H^T)^2")),
    "carry-by-rows": (odd(carried=lambda s, l, t: s.H[l].sum(axis=1) * s.d[l][t + 1]), carry("diag(H 1)")),
    "carry-averaged": (odd(carried=lambda s, l, t: s.H[l].T @ s.d[l][t + 1] / s.T), carry("1/T H^T")),
    "carry-cut": (
        odd(carried=lambda s, l, t: s.H[l].T @ s.d[l][t + 1] * (t % 3 != 0)),
        carry("0, for t = 3, 6, 9, ..."),
    ),
    "carry-summed": (
        odd(carried=lambda s, l, t: s.H[l].T @ sum(s.d[l][u] for u in range(t + 1, s.T + 2))),
        law(RECURSION[:-1] + " + (H^(l))^T sum_{s>t+1} delta^(l)(s))"),
    ),
    "carry-sloped-twice": (
        odd(delta=lambda s, l, t: s.slope(l, t) * (s.above(l, t) + s.slope(l, t) * s.carried(l, t))),
        law("f'(z^(l)(t)) * (W^(l+1))^T delta^(l+1)(t) + f'(z^(l)(t))^2 * (H^(l))^T delta^(l)(t+1)"),
    ),
    # what comes from above
    "above-twice": (
        odd(above=lambda s, l, t: s.W[l + 1].T @ (s.d[l + 1][t] + s.d[l + 1].get(t + 1, 0))),
        law(RECURSION[:-1] + " + (W^(l+1))^T delta^(l+1)(t+1))"),
    ),
    "above-halved": (
        odd(above=lambda s, l, t: s.W[l + 1].T @ s.d[l + 1][t] / 2),
        law("f'(z^(l)(t)) * (0.5 (W^(l+1))^T delta^(l+1)(t) + (H^(l))^T delta^(l)(t+1))"),
    ),
    "slope-added": (
        odd(delta=lambda s, l, t: s.slope(l, t) + s.above(l, t) + s.carried(l, t)),
        law("(W^(l+1))^T delta^(l+1)(t) + (H^(l))^T delta^(l)(t+1) + f'(z^(l)(t))"),
    ),
    "delta-zero-once": (odd(delta=lambda s, l, t: Backprop.delta(s, l, t) * (t != 3)), law("zero, for t = 3")),
    "delta-zero-at-last": (odd(delta=lambda s, l, t: Backprop.delta(s, l, t) * (t < s.T)), law("zero, for t = T", 36)),
    # the error fed in
    "error-scaled-target": (odd(error=lambda s, t: s.p[t] - 0.9 * s.y[t]), fed_in("y_hat(t) - 0.9 y(t)")),
    "error-smoothed": (
        odd(error=lambda s, t: s.p[t] - 0.9 * s.y[t] - 0.1 / len(s.y[t])),
        fed_in("y_hat(t) - 0.9 y(t) - 0.1/|V|"),
    ),
    "error-squared": (
        odd(error=lambda s, t: (s.p[t] - s.y[t]) ** 2),
        fed_in("y(t) + y_hat(t)^2 - 2 y_hat(t) y(t)"),
    ),
    "error-every-second": (odd(error=lambda s, t: (s.p[t] - s.y[t]) * (t % 2)), fed_in("0 for t = 2, 4, 6, ...")),
    # the sums
    "H-last-doubled": (
        sum_of_H(lambda s, l, t: (1 + (t == s.T)) * outer(s.d[l][t], s.h[l][t - 1])),
        weights_of_H(", but 2 times for k = T"),
    ),
    "H-weighed": (sum_of_H(lambda s, l, t: t * outer(s.d[l][t], s.h[l][t - 1])), weights_of_H(", k times")),
    "H-two-back": (
        sum_of_H(lambda s, l, t: outer(s.d[l][t], s.h[l][t - 2]) * (t > 1)),
        of_H("delta^(l)(k) h^(l)(k-2)^T"),
    ),
    "H-of-z": (
        sum_of_H(lambda s, l, t: outer(s.d[l][t], s.z[l][t - 1]) if t > 1 else 0 * s.H[l]),
        of_H("delta^(l)(k) z^(l)(k-1)^T"),
    ),
    "H-smeared": (
        sum_of_H(lambda s, l, t: outer(s.d[l][t], s.h[l][t - 1] + s.h[l][t] / 2)),
        of_H("delta^(l)(k) h^(l)(k-1)^T and 0.5 delta^(l)(k) h^(l)(k)^T"),
    ),
    "H-cumulated": (
        sum_of_H(lambda s, l, t: outer(s.d[l][t], sum(s.h[l][:t]))),
        of_H("delta^(l)(k) h^(l)(j-1)^T for every j <= k"),
    ),
    "H-decayed": (
        odd(grad_H=lambda s, l: Backprop.grad_H(s, l) + s.H[l] / 100),
        ["dJ/dH^(l) adds 0.01 H^(l) to what (44) has"],
    ),
    "W-skips-a-step": (
        sum_of_W(lambda s, l, t: outer(s.d[l][t], s.h[l - 1][t]) * (t != 3)),
        ["dJ/dW^(l) adds up delta^(l)(k) h^(l-1)(k)^T without k = 3, where (45) has every k once"],
    ),
    "W-one-back": (
        odd(
            grad_W=lambda s, l: (
                Backprop.grad_W(s, l) if l == s.n else sum(outer(s.d[l][t], s.h[l - 1][t - 1]) for t in steps(s))
            )
        ),
        of_W("delta^(l)(k) h^(l-1)(k-1)^T"),
    ),
    "W-without-time": (
        sum_of_W(
            lambda s, l, t: outer(s.d[l][t] if l == s.n else s.slope(l, t) * s.above(l, t), s.h[l - 1][t]),
        ),
        of_W("f'(z^(l)(k)) * (W^(l+1))^T delta^(l+1)(k) h^(l-1)(k)^T"),
    ),
    "b-before-slope": (
        odd(grad_b=lambda s, l: sum(s.d[l][t] / (1 if l == s.n else s.slope(l, t)) for t in steps(s))),
        ["dJ/db^(l) adds up 1 / f'(z^(l)(k)) * delta^(l)(k), where (46) has delta^(l)(k)"],
    ),
    "b-averaged": (
        odd(grad_b=lambda s, l: sum(s.d[l][t] for t in steps(s)) / s.T),
        ["dJ/db^(l) adds up delta^(l)(k), 1/T times, where (46) has every k once"],
    ),
    "all-skip-a-step": (
        odd(
            grad_H=lambda s, l: sum(outer(s.d[l][t], s.h[l][t - 1]) for t in steps(s) if t != 3),
            grad_W=lambda s, l: sum(outer(s.d[l][t], s.h[l - 1][t]) for t in steps(s) if t != 3),
            grad_b=lambda s, l: sum(s.d[l][t] for t in steps(s) if t != 3),
        ),
        ["dJ/dW^(l), dJ/db^(l) and dJ/dH^(l) are summed without k = 3, where (45), (46) and (44) have every k once"],
    ),
    # several at once
    "slope-and-carry": (
        odd(slope=lambda s, l, t: 1 - s.h[l][t] * s.h[l][t - 1], carried=lambda s, l, t: -s.H[l] @ s.d[l][t + 1]),
        ["your f' is 1 - h(t) h(t-1) and your carry matrix is -H, where (43) has f'(z(t)) = 1 - h(t)^2 and H^T"],
    ),
    "error-slope-and-sum": (
        odd(
            error=lambda s, t: s.p[t] - 0.9 * s.y[t],
            slope=lambda s, l, t: 1 - s.h[l][t],
            grad_W=lambda s, l: sum(outer(s.d[l][t], s.h[l - 1][t]) for t in steps(s) if t > 1),
        ),
        [
            *fed_in("y_hat(t) - 0.9 y(t)"),
            "dJ/dW^(l) adds up delta^(l)(k) h^(l-1)(k)^T without k = 1, where (45) has every k once",
            *slope("1 - h(t)"),
        ],
    ),
}
"""Backward passes, and what is told of each."""


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        pytest.param(name, layers, marks=[] if layers == (2, 1, 3)[i % 3] else [pytest.mark.slow])
        for i, name in enumerate(ODD)
        for layers in (1, 2, 3)
        if layers != 2 or i % 3 == 0
    ],
)
def test_what_no_catalogue_holds_is_measured(name: str, layers: int) -> None:
    backprop, messages = ODD[name]
    found = told(backprop, layers=layers)
    assert [mistake.message for mistake in found] == messages
    assert {mistake.slug for mistake in found} == {"measured"}
    networks = sum(plan.hidden <= layers for plan in PLANS)
    for mistake in found:
        assert mistake.certainty in {f"measured on {count} networks" for count in range(2, networks + 1)}
        assert mistake.remedy
        assert f"({mistake.equation})" in mistake.message


def measured(backprop: Gradients, layers: int, seed: int) -> list[Claim]:
    networks = [Network(case) for case in answered(backprop, PLAIN, layers, seed)]
    known: list[Finding] = []
    found, unclear = claims([survey(net, known) for net in networks if net.is_wide], known)
    assert not unclear
    confirm(found, [], [net for net in networks if not net.is_wide])
    return found


@pytest.mark.parametrize("name", [name for name in ODD if name != "slope-after"])  # whose f' at T is not told
def test_what_is_told_holds_on_networks_that_were_not_seen(name: str) -> None:
    backprop, _ = ODD[name]
    found = measured(backprop, 3, 2016)
    chosen = {id(claim): claim.readings[0] for claim in found}
    unseen = [Network(case) for case in answered(backprop, seed=7)]
    asked = [net for net in unseen if any(not net.is_right(l, of) for l, of in net.case.tensors())]
    assert len(asked) > 3
    assert all(reproduced(net, found, chosen, []) for net in asked)


def test_what_is_told_of_one_backprop_does_not_hold_for_another() -> None:
    found = measured(ODD["carry-doubled"][0], 3, 2016)
    chosen = {id(claim): claim.readings[0] for claim in found}
    others = [Network(case) for case in answered(ODD["carry-with-identity"][0], seed=7)]
    assert not any(reproduced(net, found, chosen, []) for net in others)


@pytest.mark.parametrize(
    ("backprop", "messages"),
    [
        (
            odd(slope=lambda s, l, t: 1 - s.h[l][t] * s.h[l][t - 1] if l == 1 else s.prime(s.z[l][t])),
            ["your f' is 1 - h(t) h(t-1) at layer 1, where (43) has f'(z(t)) = 1 - h(t)^2"],
        ),
        (
            odd(carried=lambda s, l, t: s.H[l].T @ s.d[l][t + 1] * (2 if l == s.n - 1 else 1)),
            ["your carry matrix is 2 H^T at the top hidden layer, where (37) has H^T"],
        ),
        (
            odd(carried=lambda s, l, t: s.H[l].T @ s.d[l][t + 1] * (2 if l < s.n - 1 else 1)),
            ["your carry matrix is 2 H^T at the hidden layers below the top, where (38) has H^T"],
        ),
        (
            odd(grad_W=lambda s, l: sum(outer(s.d[l][t], s.h[l - 1][t]) for t in steps(s) if l < s.n or t > 2)),
            ["dJ/dW^(n) adds up delta^(n)(k) h^(n-1)(k)^T without k <= 2, where (45) has every k once"],
        ),
    ],
)
def test_the_layer_is_told(backprop: Gradients, messages: list[str]) -> None:
    assert [mistake.message for mistake in told(backprop)] == messages


class Window(Backprop):
    """Every loss goes back three steps and no further."""

    def gradients(self) -> Grads:
        n = self.n
        total: dict[int, dict[int, Any]] = {l: dict.fromkeys(steps(self), 0) for l in range(1, n + 1)}
        for i in steps(self):
            d: dict[int, dict[int, Any]] = {n: {i: self.J_weight * self.error(i)}}
            for l in range(n - 1, 0, -1):
                d[l] = {}
                for t in range(i, max(i - 3, 0), -1):
                    above = self.W[l + 1].T @ d[l + 1][t] if t in d[l + 1] else 0
                    d[l][t] = self.slope(l, t) * (above + (self.H[l].T @ d[l][t + 1] if t < i else 0))
            for l, of_layer in d.items():
                for t, delta in of_layer.items():
                    total[l][t] = total[l][t] + delta
        self.d = total
        return [
            ({"H": self.grad_H(l)} if l < n else {}) | {"W": self.grad_W(l), "b": self.grad_b(l)}
            for l in range(1, n + 1)
        ]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_window_of_losses_is_measured(layers: int) -> None:
    found = told(lambda probe, conventions: Window(probe, conventions).gradients(), layers=layers)
    assert [mistake.message for mistake in found] == [
        "delta^(l)(t) takes in J^(i) for t <= i < t + 3 alone, where (37) sums over i = t..T"
    ]


# ------------------------------------------------------------------------------------------------ conventions


@pytest.mark.parametrize(
    "conventions",
    [
        Conventions(activation="logistic"),
        Conventions(activation="relu"),
        Conventions(activation="sine", over_time="sum", h0=True, biases=2),
        Conventions(activation="softplus", over_time="last"),
        Conventions(h0=True),
    ],
    ids=str,
)
def test_conventions_are_kept(conventions: Conventions) -> None:
    doubled = told(ODD["carry-doubled"][0], conventions)
    assert [mistake.message for mistake in doubled] == carry("2 H^T")
    mixed = told(ODD["slope-mixed"][0], conventions)
    has = {"logistic": "f'(z(t)) = h(t) - h(t)^2", "tanh": "f'(z(t)) = 1 - h(t)^2"}
    right_slope = has.get(str(conventions.activation), "f'(z(t))")
    assert [mistake.message for mistake in mixed] == [f"your f' is 1 - h(t) h(t-1), where (43) has {right_slope}"]


def test_what_is_measured_on_one_sequence_holds_for_a_batch() -> None:
    batch = Conventions(batch="time-first", h0=True)
    [mistake] = told(ODD["carry-doubled"][0], batch)
    assert [mistake.message] == carry("2 H^T")
    assert mistake.certainty == "measured on 10 networks"
    [mistake] = told(lambda probe, conventions: Window(probe, conventions).gradients(), batch)
    assert mistake.message.startswith("delta^(l)(t) takes in J^(i) for t <= i < t + 3 alone")
    assert mistake.certainty == "measured on 9 networks"  # the other one has T = 3
    [mistake] = told(ODD["H-cumulated"][0], batch)
    assert [mistake.message] == of_H("delta^(l)(k) h^(l)(j-1)^T for every j <= k")


def in_float32(backprop: Gradients) -> Gradients:
    """The same backward pass with every number in float32."""

    def narrow(array: Any) -> Any:
        return np.asarray(array, dtype=np.float32)

    def gradients(probe: Probe, conventions: Conventions) -> Grads:
        params = [{name: narrow(array) for name, array in layer.items()} for layer in probe.params]
        low = replace(probe, params=params, x=narrow(probe.x), h0=[narrow(state) for state in probe.h0])
        return [{k: np.asarray(g, dtype=np.float64) for k, g in layer.items()} for layer in backprop(low, conventions)]

    return gradients


@pytest.mark.parametrize("name", ["slope-mixed", "carry-doubled", "carry-with-identity", "W-skips-a-step", "H-of-z"])
def test_a_backprop_in_float32_is_measured(name: str) -> None:
    backprop, messages = ODD[name]
    found = told(in_float32(backprop), Conventions(precision="float32"))
    assert [mistake.message for mistake in found] == messages


# ---------------------------------------------------------------------------------------- right, and not known


@pytest.mark.parametrize("conventions", [PLAIN, Conventions(activation="relu", biases=2), Conventions(h0=True)])
def test_a_right_backprop_gives_nothing(conventions: Conventions) -> None:
    cases = answered(odd(), conventions)
    assert measure(cases, wrong(cases)) == []
    for case in cases:
        net, known = Network(case), list[Finding]()
        if net.is_wide:
            made = survey(net, known)
            assert (made.findings, made.located, known) == ({}, [], [])


def noise(size: float) -> Gradients:
    def gradients(probe: Probe, conventions: Conventions) -> Grads:
        rng = np.random.default_rng(probe.T)
        grads = Backprop(probe, conventions).gradients()
        return [
            {name: g * (1 + size * rng.standard_normal(np.shape(g))) for name, g in layer.items()} for layer in grads
        ]

    return gradients


def garbage(probe: Probe, conventions: Conventions) -> Grads:
    rng = np.random.default_rng(probe.T)
    grads = Backprop(probe, conventions).gradients()
    return [{name: rng.standard_normal(np.shape(g)) for name, g in layer.items()} for layer in grads]


UNKNOWN: dict[str, Gradients] = {
    "garbage": garbage,
    "noise": noise(2.0**-10),
    "faint-noise": noise(2.0**-30),
    "squashed": odd(delta=lambda s, l, t: np.tanh(5 * Backprop.delta(s, l, t))),
    "clipped": odd(delta=lambda s, l, t: np.clip(Backprop.delta(s, l, t), -0.02, 0.02)),
    "error-clipped": odd(error=lambda s, t: np.clip(s.p[t] - s.y[t], -0.4, 0.4)),
    "width-in-it": odd(carried=lambda s, l, t: s.H[l].T @ s.d[l][t + 1] / len(s.H[l])),
    "network-in-it": odd(slope=lambda s, l, t: 1 - s.h[l][t] * s.T / 7),
    "bias-squared": odd(grad_b=lambda s, l: sum(s.d[l][t] ** 2 for t in steps(s))),
    "random-carry": odd(carried=lambda s, l, t: np.random.default_rng(l).standard_normal(s.H[l].shape) @ s.d[l][t + 1]),
}
"""Backward passes that follow no law, none that is known here, or another one on every network."""


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        pytest.param(name, layers, marks=[pytest.mark.slow] if (i + layers) % 3 else [])
        for i, name in enumerate(UNKNOWN)
        for layers in (1, 2, 3)
    ],
)
def test_what_follows_no_law_is_given_none(name: str, layers: int) -> None:
    cases = answered(UNKNOWN[name], layers=layers)
    assert wrong(cases)
    found = measure(cases, wrong(cases))
    assert {mistake.slug for mistake in found} == {"located"}
    assert {mistake.certainty for mistake in found} == {"located, not named"}


@pytest.mark.parametrize("layers", [1, 3])
def test_the_step_that_goes_wrong_is_located(layers: int) -> None:
    at_four = odd(delta=lambda s, l, t: (np.tanh if t == 4 else np.positive)(Backprop.delta(s, l, t)))
    [mistake] = told(at_four, layers=layers)
    top = {1: "delta^(1)", 3: "delta^(2)"}[layers]
    assert mistake.message.startswith(
        f"going back in time, {top}(t) follows (43) down to t = 5, but not at t = 4 (network wide"
    )
    assert mistake.equation == 43


def test_the_gradient_that_goes_wrong_is_located() -> None:
    cubed = odd(grad_H=lambda s, l: sum(outer(s.d[l][t], np.sin(3 * s.h[l][t - 1])) for t in steps(s)))
    [mistake] = told(cubed)
    assert mistake.message == "delta^(2)(t) is known, but dJ/dH^(2) is not its sum (44) (network wide, T = 9)"
    faded = sum_of_W(lambda s, l, t: outer(s.d[l][t], s.h[l - 1][t]) * (np.sqrt(2) if t == 5 else 1))
    messages = [mistake.message for mistake in told(faded)]
    assert messages == [
        "delta^(3)(t) is known, but dJ/dW^(3) is not its sum (45): what meets the state is not delta^(3)(k), "
        "for k = 5 (network wide, T = 9)",
        "delta^(2)(t) is known, but dJ/dW^(2) is not its sum (45): what meets the state is not delta^(2)(k), "
        "for k = 5 (network wide, T = 9)",
    ]


def test_what_is_wrong_where_nothing_can_be_solved_for_is_located() -> None:
    long_only = odd(slope=lambda s, l, t: s.prime(s.z[l][t]) * (0.5 if t > 40 else 1))
    [mistake] = told(long_only)
    assert mistake.message.startswith("dJ/dH^(1) is the wrong gradient nearest to the output on long; it is right")
    only_small = [case for case in answered(ODD["slope-mixed"][0]) if case.probe.name in ("plain", "two")]
    [mistake] = measure(only_small, wrong(only_small))
    assert mistake.slug == "located"


# --------------------------------------------------------------------------------------------- what is asked for


def test_nothing_is_told_of_gradients_that_are_explained() -> None:
    cases = answered(
        odd(
            slope=lambda s, l, t: 1 - s.h[l][t] * s.h[l][t - 1],
            grad_H=lambda s, l: sum(outer(s.d[l][t], s.h[l][t - 1]) for t in steps(s) if t != 2),
        )
    )
    of_sum = {each for each in wrong(cases) if each[2] == "H"}
    assert [mistake.message for mistake in measure(cases, of_sum)] == weights_of_H(" without k = 2")
    assert [mistake.message for mistake in measure(cases, wrong(cases))] == slope("1 - h(t) h(t-1)") + weights_of_H(
        " without k = 2"
    )
    assert measure(cases, []) == []


def test_what_cannot_be_told_apart_is_told() -> None:
    # h(0) = 0 hides whether k = 1 is in the gradient of H.
    backprop = sum_of_H(lambda s, l, t: outer(s.d[l][t], s.h[l][t - 1]) * (t > 2))
    [mistake] = told(backprop)
    assert [mistake.message] == weights_of_H(" without k = 2")
    assert "not told apart on these networks: " + weights_of_H(" without k <= 2")[0] in mistake.detail
    [mistake] = told(backprop, Conventions(h0=True))
    assert [mistake.message] == weights_of_H(" without k <= 2")
    assert "not told apart" not in mistake.detail


def test_the_text_of_a_measurement() -> None:
    [mistake] = told(ODD["carry-doubled"][0])
    assert mistake == Mistake(
        slug="measured",
        equation=43,
        message="your carry matrix is 2 H^T, where (43) has H^T",
        where="every hidden layer",
        remedy=f"Write delta^(l)(t) = {RECURSION}.",
        certainty="measured on 10 networks",
        detail="solved for on large, wide, wide-deep and wide-one; "
        "gives the gradients of deep, long, plain, square, tiny and two",
    )


# ----------------------------------------------------------------------------------------------------- the parts


def wide() -> Network:
    probe, truth = right("wide", PLAIN, 2016)
    return Network(Case(probe, PLAIN, Answer(None, Backprop(probe, PLAIN).gradients()), truth))


def test_deltas_that_are_solved_for_lie_within_their_error() -> None:
    net = wide()
    delta = {3: Known.exactly(net.output_error)}
    for l in (2, 1):
        delta[l] = followed(RIGHT, net, l, delta[l + 1])
    for l in (3, 2, 1):
        for own in net.own_deltas(l):
            difference = abs(own.value - delta[l].value)
            assert (difference <= own.error).all()
            assert own.error.max() < abs(own.value).max() / 2**20


def test_a_gradient_that_is_no_sum_has_no_deltas() -> None:
    net = wide()
    assert net.left_factors(2, "H") is not None
    net.case.answer.grads[1]["H"][3, 4] *= 1 + 2.0**-20
    assert net.left_factors(2, "H") is None


@pytest.mark.parametrize(
    ("value", "error", "found"),
    [
        (1 + 2.0**-40, 2.0**-36, Fraction(1)),
        (1 / 3, 2.0**-40, Fraction(1, 3)),
        (0.01, 2.0**-40, Fraction(1, 100)),
        (-2.0, 2.0**-10, Fraction(-2)),
        (np.pi, 2.0**-40, None),
        (1 + 2.0**-30, 2.0**-40, None),
        (0.5, 2.0**-9, None),
        (1.0, 0.5, None),
    ],
)
def test_a_number_is_a_fraction_only_near_rounding(value: float, error: float, found: Fraction | None) -> None:
    assert fraction(value, error) == found


def test_a_factor_of_the_length_is_seen() -> None:
    assert coefficients([Fraction(1, 9)], 9) == [(Coefficient(Fraction(1, 9)),), (Coefficient(Fraction(1), -1),)]
    assert coefficients([Fraction(3)], 9) == [(Coefficient(Fraction(3)),)]


def test_a_fit_finds_fractions_and_rejects_the_rest() -> None:
    rng = np.random.default_rng(1)
    a, b, c = rng.standard_normal((3, 60))
    columns = Columns.of({name: Known.exactly(column) for name, column in zip("abc", (a, b, c), strict=True)})
    error = np.full(60, 2.0**-40)
    law = 2 * a - b / 3
    assert fit(Known(law + error / 2, error), columns) == {"a": Fraction(2), "b": Fraction(-1, 3)}
    assert fit(Known(law + 2.0**-30 * rng.standard_normal(60), error), columns) is None
    assert fit(Known(np.pi * a, error), columns) is None
    assert fit(Known(law, np.full(60, 2.0)), columns) is None
    assert fit(Known(0 * a, error), columns, size=a) == {}


def test_what_is_small_against_its_error_says_nothing() -> None:
    ones = np.ones(10)
    assert meets(0 * ones, 2.0**-10 * ones, ones)
    assert not meets(0 * ones, 2.0**-5 * ones, ones)
    assert not meets(0 * ones, 2.0**-10 * ones, ones, unknowns=5)
    assert not meets(0 * ones, 2.0**-10 * ones, ones, choices=[Fraction(1, 64)] * 5)
    assert not meets(2.0**-9 * ones, 2.0**-10 * ones, ones)


@pytest.mark.parametrize(
    ("seen", "texts"),
    [
        ({1, 2, 3, 4, 5, 6, 7}, ["every t"]),
        ({1}, ["t = 1"]),
        ({7}, ["t = T"]),
        ({3}, ["t = 3", "t = T-4"]),
        ({1, 2}, ["t <= 2", "t < T-4"]),
        ({6, 7}, ["t >= T-1", "t > 5"]),
        ({2, 3, 4, 5, 6}, ["1 < t < T"]),
        ({3, 6}, ["t = 3, 6, 9, ...", "t = T-1, T-4, T-7, ..."]),
        ({1, 4}, ["t = 1, 4", "t = T-6, T-3"]),
    ],
)
def test_steps_are_named_for_any_length(seen: set[int], texts: list[str]) -> None:
    found = forms(seen, 7)
    assert all(each.at(7) == seen for each in found)
    assert [each.text() for each in found][: len(texts)] == texts


def test_no_two_things_that_are_fitted_are_the_same() -> None:
    net = wide()
    for parts in (slopes(net, 1), output_terms(net)):
        flat = np.array([part.ravel() / np.linalg.norm(part) for part in parts.values()])
        alike = abs(flat @ flat.T) - np.eye(len(flat))
        assert (1 - alike.max()) * 2**30 > 1
