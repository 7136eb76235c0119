"""A model with its own parameters is judged at its own widths, whatever it is made with."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bptt_oracle.oracle import as_it_stands
from bptt_oracle.oracle.as_it_stands import Asking, Standing, UncheckableError, examine
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import Plan, draw
from bptt_oracle.oracle.result import Result

EXAMPLES = Path(__file__).parents[1] / "examples" / "numpy"
SEQUENCES = (("short", 4, 1, False), ("states", 5, 1, True), ("single", 9, 1, True))


def backprop(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = runpy.run_path(str(EXAMPLES / name))["backprop"]
    return function


def model(*d: int) -> Standing:
    params = draw(Plan("own", d, T=1), seed=2016).params
    return Standing(params, [abs(layer["b"]) for layer in params], {})


def examined(standing: Standing, f: Callable[..., Any], *, is_known: bool = True) -> Result:
    asking = Asking(f, Conventions(h0=True), SEQUENCES, is_known=is_known)
    options: dict[str, Any] = {"truth": "manual", "seed": 2016, "time_limit": 10.0, "diagnose": True}
    return examine(standing, [asking], **options, name="own", again="check(own)")


@pytest.mark.parametrize("is_known", [True, False])
def test_a_right_model_is_right(is_known: bool) -> None:
    result = examined(model(3, 4, 6, 5), backprop("right.py"), is_known=is_known)
    assert result.ok, str(result)
    assert len(result.asked) == len(SEQUENCES)
    assert result.conventions == Conventions(h0=True)


def test_a_wrong_model_is_diagnosed_on_its_own_parameters() -> None:
    result = examined(model(3, 4, 5), backprop("wrong.py"))
    assert [mistake.slug for mistake in result.mistakes] == ["carry-untransposed"]
    assert {d.probe.split()[0] for d in result.discrepancies} == {name for name, *_ in SEQUENCES}


def test_a_gradient_that_is_left_out_is_not_looked_at() -> None:
    right = backprop("right.py")

    def without_H(*asked: Any, **states: Any) -> Any:
        loss, grads = right(*asked, **states)
        grads[0]["H"][...] = 0
        return loss, grads

    standing = model(3, 4, 5)
    assert not examined(standing, without_H).ok
    result = examined(Standing(standing.params, standing.biases, {(1, "H"): "it is fixed"}), without_H)
    assert result.ok
    assert result.limits == ("dJ/dH^(1) not checked: it is fixed",)


def test_other_parameters_are_refused_without_a_word_in_the_verdict() -> None:
    right, standing = backprop("right.py"), model(3, 4, 5)
    refused = []

    def scaled(params: Any, x: Any, y: Any, h0: Any) -> Any:
        refused.append(True)
        standing.expect_own(params)
        refused.pop()
        loss, grads = right(params, x, y, h0)
        return 2 * loss, [{name: 3 * g for name, g in layer.items()} for layer in grads]

    result = examined(standing, scaled)
    assert refused  # whether the gradient belongs to the loss is asked with parameters that are moved a little
    assert not result.ok
    assert "exception" not in {mistake.slug for mistake in result.mistakes}


def test_two_models_of_one_shape_are_not_mixed_up() -> None:
    f = backprop("right.py")
    first, second = model(3, 4, 5), model(3, 4, 5)
    for layer in second.params:
        layer["W"] = -layer["W"]
    assert examined(first, f).ok
    assert examined(second, f).ok
    assert first.digest != second.digest


def test_a_model_in_which_rounding_decides_too_much_is_refused() -> None:
    standing = model(3, 4, 5)
    standing.params[0]["H"] = np.full((4, 4), 2.0**40)
    standing.params[0]["W"] = standing.params[0]["W"] / 2**44
    with pytest.raises(UncheckableError, match=r"own: no network could be asked about\. .* rounding decides too much"):
        examined(standing, backprop("right.py"))


def test_a_model_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_it_stands, "_MOST_BYTES", 1)
    with pytest.raises(UncheckableError, match="short was not asked about: the model is too large"):
        examined(model(3, 4, 5), backprop("right.py"))
