"""bfloat16 arrays that stay bfloat16, where NumPy would go on in float32."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from bptt_oracle.arithmetic.narrow import BFLOAT16, narrow
from bptt_oracle.floating import network_in
from bptt_oracle.instances import Description, draw
from bptt_oracle.manual import Derivation, one_pass


def test_numpy_leaves_bfloat16_in_a_matrix_product() -> None:
    """The reason for `Narrow`: where this ends, it can go."""
    plain = np.ones((2, 2), dtype=ml_dtypes.bfloat16)
    assert (plain @ plain).dtype == np.float32


@pytest.mark.parametrize(
    "operation",
    [lambda a: a @ a, lambda a: np.eye(2) @ a, lambda a: 0.3 * a, lambda a: a / 3, np.tanh, np.exp, lambda a: a.sum()],
)
def test_results_stay_in_the_format(operation: Any) -> None:
    assert np.asarray(operation(narrow(np.full((2, 2), 0.7)))).dtype == BFLOAT16


def test_a_product_is_rounded_to_the_format() -> None:
    product = narrow(np.array([[1 + 2.0**-7, 1.0]])) @ narrow(np.array([[1 + 2.0**-7], [2.0**-7]]))
    assert float(product[0, 0]) == 1 + 3 * 2.0**-7  # 1 + 3 2^-7 + 2^-14, rounded to 8 bits


def test_comparisons_stay_boolean() -> None:
    assert (narrow(np.ones(2)) > 0).dtype == bool


def test_writing_into_another_array_is_refused() -> None:
    array = narrow(np.ones((2, 2)))
    with pytest.raises(TypeError, match="matmul: expected an operation that makes a new array, but got out="):
        np.matmul(array, array, out=np.ones((2, 2)))


def test_a_whole_backward_pass_stays_in_the_format() -> None:
    network = network_in(draw(Description(3, 3, (2, 2, 3, 2))), "bfloat16")
    gradients, chained = one_pass(network), Derivation(network)
    arrays = [*gradients.H.values(), *gradients.W.values(), *gradients.b.values(), chained.delta[1, 1, 3]]
    assert {array.dtype for array in arrays} == {BFLOAT16}
