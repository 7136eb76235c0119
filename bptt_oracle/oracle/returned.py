"""What f returned, read as a loss and gradients in the document's own form; or what is wrong with its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .answers import Answer, Failure
from .conventions import Conventions
from .probes import Array, Probe

CONTRACT = 'return (loss, grads) or grads, with grads a list of n dicts like params: {"H": ..., "W": ..., "b": ...}'


class UnfitError(Exception):
    """What was returned is no loss and gradients; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def answer(returned: Any, probe: Probe, conventions: Conventions) -> tuple[Answer, tuple[str, ...]]:
    """The answer, and remarks on what was accepted although it is not quite the contract.

    Parameters
    ----------
    returned
        (loss, grads) or grads. Arrays may be anything that `numpy.asarray` takes: lists, torch tensors, JAX arrays.
    probe, conventions
        What f was asked, and the form in which it was.

    Raises
    ------
    UnfitError
        The structure, a shape or an entry is not what it should be. Nothing is converted before its shape is right, so
        that an answer of 10^8 numbers costs nothing.
    """
    loss, layers = _split(returned)
    if len(layers) != probe.n:
        raise _structure(
            f"expected gradients for n = {probe.n} layers, one dict each, but got {_items(len(layers))}; {CONTRACT}"
        )
    remarks: list[str] = []
    holes: dict[str, str] = {}
    grads = [_layer(layer, l, probe, conventions, remarks, holes) for l, layer in enumerate(layers, start=1)]
    found = Answer(None if loss is None else _loss(loss), grads)
    if holes:
        raise UnfitError(_not_finite(holes, sum(map(len, grads))))
    return found, tuple(dict.fromkeys(remarks))


def _not_finite(holes: Mapping[str, str], count: int) -> Failure:
    """The failure that some of `count` gradients hold what is no number; `holes` has the first such entry of each."""
    (tensor, where), *others = holes.items()
    message = f"{tensor}: {where}; expected finite numbers"
    if len(holes) == count:
        message += "; no gradient is finite"
    elif others:
        message += f"; not finite either: {', '.join(name for name, _ in others)}"
    else:
        message += "; all other gradients are finite"
    return Failure("not-finite", message, tensor=tensor)


def _split(returned: Any) -> tuple[Any, Sequence[Any]]:
    """The loss, or None, and the gradients by layer."""
    loss, grads = None, returned
    if _is_list(returned) and len(returned) == 2 and not isinstance(returned[0], Mapping):
        loss, grads = returned
    if not _is_list(grads):
        raise _structure(f"expected a list of dicts as gradients, but got {what(grads)}; {CONTRACT}")
    for l, layer in enumerate(grads[:100], start=1):
        if not isinstance(layer, Mapping):
            raise _structure(f"expected a dict as the gradients of layer {l}, but got {what(layer)}; {CONTRACT}")
    return loss, grads


class _Expected(NamedTuple):
    """One gradient: its name in messages, what its shape means, and its shape."""

    tensor: str
    meaning: str
    shape: tuple[int, ...]


@lru_cache(maxsize=1024)
def _expected(l: int, d: tuple[int, ...], biases: int, *, rows: bool) -> dict[str, _Expected]:
    """The gradients of layer l, by the names of their parameters."""
    above, below, is_hidden = f"d_{l}", f"d_{l - 1}", l < len(d) - 1
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
    if is_hidden:
        shapes["H"] = (f"({above}, {above})", (d[l], d[l]))
    shapes["W"] = (f"({below}, {above})", (d[l - 1], d[l])) if rows else (f"({above}, {below})", (d[l], d[l - 1]))
    for name in ("b_ih", "b_hh") if is_hidden and biases == 2 else ("b",):
        shapes[name] = (f"({above},)", (d[l],))
    return {name: _Expected(f"dJ/d{name}^({l})", *shape) for name, shape in shapes.items()}


