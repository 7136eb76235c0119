"""What a forward pass goes through: the states, and what each layer took for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arguments import halves
from ..probes import Array, Probe

Activation = Callable[[Array], Array]


@dataclass
class Walk:
    """What a forward pass goes through, layer by layer.

    Attributes
    ----------
    H, W, b : by layer; b in two parts, of which the second is zero where there is but one
    state : state[l][t] is what is kept as h^(l)(t), shape (T + 1, B, d_l); state[0][t] is x(t)
    passed : passed[l][t-1] is what is handed on as h^(l)(t), shape (T, B, d_l)
    z : z[l][t-1] is z^(l)(t), shape (T, B, d_l)
    before, below : what layer l took for h^(l)(t-1) and h^(l-1)(t), shapes (T, B, d_l) and (T, B, d_{l-1})
    y_hat : shape (T, B, |V|)
    losses : J^(t) of every sequence, shape (T, B)
    """

    H: dict[int, Array]
    W: dict[int, Array]
    b: dict[int, tuple[Array, Array]]
    state: dict[int, Array] = field(default_factory=dict)
    passed: dict[int, Array] = field(default_factory=dict)
    z: dict[int, Array] = field(default_factory=dict)
    before: dict[int, Array] = field(default_factory=dict)
    below: dict[int, Array] = field(default_factory=dict)
    y_hat: Array = field(default_factory=lambda: np.zeros(0))
    losses: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def at(cls, probe: Probe, biases: int) -> Walk:
        """The beginning of a pass through a network."""
        layers = dict(enumerate(probe.params, start=1))
        return cls(
            H={l: layer["H"] for l, layer in layers.items() if "H" in layer},
            W={l: layer["W"] for l, layer in layers.items()},
            b={
                l: halves(layer["b"]) if biases == 2 and "H" in layer else (layer["b"], np.zeros_like(layer["b"]))
                for l, layer in layers.items()
            },
            state={0: np.concatenate([np.zeros_like(probe.x[:1]), probe.x])},
            passed={0: probe.x},
        )

    @property
    def n(self) -> int:
        """The number of the output layer."""
        return len(self.W)
