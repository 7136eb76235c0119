"""Wrong readings of the 46 equations, each of which the checks have to reject, and how many networks that takes.

Each is a function with the parameters of the right one, and gives the value of one line. `python
tests/wrong_readings.py` writes `reports/wrong_readings.json`: what the exact check says of each, on networks that
follow from a fixed seed.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from laws import Claim, exactly, failing

from bptt_oracle.catalogue import equation
from bptt_oracle.checking import Comparison
from bptt_oracle.conditions import Condition, indices_where
from bptt_oracle.instances import Description, random_description
from bptt_oracle.manual import Quantities, calculus, indices, right_reading
from bptt_oracle.manual.calculus import diag, entry, jacobian, row_times_stack
from bptt_oracle.manual.gradients import stack
from bptt_oracle.manual.registry import value
from bptt_oracle.report.files import write

REPORT = Path(__file__).parents[1] / "reports" / "wrong_readings.json"
SEED = 2016
PARTS = 10**12
"""What a relative error of 1e-12 is one part of: an integer, so that it means the same in every arithmetic."""

Function = Callable[..., Any]


@dataclass(frozen=True)
class WrongReading:
    """A line that is not true.

    Attributes
    ----------
    slug, number, what : its name, its equation, and what is wrong
    function : takes the quantities and the equation's indices, and gives the line's value
    where : the range that it claims, if that is not the equation's own
    """

    slug: str
    number: int
    what: str
    function: Function
    where: tuple[Condition, ...] | None = None

    @property
    def claim(self) -> Claim:
        """The wrong line in the place of the equation's last one that needs no class k, if there is such a line."""

        def lines(q: Quantities, *at: int) -> Iterator[Any]:
            yield self.function(q, *at)

        right = Claim.right(self.number)
        line = next((line for line in reversed(right.reading.lines) if not line.one_hot), right.reading.lines[-1])
        lines.__signature__ = inspect.signature(self.function)  # type: ignore[attr-defined]
        return replace(
            right,
            reading=replace(right.reading, lines=(line,), where=self.where or right.reading.where),
            function=lines,
        )


WRONG: list[WrongReading] = []


def wrong(number: int, what: str, *where: str) -> Callable[[Function], Function]:
    """Enter a function into the table, under its name."""

    def enter(function: Function) -> Function:
        slug = function.__name__.replace("_", "-")
        conditions = tuple(map(Condition.parse, where)) or None
        WRONG.append(WrongReading(slug, number, what, function, conditions))
        return function

    return enter


def altered(slug: str, number: int, what: str, change: Callable[[Quantities, Any], Any]) -> None:
    """Enter the right reading with its last line changed."""
    right = right_reading(number)

    def function(q: Quantities, *at: int) -> Any:
        return change(q, value(right, q, *at))

    function.__signature__ = inspect.signature(right)  # type: ignore[attr-defined]
    WRONG.append(WrongReading(slug, number, what, function))


ONE_ENTRY = "a relative error of 1e-12 in one entry"


def relative_error(q: Quantities, right: Any) -> Any:
    """All entries too large by one part in `PARTS`."""
    return right * (PARTS + 1) / PARTS


def relative_error_in_one_entry(q: Quantities, right: Any) -> Any:
    """The first entry too large by one part in `PARTS`."""
    first = np.zeros(right.shape, dtype=int)
    first[0, 0] = 1
    return right * (PARTS + first.astype(object)) / PARTS


def total(terms: Iterable[Any], zero: Any) -> Any:
    """The sum of terms, of which there may be none."""
    return sum(terms, start=zero)


# ------------------------------------------------------------------------------------------------ 1 the loss function


@wrong(1, "scale: the sum of the losses, without 1/T")
def loss_is_a_sum(q: Quantities) -> Any:
    return sum(q.J[t] for t in range(1, q.T + 1))


@wrong(1, "range: the sum stops at T-1")
def loss_forgets_the_last_step(q: Quantities) -> Any:
    return total((q.J[t] for t in range(1, q.T)), q.zeros(1)) / q.T