def _layer(
    layer: Mapping[Any, Any],
    l: int,
    probe: Probe,
    conventions: Conventions,
    remarks: list[str],
    holes: dict[str, str],
) -> dict[str, Array]:
    """The gradients of layer l, transposed into columns; `holes` gets where one is not finite."""
    rows = conventions.layout == "rows"
    expected = _expected(l, probe.d, conventions.biases, rows=rows)
    if missing := [name for name in expected if name not in layer]:
        raise _structure(
            f"expected the gradients {_quoted(expected)} of layer {l}, but got {_quoted(layer)}; "
            f"name them as the parameters are: {_quoted(missing)} missing"
        )
    if unknown := [name for name in layer if name not in expected]:
        remarks.append(f"{_quoted(unknown)} in the gradients of layer {l}: not asked for, and not checked")
    arrays = {}
    for name, gradient in expected.items():
        array = _gradient(layer[name], gradient, remarks, holes)
        arrays["b" if name == "b_ih" else name] = array.T if rows else array
    return arrays


def _gradient(given: Any, expected: _Expected, remarks: list[str], holes: dict[str, str]) -> Array:
    (tensor, meaning, shape), got = expected, _shape(given)
    if got != shape:
        if len(shape) == 1 and got in ((shape[0], 1), (1, shape[0])):
            remarks.append(f"gradients of biases come in shape {_generic(got)}; expected (d_l,)")
        else:
            hint = ": the transpose of what is expected" if len(got) == 2 and got == shape[::-1] else ""
            came = "None" if given is None else f"shape {_shape_text(got)}"
            raise UnfitError(
                Failure("shape", f"{tensor}: expected shape {meaning} = {shape}, but got {came}{hint}", tensor=tensor)
            )
    array = _numbers(given, tensor).reshape(shape)
    if not np.logical_and.reduce(np.isfinite(array), axis=None):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        holes[tensor] = f"entry {list(at)} is {array[at]}"
    return array


def _loss(given: Any) -> float:
    got = _shape(given)
    if got not in ((), (1,), (1, 1)):
        raise UnfitError(Failure("shape", f"J: expected one number, but got shape {_shape_text(got)}", tensor="J"))
    return float(_numbers(given, "J").reshape(()))  # not finite, perhaps: where y^_k may underflow that is no mistake


def _numbers(given: Any, name: str) -> Array:
    """Given numbers as float64, always a copy: f may go on changing its own arrays."""
    try:
        array = given if type(given) is np.ndarray else np.asarray(_without_graph(given))
        if array.dtype.kind in "cSUmM":
            raise TypeError(f"dtype {array.dtype}")
        return np.array(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _structure(f"{name}: expected real numbers, but got {what(given)} ({clipped(str(error), 80)})") from error


def _without_graph(given: Any) -> Any:
    """A torch tensor may still have its graph, which NumPy refuses."""
    return given.detach().cpu() if hasattr(given, "detach") else given


def _shape(given: Any) -> tuple[int, ...]:
    """The shape, of lists by their first entries: so that nothing large is converted."""
    if type(given) is np.ndarray:
        return tuple(given.shape)
    shape: list[int] = []
    while isinstance(given, list | tuple) and len(shape) < 3:
        shape.append(len(given))
        if not given:
            break
        given = given[0]
    return (*shape, *(tuple(getattr(given, "shape", ()))[:8]))


def _shape_text(shape: tuple[int, ...]) -> str:
    return "() (a single number)" if shape == () else str(shape)


def _generic(shape: tuple[int, ...]) -> str:
    return "(1, d_l)" if shape[0] == 1 else "(d_l, 1)"


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _items(count: int) -> str:
    return "1 dict" if count == 1 else f"{count} dicts"


def _structure(message: str) -> UnfitError:
    return UnfitError(Failure("structure", message))


def _quoted(names: Any) -> str:
    shown = [clipped(f'"{name}"', 40) for name in list(names)[:8]]
    return ", ".join(shown + ["..."] * (len(names) > 8)) or "none"


def what(value: Any) -> str:
    """A value of any kind in a few words."""
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        return f"a {type(value).__name__} with the keys {_quoted(value)}"
    if _is_list(value):
        return f"a {type(value).__name__} of {len(value)}: " + ", ".join(
            [type(item).__name__ for item in value[:4]] + ["..."] * (len(value) > 4)
        )
    shape = getattr(value, "shape", None)
    kind = f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
    return f"{kind} of shape {shape}" if isinstance(shape, tuple) else kind


def clipped(text: str, length: int) -> str:
    """A text, its middle left out if it is longer."""
    half = length // 2
    return text if len(text) <= length else f"{text[:half]} ... {text[-half:]}"
