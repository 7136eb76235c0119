"""The networks that a backprop is asked about: chosen so that no mistake can hide.

T = 1 hides most mistakes of time, equal widths and symmetric matrices a missing transpose, small weights the double
activation, h(0) = 0, one layer, exactly two layers or a batch of 1 something else each. So the networks differ in all
of these, and every number in them is a multiple of 2^-12, exact in float32.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng  # NumPy would load it at the first draw, within the first check
from numpy.typing import NDArray

from ..instances import dyadic
from ..manual import BatchForward, Elementwise
from .conventions import Conventions

Array = NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """The shape of one network that is asked about, and what it is there for.

    Attributes
    ----------
    name : what it is called in every message
    d : widths d_0, ..., d_n
    T, B : steps and sequences
    h0 : whether the initial states are random; else zero
    kind : of the numbers: "ordinary", "tiny", "large" (gradients above any usual clip), "long" (H carries far),
        "sized" (H and W small by rows, so that what rounding can do is known at any size)
    """

    name: str
    d: tuple[int, ...]
    T: int
    B: int = 1
    h0: bool = False
    kind: str = "ordinary"

    @property
    def hidden(self) -> int:
        """The number of hidden layers."""
        return len(self.d) - 2

    def with_hidden(self, count: int) -> Plan:
        """The same with another number of hidden layers: the last ones left out, or wider ones added."""
        same = len(set(self.d)) == 1
        added = [self.d[0] if same else max(self.d) + i for i in range(1, count - self.hidden + 1)]
        return replace(self, d=(self.d[0], *self.d[1:-1][:count], *added, self.d[-1]))


PLANS = (
    Plan("plain", (3, 4, 5), T=4, B=2),
    Plan("deep", (3, 5, 4, 6, 2), T=5, B=3, h0=True),
    Plan("two", (2, 5, 3, 4), T=6, B=2, h0=True),
    Plan("wide", (11, 12, 14, 10), T=9, B=1, h0=True),
    Plan("wide-one", (9, 10, 8), T=7, B=1, h0=True),
    Plan("wide-deep", (8, 9, 7, 10, 6), T=5, B=1, h0=True),
    Plan("square", (4, 4, 4, 4), T=7, B=5),
    Plan("long", (2, 3, 4), T=48, B=1, kind="long"),
    Plan("large", (10, 9, 11), T=8, kind="large"),
    Plan("tiny", (4, 3, 2), T=3, B=4, kind="tiny"),
)
"""Asked about in this order. In those called "wide" the widths are above T: f's own deltas can be solved for."""


SIZED_T, SIZED_B = 20, 8
"""Steps and sequences of a network of widths that a caller gives, unless given too."""


def sized(widths: tuple[int, ...], T: int = SIZED_T, B: int = SIZED_B) -> Plan:
    """A network of exactly these widths d_0, ..., d_n."""
    return Plan("sized", widths, T, B, h0=True, kind="sized")


def is_sized(plan: Plan) -> bool:
    """Whether a caller gave the size."""
    return plan.kind == "sized"


@dataclass(frozen=True)
class Probe:
    """One network with B sequences, in the document's own form: columns, one bias, float64.

    Attributes
    ----------
    plan : what it was drawn from
    seed : of its numbers
    params : n dicts, {"H": (d_l, d_l), "W": (d_l, d_{l-1}), "b": (d_l,)}, the last without "H"
    x : (T, B, d_0)
    y : (T, B), class indices from 0
    h0 : n - 1 arrays of shape (B, d_l)
    runs : its forward propagation by activation, as far as that was worked out (`truth.forward`)
    """

    plan: Plan
    seed: int
    params: list[dict[str, Array]]
    x: Array
    y: Array
    h0: list[Array]
    runs: dict[str | Elementwise, BatchForward] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.plan.name

    @property
    def n(self) -> int:
        """The number of the output layer."""
        return len(self.params)

    @property
    def T(self) -> int:
        """The number of time steps."""
        return int(self.x.shape[0])

    @property
    def B(self) -> int:
        """The number of sequences."""
        return int(self.x.shape[1])

    @cached_property
    def d(self) -> tuple[int, ...]:
        """The widths d_0, ..., d_n."""
        return (self.x.shape[2], *(layer["W"].shape[0] for layer in self.params))

    @cached_property
    def starts_elsewhere(self) -> bool:
        """Whether an initial state is not zero."""
        return any(bool(state.any()) for state in self.h0)

    @cached_property
    def targets(self) -> Array:
        """The targets as rows, (T, B, |V|)."""
        return np.asarray(np.eye(self.d[-1])[self.y])

    def sequences(self, chosen: slice) -> Probe:
        """The same network with some of its sequences."""
        return replace(self, x=self.x[:, chosen], y=self.y[:, chosen], h0=[state[chosen] for state in self.h0])

    def steps(self, T: int) -> Probe:
        """The same network, its sequences cut after T steps."""
        return replace(self, x=self.x[:T], y=self.y[:T])

    def reduced(self, conventions: Conventions) -> Probe:
        """What a backprop of these conventions can be asked: one sequence without a batch, h(0) = 0 without h0."""
        x, y, h0 = self.x, self.y, self.h0
        if conventions.batch == "none":
            x, y, h0 = x[:, :1], y[:, :1], [state[:1] for state in h0]
        return replace(self, x=x, y=y, h0=h0 if conventions.h0 else [np.zeros_like(state) for state in h0])

    def __str__(self) -> str:
        widths = ".".join(map(str, self.d))
        return f"{self.name} (n={self.n}, T={self.T}, B={self.B}, d={widths}, seed={self.seed})"


