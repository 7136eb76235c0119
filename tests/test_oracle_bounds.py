"""The bounds of the oracle: every right program lies inside, in many forms; what is a little wrong lies outside."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from right_programs import (
    ASKED,
    DTYPES,
    MEAN_OR_SUM,
    PROGRAMS,
    Answer,
    Style,
    Wrong,
    alone,
    by_hand,
    combined,
    may_overflow,
    precision_of,
    random_probe,
    sequences,
    steps,
)

from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.flint_types import arb
from bptt_oracle.floating import BITS
from bptt_oracle.manual import Elementwise, Network, one_pass
from bptt_oracle.oracle.answers import Truth
from bptt_oracle.oracle.conventions import ConventionError, Conventions
from bptt_oracle.oracle.probes import PLANS, Plan, Probe, draw, sized
from bptt_oracle.oracle.smoothness import SMOOTHNESS, smoothness_of
from bptt_oracle.oracle.stacking import Paths, Reach, Stack
from bptt_oracle.oracle.truth import batch_of, decided, trajectories, truth_of
from bptt_oracle.reference import padding

precisions = pytest.mark.parametrize("precision", DTYPES)
plans = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)


def outside(answer: Answer, truth: Truth) -> list[str]:
    """The names of the gradients, and "J", that have an entry outside its bound; what is not finite is outside."""
    loss, grads = answer
    found = [] if abs(float(loss) - truth.loss) <= truth.loss_bound else ["J"]
    for l, (layer, right, bounds) in enumerate(zip(grads, truth.grads, truth.bounds, strict=True), start=1):
        assert layer.keys() == right.keys() == bounds.keys()
        for name, array in layer.items():
            assert array.shape == right[name].shape == bounds[name].shape
            if not (abs(array.astype(np.float64) - right[name]) <= bounds[name]).all():
                found.append(f"{name}^({l})")
    return found


def true_values(probe: Probe, conventions: Conventions) -> Answer:
    """J and its gradients as balls, by one pass over each sequence; for the last step with a loss of digits."""

    def of_sequence(net: Network) -> Answer:
        T, whole = net.T, alone(one_pass(net))
        if conventions.over_time == "mean" or T == 1:
            return whole
        if conventions.over_time == "sum":
            return combined([whole], [T])
        return combined([whole, alone(one_pass(steps(net, T - 1)))], [T, 1 - T])  # T J - (T - 1) (J over T - 1)

    nets = [net.over(balls.to_balls, net.functions) for net in sequences(probe, conventions)]
    share = arb(1) / probe.B if conventions.over_batch == "mean" else arb(1)
    return combined([of_sequence(net) for net in nets], [share] * probe.B)


# --------------------------------------------------------------------------------------- the truth and its bounds


def inside_of(truth: Truth, values: Answer) -> bool:
    """Whether the balls lie within the bounds around the truth: certainly."""

    def within(number: Any, bound: Any, ball: Any) -> bool:
        return bool(bound == np.inf or abs(arb(float(number)) - ball) <= arb(float(bound)))

    loss, grads = values
    return within(truth.loss, truth.loss_bound, loss) and all(
        within(number, bound, ball)
        for layer, bounds, right in zip(truth.grads, truth.bounds, grads, strict=True)
        for name in layer
        for number, bound, ball in zip(layer[name].flat, bounds[name].flat, right[name].flat, strict=True)
    )


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.T < 9], ids=lambda plan: plan.name)
@pytest.mark.parametrize("over_time", ["mean", "last"])
def test_true_value_lies_within_the_bounds_of_the_truth(plan: Plan, over_time: str) -> None:
    probe, conventions = draw(plan, 1), ASKED.replace(over_time=over_time)
    with balls.precision(16 * BITS):
        assert inside_of(truth_of(probe, conventions), true_values(probe, conventions))


def test_true_value_lies_within_the_bounds_of_random_networks() -> None:
    with balls.precision(16 * BITS):
        for seed in range(25):
            probe, conventions = random_probe(seed)
            truth = truth_of(probe, conventions)
            assert decided(truth), seed
            assert inside_of(truth, true_values(probe, conventions)), seed


def test_a_truth_that_is_off_by_its_bound_is_noticed() -> None:
    probe = draw(PLANS[0], 1)
    with balls.precision(BITS):
        values = true_values(probe, ASKED)
        truth = truth_of(probe, ASKED)
        truth.grads[0]["H"][1, 2] += 2 * truth.bounds[0]["H"][1, 2]
        assert not inside_of(truth, values)


@precisions
@pytest.mark.parametrize("over_time", ["mean", "sum", "last"])
@plans
def test_what_bounds_are_at_least_is_no_more_than_they_are(plan: Plan, over_time: str, precision: str) -> None:
    for activation in SMOOTHNESS:
        for biases in (1, 2):
            c = ASKED.replace(activation=activation, over_time=over_time, precision=precision, biases=biases)
            truth = truth_of(draw(plan, 3), c)
            assert_least(truth)
            assert truth.least.loss > 0
            assert all((least > 0).any() for layer in truth.least.grads for least in layer.values())


def test_what_bounds_are_at_least_on_random_networks_and_on_large_ones() -> None:
    for seed in range(100):
        assert_least(truth_of(*random_probe(seed)))
    for plan in SIZED:
        assert_least(truth_of(draw(plan, 1), ASKED))


def assert_least(truth: Truth) -> None:
    assert truth.least.loss <= truth.loss_bound
    for least, bounds in zip(truth.least.grads, truth.bounds, strict=True):
        assert least.keys() == bounds.keys()
        assert all((least[name] <= bounds[name]).all() for name in bounds)


def test_a_network_without_hidden_layers_has_bounds() -> None:
    probe = draw(Plan("none hidden", (3, 4), T=3, B=2), 1)
    truth = truth_of(probe, ASKED)
    assert decided(truth)
    with balls.precision(BITS):
        assert inside_of(truth, true_values(probe, ASKED))


@precisions
@plans
def test_bounds_are_far_below_the_gradients(plan: Plan, precision: str) -> None:
    for seed in range(4):
        truth = truth_of(draw(plan, seed), ASKED.replace(precision=precision))
        assert decided(truth)
        for layer, bounds in zip(truth.grads, truth.bounds, strict=True):
            for name, gradient in layer.items():
                largest, bound = abs(gradient).max(), bounds[name].max()
                assert largest > (2**32 if precision == "float64" else 32) * bound, (plan.name, name)


# ------------------------------------------------------------------------- bounds for networks of any size, by paths

SIZED = (
    sized((3, 4, 5), 6, 2),
    sized((5, 9, 7, 4), 20, 3),
    sized((2, 6, 6, 6, 3), 9, 1),
    sized((20, 40, 40, 30), 12, 8),
)
sized_plans = pytest.mark.parametrize("plan", SIZED, ids=lambda plan: ".".join(map(str, plan.d)))


NEARLY_ONE = 1 - 2.0**-20
"""What is taken along the paths has no rounding of R to make up for."""


def by_paths(probe: Probe) -> Probe:
    """The same network, whose bounds are found along paths, whether that is wise or not."""
    return replace(probe, plan=replace(probe.plan, kind="sized"))


def test_true_value_lies_within_the_bounds_by_paths() -> None:
    with balls.precision(16 * BITS):
        for probe, conventions in [(draw(plan, 1), ASKED) for plan in SIZED[:2]] + [random_probe(s) for s in range(25)]:
            truth = truth_of(by_paths(probe), conventions)
            assert inside_of(truth, true_values(probe, conventions)), probe


def test_bounds_by_paths_are_wider() -> None:
    for seed in range(25):
        probe, conventions = random_probe(seed)
        exact, wider = truth_of(probe, conventions), truth_of(by_paths(probe), conventions)
        assert wider.loss_bound >= NEARLY_ONE * exact.loss_bound
        for name in ("H", "W", "b"):
            pairs = [(a[name], b[name]) for a, b in zip(exact.bounds, wider.bounds, strict=True) if name in a]
            assert all((b >= NEARLY_ONE * a).all() for a, b in pairs)


@precisions
@sized_plans
def test_right_programs_lie_inside_by_paths(plan: Plan, precision: str) -> None:
    for name in PROGRAMS:
        if name != "padded JAX":
            found = [answered(name, draw(plan, seed), ASKED, precision) for seed in range(2)]
            assert found == [[], []], name


@precisions
@sized_plans
def test_bounds_by_paths_are_far_below_the_gradients(plan: Plan, precision: str) -> None:
    truth = truth_of(draw(plan, 1), ASKED.replace(precision=precision))
    for layer, bounds in zip(truth.grads, truth.bounds, strict=True):
        for name, gradient in layer.items():
            assert abs(gradient).max() > (2**30 if precision == "float64" else 2) * bounds[name].max(), name


def test_products_along_all_paths_are_no_less_than_the_derivatives() -> None:
    """Of the same network, slopes and numbers: |R| c and |R|^T c."""
    probe = draw(PLANS[1], 1).sequences(slice(0, 1))
    net = batch_of(probe, ASKED)
    stack, run = Stack(net), trajectories(probe, ASKED)
    slope = stack.rows({l: ASKED.functions.f.derivative(run.z[l]) for l in (1, 2, 3)}, stack.hidden)
    source = (run.y_hat - probe.targets).swapaxes(0, 1)
    paths = Paths(stack, abs(slope), abs(source))
    rng = np.random.default_rng(1)
    c, above = rng.random((1, probe.T, stack.hidden)), rng.random((1, probe.T, stack.D))
    size = abs(stack.derivatives(slope)[0])
    assert (paths.forward(c)[0] >= NEARLY_ONE * np.einsum("tdsh,sh->td", size, c[0])).all()
    assert (paths.backward(above)[0] >= NEARLY_ONE * np.einsum("tdsh,td->sh", size, above[0])).all()
    assert (paths.arriving >= NEARLY_ONE * Reach(stack, slope, source).arriving).all()


# ------------------------------------------------------------------------------------ right programs lie inside


def answered(name: str, probe: Probe, conventions: Conventions, precision: str) -> list[str] | None:
    """What of a program's answer lies outside; None where it cannot be asked or nothing is proved."""
    if conventions.over_time == "last" and name in MEAN_OR_SUM:
        return None
    truth = truth_of(probe, conventions.replace(precision=precision_of(name, precision)))
    if not decided(truth) or may_overflow(name, probe, conventions, precision):
        return None
    with np.errstate(all="ignore"):  # a loss of -log 0, whose bound is infinite
        return outside(PROGRAMS[name](probe, conventions, DTYPES[precision]), truth)


