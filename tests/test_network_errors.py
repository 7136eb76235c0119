"""Bad input at the door of the manual side: one named error each, whose whole message is pinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from bptt_oracle.manual import (
    ACTIVATIONS,
    Network,
    NetworkError,
    ShapeError,
    TypeOfEntriesError,
    ValueRangeError,
    network,
    one_pass,
)

Arguments = dict[str, Any]

REAL = "expected real numbers (float64, float32, float16, bfloat16 or integers)"
LIST_OF_LAYERS = "params: expected a list of n dicts, one for each layer 1..n"
LIST_OF_STATES = "h0: expected a list of initial states, one for each hidden layer"
HOW_TO_PASS_F = "for another activation give Functions(f=Elementwise(f, f_prime))"
HIDDEN_KEYS = "params[0]: expected the keys ['H', 'W', 'b'] (layer 1 of 2, hidden layer)"
OUTPUT_KEYS = "params[1]: expected the keys ['W', 'b'] (layer 2 of 2, output layer, which has no H)"
CLASS_INDICES = "y: expected integers as class indices"
ROWS_INSTEAD = "give integers, or rows of shape (T, |V|)"


def good(dtype: Any = np.float64) -> Arguments:
    """A network with d = (3, 2, 4) and T = 5."""
    return {
        "params": [
            {"H": np.eye(2, dtype=dtype), "W": np.ones((2, 3), dtype), "b": np.zeros(2, dtype)},
            {"W": np.ones((4, 2), dtype), "b": np.zeros(4, dtype)},
        ],
        "x": np.ones((5, 3), dtype),
        "y": [0, 1, 2, 3, 0],
        "h0": [np.zeros(2, dtype)],
        "functions": "tanh",
    }


def having(**changes: Any) -> Callable[[], Arguments]:
    """The good arguments with some replaced."""
    return lambda: good() | changes


def layer(l: int, **changes: Any) -> Callable[[], Arguments]:
    """The good arguments with entries of layer l replaced, or left out where the value is ..."""

    def arguments() -> Arguments:
        given = good()
        given["params"][l - 1] |= changes
        given["params"][l - 1] = {name: a for name, a in given["params"][l - 1].items() if a is not ...}
        return given

    return arguments


def rows(*entries: float) -> Any:
    """Five equal rows."""
    return np.array([entries] * 5)


BAD: dict[str, tuple[Callable[[], Arguments], type[NetworkError], str]] = {
    # -------------------------------------------------------------------------------------- params as a whole
    "params a dict": (having(params={"W": 1}), NetworkError, f"{LIST_OF_LAYERS}, but got dict"),
    "params a string": (having(params="abc"), NetworkError, f"{LIST_OF_LAYERS}, but got str"),
    "params None": (having(params=None), NetworkError, f"{LIST_OF_LAYERS}, but got NoneType"),
    "params an array": (having(params=np.ones((2, 2))), NetworkError, f"{LIST_OF_LAYERS}, but got ndarray"),
    "params a generator": (
        lambda: good() | {"params": (each for each in good()["params"])},
        NetworkError,
        f"{LIST_OF_LAYERS}, but got generator",
    ),
    "no layers": (
        having(params=[]),
        NetworkError,
        "params: expected at least one layer (the output layer n = 1), but got an empty list; "
        'give a list of dicts, the last of them {"W": ..., "b": ...}',
    ),
    "a layer that is a list": (
        having(params=[[1.0, 2.0]]),
        NetworkError,
        "params[0]: expected a dict, but got list",
    ),
    "H in the last layer": (
        layer(2, H=np.eye(4)),
        NetworkError,
        f"{OUTPUT_KEYS}, but got ['H', 'W', 'b']",
    ),
    "H missing": (layer(1, H=...), NetworkError, f"{HIDDEN_KEYS}, but got ['W', 'b']"),
    "W missing": (layer(2, W=...), NetworkError, f"{OUTPUT_KEYS}, but got ['b']"),
    "b missing": (layer(1, b=...), NetworkError, f"{HIDDEN_KEYS}, but got ['H', 'W']"),
    "a key too many": (layer(1, U=1.0), NetworkError, f"{HIDDEN_KEYS}, but got ['H', 'U', 'W', 'b']"),
    # --------------------------------------------------------------------------------------- ranks and shapes
    "W of rank 1": (
        layer(1, W=[1.0, 2.0]),
        ShapeError,
        'params[0]["W"]: expected rank 2, but got rank 1, shape (2,)',
    ),
    "W of rank 3": (
        layer(1, W=np.ones((1, 2, 3))),
        ShapeError,
        'params[0]["W"]: expected rank 2, but got rank 3, shape (1, 2, 3)',
    ),
    "W a number": (
        layer(1, W=3.0),
        ShapeError,
        'params[0]["W"]: expected rank 2, but got rank 0, shape ()',
    ),
    "W that does not follow": (
        layer(2, W=np.ones((4, 3))),
        ShapeError,
        'params[1]["W"]: expected shape (d_2, d_1) = (4, 2), but got (4, 3)',
    ),
    "H not square": (
        layer(1, H=np.ones((2, 3))),
        ShapeError,
        'params[0]["H"]: expected shape (d_1, d_1) = (2, 2), but got (2, 3)',
    ),
    "b of another width": (
        layer(2, b=np.ones(3)),
        ShapeError,
        'params[1]["b"]: expected shape (d_2,) = (4,), but got (3,)',
    ),
    "b a column": (
        layer(1, b=np.ones((2, 1))),
        ShapeError,
        'params[0]["b"]: expected rank 1, but got rank 2, shape (2, 1)',
    ),
    "ragged W": (
        layer(1, W=[[1.0, 2.0, 3.0], [4.0]]),
        ShapeError,
        'params[0]["W"]: expected an array, but its rows differ in length',
    ),
    "d_0 = 0": (
        layer(1, W=np.ones((2, 0))),
        ShapeError,
        'params[0]["W"]: expected widths of at least 1, but got shape (2, 0)',
    ),
    "d_1 = 0": (
        layer(1, W=np.ones((0, 3)), H=np.ones((0, 0)), b=np.ones(0)),
        ShapeError,
        'params[0]["W"]: expected widths of at least 1, but got shape (0, 3)',
    ),
    "|V| = 0": (
        layer(2, W=np.ones((0, 2)), b=np.ones(0)),
        ShapeError,
        'params[1]["W"]: expected widths of at least 1, but got shape (0, 2)',
    ),
    # --------------------------------------------------------------------------------------- what entries are
    "W None": (
        layer(1, W=None),
        TypeOfEntriesError,
        f'params[0]["W"]: {REAL}, but got dtype object; convert it',
    ),
    "W of strings": (
        layer(1, W=[["a", "b", "c"], ["d", "e", "f"]]),
        TypeOfEntriesError,
        f'params[0]["W"]: {REAL}, but got dtype <U1; convert it',
    ),
    "complex H": (
        layer(1, H=np.eye(2, dtype=complex)),
        TypeOfEntriesError,
        f'params[0]["H"]: {REAL}, but got dtype complex128; convert it',
    ),
    "b of objects": (
        layer(1, b=np.array([1, None])),
        TypeOfEntriesError,
        f'params[0]["b"]: {REAL}, but got dtype object; convert it',
    ),
    "W of bytes": (
        layer(1, W=np.zeros((2, 3), "V8")),
        TypeOfEntriesError,
        f'params[0]["W"]: {REAL}, but got dtype |V8; convert it',
    ),
    "W in float8": (
        layer(1, W=np.ones((2, 3), ml_dtypes.float8_e4m3fn)),
        TypeOfEntriesError,
        f'params[0]["W"]: {REAL}, but got dtype float8_e4m3fn; convert it',
    ),
    "an integer beyond 64 bits": (
        having(x=[[10**400, 1, 1]] * 5),
        TypeOfEntriesError,
        f"x: {REAL}, but got dtype object; convert it",
    ),
    "float32 among float64": (
        layer(2, W=np.ones((4, 2), np.float32)),
        TypeOfEntriesError,
        'params[1]["W"]: expected dtype float64, that of the first W, but got float32; convert one of them',
    ),
    "float64 among float32": (
        lambda: good(np.float32) | {"x": np.ones((5, 3))},
        TypeOfEntriesError,
        "x: expected dtype float32, that of the first W, but got float64; convert one of them",
    ),
    "float32 targets among float64": (
        having(y=np.full((5, 4), 0.25, np.float32)),
        TypeOfEntriesError,
        "y: expected dtype float64, that of the first W, but got float32; convert one of them",
    ),
    "NaN in W": (
        layer(2, W=[[1.0, 2.0], [3.0, np.nan], [0.0, 0.0], [0.0, 0.0]]),
        ValueRangeError,
        'params[1]["W"]: expected finite numbers, but entry [1, 1] is nan',
    ),
    "infinity in b": (
        layer(1, b=[0.0, -np.inf]),
        ValueRangeError,
        'params[0]["b"]: expected finite numbers, but entry [1] is -inf',
    ),
    "an integer beyond float16": (
        lambda: good(np.float16) | {"x": np.full((5, 3), 10**6)},
        ValueRangeError,
        "x: expected finite numbers, but entry [0, 0] is inf",
    ),
    # ------------------------------------------------------------------------------------------------------ x
    "T = 0": (
        having(x=np.ones((0, 3)), y=[]),
        ShapeError,
        "x: expected T >= 1 time steps, but got T = 0; give at least one row",
    ),
    "x an empty list": (
        having(x=[], y=[]),
        ShapeError,
        "x: expected T >= 1 time steps, but got T = 0; give at least one row",
    ),
    "x of rank 1": (having(x=np.ones(3)), ShapeError, "x: expected rank 2, but got rank 1, shape (3,)"),
    "x a batch": (
        having(x=np.ones((5, 3, 1))),
        ShapeError,
        "x: expected rank 2, but got rank 3, shape (5, 3, 1)",
    ),
    "x of another width": (
        having(x=np.ones((5, 2))),
        ShapeError,
        "x: expected shape (T, d_0), with d_0 the number of columns of the first layer's W = (5, 3), but got (5, 2)",
    ),
    "x of width 0": (
        having(x=np.ones((5, 0))),
        ShapeError,
        "x: expected widths of at least 1, but got shape (5, 0)",
    ),
    "ragged x": (
        having(x=[[1.0, 2.0, 3.0], [4.0]]),
        ShapeError,
        "x: expected an array, but its rows differ in length",
    ),
    "x a string": (
        having(x="hello"),
        TypeOfEntriesError,
        f"x: {REAL}, but got dtype <U5; convert it",
    ),
    "NaN in x": (
        having(x=np.full((5, 3), np.nan)),
        ValueRangeError,
        "x: expected finite numbers, but entry [0, 0] is nan",
    ),
    # ------------------------------------------------------------------------------------------------------ y
    "y None": (having(y=None), TypeOfEntriesError, f"y: {REAL}, but got dtype object; convert it"),
    "y a number": (
        having(y=1),
        ShapeError,
        "y: expected 5 class indices, or targets of shape (T, |V|) = (5, 4), but got shape ()",
    ),
    "y of rank 3": (
        having(y=np.ones((5, 4, 1))),
        ShapeError,
        "y: expected 5 class indices, or targets of shape (T, |V|) = (5, 4), but got shape (5, 4, 1)",
    ),
    "y empty": (having(y=[]), ShapeError, "y: expected shape (T,) = (5,), but got (0,)"),
    "y too short": (having(y=[0, 1]), ShapeError, "y: expected shape (T,) = (5,), but got (2,)"),
    "targets too few": (
        having(y=np.full((3, 4), 0.25)),
        ShapeError,
        "y: expected shape (T, |V|) = (5, 4), but got (3, 4)",
    ),
    "class indices in a column": (
        having(y=[[0], [1], [2], [3], [0]]),
        ShapeError,
        "y: expected shape (T, |V|) = (5, 4), but got (5, 1)",
    ),
    "ragged y": (
        having(y=[[1.0, 0.0, 0.0, 0.0], [1.0]]),
        ShapeError,
        "y: expected an array, but its rows differ in length",
    ),
    "a class index below 0": (
        having(y=[0, -1, 0, 0, 0]),
        ValueRangeError,
        "y: expected class indices 0..3 (|V| = 4), but y[1] is -1",
    ),
    "a class index of |V|": (
        having(y=[0, 0, 4, 0, 0]),
        ValueRangeError,
        "y: expected class indices 0..3 (|V| = 4), but y[2] is 4",
    ),
    "floats as class indices": (
        having(y=[0.0, 1.0, 2.0, 3.0, 0.0]),
        TypeOfEntriesError,
        f"{CLASS_INDICES}, but got dtype float64; {ROWS_INSTEAD}",
    ),
    "booleans as class indices": (
        having(y=[True, False, True, False, True]),
        TypeOfEntriesError,
        f"{CLASS_INDICES}, but got dtype bool; {ROWS_INSTEAD}",
    ),
    "names as classes": (
        having(y=["a", "b", "c", "d", "a"]),
        TypeOfEntriesError,
        f"y: {REAL}, but got dtype <U1; convert it",
    ),
    "complex targets": (
        having(y=np.full((5, 4), 0.25 + 0j)),
        TypeOfEntriesError,
        f"y: {REAL}, but got dtype complex128; convert it",
    ),
    "NaN in targets": (
        having(y=np.full((5, 4), np.nan)),
        ValueRangeError,
        "y: expected finite numbers, but entry [0, 0] is nan",
    ),
    "targets that sum to 2": (
        having(y=rows(0.5, 0.5, 0.5, 0.5)),
        ValueRangeError,
        "y: expected rows that sum to 1, but row 0 sums to 2.0; normalise the targets",
    ),
    "targets beyond rounding of 1": (
        having(y=np.concatenate([rows(1, 0, 0, 0)[:4], [[0.5, 0.5, 2.0**-49, 0]]])),
        ValueRangeError,
        "y: expected rows that sum to 1, but row 4 sums to 1.0000000000000018; normalise the targets",
    ),
    "large targets that cancel": (
        having(y=rows(1e300, -1e300, 0, 0)),
        ValueRangeError,
        "y: expected rows that sum to 1, but row 0 sums to 0.0; normalise the targets",
    ),
    "targets whose sum overflows": (
        having(y=rows(1e308, 1e308, 0, 0)),
        ValueRangeError,
        "y: expected rows that sum to 1, but row 0 sums to inf; normalise the targets",
    ),
    # ----------------------------------------------------------------------------------------------------- h0
    "no initial states": (
        having(h0=[]),
        ShapeError,
        "h0: expected as many initial states as hidden layers, n - 1 = 1, but got 0",
    ),
    "an initial state for the output layer": (
        having(h0=[np.zeros(2), np.zeros(4)]),
        ShapeError,
        "h0: expected as many initial states as hidden layers, n - 1 = 1, but got 2",
    ),
    "an initial state without a hidden layer": (
        lambda: good() | {"params": good()["params"][1:], "x": np.ones((5, 2))},
        ShapeError,
        "h0: expected as many initial states as hidden layers, n - 1 = 0, but got 1",
    ),
    "an initial state of another width": (
        having(h0=[np.zeros(3)]),
        ShapeError,
        "h0[0]: expected shape (d_1,) = (2,), but got (3,)",
    ),
    "an initial state of rank 2": (
        having(h0=[np.zeros((2, 1))]),
        ShapeError,
        "h0[0]: expected rank 1, but got rank 2, shape (2, 1)",
    ),
    "an initial state in float32": (
        having(h0=[np.zeros(2, np.float32)]),
        TypeOfEntriesError,
        "h0[0]: expected dtype float64, that of the first W, but got float32; convert one of them",
    ),
    "NaN in an initial state": (
        having(h0=[[0.0, np.nan]]),
        ValueRangeError,
        "h0[0]: expected finite numbers, but entry [1] is nan",
    ),
    "None as an initial state": (
        having(h0=[None]),
        TypeOfEntriesError,
        f"h0[0]: {REAL}, but got dtype object; convert it",
    ),
    "h0 a number": (having(h0=5), NetworkError, f"{LIST_OF_STATES}, but got int"),
    "h0 an array of rank 0": (having(h0=np.zeros(())), NetworkError, f"{LIST_OF_STATES}, but got ndarray"),
    "h0 a dict": (having(h0={1: np.zeros(2)}), NetworkError, f"{LIST_OF_STATES}, but got dict"),
    "h0 a string": (having(h0="a"), NetworkError, f"{LIST_OF_STATES}, but got str"),
    # ---------------------------------------------------------------------------------------------- functions
    "an unknown activation": (
        having(functions="swish"),
        NetworkError,
        "functions: expected one of tanh, logistic, relu, softplus, sine, identity, but got 'swish'; " + HOW_TO_PASS_F,
    ),
    "f without f'": (
        having(functions=np.tanh),
        NetworkError,
        f"functions: expected Functions or the name of an activation, but got ufunc; {HOW_TO_PASS_F}",
    ),
    "f alone": (
        having(functions=ACTIVATIONS["tanh"]),
        NetworkError,
        f"functions: expected Functions or the name of an activation, but got Elementwise; {HOW_TO_PASS_F}",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_clear_named_error(case: str) -> None:
    arguments, error, message = BAD[case]
    with pytest.raises(NetworkError) as raised:
        network(**arguments())
    assert str(raised.value) == message
    assert type(raised.value) is error


def test_named_errors_are_value_errors() -> None:
    for error in (NetworkError, ShapeError, TypeOfEntriesError, ValueRangeError):
        assert issubclass(error, NetworkError)
        assert issubclass(error, ValueError)


# ---------------------------------------------------------------------------------- what is accepted, and how


def gradients(net: Network) -> list[Any]:
    """The loss and all gradients, as one flat list of arrays."""
    found = one_pass(net)
    return [found.loss, *(a for grads in found.as_params() for a in grads.values())]


def same(a: Network, b: Network) -> bool:
    """Whether two networks are the same to the last bit."""
    return a.dtype == b.dtype and all(map(np.array_equal, gradients(a), gradients(b)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_every_supported_type_is_kept(dtype: Any) -> None:
    net = network(**good(dtype))
    assert (net.n, net.T, net.d) == (2, 5, (3, 2, 4))
    arrays = [array for at in (net.H, net.W, net.b, net.x, net.y, net.h0) for array in at.values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("integer", [int, np.uint8, bool])
def test_integers_and_booleans_are_converted(integer: Any) -> None:
    given = good()
    given["params"] = [{name: a.astype(integer) for name, a in each.items()} for each in given["params"]]
    given |= {"x": given["x"].astype(integer), "h0": [np.zeros(2, integer)]}
    assert same(network(**given), network(**good()))


def test_integers_take_the_type_of_the_first_floating_W() -> None:
    given = good(np.float32)
    given["params"][0]["W"] = np.ones((2, 3), int)
    assert same(network(**given), network(**good(np.float32)))


def test_another_byte_order_is_the_same_network() -> None:
    assert same(network(**good(">f8")), network(**good()))


def test_class_indices_are_one_hot_targets() -> None:
    expected = network(**good())
    for y in (
        np.array([0, 1, 2, 3, 0], np.uint8),
        np.eye(4)[[0, 1, 2, 3, 0]],
        np.eye(4, dtype=int)[[0, 1, 2, 3, 0]],
        np.eye(4, dtype=bool)[[0, 1, 2, 3, 0]],
    ):
        assert same(network(**good() | {"y": y}), expected)


def test_initial_states_default_to_zero() -> None:
    assert same(network(**good() | {"h0": None}), network(**good()))
    assert same(network(**good() | {"h0": np.zeros((1, 2))}), network(**good()))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("classes", [3, 10, 300])
def test_targets_normalised_in_their_own_type_sum_to_1(dtype: Any, classes: int) -> None:
    rng = np.random.default_rng(classes)
    targets = rng.random((5, classes)).astype(dtype)
    targets = (targets / targets.sum(axis=1, keepdims=True)).astype(dtype)
    given = good(dtype)
    given["params"][1] = {"W": np.ones((classes, 2), dtype), "b": np.zeros(classes, dtype)}
    assert network(**given | {"y": targets}).d[-1] == classes
