"""Where digits go: how much of an error the problem's conditioning explains, and which step lost the rest.

The derivation itself loses none: over balls both sides enclose the same numbers. What a float format loses has two
causes. The *condition number* says how much the true gradient moves when the data move by a relative u, which no
algorithm can undo, since rounding the data alone does that. What exceeds it is rounding inside the algorithm; to find
the step, the recursion is run with every stored value rounded to the format, except at one step at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arithmetic import balls
from .arithmetic.formats import FORMATS
from .floating import BITS, DTYPES
from .instances import Instance
from .manual import ROUTES, Derivation, Network, one_pass

_STEP = 2.0**-80
"""Relative step of the differences behind the condition number, far above 2^-256 and far below any curvature."""


@dataclass(frozen=True)
class Attribution:
    """Where the error of one gradient comes from.

    Attributes
    ----------
    tensor : which gradient, for instance "H^(1)"
    format : the float format
    error : relative to the largest entry, in unit roundoffs u of the format
    condition : the largest relative change of the gradient, in units of u, for data that change by a relative u each
    cause : "conditioning" where the error is at most the condition number, else "rounding"
    step : the step whose stored values, kept exact, remove the most of the error: ("forward" or "backward", t)
    regained : the share of the error that this removes
    """

    tensor: str
    format: str
    error: float
    condition: float
    cause: str
    step: tuple[str, int]
    regained: float


def attribute(instance: Instance, name: str, computed: Mapping[str, Any]) -> list[Attribution]:
    """Attribute the errors of gradients.

    Parameters
    ----------
    instance
        The network; its inputs as rounded to the format are the problem.
    name
        The format.
    computed
        One side's gradients in the format, by tensor: "H^(1)", "W^(2)", ...; see `tensors`.
    """
    u = FORMATS[name].u
    with balls.precision(BITS):
        exact = instance.network(DTYPES[name]).over(balls.to_balls, instance.functions())
        truth = tensors(one_pass(exact))
        moved = _conditions(exact, truth)
        steps = _steps(exact, name, truth)
        found = []
        for tensor, true in truth.items():
            size = _size(true)
            if size == 0:
                continue
            error = _distance(computed[tensor], true) / size / u
            all_rounded = steps[None][tensor]
            raised = {step: errors[tensor] for step, errors in steps.items() if step is not None}
            best = min(raised, key=lambda step: raised[step])
            found.append(
                Attribution(
                    tensor=tensor,
                    format=name,
                    error=error,
                    condition=moved[tensor],
                    cause="conditioning" if error <= moved[tensor] else "rounding",
                    step=best,
                    regained=1 - raised[best] / all_rounded if all_rounded > 0 else 0.0,
                )
            )
        return found


def tensors(gradients: Any) -> dict[str, Any]:
    """The gradients of the parameters by name: "H^(1)", "W^(1)", "b^(1)", ..."""
    return {f"{name}^({l})": array for name in ("H", "W", "b") for l, array in getattr(gradients, name).items()}


def _size(array: Any) -> float:
    return max(float(abs(balls.ball(entry)).mid()) for entry in np.asarray(array).flat)


def _distance(a: Any, b: Any) -> float:
    difference = balls.to_balls(np.asarray(a)) - balls.to_balls(np.asarray(b))
    return _size(difference)


def _conditions(exact: Network, truth: Mapping[str, Any]) -> dict[str, float]:
    """For each gradient, the sum over all data of |change of the gradient| for a relative step, over both sizes."""
    moved = dict.fromkeys(truth, 0.0)
    for network in _perturbed(exact):
        for tensor, array in tensors(one_pass(network)).items():
            moved[tensor] += _distance(array, truth[tensor]) / _STEP
    return {tensor: moved[tensor] / size if (size := _size(truth[tensor])) > 0 else 0.0 for tensor in truth}


def _perturbed(network: Network) -> Iterator[Network]:
    """The network with one of its numbers changed by a relative `_STEP`, for each that is not 0."""
    for name in ("H", "W", "b", "x", "h0"):
        arrays = getattr(network, name)
        for at, array in arrays.items():
            for index in np.ndindex(*array.shape):
                if array[index] != 0:
                    changed = array.copy()
                    changed[index] = changed[index] * (1 + balls.ball(_STEP))
                    perturbed: Any = {name: {**arrays, at: changed}}
                    yield replace(network, **perturbed)


class _Stored(Derivation):
    """The derivation over balls with every stored h and gamma rounded to a format, but for one step."""

    def __init__(self, network: Network, store: Callable[[Any], Any], spared: tuple[str, int] | None) -> None:
        super().__init__(network, ROUTES["4"])
        self._store, self._spared = store, spared

    def _work_out(self, name: str, at: tuple[int, ...]) -> tuple[int | None, Any]:
        number, exact = super()._work_out(name, at)
        direction = {"h": "forward", "gamma": "backward", "delta": "backward"}.get(name)
        if direction is None or (name == "h" and 0 in at) or (direction, at[1]) == self._spared:
            return number, exact
        return number, self._store(exact)


def _steps(exact: Network, name: str, truth: Mapping[str, Any]) -> dict[tuple[str, int] | None, dict[str, float]]:
    """The absolute error of every gradient with all stored values rounded (None), and with one step spared."""
    dtype = DTYPES[name]

    def store(array: Any) -> Any:
        return balls.to_balls(balls.midpoints(array).astype(dtype).astype(np.float64))

    def errors(spared: tuple[str, int] | None) -> dict[str, float]:
        q = _Stored(exact, store, spared)
        found = {}
        for tensor, true in truth.items():
            symbol = {"H": q.grad_H, "W": q.grad_W, "b": q.grad_b}[tensor[0]]
            found[tensor] = _distance(symbol[int(tensor[3:-1])], true)
        return found

    steps = [(direction, t) for direction in ("forward", "backward") for t in range(1, exact.T + 1)]
    return {None: errors(None)} | {step: errors(step) for step in steps}
