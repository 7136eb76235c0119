"""What a backprop answered about one network, in the document's own form; or why it did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .conventions import Conventions
from .probes import Array, Probe

if TYPE_CHECKING:
    from .setting import Setting

Grads = list[dict[str, Array]]
"""n dicts of arrays like the parameters, columns: "H", "W", "b"; with two biases also "b_hh", and "b" is b_ih."""


@dataclass(frozen=True)
class Answer:
    """What f returned, brought into the document's form: columns, float64 arrays.

    Attributes
    ----------
    loss : f's own J; None if it returns gradients alone
    grads : its gradients
    """

    loss: float | None
    grads: Grads


def entries(grads: Grads, names: tuple[tuple[int, str], ...]) -> Array:
    """All entries of the gradients that are named, by l and name, one after the other."""
    return np.concatenate([grads[l - 1][name].ravel() for l, name in names])


@dataclass(frozen=True)
class Failure:
    """Why there is no answer about one network.

    Attributes
    ----------
    slug : of the finding in the catalogue: "exception", "time-limit", "structure", "shape", "not-finite", ...
    message : one sentence
    said : what a person needs beside it, for instance the traceback; or what gives it, since it is seldom asked for
    tensor : "dJ/dH^(1)" where it is about one gradient
    """

    slug: str
    message: str
    said: str | Callable[[], str] = ""
    tensor: str | None = None

    @cached_property
    def detail(self) -> str:
        """What a person needs beside the message."""
        return self.said if isinstance(self.said, str) else self.said()


@dataclass(frozen=True)
class Limits:
    """How far J may be from the right one, and the gradients, entry by entry."""

    loss: float
    grads: Grads


@dataclass(frozen=True)
class Truth:
    """The right loss and gradients of one network, and how far a right program may be from them.

    Attributes
    ----------
    loss, grads : J and its gradients
    least : what all limits are at least
    bounded : works the limits out, which takes longer than all the rest and is done when they are first asked for
    source : what loss and gradients come from: "manual" or "jax"
    """

    loss: float
    grads: Grads
    least: Limits
    bounded: Callable[[], Limits]
    source: str = "manual"

    @cached_property
    def limits(self) -> Limits:
        """How far a right program may be from the truth."""
        return self.bounded()

    @cached_property
    def names(self) -> tuple[tuple[int, str], ...]:
        """Layer l, from 1, and name of every gradient, the output layer first."""
        return tuple((l, name) for l in range(len(self.grads), 0, -1) for name in self.grads[l - 1])

    @cached_property
    def entries(self) -> Array:
        """All entries of the gradients."""
        return entries(self.grads, self.names)

    @cached_property
    def least_entries(self) -> Array:
        """What the bound of each entry is at least."""
        return entries(self.least.grads, self.names)

    @property
    def loss_bound(self) -> float:
        """The bound of J."""
        return self.limits.loss

    @property
    def bounds(self) -> Grads:
        """The bounds of the gradients, entry by entry."""
        return self.limits.grads


@dataclass(frozen=True)
class Case:
    """One network that f was asked about: what it answered, and what is right, both under `conventions`.

    Where f's forward pass is known to be another one, `setting` is what that pass goes through, and `truth` what is
    right after it.
    """

    probe: Probe
    conventions: Conventions
    answer: Answer
    truth: Truth
    setting: Setting | None = None

    @cached_property
    def outside(self) -> frozenset[str]:
        """Names of what lies outside its bound."""
        from .comparison import outside

        return frozenset(outside(self.answer, self.truth))

    def tensors(self) -> Iterator[tuple[int, str]]:
        """Layer l, from 1, and name of every gradient, the output layer first."""
        yield from self.truth.names