def draw(plan: Plan, seed: int) -> Probe:
    """The network that a plan and a seed determine."""
    numbers = [seed, plan.T, plan.B, *plan.d]
    rng = default_rng(np.array(numbers, np.uint32) if seed < 2**32 else numbers)  # an array is the same, and quicker
    n, T, B, d, kind = len(plan.d) - 1, plan.T, plan.B, plan.d, plan.kind
    params, x = (_sized if kind == "sized" else _normal)(rng, plan)
    y = rng.integers(d[n], size=(T, B))
    if kind == "long":
        for layer in params[:-1]:  # z stays near 0, where f' is near its largest: what is carried does not fade
            layer["W"], layer["b"] = dyadic(layer["W"] / 16), dyadic(layer["b"] / 16)
    if kind == "large":  # large x and W^(n), but a small h, so that the logits stay moderate
        x = x * 16
        params[0]["W"], params[0]["b"] = dyadic(params[0]["W"] / 256), dyadic(params[0]["b"] / 16)
        params[-1]["W"] = params[-1]["W"] * 32
    h0 = [dyadic(0.5 * rng.standard_normal((B, d[l]))) if plan.h0 else np.zeros((B, d[l])) for l in range(1, n)]
    return Probe(plan, seed, params, x, y, h0)


def _normal(rng: Generator, plan: Plan) -> tuple[list[dict[str, Array]], Array]:
    """Parameters and inputs; H is neither symmetric nor orthogonal, but keeps lengths where much must be carried far.

    All numbers are drawn and rounded at once, which takes a fraction of the time that it takes array by array.
    """
    n, d, scale = len(plan.d) - 1, plan.d, 1 / 32 if plan.kind == "tiny" else 1.0
    asked: list[tuple[tuple[int, ...], float, float]] = []  # shape, and by what the numbers are multiplied and divided
    for l in range(1, n + 1):
        asked.append(((d[l], d[l - 1]), scale / sqrt(d[l - 1]), 1.0))
        if l < n:
            asked.append(((d[l], d[l]), scale, sqrt(d[l])))
        asked.append(((d[l],), scale / 4, 1.0))
    shapes, *factors = zip(*asked, ((plan.T, plan.B, d[0]), 1.0, 1.0), strict=True)
    counts = list(map(prod, shapes))
    drawn = rng.standard_normal(sum(counts))
    times, over = np.array(factors).repeat(counts, axis=1)
    rounded = dyadic(times * drawn / over)
    places = [slice(*ends) for ends in pairwise(accumulate(counts, initial=0))]
    arrays = (rounded[at].reshape(shape) for at, shape in zip(places, shapes, strict=True))
    params: list[dict[str, Array]] = []
    for l in range(1, n + 1):
        W = next(arrays)
        params.append(({"H": next(arrays)} if l < n else {}) | {"W": W, "b": next(arrays)})
    if plan.kind == "long":
        for l, layer in enumerate(params[:-1]):
            rotation, _ = np.linalg.qr(drawn[places[3 * l + 1]].reshape(layer["H"].shape))
            layer["H"] = dyadic(rotation)
    return params, next(arrays)


def _sized(rng: Generator, plan: Plan) -> tuple[list[dict[str, Array]], Array]:
    """Parameters and inputs of a network of any size."""
    n, d, params = len(plan.d) - 1, plan.d, list[dict[str, Array]]()
    for l in range(1, n + 1):
        W = _small_by_rows(rng, d[l], d[l - 1])
        layer = {"H": _small_by_rows(rng, d[l], d[l]) * 0.75} if l < n else {}
        params.append(layer | {"W": W, "b": dyadic(rng.standard_normal(d[l]) / 4)})
    return params, dyadic(rng.standard_normal((plan.T, plan.B, d[0])))


def _small_by_rows(rng: Generator, rows: int, columns: int) -> Array:
    """One large entry in each row, and sizes that add up to little more, so that their products do not grow."""
    large = np.eye(columns)[rng.permutation(columns)][np.arange(rows) % columns]
    return dyadic(large + rng.standard_normal((rows, columns)) / (4 * columns))
