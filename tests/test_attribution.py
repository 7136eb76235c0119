"""Where an error comes from: conditioning, rounding, and the step that lost the digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bptt_oracle import attribution
from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.formats import FLOAT64
from bptt_oracle.attribution import attribute, tensors
from bptt_oracle.growth import growth
from bptt_oracle.instances import Description, draw
from bptt_oracle.manual import Derivation, one_pass

INSTANCE = draw(Description(3, 4, (2, 3, 2, 3), seed=5))
SATURATED = draw(Description(3, 6, (2, 3, 2, 3), scale="saturated"))


def exact_gradients(instance: Any) -> dict[str, Any]:
    with balls.precision(256):
        return tensors(one_pass(instance.network().over(balls.to_balls, instance.functions())))


def rounded_to_nearest(instance: Any) -> dict[str, Any]:
    return {name: balls.midpoints(array) for name, array in exact_gradients(instance).items()}


def test_the_rounded_truth_has_an_error_of_at_most_one_unit_roundoff() -> None:
    assert all(found.error <= 1 for found in attribute(INSTANCE, "float64", rounded_to_nearest(INSTANCE)))


def test_every_gradient_is_attributed() -> None:
    found = attribute(INSTANCE, "float64", tensors(one_pass(INSTANCE.network())))
    assert [one.tensor for one in found] == ["H^(1)", "H^(2)", "W^(1)", "W^(2)", "W^(3)", "b^(1)", "b^(2)", "b^(3)"]


def test_an_error_beyond_the_condition_number_is_rounding() -> None:
    gradients = rounded_to_nearest(INSTANCE)
    condition = {found.tensor: found.condition for found in attribute(INSTANCE, "float64", gradients)}
    array = gradients["W^(2)"]
    largest = np.unravel_index(abs(array).argmax(), array.shape)
    array[largest] *= 1 + 4 * condition["W^(2)"] * FLOAT64.u
    causes = {found.tensor: found.cause for found in attribute(INSTANCE, "float64", gradients)}
    assert causes.pop("W^(2)") == "rounding"
    assert set(causes.values()) == {"conditioning"}


def test_the_condition_number_bounds_what_a_change_of_the_data_does() -> None:
    """A change of all data by a relative 2^-40, in random directions, to first order."""
    rng = np.random.default_rng(0)
    step = 2.0**-40
    with balls.precision(256):
        network = INSTANCE.network().over(balls.to_balls, INSTANCE.functions())

        def moved(array: Any) -> Any:
            return array * balls.to_balls(1 + step * rng.choice([-1.0, 1.0], size=array.shape))

        changed_network = replace(network.over(moved, network.functions), y=network.y)
        true, changed = tensors(one_pass(network)), tensors(one_pass(changed_network))
        for found in attribute(INSTANCE, "float64", rounded_to_nearest(INSTANCE)):
            difference = balls.midpoints(changed[found.tensor] - true[found.tensor])
            size = abs(balls.midpoints(true[found.tensor])).max()
            second_order = 1 + 2.0**-20
            assert abs(difference).max() <= found.condition * step * size * second_order


def test_saturation_loses_digits_to_rounding_on_the_way_forward() -> None:
    found = {one.tensor: one for one in attribute(SATURATED, "float64", tensors(one_pass(SATURATED.network())))}
    assert found["W^(1)"].cause == "rounding"
    assert found["W^(1)"].step[0] == "forward"


@pytest.mark.parametrize("step", [("forward", 2), ("backward", 3)])
def test_the_step_that_lost_the_digits_is_named(step: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step but one is exact: sparing that one regains everything."""

    class OneStep(attribution._Stored):
        def _work_out(self, name: str, at: tuple[int, ...]) -> tuple[int | None, Any]:
            direction = {"h": "forward", "gamma": "backward", "delta": "backward"}.get(name)
            if (direction, at[1] if len(at) > 1 else 0) == step:
                return super()._work_out(name, at)
            return Derivation._work_out(self, name, at)

    monkeypatch.setattr(attribution, "_Stored", OneStep)
    found = {one.tensor: one for one in attribute(INSTANCE, "float32", rounded_to_nearest(INSTANCE))}
    assert found["W^(1)"].step == step
    assert found["W^(1)"].regained == 1


def test_narrow_formats_keep_fewer_digits_at_every_length_and_depth() -> None:
    rows = {name: growth(name, lengths=(1, 4), depths=(1, 3)) for name in ("float64", "bfloat16")}
    for wide, narrow in zip(rows["float64"], rows["bfloat16"], strict=True):
        assert (wide.along, wide.n, wide.T, wide.side) == (narrow.along, narrow.n, narrow.T, narrow.side)
        assert narrow.digits < 3 < 13 < wide.digits < 16
