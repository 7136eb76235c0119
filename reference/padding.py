"""How networks of mixed shapes are laid out in one box, and how the results are cut out of it again.

A box holds any network with at most so many hidden layers, time steps, units a layer and classes. Every array
of a network goes into the leading corner of one of the box's size, and the rest is zero, with one exception.
That changes nothing, because what is padded never reaches what is real:

* *units.* The weights that lead out of a padded unit, its column in H^(l) and in W^(l+1), are zero. So its h
  is multiplied by zero wherever it goes, whatever it is: f(0) need not be 0. In return its delta is zero, as
  that is a sum over the same weights. (The gradient in its zero weights is not zero when f(0) is not; it is
  cut off.)
* *classes.* The bias of a padded class is `MASKED_LOGIT`, so that exp underflows to an exact 0 in the
  softmax, and its target is 0: neither the loss nor any delta sees it. This is the exception.
* *time.* A step after T is not live: its hidden z are set to zero before f sees them, its x, which is zero,
  passes up through the layers unchanged, and its loss is replaced by 0. Nothing in it can overflow, so no
  infinity meets the zero that it is multiplied by.
* *depth.* A network with fewer hidden layers takes the *last* ones of the box. Those before are not active,
  and pass x up unchanged. The top hidden layer is then the same one for all, and a list over a network's
  layers is the tail of the box's list.

Adding zeros rounds nothing; but a longer sum may be taken in another order, so the results agree with the
unpadded ones to rounding, not to the last bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .activations import ACTIVATIONS, MIXTURE, MIXTURE_SIZE, Activation, activation

Floats = NDArray[np.floating[Any]]

#: In float32 and float64 alike a finite number, far below every logit of a network.
MASKED_LOGIT = -1e30

_INDEX = {name: index for index, name in enumerate([*ACTIVATIONS, MIXTURE])}


class Instance(NamedTuple):
    """A network with its input: what one verification is about.

    Parameters
    ----------
    activation
        A key of `ACTIVATIONS`, or "mixture".
    coefficients
        c_0, ..., c_4 of the mixture; no other activation reads them.
    params
        n >= 1 layers {"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}, the last without "H".
    x, y
        Inputs (T, d_0) and targets (T, |V|), T >= 1; the rows of y sum to 1.
    h0
        h^(l)(0) for l = 1..n-1, of shape (d_l,).

    """

    activation: str
    coefficients: tuple[float, float, float, float, float]
    params: Sequence[Mapping[str, Floats]]
    x: Floats
    y: Floats
    h0: Sequence[Floats]

    @property
    def f(self) -> Activation:
        """The activation as a function."""
        return activation(self.activation, self.coefficients)


class Box(NamedTuple):
    """The largest network that fits.

    Parameters
    ----------
    hidden
        Hidden layers, n - 1 at most.
    T
        Time steps.
    width
        Units of a layer, the inputs d_0 among them.
    classes
        |V|.

    """

    hidden: int = 5
    T: int = 12
    width: int = 10
    classes: int = 10


class Batch(NamedTuple):
    """Networks in a box: arrays with an axis of size B before those of a single network.

    Parameters
    ----------
    params
        hidden + 1 layers: "H" and "W" (B, width, width), "b" (B, width); in the last "W" (B, classes, width),
        "b" (B, classes).
    x, y
        (B, T, width) and (B, T, classes).
    h0
        For every hidden layer (B, width).
    live
        (B, T): whether the step exists.
    active
        (B, hidden): whether the layer exists.
    activation, coefficients
        (B,): position in `ACTIVATIONS`, the mixture coming last; (B, 5).

    """

    params: Sequence[Mapping[str, Any]]
    x: Any
    y: Any
    h0: Sequence[Any]
    live: Any
    active: Any
    activation: Any
    coefficients: Any


def pad(
    instances: Sequence[Instance],
    box: Box | None = None,
    dtype: DTypeLike = np.float64,
    size: int | None = None,
) -> Batch:
    """Lay instances out in a box.

    Parameters
    ----------
    instances
        Any number of them, of any shapes that fit.
    box
        `Box()` when not given.
    dtype
        float64 or float32: the type that everything is computed in.
    size
        B, when it is to be larger than the number of instances: a compiled program is for one B. What is left
        over holds a network without layers and inputs, and is finite.

    Raises
    ------
    ValueError
        If an instance does not fit into the box, there are more than `size` of them, or an activation is not
        known.

    """
    box = Box() if box is None else box
    B = len(instances) if size is None else size
    if len(instances) > B:
        raise ValueError(f"pad: expected at most size = {B} instances; got {len(instances)}")
    D, C = box.width, box.classes
    H, W = np.zeros((2, box.hidden, B, D, D), dtype)
    b, h0 = np.zeros((2, box.hidden, B, D), dtype)
    W_n, b_n = np.zeros((B, C, D), dtype), np.full((B, C), MASKED_LOGIT, dtype)
    x, y = np.zeros((B, box.T, D), dtype), np.zeros((B, box.T, C), dtype)
    live, active = np.zeros((B, box.T), np.bool_), np.zeros((B, box.hidden), np.bool_)
    index, coefficients = np.zeros(B, np.int32), np.zeros((B, MIXTURE_SIZE), dtype)
    live[len(instances) :, 0] = True
    b_n[len(instances) :, 0] = 0

    for j, instance in enumerate(instances):
        (T, d_0), n, V = instance.x.shape, len(instance.params), instance.y.shape[1]
        first = box.hidden - (n - 1)
        _check_fit(j, instance, box)
        x[j, :T, :d_0] = instance.x
        y[j, :T, :V] = instance.y
        live[j, :T] = True
        active[j, first:] = True
        for l, (layer, h0_l) in enumerate(zip(instance.params, instance.h0, strict=False), start=first):
            d, d_below = layer["W"].shape
            H[l, j, :d, :d] = layer["H"]
            W[l, j, :d, :d_below] = layer["W"]
            b[l, j, :d] = layer["b"]
            h0[l, j, :d] = h0_l
        W_n[j, :V, : instance.params[-1]["W"].shape[1]] = instance.params[-1]["W"]
        b_n[j, :V] = instance.params[-1]["b"]
        index[j] = _INDEX[instance.activation]
        if instance.activation == MIXTURE:
            coefficients[j] = instance.coefficients

    layers: list[dict[str, Any]] = [{"H": H[l], "W": W[l], "b": b[l]} for l in range(box.hidden)]
    layers.append({"W": W_n, "b": b_n})
    return Batch(layers, x, y, list(h0), live, active, index, coefficients)


def _check_fit(j: int, instance: Instance, box: Box) -> None:
    if instance.activation not in _INDEX:
        raise ValueError(
            f"pad: instance {j}: expected an activation among {', '.join(_INDEX)}; got {instance.activation!r}"
        )
    (T, d_0), n = instance.x.shape, len(instance.params)
    width = max([d_0, *(h.shape[0] for h in instance.h0)])
    for what, size, most in (
        ("hidden layers (n - 1)", n - 1, box.hidden),
        ("time steps (T)", T, box.T),
        ("units (the largest d_l for l < n)", width, box.width),
        ("classes (|V|)", instance.y.shape[1], box.classes),
    ):
        if size > most:
            raise ValueError(f"pad: instance {j} does not fit: {size} {what}, and the box holds {most}")


def shapes(instance: Instance) -> dict[str, Any]:
    """The shapes of everything in `quantities.quantities`, in its structure."""
    T, n = instance.x.shape[0], len(instance.params)
    d = [instance.x.shape[1], *(layer["b"].shape[0] for layer in instance.params)]
    layers = range(1, n + 1)

    def in_parameters(*axes: Sequence[int]) -> list[dict[str, tuple[int, ...]]]:
        lead = axes if len(axes) == n else [*axes] * n
        return [{name: (*lead[l - 1], *array.shape) for name, array in instance.params[l - 1].items()} for l in layers]

    return {
        "z": [(T, d[l]) for l in layers],
        "h": [(T, d[l]) for l in range(n)],
        "y_hat": (T, d[n]),
        "J_at": (T,),
        "J": (),
        "dJ_dz": [(T, T, d[l]) for l in layers],
        "summands": in_parameters((T, T)),
        "dJ_at": in_parameters((T,)),
        "dJ": in_parameters(()),
        "dJ_dh0": [(d[l],) for l in range(1, n)],
        "dJ_dx": (T, d[0]),
        "dz_dz_above": [(T, d[l + 1], d[l]) for l in range(1, n)],
        "dz_dz_next": [(T - 1, d[l], d[l]) for l in range(1, n)],
        "dz_d": in_parameters(*((T, d[l]) for l in layers)),
    }


def unpad(result: Mapping[str, Any], instances: Sequence[Instance]) -> list[dict[str, Any]]:
    """The results of a batch for every instance alone, in the structure of the plain functions.

    Parameters
    ----------
    result
        What `padded.gradients` or `padded.quantities` gave for a batch whose first instances are these.
    instances
        As they were given to `pad`.

    Returns
    -------
    list
        For every instance a dict with the keys of the result: NumPy arrays, views of the result's.

    """
    arrays = {key: _as_numpy(value) for key, value in result.items()}
    return [
        {key: _cut(arrays[key], shape, j) for key, shape in shapes(instance).items() if key in arrays}
        for j, instance in enumerate(instances)
    ]


def _as_numpy(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_numpy(layer) for layer in value]
    if isinstance(value, dict):
        return {name: _as_numpy(array) for name, array in value.items()}
    return np.asarray(value)


def _cut(padded: Any, shape: Any, j: int) -> Any:
    if isinstance(padded, list):
        tail = padded[len(padded) - len(shape) :]
        return [_cut(layer, layer_shape, j) for layer, layer_shape in zip(tail, shape, strict=True)]
    if isinstance(padded, dict):
        return {name: _cut(padded[name], shape[name], j) for name in padded}
    return padded[(j, *map(slice, shape))]