@wrong(2, "sign: the logarithm itself")
def loss_of_a_step_is_the_logarithm(q: Quantities, t: int) -> Any:
    return q.log(entry(q.y_hat[t], q.k(t)))


@wrong(2, "index: the class after k")
def loss_of_the_next_class(q: Quantities, t: int) -> Any:
    return -q.log(entry(q.y_hat[t], (q.k(t) + 1) % q.d[-1]))


# --------------------------------------------------------------------------------------------- 2 forward propagation


@wrong(3, "index: z of the step before")
def prediction_lags(q: Quantities, t: int) -> Any:
    return q.g(q.z[q.n, max(t - 1, 1)])


@wrong(3, "dropped: the normalisation")
def prediction_is_not_normalised(q: Quantities, t: int) -> Any:
    return q.exp(q.z[q.n, t])


@wrong(4, "dropped: f")
def hidden_state_is_linear(q: Quantities, l: int, t: int) -> Any:
    return q.x[t] if l == 0 else q.z[l, t]


@wrong(4, "f' for f")
def hidden_state_of_f_prime(q: Quantities, l: int, t: int) -> Any:
    return q.x[t] if l == 0 else q.f_prime(q.z[l, t])


@wrong(5, "dropped term: the bias of the output layer")
def output_has_no_bias(q: Quantities, l: int, t: int) -> Any:
    if l == q.n:
        return q.W[l] @ q.h[l - 1, t]
    return q.H[l] @ q.h[l, t - 1] + q.W[l] @ q.h[l - 1, t] + q.b[l]


@wrong(5, "extra transpose: H")
def H_is_transposed_forwards(q: Quantities, l: int, t: int) -> Any:
    if l == q.n:
        return q.W[l] @ q.h[l - 1, t] + q.b[l]
    return q.H[l].T @ q.h[l, t - 1] + q.W[l] @ q.h[l - 1, t] + q.b[l]


@wrong(5, "index: the state of the same step, at the first step")
def first_step_feeds_itself(q: Quantities, l: int, t: int) -> Any:
    if l == q.n:
        return q.W[l] @ q.h[l - 1, t] + q.b[l]
    return q.H[l] @ q.h[l, 1 if t == 1 else t - 1] + q.W[l] @ q.h[l - 1, t] + q.b[l]


# --------------------------------------------------------------------------------------------------------- 3.1 deltas


@wrong(6, "sign: y - y^")
def output_error_row_is_negated(q: Quantities, t: int) -> Any:
    return (q.y[t] - q.y_hat[t]).T


@wrong(6, "dropped term: -z_k")
def output_error_row_without_the_class(q: Quantities, t: int) -> Any:
    return jacobian(lambda z: q.log(calculus.total(q.exp(z))), q.z[q.n, t])


altered("output-error-is-a-row", 7, "extra transpose: a row, not a column", lambda q, delta: delta.T)


@wrong(8, "dropped factor: diag f'")
def top_error_row_without_f_prime(q: Quantities, t: int) -> Any:
    return q.delta[q.n, t, t].T @ q.W[q.n]


@wrong(9, "missing transpose: W")
def top_error_without_transpose(q: Quantities, t: int) -> Any:
    return diag(q.f_prime(q.z[q.n - 1, t])) @ q.W[q.n] @ q.delta[q.n, t, t]


@wrong(10, "extra transpose: H, which is square")
def top_error_back_row_with_transposed_H(q: Quantities, t: int, c: int) -> Any:
    l = q.n - 1
    return q.delta[l, t - c + 1, t].T @ q.H[l].T @ diag(q.f_prime(q.z[l, t - c]))


@wrong(11, "index: f' at t-c+1")
def top_error_back_with_late_f_prime(q: Quantities, t: int, c: int) -> Any:
    l = q.n - 1
    return diag(q.f_prime(q.z[l, t - c + 1])) @ q.H[l].T @ q.delta[l, t - c + 1, t]


@wrong(12, "index: W of the layer itself")
def hidden_error_row_with_own_W(q: Quantities, l: int, t: int) -> Any:
    return q.delta[l + 1, t, t].T @ q.W[l] @ diag(q.f_prime(q.z[l, t]))


