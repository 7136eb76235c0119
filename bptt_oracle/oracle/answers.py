"""What a backprop answered about one network, in the document's own form; or why it did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .conventions import Conventions
from .probes import Array, Probe

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


@dataclass(frozen=True)
class Failure:
    """Why there is no answer about one network.

    Attributes
    ----------
    slug : of the finding in the catalogue: "exception", "time-limit", "structure", "shape", "not-finite", ...
    message : one sentence
    detail : what a person needs beside it, for instance the traceback
    tensor : "dJ/dH^(1)" where it is about one gradient
    """

    slug: str
    message: str
    detail: str = ""
    tensor: str | None = None


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
    """One network that f was asked about: what it answered, and what is right, both under `conventions`."""

    probe: Probe
    conventions: Conventions
    answer: Answer
    truth: Truth

    @cached_property
    def outside(self) -> frozenset[str]:
        """Names of what lies outside its bound."""
        from .comparison import outside

        return frozenset(outside(self.answer, self.truth))

    def tensors(self) -> Iterator[tuple[int, str]]:
        """Layer l, from 1, and name of every gradient, the output layer first."""
        for l in range(self.probe.n, 0, -1):
            for name in self.truth.grads[l - 1]:
                yield l, name
