"""The stacked RNN of section 2 and its data, indexed as the document does: layers 0..n, times 1..T."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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


@dataclass(frozen=True)
class Network:
    """One network with its data. Every vector is a column of shape (d_l, 1), as in the document.

    Attributes
    ----------
    H : layers 1..n-1, shape (d_l, d_l)
    W : layers 1..n, shape (d_l, d_{l-1})
    b : layers 1..n, shape (d_l, 1)
    x : times 1..T, shape (d_0, 1)
    y : times 1..T, shape (|V|, 1)
    h0 : layers 1..n-1, shape (d_l, 1): the initial states h^(l)(0), which the document leaves open
    functions : f, f', exp, log and g
    """

    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]
    x: Mapping[int, Array]
    y: Mapping[int, Array]
    h0: Mapping[int, Array]
    functions: Functions = field(default_factory=Functions)

    def over(self, convert: Callable[[Array], Array], functions: Functions) -> Network:
        """The same network over other numbers: every array through `convert`, with functions for its elements."""

        def converted(arrays: Mapping[int, Array]) -> Mapping[int, Array]:
            return {at: convert(array) for at, array in arrays.items()}

        return Network(
            H=converted(self.H),
            W=converted(self.W),
            b=converted(self.b),
            x=converted(self.x),
            y=converted(self.y),
            h0=converted(self.h0),
            functions=functions,
        )

    @property
    def n(self) -> int:
        """The number of the output layer."""
        return len(self.W)

    @property
    def T(self) -> int:
        """The number of time steps."""
        return len(self.x)

    @property
    def d(self) -> tuple[int, ...]:
        """The widths d_0, ..., d_n; d_n is |V|."""
        return (self.W[1].shape[1], *(self.W[l].shape[0] for l in range(1, self.n + 1)))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of all entries."""
        return self.W[1].dtype

    def class_at(self, t: int) -> int | None:
        """The k of (2): the index, from 0, of the one entry of y^(t) that is 1; None if y^(t) is not one-hot."""
        ones = [j for j, entry in enumerate(self.y[t][:, 0]) if entry == 1]
        zeros = [entry for entry in self.y[t][:, 0] if entry == 0]
        return ones[0] if len(ones) == 1 and len(zeros) == self.d[-1] - 1 else None


def network(
    params: Sequence[Mapping[str, ArrayLike]],
    x: ArrayLike,
    y: ArrayLike,
    h0: Sequence[ArrayLike] | None = None,
    functions: Functions | str = "tanh",
) -> Network:
    """The network of plain arrays, checked.

    Parameters
    ----------
    params
        n dicts for the layers 1..n: ``{"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}``, the last without "H".
    x
        Inputs, shape (T, d_0), T >= 1.
    y
        T class indices from 0, or targets of shape (T, |V|) whose rows sum to 1.
    h0
        The initial states h^(l)(0), l = 1..n-1, each of shape (d_l,); zeros if left out.
    functions
        The functions of the network, or the name of an activation, with softmax.

    Raises
    ------
    ShapeError, ValueRangeError, TypeOfEntriesError, NetworkError
        Named errors for each thing that can be wrong; the message names the argument.
    """
    functions = _functions(functions)
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
    W = {l: _array(layer["W"], f'params[{l - 1}]["W"]', 2, dtype) for l, layer in enumerate(params, start=1)}
    d = (W[1].shape[1], *(W[l].shape[0] for l in W))
    inputs = _numbers(x, "x")
    if inputs.shape[:1] == (0,):
        raise ShapeError("x: expected T >= 1 time steps, but got T = 0; give at least one row")
    inputs = _array(inputs, "x", 2, dtype)
    T = inputs.shape[0]
    _expect_shape(inputs, (T, d[0]), "x", "(T, d_0), with d_0 the number of columns of the first layer's W")

    H, b = {}, {}
    for l, layer in enumerate(params, start=1):
        name = f"params[{l - 1}]"
        _expect_shape(W[l], (d[l], d[l - 1]), f'{name}["W"]', f"(d_{l}, d_{l - 1})")
        bias = _array(layer["b"], f'{name}["b"]', 1, dtype)
        b[l] = _expect_shape(bias, (d[l],), f'{name}["b"]', f"(d_{l},)")[:, None]
        if l < n:
            recurrent = _array(layer["H"], f'{name}["H"]', 2, dtype)
            H[l] = _expect_shape(recurrent, (d[l], d[l]), f'{name}["H"]', f"(d_{l}, d_{l})")
    initial = {}
    for l, state in enumerate(_initial_states(h0, d, dtype), start=1):
        array = _array(state, f"h0[{l - 1}]", 1, dtype)
        initial[l] = _expect_shape(array, (d[l],), f"h0[{l - 1}]", f"(d_{l},)")[:, None]
    targets = _targets(y, T, d[n], dtype)
    return Network(
        H=H,
        W=W,
        b=b,
        x={t: inputs[t - 1][:, None] for t in range(1, T + 1)},
        y={t: targets[t - 1][:, None] for t in range(1, T + 1)},
        h0=initial,
        functions=functions,
    )


