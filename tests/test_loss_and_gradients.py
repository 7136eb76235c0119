"""The one pass at the door for plain arrays, of one sequence or a batch."""

from typing import Any

import numpy as np
import pytest

from bptt_oracle import check
from bptt_oracle.manual import (
    Functions,
    NetworkError,
    ShapeError,
    TypeOfEntriesError,
    ValueRangeError,
    loss_and_gradients,
)

T, B, V = 6, 3, 4


def arguments(dtype: Any = np.float64) -> dict[str, Any]:
    """A network with d = (2, 3, 5, 4) and a batch of three sequences."""
    rng = np.random.default_rng(8)

    def numbers(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(dtype)

    return {
        "params": [
            {"H": numbers(3, 3), "W": numbers(3, 2), "b": numbers(3)},
            {"H": numbers(5, 5), "W": numbers(5, 3), "b": numbers(5)},
            {"W": numbers(V, 5), "b": numbers(V)},
        ],
        "x": numbers(T, B, 2),
        "y": rng.integers(0, V, (T, B)),
        "h0": [numbers(B, 3), numbers(B, 5)],
    }


def sequence(given: dict[str, Any], k: int) -> dict[str, Any]:
    """One sequence alone."""
    own = {"x": given["x"][:, k], "y": given["y"][:, k], "h0": [state[k] for state in given["h0"]]}
    return given | own


@pytest.mark.parametrize("recompute", [False, True])
def test_the_oracle_finds_it_right(recompute: bool) -> None:
    result = check(lambda params, x, y, h0=None: loss_and_gradients(params, x, y, h0, recompute=recompute))
    assert result.ok, str(result)


def test_the_oracle_finds_it_wrong_with_a_gradient_exchanged() -> None:
    def wrong(params: Any, x: Any, y: Any) -> Any:
        loss, grads = loss_and_gradients(params, x, y)
        return loss, [layer | ({"H": layer["H"].T} if "H" in layer else {}) for layer in grads]

    assert not check(wrong).ok


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_have_the_structure_shapes_and_type_of_the_parameters(dtype: Any, recompute: bool) -> None:
    given = arguments(dtype)
    for case in (given, sequence(given, 1)):
        loss, grads = loss_and_gradients(**case, recompute=recompute)
        assert type(loss) is float
        assert [{name: (a.shape, a.dtype) for name, a in layer.items()} for layer in grads] == [
            {name: (a.shape, np.dtype(dtype)) for name, a in layer.items()} for layer in given["params"]
        ]


def test_equal_sequences_in_a_batch_have_the_gradients_of_one() -> None:
    one = sequence(arguments(), 0)
    two = one | {"x": one["x"][:, None], "y": one["y"][:, None], "h0": [state[None] for state in one["h0"]]}
    (loss, grads), (loss_of_batch, grads_of_batch) = (loss_and_gradients(**each) for each in (one, two))
    assert loss == loss_of_batch
    for layer, of_batch in zip(grads, grads_of_batch, strict=True):
        assert all((layer[name] == of_batch[name]).all() for name in layer)


def test_classes_are_rows_of_ones_and_zeros() -> None:
    given = arguments()
    rows = given | {"y": np.eye(V)[given["y"]]}
    (_, grads), (_, of_rows) = loss_and_gradients(**given), loss_and_gradients(**rows)
    for layer, other in zip(grads, of_rows, strict=True):
        assert all((layer[name] == other[name]).all() for name in layer)


def test_initial_states_are_zero_if_left_out() -> None:
    given = arguments()
    zeros = given | {"h0": [np.zeros((B, 3)), np.zeros((B, 5))]}
    assert loss_and_gradients(**given | {"h0": None})[0] == loss_and_gradients(**zeros)[0]


BAD: dict[str, tuple[dict[str, Any], type[NetworkError], str]] = {
    "x of rank 1": ({"x": np.ones(2)}, ShapeError, "x: expected rank 2 or 3, but got rank 1, shape (2,)"),
    "x of another width": (
        {"x": np.ones((T, B, 3))},
        ShapeError,
        "x: expected shape (T, B, d_0), with d_0 the number of columns of the first layer's W = (6, 3, 2), "
        "but got (6, 3, 3)",
    ),
    "no sequence": (
        {"x": np.ones((T, 0, 2))},
        ShapeError,
        "x: expected widths of at least 1, but got shape (6, 0, 2)",
    ),
    "classes of one sequence": (
        {"y": np.zeros(T, int)},
        ShapeError,
        "y: expected 6 x 3 class indices, or targets of shape (T, B, |V|) = (6, 3, 4), but got shape (6,)",
    ),
    "batch first": ({"y": np.zeros((B, T), int)}, ShapeError, "y: expected shape (T, B) = (6, 3), but got (3, 6)"),
    "floats for classes": (
        {"y": np.zeros((T, B))},
        TypeOfEntriesError,
        "y: expected integers as class indices, but got dtype float64; give integers, or rows of shape (T, B, |V|)",
    ),
    "a class of |V|": (
        {"y": np.full((T, B), 4)},
        ValueRangeError,
        "y: expected class indices 0..3 (|V| = 4), but y[0, 0] is 4",
    ),
    "rows that sum to 2": (
        {"y": np.full((T, B, V), 0.5)},
        ValueRangeError,
        "y: expected rows that sum to 1, but row 0, 0 sums to 2.0; normalise the targets",
    ),
    "h0 without a batch": (
        {"h0": [np.ones(3), np.ones(5)]},
        ShapeError,
        "h0[0]: expected rank 2, but got rank 1, shape (3,)",
    ),
    "h0 of another batch": (
        {"h0": [np.ones((2, 3)), np.ones((2, 5))]},
        ShapeError,
        "h0[0]: expected shape (B, d_1) = (3, 3), but got (2, 3)",
    ),
    "an unknown activation": (
        {"functions": "tan"},
        NetworkError,
        "functions: expected one of tanh, logistic, relu, softplus, sine, identity, but got 'tan'; "
        "for another activation give Functions(f=Elementwise(f, f_prime))",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    changes, error, message = BAD[name]
    with pytest.raises(error) as raised:
        loss_and_gradients(**arguments() | changes)
    assert str(raised.value) == message


def test_functions_are_those_given() -> None:
    given = arguments()
    named = loss_and_gradients(**given, functions="sine")[0]
    assert named != loss_and_gradients(**given, functions=Functions())[0]