programs = pytest.mark.parametrize("name", PROGRAMS)


@precisions
@programs
def test_right_programs_lie_inside_on_the_plans(name: str, precision: str) -> None:
    box = padding.Box()
    for plan in PLANS:
        if name == "padded JAX" and (plan.T > box.T or max(plan.d) > box.width):
            continue
        found = answered(name, draw(plan, 3), ASKED, precision)
        assert found == [] or (found is None and plan.kind == "large" and name == "without a shift"), plan.name


@precisions
@programs
def test_right_programs_lie_inside_on_random_networks(name: str, precision: str) -> None:
    asked = [answered(name, *random_probe(seed), precision) for seed in range(40)]
    assert [found for found in asked if found] == []
    assert len([found for found in asked if found is not None]) > 20


@precisions
@pytest.mark.parametrize("activation", SMOOTHNESS)
def test_right_programs_lie_inside_for_every_activation(activation: str, precision: str) -> None:
    conventions = ASKED.replace(activation=activation, over_time="sum", over_batch="sum")
    for plan in PLANS[:3]:
        for name in ("one pass", "f' of h, early", "f' of z, late"):
            assert answered(name, draw(plan, 1), conventions, precision) == [], (plan.name, name)


@precisions
def test_right_programs_lie_inside_for_a_given_pair(precision: str) -> None:
    """Of u / (1 + u^2), whose smoothness nobody stated."""
    pair = Elementwise(lambda u: u / (1 + u * u), lambda u: (1 - u * u) / ((1 + u * u) * (1 + u * u)))
    for plan in PLANS[:3]:
        for name in ("one pass", "sum of the steps", "batch"):
            assert answered(name, draw(plan, 1), ASKED.replace(activation=pair), precision) == []