@wrong(13, "f for f'")
def hidden_error_with_f(q: Quantities, l: int, t: int) -> Any:
    return diag(q.f(q.z[l, t])) @ q.W[l + 1].T @ q.delta[l + 1, t, t]


altered("hidden-error-is-negated", 13, "sign", lambda q, delta: -delta)


@wrong(14, "dropped term: what comes from the layer above")
def hidden_error_back_row_without_the_layer_above(q: Quantities, l: int, t: int, c: int) -> Any:
    return q.delta[l, t - c + 1, t].T @ q.H[l] @ diag(q.f_prime(q.z[l, t - c]))


@wrong(15, "dropped term: what comes from the next step")
def hidden_error_back_without_the_next_step(q: Quantities, l: int, t: int, c: int) -> Any:
    return diag(q.f_prime(q.z[l, t - c])) @ q.W[l + 1].T @ q.delta[l + 1, t - c, t]


@wrong(15, "index: delta of the layer above at t-c+1")
def hidden_error_back_with_late_layer_above(q: Quantities, l: int, t: int, c: int) -> Any:
    later = t - c + 1
    return diag(q.f_prime(q.z[l, t - c])) @ (q.H[l].T @ q.delta[l, later, t] + q.W[l + 1].T @ q.delta[l + 1, later, t])


@wrong(15, "one term at one (l, t): the layer above does not reach l = 1 at time 1")
def hidden_error_back_without_one_term(q: Quantities, l: int, t: int, c: int) -> Any:
    above = 0 if (l, t - c) == (1, 1) else 1
    return diag(q.f_prime(q.z[l, t - c])) @ (
        q.H[l].T @ q.delta[l, t - c + 1, t] + above * (q.W[l + 1].T @ q.delta[l + 1, t - c, t])
    )


# ------------------------------------------------------------------------------------------------------ 3.2 gradients


@wrong(16, "index: h at k, not k-1")
def derivative_in_H_with_late_h(q: Quantities, l: int, t: int) -> Any:
    return sum(q.h[l, k] @ q.delta[l, k, t].T for k in range(1, t + 1))


@wrong(16, "index: epsilon_i in the place of another component")
def derivative_in_H_with_reversed_components(q: Quantities, l: int, t: int) -> Any:
    d = q.d[l]
    return sum(
        row_times_stack(q.delta[l, k, t].T, stack(q.h[l, k - 1] @ q.unit(d - 1 - i, d).T for i in range(d)))
        for k in range(1, t + 1)
    )


altered("gradient-in-H-is-transposed", 17, "extra transpose: the whole square matrix", lambda q, G: G.T)


@wrong(17, "index: delta of the layer above")
def gradient_in_H_with_delta_of_the_layer_above(q: Quantities, l: int, t: int) -> Any:
    return sum(q.delta[l + 1, k, t] @ q.h[l, k - 1].T for k in range(1, t + 1))


altered("derivative-in-output-W-is-a-gradient", 18, "missing transpose: the gradient's layout", lambda q, D: D.T)


@wrong(19, "index: h of the step before")
def gradient_in_output_W_with_early_h(q: Quantities, t: int) -> Any:
    early = q.h[q.n - 1, t - 1] if q.n > 1 else q.x[max(t - 1, 1)]
    return q.delta[q.n, t, t] @ early.T


@wrong(20, "range: the sum starts at k = 2")
def derivative_in_W_forgets_the_first_step(q: Quantities, l: int, t: int) -> Any:
    return total((q.h[l - 1, k] @ q.delta[l, k, t].T for k in range(2, t + 1)), q.zeros(q.d[l - 1], q.d[l]))


@wrong(21, "index: h of the layer itself")
def gradient_in_W_with_own_h(q: Quantities, l: int, t: int) -> Any:
    return sum(q.delta[l, k, t] @ q.h[l, k].T for k in range(1, t + 1))


@wrong(21, "sign of the last term, k = t")
def gradient_in_W_with_one_sign(q: Quantities, l: int, t: int) -> Any:
    return sum((-1 if k == t else 1) * (q.delta[l, k, t] @ q.h[l - 1, k].T) for k in range(1, t + 1))


