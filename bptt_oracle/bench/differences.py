"""The usual checks of a gradient: each compares it with differences of the loss, at its defaults.

* central differences, entry by entry, as courses have them;
* `torch.autograd.gradcheck`, slow and fast, with f as an autograd function of its own;
* `jax.test_util.check_grads`, with f as a custom VJP (so `modes=("rev",)`, and `order=1`, which has no default).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..oracle.arguments import Arguments, arguments
from ..oracle.conventions import Conventions
from ..oracle.probes import Array, Probe

Function = Callable[..., Any]
Both = tuple[float, list[Array]]
At = Callable[[Sequence[Array]], Both]
"""The loss and its gradients, as a function of the parameters one after the other."""

SLOW, FAST, CHECK_GRADS = "torch gradcheck", "torch gradcheck, fast mode", "jax check_grads"


@dataclass(frozen=True)
class Point:
    """One network, where the gradient of a backprop is compared with differences of its loss.

    Attributes
    ----------
    given : what f is called with
    names : layer, from 0, and key of every parameter
    """

    given: Arguments
    names: tuple[tuple[int, str], ...]

    @classmethod
    def at(cls, probe: Probe, conventions: Conventions) -> Point:
        """A network in the form in which f takes it."""
        given = arguments(probe.reduced(conventions), conventions)
        return cls(given, tuple((l, name) for l, layer in enumerate(given.params) for name in layer))

    @property
    def leaves(self) -> list[Array]:
        """The parameters, one after the other."""
        return [self.given.params[l][name] for l, name in self.names]

    def of(self, f: Function) -> At:
        """The loss and its gradients as f has them, as a function of the parameters."""

        def at(leaves: Sequence[Array]) -> Both:
            params: list[dict[str, Array]] = [{} for _ in self.given.params]
            for (l, name), leaf in zip(self.names, leaves, strict=True):
                params[l][name] = np.array(leaf, dtype=np.float64)
            keywords: dict[str, Any] = {}
            if self.given.h0 is not None:
                keywords["h0"] = [state.copy() for state in self.given.h0]
            loss, grads = f(params, self.given.x.copy(), self.given.y.copy(), **keywords)
            gradients = [np.asarray(grads[l][name], dtype=np.float64) for l, name in self.names]
            shaped = [g.reshape(leaf.shape) for g, leaf in zip(gradients, leaves, strict=True)]
            return float(np.asarray(loss).reshape(())), shaped

        return at


def numeric_gradients(at: At, leaves: Sequence[Array], step: float) -> list[Array]:
    """Central differences of the loss, entry by entry."""
    found = []
    moved = [leaf.copy() for leaf in leaves]
    for index, leaf in enumerate(leaves):
        gradient = np.zeros_like(leaf)
        for entry in np.ndindex(leaf.shape):
            losses = []
            for sign in (1, -1):
                moved[index][entry] = leaf[entry] + sign * step
                losses.append(at(moved)[0])
            moved[index][entry] = leaf[entry]
            gradient[entry] = (losses[0] - losses[1]) / (2 * step)
        found.append(gradient)
    return found


@cache
def libraries() -> dict[str, Callable[[At, Sequence[Array]], bool] | None]:
    """The checks of the libraries, by name: whether they let a backprop through; None where one is not installed."""
    from .check_with_jax import check_grads

    slow: Callable[[At, Sequence[Array]], bool] | None = None
    fast: Callable[[At, Sequence[Array]], bool] | None = None
    if find_spec("torch") is not None:
        from . import check_with_torch

        slow, fast = check_with_torch.slow, check_with_torch.fast
    return {SLOW: slow, FAST: fast, CHECK_GRADS: check_grads}