def test_two_biases_have_the_same_gradient_and_bound() -> None:
    truth = truth_of(draw(PLANS[0], 1), ASKED.replace(biases=2))
    for arrays in (truth.grads, truth.bounds):
        assert [set(layer) for layer in arrays] == [{"H", "W", "b", "b_hh"}, {"W", "b"}]
        assert (arrays[0]["b"] == arrays[0]["b_hh"]).all()


# ----------------------------------------------------------------------------- what is a little wrong lies outside


NEARLY = 1 + 2.0**-30

MISTAKES: dict[str, tuple[Wrong, bool]] = {
    "H^T a little off": (lambda name, value: value * NEARLY if name == "carry" else value, False),
    "y^ - y a little off": (lambda name, value: value * NEARLY if name == "error" else value, False),
    "H without its transpose": (lambda name, value: value.T if name == "carry" else value, True),
    "no carry": (lambda name, value: value * 0 if name == "carry" else value, True),
    "a wrong sign of the carry": (lambda name, value: -value if name == "carry" else value, True),
    "a wrong sign of the error": (lambda name, value: -value if name == "error" else value, True),
    "nothing from above": (lambda name, value: value * 0 if name == "from above" else value, True),
    "h(t-1) a little off": (lambda name, value: value * NEARLY if name == "h before" else value, False),
}
"""What is wrong, and whether it must show in float32, too."""