altered("derivative-in-output-b-is-divided-by-T", 22, "scale: 1/T, though J^(t) is one loss", lambda q, D: D / q.T)
altered("gradient-in-output-b-is-negated", 23, "sign", lambda q, G: -G)


@wrong(24, "range: the sum stops at k = t-1")
def derivative_in_b_forgets_the_last_step(q: Quantities, l: int, t: int) -> Any:
    return total((q.delta[l, k, t].T for k in range(1, t)), q.zeros(1, q.d[l]))


@wrong(25, "one term at one (l, t): k = 1 is missing for l = 1, t = 2")
def gradient_in_b_without_one_term(q: Quantities, l: int, t: int) -> Any:
    return sum(q.delta[l, k, t] for k in range(2 if (l, t) == (1, 2) else 1, t + 1))


# ----------------------------------------------------------------------------------------------------- 3.3 conclusion


@wrong(26, "dropped term: the target")
def output_error_without_target(q: Quantities, t: int) -> Any:
    return q.y_hat[t]


altered("output-error-off-by-1e-12", 26, "a relative error of 1e-12", relative_error)


@wrong(27, "missing transpose: W")
def top_delta_without_transpose(q: Quantities, t: int) -> Any:
    return diag(q.f_prime(q.z[q.n - 1, t])) @ q.W[q.n] @ q.delta[q.n, t, t]


@wrong(28, "missing transpose: H, which is square")
def top_delta_back_without_transpose(q: Quantities, t: int, c: int) -> Any:
    l = q.n - 1
    return diag(q.f_prime(q.z[l, t - c])) @ q.H[l] @ q.delta[l, t - c + 1, t]


@wrong(29, "index: the loss of the last step")
def hidden_delta_of_the_last_loss(q: Quantities, l: int, t: int) -> Any:
    return diag(q.f_prime(q.z[l, t])) @ q.W[l + 1].T @ q.delta[l + 1, t, q.T]


@wrong(30, "sign between the terms")
def hidden_delta_back_with_one_sign(q: Quantities, l: int, t: int, c: int) -> Any:
    return diag(q.f_prime(q.z[l, t - c])) @ (
        q.H[l].T @ q.delta[l, t - c + 1, t] - q.W[l + 1].T @ q.delta[l + 1, t - c, t]
    )


@wrong(30, "one term at one (l, t): H is missing for l = 1, two steps before the loss")
def hidden_delta_back_without_one_term(q: Quantities, l: int, t: int, c: int) -> Any:
    following = 0 if (l, c) == (1, 2) else 1
    return diag(q.f_prime(q.z[l, t - c])) @ (
        following * (q.H[l].T @ q.delta[l, t - c + 1, t]) + q.W[l + 1].T @ q.delta[l + 1, t - c, t]
    )


@wrong(31, "index: h at k, not k-1")
def step_gradient_H_with_late_h(q: Quantities, l: int, t: int) -> Any:
    return sum(q.delta[l, k, t] @ q.h[l, k].T for k in range(1, t + 1))


altered("step-gradient-output-W-is-a-derivative", 32, "extra transpose: the numerator layout", lambda q, G: G.T)


@wrong(33, "index: delta at t in every term")
def step_gradient_W_with_last_delta(q: Quantities, l: int, t: int) -> Any:
    return sum(q.delta[l, t, t] @ q.h[l - 1, k].T for k in range(1, t + 1))


altered("step-gradient-output-b-is-divided-by-T", 34, "scale: 1/T, though J^(t) is one loss", lambda q, G: G / q.T)


@wrong(35, "range: the sum starts at k = 2")
def step_gradient_b_forgets_the_first_step(q: Quantities, l: int, t: int) -> Any:
    return total((q.delta[l, k, t] for k in range(2, t + 1)), q.zeros(q.d[l]))


# ----------------------------------------------------------------------------------------------------------- 4 trick