def _functions(given: Any) -> Functions:
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


def _initial_states(h0: Any, d: tuple[int, ...], dtype: np.dtype[Any]) -> Sequence[Any]:
    hidden = len(d) - 2
    if h0 is None:
        return [np.zeros(d[l], dtype=dtype) for l in range(1, hidden + 1)]
    if isinstance(h0, Mapping | str) or not (isinstance(h0, Sequence) or np.ndim(h0) > 0):
        raise NetworkError(
            f"h0: expected a list of initial states, one for each hidden layer, but got {type(h0).__name__}"
        )
    if len(h0) != hidden:
        raise ShapeError(f"h0: expected as many initial states as hidden layers, n - 1 = {hidden}, but got {len(h0)}")
    return list(h0)


def _numbers(given: Any, name: str) -> Array:
    """The array of what was given: of floats in the machine's byte order, of integers or of booleans."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ShapeError(f"{name}: expected an array, but its rows differ in length") from error
    if array.dtype.kind not in "iub" and array.dtype.name not in _FLOATS:
        raise TypeOfEntriesError(
            f"{name}: expected real numbers ({', '.join(_FLOATS)} or integers), but got dtype {array.dtype}; convert it"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _dtype(weights: Sequence[Array]) -> np.dtype[Any]:
    """The type of the first W that is not of integers, which are converted; else float64."""
    return next((W.dtype for W in weights if W.dtype.kind not in "iub"), np.dtype(np.float64))


def _array(given: Any, name: str, rank: int, dtype: np.dtype[Any]) -> Array:
    array = _numbers(given, name)
    if array.ndim != rank:
        raise ShapeError(f"{name}: expected rank {rank}, but got rank {array.ndim}, shape {array.shape}")
    if array.size == 0:
        raise ShapeError(f"{name}: expected widths of at least 1, but got shape {array.shape}")
    if array.dtype.kind in "iub":
        with np.errstate(over="ignore"):  # what the type cannot hold becomes infinite, and is refused below
            array = array.astype(dtype)
    if array.dtype != dtype:
        raise TypeOfEntriesError(
            f"{name}: expected dtype {dtype}, that of the first W, but got {array.dtype}; convert one of them"
        )
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueRangeError(f"{name}: expected finite numbers, but entry {at} is {array[at]}")
    return array


def _expect_shape(array: Array, shape: tuple[int, ...], name: str, meaning: str) -> Array:
    if array.shape != shape:
        raise ShapeError(f"{name}: expected shape {meaning} = {shape}, but got {array.shape}")
    return array


def _targets(y: Any, T: int, classes: int, dtype: np.dtype[Any]) -> Array:
    given = _numbers(y, "y")
    if given.ndim not in (1, 2):
        raise ShapeError(
            f"y: expected {T} class indices, or targets of shape (T, |V|) = {(T, classes)}, but got shape {given.shape}"
        )
    if given.ndim == 1:
        _expect_shape(given, (T,), "y", "(T,)")
        if given.dtype.kind not in "iu":
            raise TypeOfEntriesError(
                f"y: expected integers as class indices, but got dtype {given.dtype}; "
                "give integers, or rows of shape (T, |V|)"
            )
        for t, k in enumerate(given):
            if not 0 <= k < classes:
                raise ValueRangeError(
                    f"y: expected class indices 0..{classes - 1} (|V| = {classes}), but y[{t}] is {k}"
                )
        targets: Array = np.zeros((T, classes), dtype=dtype)
        targets[np.arange(T), given] = 1
        return targets
    array = _expect_shape(_array(given, "y", 2, dtype), (T, classes), "y", "(T, |V|)")
    one = np.ones((), dtype=dtype)
    spacing = float(np.nextafter(one, one + one) - one)  # np.finfo knows NumPy's own types only
    with np.errstate(over="ignore"):
        for t, row in enumerate(array):
            # |V| - 1 additions of a row whose true sum is 1: Higham (2002), section 4.2, plus the rounding of
            # the entries; and less than 1, so that a row that sums to 0 is none, however large its entries
            entries = row.astype(np.float64)
            total, bound = float(entries.sum()), classes * spacing * float(abs(entries).sum())
            if not abs(total - 1) <= min(bound, 0.5):
                raise ValueRangeError(
                    f"y: expected rows that sum to 1, but row {t} sums to {total}; normalise the targets"
                )
    return array