@precisions
@plans
@pytest.mark.parametrize("mistake", MISTAKES)
def test_planted_mistakes_lie_outside(mistake: str, plan: Plan, precision: str) -> None:
    wrong, coarse = MISTAKES[mistake]
    if precision == "float64" or coarse:
        probe, conventions = draw(plan, 2), ASKED.replace(precision=precision)
        _, grads = by_hand(probe, conventions, DTYPES[precision], Style(log_of_y_hat=False), wrong)
        truth = truth_of(probe, conventions)
        assert outside((truth.loss, grads), truth) != []


@sized_plans
@pytest.mark.parametrize("mistake", MISTAKES)
def test_planted_mistakes_lie_outside_the_bounds_by_paths(mistake: str, plan: Plan) -> None:
    probe, (wrong, _) = draw(plan, 2), MISTAKES[mistake]
    _, grads = by_hand(probe, ASKED, np.float64, Style(log_of_y_hat=False), wrong)
    truth = truth_of(probe, ASKED)
    assert outside((truth.loss, grads), truth) != []


@precisions
def test_a_term_that_is_dropped_lies_outside(precision: str) -> None:
    """One of the T terms of dJ/dH, and one of the products of one."""
    probe, conventions = draw(PLANS[0], 2), ASKED.replace(precision=precision)
    truth, run = truth_of(probe, conventions), trajectories(probe, conventions)
    for t in range(1, probe.T):
        loss, grads = by_hand(probe, conventions, DTYPES[precision], Style())
        grads[0]["H"] -= run.delta[1][t].T @ run.h[1][t]
        assert outside((loss, grads), truth) == ["H^(1)"]
        loss, grads = by_hand(probe, conventions, DTYPES[precision], Style())
        grads[0]["W"][1, 2] -= run.delta[1][t, 0, 1] * run.h[0][t + 1, 0, 2]
        assert outside((loss, grads), truth) == ["W^(1)"]


@plans
def test_a_loss_that_is_a_little_off_lies_outside(plan: Plan) -> None:
    probe = draw(plan, 2)
    loss, grads = by_hand(probe, ASKED, np.float64, Style())
    truth = truth_of(probe, ASKED)
    assert outside((loss, grads), truth) == []
    assert outside((loss * NEARLY, grads), truth) == ["J"]


def test_what_is_not_a_number_lies_outside() -> None:
    probe = draw(PLANS[0], 2)
    _, grads = by_hand(probe, ASKED, np.float64, Style())
    grads[1]["b"][0] = np.nan
    assert outside((np.nan, grads), truth_of(probe, ASKED)) == ["J", "b^(2)"]


# ------------------------------------------------------------------------------------------- where nothing is proved


def test_a_z_at_the_kink_of_relu_is_undecided() -> None:
    conventions = ASKED.replace(activation="relu")
    probe = draw(PLANS[0], 2)
    assert decided(truth_of(probe, conventions))
    run = trajectories(probe, conventions)
    params = [dict(layer) for layer in probe.params]
    params[0]["b"] = params[0]["b"] - np.eye(4)[1] * run.z[1][0, 0, 1]  # z_1^(1)(1) of the first sequence becomes 0
    at_kink = replace(probe, params=params)
    truth = truth_of(at_kink, conventions)
    assert not decided(truth)
    assert all(np.isinf(bound).all() for layer in truth.bounds for bound in layer.values())
    assert decided(truth_of(at_kink, ASKED))  # tanh has no kink


def test_a_network_that_amplifies_rounding_is_undecided_in_float32_alone() -> None:
    conventions, probe = ASKED.replace(activation="sine"), draw(Plan("chaotic", (2, 8, 3), T=12, B=1), 1)
    params = [{**probe.params[0], "H": probe.params[0]["H"] * 4}, probe.params[1]]
    chaotic = replace(probe, params=params)
    assert decided(truth_of(chaotic, conventions))
    truth = truth_of(chaotic, conventions.replace(precision="float32"))
    assert not decided(truth)
    assert truth.loss_bound == np.inf


# --------------------------------------------------------------------------------------- trajectories, and JAX