@wrong(36, "range: claimed for every t", "1 <= l <= n-1", "1 <= t <= T")
def gamma_is_delta_at_every_step(q: Quantities, l: int, t: int) -> Any:
    return q.delta[l, t, t]


altered("gamma-at-the-last-step-is-divided-by-T", 36, "scale: 1/T, which gradients have", lambda q, g: g / q.T)


@wrong(37, "dropped term: delta^(n-1)(t)(t)")
def gamma_of_the_top_without_its_own_loss(q: Quantities, t: int) -> Any:
    l = q.n - 1
    return q.f_prime(q.z[l, t]) * (q.H[l].T @ q.gamma[l, t + 1])


@wrong(37, "index: gamma at t+2")
def gamma_of_the_top_skips_a_step(q: Quantities, t: int) -> Any:
    l = q.n - 1
    return q.delta[l, t, t] + q.f_prime(q.z[l, t]) * (q.H[l].T @ q.gamma[l, t + 2])


@wrong(37, "range: the sum of deltas stops at T-1")
def gamma_of_the_top_forgets_the_last_loss(q: Quantities, t: int) -> Any:
    return sum(q.delta[q.n - 1, t, i] for i in range(t, q.T))


@wrong(38, "dropped term: what comes from the layer above")
def gamma_of_hidden_layers_without_the_layer_above(q: Quantities, l: int, t: int) -> Any:
    return q.f_prime(q.z[l, t]) * (q.H[l].T @ q.gamma[l, t + 1])


@wrong(38, "a term too many: delta^(l)(t)(t), which gamma^(l+1)(t) holds already")
def gamma_of_hidden_layers_counts_a_loss_twice(q: Quantities, l: int, t: int) -> Any:
    return q.delta[l, t, t] + q.f_prime(q.z[l, t]) * (q.H[l].T @ q.gamma[l, t + 1] + q.W[l + 1].T @ q.gamma[l + 1, t])


altered("gamma-of-hidden-layers-off-by-1e-12", 38, ONE_ENTRY, relative_error_in_one_entry)


@wrong(39, "scale: without 1/T")
def gradient_of_J_in_H_is_a_sum(q: Quantities, l: int) -> Any:
    return sum(q.gamma[l, i] @ q.h[l, i - 1].T for i in range(1, q.T + 1))


@wrong(40, "index: gamma in the reverse order of time")
def gradient_of_J_in_W_with_reversed_gamma(q: Quantities, l: int) -> Any:
    T = q.T
    return sum(q.gamma[l, T + 1 - i] @ q.h[l - 1, i].T for i in range(1, T + 1)) / T


@wrong(40, "range: the inner sum starts at j = i+1")
def gradient_of_J_in_W_without_the_diagonal(q: Quantities, l: int) -> Any:
    T = q.T
    terms = (q.delta[l, i, j] @ q.h[l - 1, i].T for i in range(1, T + 1) for j in range(i + 1, T + 1))
    return total(terms, q.zeros(q.d[l], q.d[l - 1])) / T


@wrong(41, "dropped terms: each step's own loss alone")
def gradient_of_J_in_b_of_the_diagonal(q: Quantities, l: int) -> Any:
    return sum(q.delta[l, i, i] for i in range(1, q.T + 1)) / q.T


@wrong(42, "dropped factor: f'")
def delta_by_cases_without_f_prime(q: Quantities, l: int, t: int) -> Any:
    return q.y_hat[t] - q.y[t] if l == q.n else q.W[l + 1].T @ q.delta[l + 1, t, t]


@wrong(43, "index: f' at t+1")
def gamma_by_cases_with_late_f_prime(q: Quantities, l: int, t: int) -> Any:
    if t == q.T:
        return q.delta[l, t, t]
    above = q.delta[l, t, t] if l == q.n - 1 else q.f_prime(q.z[l, t]) * (q.W[l + 1].T @ q.gamma[l + 1, t])
    return above + q.f_prime(q.z[l, t + 1]) * (q.H[l].T @ q.gamma[l, t + 1])


