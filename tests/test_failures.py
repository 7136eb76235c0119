"""What a failure says, word for word."""

from typing import Any

import numpy as np
import pytest
from laws import METHODS, Claim, Comparisons, holds

from bptt_oracle.arithmetic import balls, field
from bptt_oracle.arithmetic.flint_types import arb
from bptt_oracle.arithmetic.formats import FLOAT64
from bptt_oracle.arithmetic.rounded import Rounded
from bptt_oracle.checking import Comparison, Key, Outcome
from bptt_oracle.failures import describe
from bptt_oracle.instances import Description
from bptt_oracle.manual import Undefined

KEY = Key(30, "printed", 1, 0, "chained")
AT = {"l": 2, "t": 3, "c": 2, "n": 4, "T": 5}


def failure(value: Any, truth: Any, outcome: Outcome = "differs", key: Key = KEY) -> Comparison:
    return Comparison(key, AT, outcome, value, truth)


def column(*entries: Any) -> Any:
    return np.array(entries, dtype=object)[:, None]


def test_text_of_a_difference_over_the_field() -> None:
    text = describe(failure(field.to_field([[1], [5], [7]]), field.to_field([[1], [2], [8]])), "n=4,T=5")
    assert text == (
        "equation (30) as printed, line 1, chained: delta^(2)(1)(3) at l = 2, t = 3, c = 2, for n = 4, T = 5\n"
        "2 of 3 entries differ; the first is [1, 0], counted from 0:\n"
        "  manual      5\n"
        "  autodiff    2\n"
        "  difference  3\n"
        "  bound       0, for equality in GF(2^61 - 1) is exact\n"
        "network: n=4,T=5"
    )


def test_text_of_a_difference_between_enclosures() -> None:
    with balls.precision(64):
        value, truth = column(arb(0.5), arb(2, 0.25)), column(arb(0.5), arb(1, 0.125))
        text = describe(failure(value, truth, key=Key(43, "printed", 1, 2, "local")))
    assert text == (
        "equation (43) as printed, line 1, case 2, local: gamma^(2)(3) at l = 2, t = 3, c = 2, for n = 4, T = 5\n"
        "1 of 2 entries differ; the first is [1, 0], counted from 0:\n"
        "  manual      [2e+0 +/- 0.251]\n"
        "  autodiff    [1e+0 +/- 0.126]\n"
        "  difference  [1e+0 +/- 0.376]\n"
        "  bound       0.375, the two radii"
    )


def test_text_of_a_result_outside_its_bound() -> None:
    truth = column(*(Rounded(arb(number), 2.0**-50, FLOAT64) for number in (1, 2)))
    text = describe(failure(np.array([[1.0], [2.5]]), truth, key=Key(15, "corrected", 2, 0, "chained")), "seed=1")
    assert text == (
        "equation (15) as corrected, line 2, chained: delta^(2)(1)(3) at l = 2, t = 3, c = 2, for n = 4, T = 5\n"
        "1 of 2 entries differ; the first is [1, 0], counted from 0:\n"
        "  manual      2.5\n"
        "  autodiff    2.0\n"
        "  difference  0.5\n"
        "  bound       8.88e-16\n"
        "network: seed=1"
    )


def test_text_of_a_result_of_jax_outside_its_bound() -> None:
    key = Key(1, "printed", 0, 0, "local")
    truth = column(Rounded(arb(1), 2.0**-50, FLOAT64))
    comparison = Comparison(key, {"n": 1, "T": 2}, "differs", np.array([[np.nan]]), truth)
    assert describe(comparison, sides=("jax", "enclosed")) == (
        "equation (1) as printed, left-hand side, local: J, for n = 1, T = 2\n"
        "1 of 1 entries differ; the first is [0, 0], counted from 0:\n"
        "  jax         nan\n"
        "  enclosed    1.0\n"
        "  difference  inf\n"
        "  bound       8.88e-16"
    )


@pytest.mark.parametrize(
    ("value", "outcome", "text"),
    [
        (Undefined("h^(2)"), "undefined", "no value: the document does not define h^(2)"),
        (ValueError("matmul: sizes 3 and 2 differ"), "shape", "no value: matmul: sizes 3 and 2 differ"),
        (field.to_field([[1, 2, 3]]), "shape", "another shape: manual (1, 3), autodiff (3, 1)"),
        (field.to_field([[1], [2], [3]]), "agrees", "no entry differs"),
    ],
)
def test_text_of_a_line_without_a_comparable_value(value: Any, outcome: Outcome, text: str) -> None:
    described = describe(failure(value, field.to_field([[1], [2], [3]]), outcome))
    assert described.splitlines()[1:] == [text]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_reports_a_failure_of_a_property_in_this_form(method: Comparisons) -> None:
    network = Description(3, 4, (2, 3, 2, 3), scale="ordinary", seed=1)
    with pytest.raises(AssertionError) as caught:
        holds(Claim.printed(31), method)(network)
    first, second, *table, last = str(caught.value).splitlines()
    assert first == (
        "equation (31) as printed, line 1, local: gradient of J^(2) in H^(1) at l = 1, t = 2, for n = 3, T = 4"
    )
    assert second == "9 of 9 entries differ; the first is [0, 0], counted from 0:"
    assert [line.split()[0] for line in table] == ["manual", "autodiff", "difference", "bound"]
    assert last == f"network: {network}"
