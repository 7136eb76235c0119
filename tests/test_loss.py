"""Section 1, Loss Function: equations (1) and (2)."""

from typing import Any

import pytest
from laws import METHODS, Comparisons, by_hand, enclosed, exactly, fails_as_printed, in_float64, numbers_in, shown

from bptt_oracle.arithmetic import balls
from bptt_oracle.catalogue import equation
from bptt_oracle.instances import Description
from bptt_oracle.manual import Derivation, Undefined, network

NUMBERS = numbers_in("loss")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_loss_equals_autodiff_exactly(number: int) -> None:
    shown(number, exactly)


@pytest.mark.parametrize("number", NUMBERS)
def test_enclosures_of_the_loss_overlap_autodiff(number: int) -> None:
    shown(number, enclosed)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_loss_and_jax_keep_their_bounds_in_float64(number: int) -> None:
    shown(number, in_float64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", NUMBERS)
def test_the_loss_fails_as_printed_where_it_is_corrected(number: int, method: Comparisons) -> None:
    assert fails_as_printed(number, method) == (equation(number).corrected is not None)


@pytest.mark.parametrize("classes", [1, 2, 3, 10])
def test_loss_of_a_uniform_prediction_is_the_logarithm_of_the_number_of_classes(classes: int) -> None:
    layer: dict[str, Any] = {"W": [[0.0]] * classes, "b": [0.0] * classes}
    with balls.precision(256):
        net = network([layer], [[1.0], [2.0]], [classes - 1, 0])
        J = Derivation(net.over(balls.to_balls, net.functions)).J[()]
        assert balls.overlap(J, balls.ball(classes).log()).all()


def test_class_k_is_undefined_for_soft_targets() -> None:
    q = by_hand(Description(1, 2, (2, 3), y="soft"))
    assert isinstance(q.k(2), Undefined)
    assert repr(q.k(2)) == "undefined: k, for y^(2) is not one-hot"