@wrong(43, "one term at one (l, t): the layer above is missing for l = 1, t = 1")
def gamma_by_cases_without_one_term(q: Quantities, l: int, t: int) -> Any:
    if (l, t) == (1, 1) and t < q.T:
        return q.f_prime(q.z[l, t]) * (q.H[l].T @ q.gamma[l, t + 1])
    return value(right_reading(43), q, l, t)


@wrong(44, "index: h at t, not t-1")
def total_gradient_H_with_late_h(q: Quantities, l: int) -> Any:
    return sum(q.gamma[l, t] @ q.h[l, t].T for t in range(1, q.T + 1)) / q.T


altered("total-gradient-H-off-by-1e-12", 44, ONE_ENTRY, relative_error_in_one_entry)


@wrong(45, "dropped terms: delta^(l)(t)(t) for gamma")
def total_gradient_W_with_delta(q: Quantities, l: int) -> Any:
    return sum(q.delta[l, t, t] @ q.h[l - 1, t].T for t in range(1, q.T + 1)) / q.T


altered("total-gradient-W-is-transposed", 45, "extra transpose", lambda q, G: G.T)


@wrong(46, "scale: 1/(T+1)")
def total_gradient_b_counts_time_0(q: Quantities, l: int) -> Any:
    return value(right_reading(46), q, l) * q.T / (q.T + 1)


@wrong(46, "one term at one (l, t): the first step is missing in the output layer")
def total_gradient_b_without_one_term(q: Quantities, l: int) -> Any:
    first = 2 if l == q.n else 1
    error = {t: q.delta[l, t, t] if l == q.n else q.gamma[l, t] for t in range(1, q.T + 1)}
    return total((error[t] for t in range(first, q.T + 1)), q.zeros(q.d[l])) / q.T


# -------------------------------------------------------------------------------------------------------- the report


def networks() -> Iterator[Description]:
    """Networks without end, the same every time; no width of 1, at which a transpose is no mistake."""
    rng = np.random.default_rng(SEED)
    for number in count(SEED):
        yield random_description(rng, number, steps=range(1, 7), widths=range(2, 6), targets=["one-hot"])


def met(claim: Claim, description: Description) -> bool:
    """Whether a network has indices for which a claim is made."""
    return bool(indices_where(indices(claim.function), claim.reading.where, description.n, description.T))


@dataclass(frozen=True)
class Rejection:
    """How a claim was rejected.

    Attributes
    ----------
    examples : the number of the network, among those that met the claim
    description : the network
    comparisons, failures : how many comparisons it took there, locally and chained, and those that failed
    """

    examples: int
    description: Description
    comparisons: int
    failures: tuple[Comparison, ...]


def first_rejection(
    claim: Claim,
    comparisons: Callable[[Claim, Description], list[Comparison] | str],
    descriptions: Iterable[Description],
) -> Rejection | None:
    """The first of the networks, among those that meet a claim, on which it fails; None if it fails on none."""
    examples = 0
    for description in descriptions:
        if not met(claim, description):
            continue
        found = comparisons(claim, description)
        if isinstance(found, str):
            continue
        examples += 1
        if failures := failing(found):
            return Rejection(examples, description, len(found), tuple(failures))
    return None


def report(most: int = 50) -> str:
    """What the exact check says of each wrong reading, on at most so many networks, as JSON."""
    entries = []
    for reading in WRONG:
        rejection = first_rejection(reading.claim, exactly, (d for d, _ in zip(networks(), range(most), strict=False)))
        first = rejection.failures[0] if rejection else None
        entries.append(
            {
                "slug": reading.slug,
                "equation": reading.number,
                "section": equation(reading.number).section,
                "wrong": reading.what,
                "examples": rejection.examples if rejection else None,
                "network": str(rejection.description) if rejection else None,
                "comparisons": rejection.comparisons if rejection else None,
                "failures": len(rejection.failures) if rejection else None,
                "first": {"outcome": first.outcome, "mode": first.key.mode, "at": dict(first.at)} if first else None,
            }
        )
    head = {"checked": "exactly, over GF(2^61 - 1), locally and chained", "seed": SEED, "wrong_readings": entries}
    return json.dumps(head, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(REPORT, report())