@pytest.mark.parametrize("over_time", ["mean", "sum", "last"])
def test_trajectories_are_those_of_the_network(over_time: str) -> None:
    probe, conventions = draw(PLANS[2], 1), ASKED.replace(over_time=over_time)
    run, truth = trajectories(probe, conventions), truth_of(probe, conventions)
    T, B = probe.T, probe.B
    assert run.weights.tolist() == {"mean": [1 / T] * T, "sum": [1] * T, "last": [0] * (T - 1) + [1]}[over_time]
    assert run.shares.tolist() == [1 / B] * B
    assert run.loss == truth.loss
    assert (run.h[0][1:] == probe.x).all()
    for l in range(1, probe.n + 1):
        below, delta = run.h[l - 1][1:], run.delta[l]
        layer = probe.params[l - 1]
        z = below @ layer["W"].T + layer["b"] + (run.h[l][:-1] @ layer["H"].T if l < probe.n else 0)
        sums = {"W": np.einsum("tbi,tbj->ij", delta, below), "b": delta.sum(axis=(0, 1))}
        bounds = truth.bounds[l - 1]
        assert all((abs(total - truth.grads[l - 1][name]) <= bounds[name]).all() for name, total in sums.items())
        assert run.z[l].shape == z.shape
        assert l == probe.n or (run.h[l][0] == probe.h0[l - 1]).all()


@pytest.mark.parametrize("plan", [PLANS[0], PLANS[1]], ids=lambda plan: plan.name)
def test_truth_by_jax_lies_within_the_bounds(plan: Plan) -> None:
    for over_time in ("mean", "last"):
        probe, conventions = draw(plan, 1), ASKED.replace(over_time=over_time)
        by_jax, truth = truth_of(probe, conventions, "jax"), truth_of(probe, conventions)
        assert (by_jax.source, truth.source) == ("jax", "manual")
        assert outside((by_jax.loss, by_jax.grads), truth) == []
        assert outside((truth.loss, truth.grads), by_jax) == []
        assert any((a[name] != b[name]).any() for a, b in zip(by_jax.grads, truth.grads, strict=True) for name in a)


def test_a_given_pair_is_refused_for_jax() -> None:
    pair = Elementwise(np.tanh, lambda u: 1 - np.tanh(u) ** 2)
    with pytest.raises(ConventionError, match=r'^truth: JAX knows an activation by its name alone.* take "manual"'):
        truth_of(draw(PLANS[0], 1), ASKED.replace(activation=pair), "jax")


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ConventionError, match=r'^truth: expected "manual" or "jax", but got \'torch\'$'):
        truth_of(draw(PLANS[0], 1), ASKED, "torch")


def test_truth_by_hand_does_not_load_jax() -> None:
    program = (
        "import sys\n"
        "from bptt_oracle.oracle import conventions, probes, truth\n"
        "truth.truth_of(probes.draw(probes.PLANS[0], 1), conventions.Conventions(batch='time-first'))\n"
        "sys.exit('jax' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# ------------------------------------------------------------------------------------------------- smoothness


@pytest.mark.parametrize("activation", SMOOTHNESS)
def test_curvature_and_its_change_are_those_of_the_activation(activation: str) -> None:
    """By differences of f' over balls: |f''| at the middle, and its change nowhere faster than the constant says."""
    smooth, f = SMOOTHNESS[activation], Conventions(activation=activation).functions.f
    z = np.arange(-40, 41) / 8 + 1 / 16
    curvature = smooth.curvature(z, f(z), f.derivative(z))
    with balls.precision(BITS):
        step = arb(1) / 2**64
        at = balls.to_balls(z)
        second = (f.derivative(at + step) - f.derivative(at - step)) / (2 * step)
        change = (f.derivative(at + step) - 2 * f.derivative(at) + f.derivative(at - step)) / step**2
        for here, true, third in zip(curvature, second, change, strict=True):
            assert abs(abs(true) - float(here)) <= arb(512) / 2**53
            assert abs(third) <= smooth.third + arb(1) / 2**40


def test_a_given_pair_is_taken_to_be_smooth_as_far_as_its_slope_shows() -> None:
    named, given = SMOOTHNESS["tanh"], smoothness_of(Conventions(activation="tanh").functions.f)
    f = Conventions().functions.f
    z = np.arange(-30, 31) / 8
    exact, assumed = (smooth.curvature(z, f(z), f.derivative(z)) for smooth in (named, given))
    assert (assumed >= exact).all()
    assert (assumed <= 2 * exact + 1 / 32).all()
