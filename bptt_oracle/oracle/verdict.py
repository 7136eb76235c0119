"""Whether somebody's backprop is right: whether its answers lie within their bounds decides it, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..manual import Elementwise
from .calling import TIME_LIMIT, Callee, Function
from .conventions import ConventionError, Conventions
from .examination import Examination
from .inquiry import Inquiry
from .pairs import pair
from .probes import PLANS, SIZED_B, SIZED_T, Plan, sized
from .result import Result
from .text import call

SOURCES = ("manual", "jax")

_NO_FLOAT32 = (
    "precision: expected float64 beside widths, but got float32; what rounding can do in float32 in a large network "
    "hides mistakes: leave out widths"
)


class GradientError(AssertionError):
    """A backprop that is not right: the message is the whole verdict.

    Attributes
    ----------
    result : the verdict
    """

    def __init__(self, result: Result) -> None:
        super().__init__(str(result))
        self.result = result


def check(
    f: Function,
    *,
    truth: str = "manual",
    seed: int = 2016,
    time_limit: float = TIME_LIMIT,
    layers: int | None = None,
    widths: Sequence[int] | None = None,
    T: int | None = None,
    B: int | None = None,
    fresh: Callable[[], Function] | None = None,
    diagnose: bool = True,
    name: str | None = None,
    layout: str | None = None,
    batch: str | None = None,
    biases: int | None = None,
    over_time: str | None = None,
    over_batch: str | None = None,
    activation: str | Elementwise | tuple[Callable[..., Any], Callable[..., Any]] | None = None,
    targets: str | None = None,
    h0: bool | None = None,
    precision: str | None = None,
) -> Result:
    """Whether a backprop through time is right, and if not, what was done.

    f is asked about networks that differ in everything that can hide a mistake, and every entry of what it answers
    is held against the right one, within a bound on what rounding can do. What is not declared is found out.

    Parameters
    ----------
    f
        f(params, x, y), or f(params, x, y, h0=[...]) if it takes initial states; returns (loss, grads) or grads.
        `params` is a list of n dicts, {"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}, the last without "H"; x is
        (T, d_0), y holds T classes from 0, also where the loss is that of the last step alone; `grads` has the
        structure of params. A batch, rows in the place of columns, two biases and the like are conventions: see
        `Conventions`.
    truth
        What the answers are held against: "manual", the verified one-pass backprop, or "jax", what JAX derives.
    seed
        Of all networks, at least 0.
    time_limit
        Seconds that one call may take. Beyond it, all calls together have twice as many, since f may compile something
        at its first call of a shape; when they are used up, a call that takes longer is a mistake.
    layers
        The largest number of hidden layers that f takes. If it is not given, that f raises where there are more is
        reported as a limit; otherwise it is a mistake.
    widths, T, B
        Ask about one network of exactly these widths d_0, ..., d_n, instead of networks of all shapes, with B sequences
        of T steps: 8 of 20, unless given. In float64 only: in float32, rounding can do too much there.
    fresh
        Gives another f, as new, to tell a mistake from what an earlier call has left behind.
    diagnose
        Whether the mistake is looked for in the catalogue, if there is one.
    name
        What f is called in the result; else its own name.
    layout, batch, biases, over_time, over_batch, activation, targets, h0, precision
        Conventions, as in `Conventions`; None has them found out. `activation` may be a pair (f, f'). float32 arrays
        are given to f only if that is its declared precision.

    Raises
    ------
    ConventionError
        For a convention, a truth, a seed, a number of layers, a width or a time limit that does not exist.
    TypeError
        If f or fresh is no function.
    """
    given: dict[str, Any] = {
        "layout": layout,
        "batch": batch,
        "biases": biases,
        "over_time": over_time,
        "over_batch": over_batch,
        "activation": _activation(activation),
        "targets": targets,
        "h0": h0,
        "precision": precision,
    }
    declared = {key: value for key, value in given.items() if value is not None}
    Conventions(**declared)  # raises for one that does not exist
    _expect(truth in SOURCES, f"truth: expected {' or '.join(SOURCES)}, but got {truth!r}")
    _expect(seed >= 0, f"seed: expected at least 0, but got {seed}")
    _expect(layers is None or layers >= 1, f"layers: expected at least 1, but got {layers}")
    if widths is not None:
        _expect(declared.setdefault("precision", "float64") == "float64", _NO_FLOAT32)
    _expect(time_limit > 0, f"time_limit: expected more than 0 seconds, but got {time_limit}")
    plans = PLANS if widths is None else (_sized(widths, T, B, layers),)
    _expect(widths is not None or (T is None and B is None), "T, B: expected only beside widths; give widths too")
    callee = Callee(f, time_limit=time_limit, precision=precision or "float64", fresh=fresh)
    with _no_warning_is_an_error(), closing(callee):
        examination = Examination(Inquiry(callee, seed, truth, plans), declared, layers, diagnose=diagnose)
        result = examination.result(name or str(getattr(f, "__name__", type(f).__name__)))
    if B is not None and B > 1 and result.asked and result.conventions.batch == "none":
        result = replace(
            result, limits=(*result.limits, f"asked about one sequence, not about B = {B}: f takes no batch")
        )
    sizes = {"layers": layers, "widths": widths if widths is None else plans[0].d, "T": T, "B": B}
    others: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
    if time_limit != TIME_LIMIT:
        others["time_limit"] = time_limit
    return replace(result, again=call(result, **others)) if others else result


def assert_correct(f: Function, **options: Any) -> None:
    """Raise `GradientError`, with the whole verdict as its text, unless `check` finds f right; options as there."""
    __tracebackhide__ = True  # the frame says nothing that the text does not
    result = check(f, **options)
    if not result.ok:
        raise GradientError(result)


def _activation(given: Any) -> Any:
    """A name, or the functions that were given, looked at."""
    match given:
        case Elementwise():
            return pair(given.function, given.derivative)
        case tuple() if len(given) == 2:
            return pair(*given)
    return given


def _sized(widths: Any, T: Any, B: Any, layers: int | None) -> Plan:
    """The plan of a network of the size that was given."""

    def is_count(number: Any) -> bool:
        return isinstance(number, int | np.integer) and number is not True and bool(number >= 1)

    _expect(
        isinstance(widths, Sequence | np.ndarray) and len(widths) >= 3 and all(map(is_count, widths)),
        "widths: expected at least three integers from 1, d_0 of x, those of the hidden layers and d_n of the classes, "
        f"but got {widths!r}",
    )
    T, B = SIZED_T if T is None else T, SIZED_B if B is None else B
    for name, number in (("T", T), ("B", B)):
        _expect(is_count(number), f"{name}: expected an integer of at least 1, but got {number!r}")
    _expect(layers is None, f"layers: expected nothing beside widths, which have {len(widths) - 2}; leave it out")
    return sized(tuple(map(int, widths)), int(T), int(B))


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise ConventionError(message)


@contextmanager
def _no_warning_is_an_error() -> Iterator[None]:
    """Let f warn, also where warnings are errors: that exp overflows is no answer to what was asked."""
    with warnings.catch_warnings():
        if any(action == "error" for action, *_ in warnings.filters):
            warnings.simplefilter("default")
        yield
