"""Random networks: each one a pure function of its description, which every output names.

A description reads ``n=3,T=4,d=2.3.1.4,f=tanh,scale=ordinary,h0=random,y=one-hot,seed=17``. The numbers of an
instance are dyadic, so that the float, the ball and the printed decimal are the same real number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .manual import ACTIVATIONS, Functions, Network, mixture, network

SCALES = {"tiny": 2.0**-7, "ordinary": 1.0, "saturated": 8.0}
"""What multiplies weights that are otherwise of the size 1 / sqrt(fan-in)."""

TARGETS = ("one-hot", "soft")
STATES = ("zero", "random")
NAMED = (*ACTIVATIONS, "mixture")
_BITS = 12  # of every number drawn, so that products stay exact in more places and decimals stay short


class DescriptionError(ValueError):
    """A description of an instance that cannot be read."""


@dataclass(frozen=True)
class Description:
    """What determines an instance.

    Attributes
    ----------
    n, T : depth (the output layer's number) and number of time steps, both at least 1
    d : widths d_0, ..., d_n
    f : name of an activation
    scale : "tiny", "ordinary" or "saturated" weights
    h0 : "zero" or "random" initial states
    y : "one-hot" or "soft" targets
    seed : of the values
    """

    n: int
    T: int
    d: tuple[int, ...]
    f: str = "tanh"
    scale: str = "ordinary"
    h0: str = "random"
    y: str = "one-hot"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n < 1 or self.T < 1 or len(self.d) != self.n + 1 or min(self.d) < 1:
            raise DescriptionError(
                f"expected n >= 1, T >= 1 and n + 1 widths of at least 1, but got n={self.n}, T={self.T}, d={self.d}"
            )
        if self.seed < 0:
            raise DescriptionError(f"seed: expected at least 0, but got {self.seed}")
        for name, known in (("f", NAMED), ("scale", tuple(SCALES)), ("h0", STATES), ("y", TARGETS)):
            if getattr(self, name) not in known:
                raise DescriptionError(f"{name}: expected one of {', '.join(known)}, but got {getattr(self, name)!r}")

    def __str__(self) -> str:
        return (
            f"n={self.n},T={self.T},d={'.'.join(map(str, self.d))},f={self.f},scale={self.scale},"
            f"h0={self.h0},y={self.y},seed={self.seed}"
        )

    @classmethod
    def parse(cls, text: str) -> Description:
        """The description that `text` spells; DescriptionError if it spells none."""
        try:
            given = dict(part.split("=", 1) for part in text.split(","))
            values: dict[str, Any] = {
                key: tuple(map(int, value.split(".")))
                if key == "d"
                else int(value)
                if key in ("n", "T", "seed")
                else value
                for key, value in given.items()
            }
            if unknown := values.keys() - {field.name for field in fields(cls)}:
                raise DescriptionError(f"unknown: {', '.join(sorted(unknown))}")
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise DescriptionError(
                f"expected a description such as {cls(2, 3, (1, 2, 3))}, but got {text!r} ({error})"
            ) from error


@dataclass(frozen=True)
class Instance:
    """The arrays of one network, float64, in the structure of the public contract."""

    description: Description
    params: list[dict[str, NDArray[np.float64]]]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    h0: list[NDArray[np.float64]]
    coefficients: tuple[float, float, float, float, float]

    def functions(self) -> Functions:
        """F and f' of this instance, with softmax, for the manual side."""
        name = self.description.f
        return Functions(f=mixture(*self.coefficients) if name == "mixture" else ACTIVATIONS[name])

    def network(self, dtype: Any = np.float64) -> Network:
        """The instance as a network of the manual side."""
        return network(
            [{name: array.astype(dtype) for name, array in layer.items()} for layer in self.params],
            self.x.astype(dtype),
            self.y.astype(dtype),
            [state.astype(dtype) for state in self.h0],
            self.functions(),
        )


def draw(description: Description) -> Instance:
    """The instance that a description determines."""
    rng = np.random.default_rng([description.seed, description.n, description.T, *description.d])
    n, T, d = description.n, description.T, description.d
    scale = SCALES[description.scale]

    def matrix(rows: int, columns: int) -> NDArray[np.float64]:
        return dyadic(scale * rng.standard_normal((rows, columns)) / np.sqrt(columns))

    def vector(size: int) -> NDArray[np.float64]:
        return dyadic(rng.standard_normal(size) / 2)

    params = [
        ({"H": matrix(d[l], d[l])} if l < n else {}) | {"W": matrix(d[l], d[l - 1]), "b": vector(d[l])}
        for l in range(1, n + 1)
    ]
    x = dyadic(rng.standard_normal((T, d[0])))
    y = np.array([_target(rng, d[n], description.y) for _ in range(T)])
    h0 = [vector(d[l]) if description.h0 == "random" else np.zeros(d[l]) for l in range(1, n)]
    c0, c1, c2, c3, c4 = (float(c) for c in dyadic(rng.standard_normal(5) / 2))
    return Instance(description, params, x, y, h0, (c0, c1, c2, c3, c4))


def dyadic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest multiples of 2^-12."""
    rounded: NDArray[np.float64] = np.rint(values * 2.0**_BITS) / 2.0**_BITS
    return rounded


def _target(rng: np.random.Generator, classes: int, kind: str) -> NDArray[np.float64]:
    """One row that sums to 1 exactly: a unit vector, or multiples of 2^-12."""
    if kind == "one-hot" or classes == 1:
        return np.asarray(np.eye(classes)[rng.integers(classes)])
    row = np.floor(rng.dirichlet(np.ones(classes)) * 2.0**_BITS) / 2.0**_BITS
    row[0] += 1 - row.sum()
    return np.asarray(row)


def small_first(count: int) -> NDArray[np.float64]:
    """Weights that fall by a quarter from one to the next: wide layers cost the most and show the least."""
    weights = 0.75 ** np.arange(count)
    return np.asarray(weights / weights.sum())


def random_description(
    rng: np.random.Generator,
    seed: int,
    *,
    depth: Sequence[int] = range(1, 7),
    steps: Sequence[int] = range(1, 11),
    widths: Sequence[int] = range(1, 9),
    activations: Sequence[str] = NAMED,
    scales: Sequence[str] = tuple(SCALES),
    targets: Sequence[str] = TARGETS,
) -> Description:
    """A random description: depth, then length, then widths, from the ranges given."""
    n, T = int(rng.choice(depth)), int(rng.choice(steps))
    return Description(
        n=n,
        T=T,
        d=tuple(int(width) for width in rng.choice(widths, size=n + 1, p=small_first(len(widths)))),
        f=str(rng.choice(activations)),
        scale=str(rng.choice(scales)),
        h0=str(rng.choice(STATES)),
        y=str(rng.choice(targets)),
        seed=seed,
    )
