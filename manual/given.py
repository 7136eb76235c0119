"""What a person gives as a network and its data, checked: parameters, inputs, initial states, targets, functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from .calculus import Array
from .functions import ACTIVATIONS, Functions


class NetworkError(ValueError):
    """Parameters or data that make no network. The message says what was expected, what came and what to do."""


class ShapeError(NetworkError):
    """An array of the wrong rank or shape."""


class ValueRangeError(NetworkError):
    """An entry that is not finite, a class that does not exist, targets that do not sum to 1."""


class TypeOfEntriesError(NetworkError):
    """An array whose entries are no numbers, or of a type that cannot hold the computation."""


class Parameters(NamedTuple):
    """The parameters of a network by layer, checked, b of shape (d_l,); the widths d_0..d_n, and the type of all."""

    H: dict[int, Array]
    W: dict[int, Array]
    b: dict[int, Array]
    d: tuple[int, ...]
    dtype: np.dtype[Any]


def parameters_of(params: Any) -> Parameters:
    """What `params` of `network` holds."""
    if isinstance(params, Mapping | str) or not isinstance(params, Sequence):
        raise NetworkError(
            f"params: expected a list of n dicts, one for each layer 1..n, but got {type(params).__name__}"
        )
    if len(params) == 0:
        raise NetworkError(
            "params: expected at least one layer (the output layer n = 1), but got an empty list; "
            'give a list of dicts, the last of them {"W": ..., "b": ...}'
        )
    n = len(params)
    for l, layer in enumerate(params, start=1):
        _check_names(layer, l, n)
    dtype = _dtype([_numbers(layer["W"], f'params[{l}]["W"]') for l, layer in enumerate(params)])
    W = {l: _array(layer["W"], f'params[{l - 1}]["W"]', (2,), dtype) for l, layer in enumerate(params, start=1)}
    d = (W[1].shape[1], *(W[l].shape[0] for l in W))
    H, b = {}, {}
    for l, layer in enumerate(params, start=1):
        name = f"params[{l - 1}]"
        _expect_shape(W[l], (d[l], d[l - 1]), f'{name}["W"]', f"(d_{l}, d_{l - 1})")
        bias = _array(layer["b"], f'{name}["b"]', (1,), dtype)
        b[l] = _expect_shape(bias, (d[l],), f'{name}["b"]', f"(d_{l},)")
        if l < n:
            recurrent = _array(layer["H"], f'{name}["H"]', (2,), dtype)
            H[l] = _expect_shape(recurrent, (d[l], d[l]), f'{name}["H"]', f"(d_{l}, d_{l})")
    return Parameters(H, W, b, d, dtype)


def inputs_of(x: Any, d_0: int, dtype: np.dtype[Any], *ranks: int) -> Array:
    """The inputs, of a rank among those given: shape (T, d_0), or (T, B, d_0)."""
    inputs = _numbers(x, "x")
    if inputs.shape[:1] == (0,):
        raise ShapeError("x: expected T >= 1 time steps, but got T = 0; give at least one row")
    inputs = _array(inputs, "x", ranks, dtype)
    axes = "(T, d_0)" if inputs.ndim == 2 else "(T, B, d_0)"
    meaning = f"{axes}, with d_0 the number of columns of the first layer's W"
    return _expect_shape(inputs, (*inputs.shape[:-1], d_0), "x", meaning)


def initial_states_of(h0: Any, d: tuple[int, ...], dtype: np.dtype[Any], *batch: int) -> dict[int, Array]:
    """The initial states by layer, shape (d_l,), or (B, d_l) in a batch of B; zeros if none are given."""
    layers = range(1, len(d) - 1)
    if h0 is None:
        return {l: np.zeros((*batch, d[l]), dtype=dtype) for l in layers}
    if isinstance(h0, Mapping | str) or not (isinstance(h0, Sequence) or np.ndim(h0) > 0):
        raise NetworkError(
            f"h0: expected a list of initial states, one for each hidden layer, but got {type(h0).__name__}"
        )
    if len(h0) != len(layers):
        raise ShapeError(
            f"h0: expected as many initial states as hidden layers, n - 1 = {len(layers)}, but got {len(h0)}"
        )
    states = {}
    for l in layers:
        name = f"h0[{l - 1}]"
        state = _array(h0[l - 1], name, (1 + len(batch),), dtype)
        states[l] = _expect_shape(state, (*batch, d[l]), name, f"(B, d_{l})" if batch else f"(d_{l},)")
    return states


def targets_of(y: Any, steps: tuple[int, ...], classes: int, dtype: np.dtype[Any]) -> Array:
    """The targets of all steps, (T,) or (T, B) of them: integers of that shape, or rows of shape (..., |V|)."""
    given, axes = _numbers(y, "y"), ("T", "B")[: len(steps)]
    if given.ndim not in (len(steps), len(steps) + 1):
        raise ShapeError(
            f"y: expected {' x '.join(map(str, steps))} class indices, or targets of shape ({', '.join(axes)}, |V|) = "
            f"{(*steps, classes)}, but got shape {given.shape}"
        )
    if given.ndim == len(steps):
        return _classes(_expect_shape(given, steps, "y", "(T,)" if len(steps) == 1 else "(T, B)"), classes)
    rows = _array(given, "y", (len(steps) + 1,), dtype)
    _expect_shape(rows, (*steps, classes), "y", f"({', '.join(axes)}, |V|)")
    _check_sums(rows)
    return rows


def _classes(given: Array, classes: int) -> Array:
    if given.dtype.kind not in "iu":
        axes = "T" if given.ndim == 1 else "T, B"
        raise TypeOfEntriesError(
            f"y: expected integers as class indices, but got dtype {given.dtype}; "
            f"give integers, or rows of shape ({axes}, |V|)"
        )
    if given.min() < 0 or given.max() >= classes:
        at = tuple(np.argwhere((given < 0) | (given >= classes))[0].tolist())
        raise ValueRangeError(
            f"y: expected class indices 0..{classes - 1} (|V| = {classes}), "
            f"but y[{', '.join(map(str, at))}] is {given[at]}"
        )
    return given


def _check_sums(targets: Array) -> None:
    classes, one = targets.shape[-1], np.ones((), dtype=targets.dtype)
    spacing = float(np.nextafter(one, one + one) - one)  # np.finfo knows NumPy's own types only
    with np.errstate(over="ignore"):
        for at in np.ndindex(targets.shape[:-1]):
            # |V| - 1 additions of a row whose true sum is 1: Higham (2002), section 4.2, plus the rounding of
            # the entries; and less than 1, so that a row that sums to 0 is none, however large its entries
            entries = targets[at].astype(np.float64)
            total, bound = float(entries.sum()), classes * spacing * float(abs(entries).sum())
            if not abs(total - 1) <= min(bound, 0.5):
                raise ValueRangeError(
                    f"y: expected rows that sum to 1, but row {', '.join(map(str, at))} sums to {total}; "
                    "normalise the targets"
                )


def functions_of(given: Any) -> Functions:
    """The functions that were given, or named."""
    if isinstance(given, Functions):
        return given
    if not isinstance(given, str):
        raise NetworkError(
            f"functions: expected Functions or the name of an activation, but got {type(given).__name__}; "
            "for another activation give Functions(f=Elementwise(f, f_prime))"
        )
    if given not in ACTIVATIONS:
        raise NetworkError(
            f"functions: expected one of {', '.join(ACTIVATIONS)}, but got {given!r}; "
            "for another activation give Functions(f=Elementwise(f, f_prime))"
        )
    return Functions(f=ACTIVATIONS[given])


_FLOATS = ("float64", "float32", "float16", "bfloat16")
_CHARS = "fd"
"""The two that NumPy knows by a letter and BLAS multiplies: the usual ones, which are told quickly."""


def _check_names(layer: Any, l: int, n: int) -> None:
    expected = {"W", "b"} | ({"H"} if l < n else set())
    if not isinstance(layer, Mapping):
        raise NetworkError(f"params[{l - 1}]: expected a dict, but got {type(layer).__name__}")
    if set(layer) != expected:
        kind = "hidden layer" if l < n else "output layer, which has no H"
        raise NetworkError(
            f"params[{l - 1}]: expected the keys {sorted(expected)} (layer {l} of {n}, {kind}), "
            f"but got {sorted(map(str, layer))}"
        )


def _numbers(given: Any, name: str) -> Array:
    """The array of what was given: of floats in the machine's byte order, of integers or of booleans."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ShapeError(f"{name}: expected an array, but its rows differ in length") from error
    if array.dtype.kind not in "iub" and array.dtype.char not in _CHARS and array.dtype.name not in _FLOATS:
        raise TypeOfEntriesError(
            f"{name}: expected real numbers ({', '.join(_FLOATS)} or integers), but got dtype {array.dtype}; convert it"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _dtype(weights: Sequence[Array]) -> np.dtype[Any]:
    """The type of the first W that is not of integers, which are converted; else float64."""
    return next((W.dtype for W in weights if W.dtype.kind not in "iub"), np.dtype(np.float64))


def _array(given: Any, name: str, ranks: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    array = _numbers(given, name)
    if array.ndim not in ranks:
        expected = " or ".join(map(str, ranks))
        raise ShapeError(f"{name}: expected rank {expected}, but got rank {array.ndim}, shape {array.shape}")
    if array.size == 0:
        raise ShapeError(f"{name}: expected widths of at least 1, but got shape {array.shape}")
    if array.dtype.kind in "iub":
        with np.errstate(over="ignore"):  # what the type cannot hold becomes infinite, and is refused below
            array = array.astype(dtype)
    if array.dtype != dtype:
        raise TypeOfEntriesError(
            f"{name}: expected dtype {dtype}, that of the first W, but got {array.dtype}; convert one of them"
        )
    if not _all_finite(array):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueRangeError(f"{name}: expected finite numbers, but entry {list(at)} is {array[at]}")
    return array


def _all_finite(array: Array) -> bool:
    """Whether all entries are finite, which they are if the sum of their squares is: one product in place of a mask."""
    if array.dtype.char in _CHARS and isfinite(np.vdot(array, array)):
        return True
    return bool(np.isfinite(array).all())


def _expect_shape(array: Array, shape: tuple[int, ...], name: str, meaning: str) -> Array:
    if array.shape != shape:
        raise ShapeError(f"{name}: expected shape {meaning} = {shape}, but got {array.shape}")
    return array
