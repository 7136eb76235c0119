"""The small networks that the checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from ..arithmetic import balls, field
from ..instances import Description, draw
from ..manual import Network, no_shift, softmax
from ..reference import output, symbolic
from ..truth import Truth
from ..worlds import World, enclosures_overlap, exactly_equal, field_network, reference_activation, reference_values
from .substitutes import substitutes

Given = TypeVar("Given")

_WIDTHS = (2, 3, 1, 2)  # d_0, ..., d_{n-1}: unequal, so that a transpose shows
_CLASSES = 3
BITS = 256
"""The working precision over balls."""

_HEADS = {"softmax": output.SOFTMAX_ALGEBRAIC} | {name: output.with_g(g) for name, g in output.SUBSTITUTES.items()}


class Bench:
    """The networks that the checks of one run share, each made once; `seed` is that of all their values."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._worlds: dict[tuple[Any, ...], World] = {}
        self._known: dict[str, Any] = {}

    def once(self, name: str, work: Callable[[], Given]) -> Given:
        """What `work` gives, worked out once for all checks that ask for it by this name."""
        if name not in self._known:
            self._known[name] = work()
        found: Given = self._known[name]
        return found

    def description(self, n: int, T: int, y: str = "one-hot", h0: str = "random") -> Description:
        """The small instance of depth n and length T."""
        return Description(n, T, (*_WIDTHS[:n], _CLASSES), y=y, h0=h0, seed=self.seed)

    def world(self, n: int = 3, T: int = 4, y: str = "one-hot", h0: str = "random", g: str = "softmax") -> World:
        """The instance over the field, with a g of both sides; for y "doubled", targets sum to 2."""
        key = (n, T, y, h0, g)
        if key not in self._worlds:
            description = self.description(n, T, "soft" if y == "doubled" else y, h0)
            network, oracles = field_network(description)
            if y == "doubled":
                network = replace(network, y={t: target + target for t, target in network.y.items()})
            network = with_g(network, g)
            functions = dict(oracles.functions())
            with field.naming_division_by_zero():
                values = reference_values(network, symbolic.f, _HEADS[g], functions, field.element)
            self._worlds[key] = World("field", description, network, Truth(network, values), exactly_equal)
        return self._worlds[key]

    def ball_world(self, y: str, g: str) -> World:
        """The output layer alone, over balls of the working precision, with the real exp and log."""
        key = ("balls", y, g)
        if key not in self._worlds:
            instance = draw(self.description(1, 2, y))
            network = with_g(instance.network().over(balls.to_balls, instance.functions()), g)
            values = reference_values(network, reference_activation(instance), _HEADS[g], None, balls.ball)
            truth = Truth(network, values)
            self._worlds[key] = World("balls", instance.description, network, truth, enclosures_overlap)
        return self._worlds[key]

    def evidence(self, instances: Iterable[World | Description], **found: Any) -> dict[str, Any]:
        """Evidence of the usual form: the seed, the instances, what was found."""
        names = [str(i.description) if isinstance(i, World) else str(i) for i in instances]
        return {"seed": self.seed, "instances": names, **found}


def with_g(network: Network, g: str) -> Network:
    """The network with softmax or one of its substitutes, over the same numbers."""
    functions = network.functions
    exp, log = functions.exp, functions.log
    chosen = softmax(exp, no_shift) if g == "softmax" else substitutes(exp, log)[g]
    return replace(network, functions=replace(functions, g=chosen))
